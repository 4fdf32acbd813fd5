"""What does a trial cost beyond data and training steps, here and under `wandb agent`?

    python -m benchmarks.sweep_overhead [--trials 6]

One tiny CNN on synthetic beats, the same sweep file three times, one trial at a time: our agent
with a warm worker, our agent with a fresh process for each trial, and `wandb agent` against the
tests' stand-in for W&B's server on this machine. Overhead is the time from the beginning of one
trial to that of the next, less what the program itself measured as `data_seconds` and
`fit_seconds`. The first trial is left out: it loads the libraries and makes the synthetic beats.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import yaml

from sweeps import storage
from tests.wandb_backend.server import WandbBackend
from utils.command_line import Parser
from utils.paths import PROJECT_FOLDER

API_KEY = "local-" + 40 * "0"
SWEEP = {
    "program": "training/train_cnn.py",
    "name": "overhead",
    "method": "grid",
    "metric": {"name": "best_val_macro_f1", "goal": "maximize"},
    "command": ["${env}", "${interpreter}", "-m", "training.train_cnn", "${args}"],
    "parameters": {
        "data": {"value": "synthetic"},
        "train_limit": {"value": 2000},
        "epochs": {"value": 2},
        "width": {"value": 16},
    },
}


def main() -> int:
    """Print the table."""
    parser = Parser(__doc__)
    parser.add_argument("--trials", type=int, default=6)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder:
        rows = {
            "our agent, warm": _ours(Path(folder) / "warm", trials, "auto"),
            "our agent, fresh processes": _ours(Path(folder) / "fresh", trials, "off"),
            "wandb agent": _wandb(Path(folder) / "wandb", trials),
        }
    headers = "".join(f"{name:>8}" for name in ("whole", "data", "fit"))
    print(f"{f'seconds a trial, median of {trials - 1}':<36}{headers}{'overhead':>10}")
    for name, parts in rows.items():
        middle = [statistics.median(values) for values in zip(*parts, strict=True)]
        overhead = statistics.median(whole - data - fit for whole, data, fit in parts)
        print(f"{name:<36}" + "".join(f"{value:8.2f}" for value in middle) + f"{overhead:10.2f}")
    return 0


def _ours(folder: Path, trials: int, warm: str) -> list[tuple[float, float, float]]:
    """Whole, data and fit seconds of each trial but the first."""
    file, environment = _prepared(folder, trials)
    started = time.time()
    command = [sys.executable, "-m", "sweeps.agent", str(file), "--warm", warm]
    subprocess.run(
        command, env=environment, check=True, cwd=PROJECT_FOLDER, stdout=subprocess.DEVNULL
    )
    ended = time.time()
    study = optuna.load_study(
        study_name="overhead",
        storage=storage.connect(f"sqlite:///{folder}/runs/sweeps/studies.db"),
    )
    begun = [trial.datetime_start.timestamp() for trial in study.trials if trial.datetime_start]
    last = study.trials[-1].datetime_complete
    assert last is not None and started < begun[0] < ended
    summaries = [trial.user_attrs["summary"] for trial in study.trials]
    return _parts([*begun, last.timestamp()], summaries)


def _wandb(folder: Path, trials: int) -> list[tuple[float, float, float]]:
    file, environment = _prepared(folder, trials)
    backend = WandbBackend(API_KEY)
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment |= {"WANDB_BASE_URL": backend.url, "WANDB_API_KEY": API_KEY, "PATH": path}
    printed = subprocess.run(
        ["wandb", "sweep", "--project", "beats", str(file)],
        env=environment,
        check=True,
        cwd=PROJECT_FOLDER,
        capture_output=True,
        text=True,
    )
    sweep = re.findall(r"wandb agent (\S+)", printed.stdout + printed.stderr)[-1]
    begun: dict[str, float] = {}
    with subprocess.Popen(
        ["wandb", "agent", "--count", str(trials), sweep],
        env=environment,
        cwd=PROJECT_FOLDER,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as agent:
        while agent.poll() is None:
            for name in list(backend.runs):
                begun.setdefault(name, time.time())
            time.sleep(0.02)
    backend.close()
    summaries = [run["summary"] for run in backend.runs.values()]
    return _parts([*begun.values(), time.time()], summaries)


def _prepared(folder: Path, trials: int) -> tuple[Path, dict[str, str]]:
    folder.mkdir()
    seeds = {"seed": {"values": list(range(trials))}}
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump({**SWEEP, "parameters": {**SWEEP["parameters"], **seeds}}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return file, {
        **kept,
        "HOME": str(folder),
        "ECG_RUNS": str(folder / "runs"),
        "WANDB_DIR": str(folder),
        "WANDB_ERROR_REPORTING": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _parts(begun: list[float], summaries: list[dict]) -> list[tuple[float, float, float]]:
    wholes = [later - earlier for earlier, later in zip(begun, begun[1:], strict=False)]
    return [
        (whole, summary["data_seconds"], summary["fit_seconds"])
        for whole, summary in zip(wholes[1:], summaries[1:], strict=True)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
