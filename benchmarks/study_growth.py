"""Does a study get slower as it grows?

    python -m benchmarks.study_growth [--trials 1000] [--rows 10000]

First a random sweep of a trivial program: what the engine itself does for a trial in one SQLite
study (choose it, report a value, look at the others for early stopping, close it), without the
program, in blocks of a tenth of the trials. Then how long a suggestion takes in a study of
`--rows` finished trials, and what reading them from the storage costs.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

from sweeps import sweep_file
from sweeps.study import SweepStudy
from sweeps.sweep_file import Sweep
from utils.command_line import Parser

TEXT = """
program: trivial.py
method: random
metric: {name: loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 1}
parameters:
  learning_rate: {distribution: log_uniform_values, min: 0.00001, max: 0.1}
  dropout: {min: 0.0, max: 0.5}
  width: {values: [16, 32, 64, 128]}
  layers: {min: 1, max: 6}
  block: {values: [plain, residual]}
  optimizer: {values: [adam, sgd, lion]}
  decay: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  momentum: {min: 0.5, max: 0.99}
"""
SUGGESTIONS = 9


def main() -> int:
    """Print both tables."""
    parser = Parser(__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10000)
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sweep = sweep_file.parse(TEXT, Path("growth.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        _growth(sweep, f"sqlite:///{folder}/growth.db", args.trials)
        _suggestions(sweep, f"sqlite:///{folder}/rows.db", args.rows)
    return 0


def _growth(sweep: Sweep, url: str, trials: int) -> None:
    study = SweepStudy(sweep, url=url)
    rule = sweep.early_terminate
    assert rule is not None
    seconds = []
    for number in range(trials):
        started = time.perf_counter()
        trial = study.take(None)
        assert trial is not None
        study.report(trial, 1 / (number + 1))
        rule.judge(trial.values, study.others(trial), study.maximize)
        study.finish(trial, TrialState.COMPLETE, trial.values[-1], {"seconds": 0.1, "summary": {}})
        seconds.append(time.perf_counter() - started)
    print("trials in the study    engine's milliseconds a trial, median")
    for block in np.array_split(np.arange(trials), 10):
        median = 1000 * statistics.median(seconds[i] for i in block)
        print(f"{block[0]:6} to {block[-1]:6} {median:12.1f}  {'#' * round(median)}")


def _suggestions(sweep: Sweep, url: str, rows: int) -> None:
    study = SweepStudy(sweep, url=url)
    rng = np.random.default_rng(0)
    for _ in range(rows):
        values = sweep.space.draw(rng)
        loss = (values["dropout"] - 0.2) ** 2 + np.log10(values["learning_rate"] * 1000) ** 2
        study.storage.create_new_trial(
            study.study_id,
            create_trial(
                state=TrialState.COMPLETE,
                value=float(loss),
                params=values,
                distributions=sweep.space.stored,
                user_attrs={"proposal": 0},
            ),
        )
    print(f"\n{rows} finished trials, median and slowest of {SUGGESTIONS} suggestions")
    for method in ("random", "bayes", "tpe"):
        again = SweepStudy(sweep, url=url, method=method)
        first, *others = (_seconds_of_a_suggestion(again) for _ in range(SUGGESTIONS + 1))
        print(
            f"{method:8} {1000 * statistics.median(others):8.0f} ms {1000 * max(others):8.0f} ms; "
            f"the first, which reads all trials, {1000 * first:.0f} ms"
        )


def _seconds_of_a_suggestion(study: SweepStudy) -> float:
    started = time.perf_counter()
    trial = study.take(None)
    ended = time.perf_counter()
    assert trial is not None
    study.finish(trial, TrialState.COMPLETE, 1.0)
    return ended - started


if __name__ == "__main__":
    raise SystemExit(main())
