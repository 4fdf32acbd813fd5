"""Keep what the trials of a grid study scored, for benchmarks.search_quality.

    python -m benchmarks.record_trials recorded-cnn-trials

Writes benchmarks/recorded_cnn_trials.csv: one row per cell, the parameters that vary, the score.
"""

import csv
from pathlib import Path

from sweeps import storage
from utils.command_line import Parser
from utils.errors import InputError, exit_plainly

FILE = Path(__file__).with_name("recorded_cnn_trials.csv")


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Read the study, write the table."""
    parser = Parser(__doc__)
    parser.add_argument("study")
    study = storage.open_existing(parser.parse_args(argv).study)
    sweep = study.user_attrs["sweep"]
    trials = study.trials
    if not trials or any(trial.value is None for trial in trials):
        raise InputError(f"not every trial of '{study.study_name}' has finished")
    varying = [name for name in trials[0].params if len(trials[0].distributions[name].choices) > 1]
    with FILE.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*varying, sweep["metric"]["name"]])
        for trial in trials:
            table.writerow([*(trial.params[name] for name in varying), f"{trial.value:.6f}"])
    print(f"{len(trials)} trials in {FILE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
