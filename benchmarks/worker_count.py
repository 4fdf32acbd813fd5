"""Two workers with half of the cores each, or one with all of them?

    python -m benchmarks.worker_count [--trials 4] [--beats 4000] [--rounds 2]

The same trials, one epoch of the shipped CNN and of the shipped RNN on synthetic beats, run by the
sweep agent with one worker and with as many as there are cores, twice each in turn; the faster
counts. The time runs from the end of one trial per worker, which warms them up, so the loading of
libraries is left out.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from sweeps.storage import connect
from utils.command_line import Parser
from utils.paths import PROJECT_FOLDER


def main() -> int:
    """Print the table."""
    parser = Parser(__doc__)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--beats", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    cores = os.cpu_count() or 1
    headers = f"{f'1 worker, {cores} threads':>24}{f'{cores} workers, 1 thread':>24}"
    print(f"{f'seconds for {args.trials} trials':<24}{headers}")
    with tempfile.TemporaryDirectory() as folder:  # one for all: the beats are made once
        for name in ("cnn", "rnn"):
            times: dict[int, list[float]] = {1: [], cores: []}
            for number in range(args.rounds):
                for workers, seconds in times.items():
                    sweep = _sweep(name, workers + args.trials, args.beats)
                    sweep["name"] = f"{name}-{workers}-{number}"
                    seconds.append(_seconds(Path(folder), sweep, workers, args.trials))
            one, many = min(times[1]), min(times[cores])
            print(f"{name:<24}{one:24.1f}{many:24.1f}   ({one / many:.2f} times as fast)")
    return 0


def _seconds(folder: Path, sweep: dict[str, Any], workers: int, trials: int) -> float:
    """From the end of the warm-up trials, one per worker, to the end of the last trial."""
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump(sweep))
    environment = {**os.environ, "HOME": str(folder), "ECG_RUNS": str(folder / "runs")}
    command = [sys.executable, "-m", "sweeps.agent", str(file), "--workers", str(workers)]
    subprocess.run(
        command, cwd=PROJECT_FOLDER, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    database = connect(f"sqlite:///{folder}/runs/sweeps/studies.db")
    study = database.get_study_id_from_name(sweep["name"])
    ends = sorted(
        trial.datetime_complete.timestamp()
        for trial in database.get_all_trials(study)
        if trial.datetime_complete
    )
    assert len(ends) == workers + trials and ends[-1] < time.time()
    return ends[-1] - ends[workers - 1]


def _sweep(name: str, trials: int, beats: int) -> dict[str, Any]:
    """A sweep of one epoch of a shipped network on `beats` synthetic beats."""
    file = PROJECT_FOLDER / "training" / "best_settings" / f"{name}-mitbih.yaml"
    fixed = {**yaml.safe_load(file.read_text()), "data": "synthetic"}
    fixed |= {"train_limit": beats, "epochs": 1}
    fixed.pop("protocol", None)
    parameters: dict[str, Any] = {key: {"value": value} for key, value in fixed.items()}
    parameters["seed"] = {"values": list(range(trials))}
    return {
        "program": f"training/train_{name}.py",
        "method": "grid",
        "metric": {"name": "best_val_macro_f1", "goal": "maximize"},
        "command": ["${env}", "${interpreter}", "-m", f"training.train_{name}", "${args}"],
        "parameters": parameters,
    }


if __name__ == "__main__":
    raise SystemExit(main())
