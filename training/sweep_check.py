"""What a training program says of a sweep before any trial: unknown settings, values, metrics."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from evaluation.metrics import DIRECTIONS
from training.settings import from_mapping
from utils.errors import InputError

# What `training.program.Recorder` logs once an epoch; a test compares it with a real run.
OF_AN_EPOCH = (
    "accuracy",
    "loss",
    "epoch",
    "epoch_seconds",
    "beats_per_second",
    "learning_rate",
    *DIRECTIONS,
)
LOGGED = (*OF_AN_EPOCH, "best_epoch", *(f"best_{name}" for name in DIRECTIONS))


def faults(
    kind: type,
    values: Mapping[str, Sequence[Any]],
    metric: str | None,
    logged: Collection[str] = LOGGED,
) -> list[tuple[str | None, str]]:
    """What is wrong: pairs of a parameter's name (None for the metric) and a sentence.

    Args:
        kind: the program's settings.
        values: for each parameter of the sweep some that a trial may get.
        metric: what the sweep optimises; None where it optimises nothing.
        logged: the names that the program logs.
    """
    found: list[tuple[str | None, str]] = []
    for name, of_one in values.items():
        try:
            for value in of_one:
                from_mapping(kind, {name: value}, "the sweep")
        except InputError as error:
            found.append((name, str(error).removeprefix("the sweep: ")))
    if metric is not None and metric not in logged:
        found.append(
            (
                None,
                f"the metric '{metric}' is never logged; logged are {', '.join(sorted(logged))}",
            )
        )
    return found
