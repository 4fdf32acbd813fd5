"""How a trial ended, and why it failed: the true reason, in a sentence."""

import os
import re
from pathlib import Path

from optuna.trial import TrialState

from sweeps.follow import Logged
from sweeps.sweep_file import Metric

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
TRACEBACK = "Traceback (most recent call last):"
MOST_SAID = 300  # characters of a program's own words
MOST_LINES = 8  # of an exception's message


def finished(metric: Metric | None, logged: Logged) -> tuple[TrialState, float | None, str]:
    """How a trial ended whose program says that all went well: state, value and reason.

    Args:
        metric: of the sweep.
        logged: by the program.
    """
    if metric is None:
        return TrialState.COMPLETE, 0.0, ""
    value = logged.result
    if value is None:
        return TrialState.FAIL, None, _not_logged(metric.name, logged)
    if value != value or value in (float("inf"), -float("inf")):
        return TrialState.FAIL, None, f"'{metric.name}' is {value}"
    return TrialState.COMPLETE, value, ""


def _not_logged(metric: str, logged: Logged) -> str:
    """Why there is no value of the metric: it was not logged, or to no run of the trial's."""
    if logged.runs:
        names = ", ".join(sorted(logged.names)) or "nothing"
        return f"'{metric}' was not logged; it logged {names}"
    return (
        "no W&B run of the trial was begun: the program did not call wandb.init, or with "
        '`mode="disabled"` or a `dir` of its own'
    )


def last_words(log: Path, size: int = 1 << 16) -> str:
    """What a program that failed said last: its last exception, else its last line.

    W&B's own lines, which come after it, say nothing of the reason.
    """
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - size))
        text = file.read().decode(errors="replace")
    lines = [one.rstrip() for one in ESCAPES.sub("", text).replace("\r", "\n").split("\n")]
    said = [one for one in lines if one and not one.startswith("wandb:")]
    starts = [place for place, line in enumerate(said) if line.strip() == TRACEBACK]
    if starts:
        after = [one for one in said[starts[-1] + 1 :] if not one[0].isspace()]
        if 0 < len(after) <= MOST_LINES:  # with more, the program went on after it
            return after[0][:MOST_SAID]
    return said[-1].strip()[:MOST_SAID] if said else "no output"
