"""A study's trials as one CSV file: to read, to keep in a repository, and to go on from.

A row is a trial that ended: its number, state, score, seconds, the metric at each log call, and a
column for each parameter of the sweep that varies.
"""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweeps import trials
from sweeps.space import Choice, Parameter, Space
from utils.errors import InputError
from utils.files import write_whole

STATES = {
    "finished": TrialState.COMPLETE,
    "stopped early": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
NAMES = {state: name for name, state in STATES.items()}
# User attributes of a trial, which are columns under their own names. The last two are of
# `sweeps.best`.
KEPT = ("seconds", "reason", "retry_of", "candidate", "repetition")
COLUMNS = ("trial", "state", "score", "curve", *KEPT)
WHOLE = ("retry_of", "candidate", "repetition")


def write(known: Sequence[FrozenTrial], space: Space, path: Path) -> None:
    """Write the trials that ended, in one step.

    Args:
        known: of the study.
        space: of its sweep.
        path: of the CSV file.
    """

    def save(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*COLUMNS, *(one.name for one in space.varying)])
            writer.writerows(_row(one, space) for one in known if one.state in NAMES)

    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, save)


def _row(trial: FrozenTrial, space: Space) -> list[str]:
    score = trial.value if trial.state == TrialState.COMPLETE else None
    attributes = trial.user_attrs
    return [
        str(trial.number),
        NAMES[trial.state],
        _text(score),
        " ".join(f"{value:.6g}" for value in trials.curve(trial)),
        *(_text(attributes.get(name)) for name in KEPT),
        *(_text(trial.params.get(one.name)) for one in space.varying),
    ]


def read(path: Path, space: Space) -> list[FrozenTrial]:
    """The trials of a file, to be put into a new study of the same sweep.

    Args:
        path: of the CSV file.
        space: of the sweep.

    Raises:
        InputError: the file is no table of this sweep's trials; the message names line and column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the table of trials cannot be read: {error}") from error
    wanted = [*COLUMNS, *(one.name for one in space.varying)]
    found = list(rows[0]) if rows else wanted
    if missing := [name for name in wanted if name not in found]:
        raise InputError(
            f"{path}: the columns {', '.join(missing)} are missing; expected the table of a study "
            f"of this sweep, with {', '.join(wanted)}"
        )
    return [_trial(row, space, f"{path}, line {line}") for line, row in enumerate(rows, start=2)]


def _trial(row: Mapping[str, str | None], space: Space, where: str) -> FrozenTrial:
    state = STATES.get(row["state"] or "")
    if state is None:
        raise InputError(
            f"{where}, column state: one of {', '.join(STATES)} expected, got {row['state']!r}"
        )
    curve = [_number(one, where, "curve") for one in (row["curve"] or "").split()]
    attributes: dict[str, Any] = {
        name: value for name in KEPT if (value := _attribute(row[name], name, where)) is not None
    }
    varying = {one.name: _value(one, row[one.name] or "", where) for one in space.varying}
    values = {one.name: varying.get(one.name, one.value(0.5)) for one in space.parameters}
    return create_trial(
        state=state,
        value=_number(row["score"] or "", where, "score")
        if state == TrialState.COMPLETE
        else None,
        params=values,
        distributions=space.stored,
        intermediate_values=dict(enumerate(curve, start=1)),
        user_attrs=attributes,
    )


def _attribute(text: str | None, name: str, where: str) -> Any:
    if not text:
        return None
    if name == "reason":
        return text
    number = _number(text, where, name)
    return int(number) if name in WHOLE else number


def _value(parameter: Parameter, text: str, where: str) -> Any:
    if isinstance(parameter, Choice):
        known = {_text(one): one for one in parameter.choices}
        if text not in known:
            raise InputError(
                f"{where}, column {parameter.name}: one of {', '.join(known)} expected, got "
                f"{text!r}"
            )
        return known[text]
    number = _number(text, where, parameter.name)
    stored = parameter.stored
    assert isinstance(stored, FloatDistribution | IntDistribution)
    if not stored.low <= number <= stored.high:
        raise InputError(
            f"{where}, column {parameter.name}: a number from {stored.low} to {stored.high} is "
            f"expected, got {text}"
        )
    return int(number) if isinstance(stored, IntDistribution) else number


def _number(text: str, where: str, column: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}, column {column}: a number is expected, got {text!r}")
    return number


def _text(value: Any) -> str:
    """A value as it stands in the file: words as they are, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
