"""A study as plain tables, so that reports and plots need not know Optuna."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

FINISHED, STOPPED, FAILED, RUNNING, WAITING = STATES = (
    "finished",
    "stopped early",
    "failed",
    "running",
    "waiting",
)
STATE_NAMES = {
    TrialState.COMPLETE: FINISHED,
    TrialState.PRUNED: STOPPED,
    TrialState.FAIL: FAILED,
    TrialState.RUNNING: RUNNING,
    TrialState.WAITING: WAITING,
}
COLUMNS = (
    "state",
    "score",
    "start",
    "end",
    "seconds",
    "reason",
    "attempts",
    "host",
    "log",
    "retry_of",
    "parameter_count",
    "has_settings",
)


@dataclass(frozen=True)
class Scale:
    """One parameter as an axis.

    Attributes:
        name: of the parameter.
        low, high: the ends of a numeric range; None for a list of choices.
        is_log: whether equal ratios are equally far apart.
        steps: from one end to the other, 1 less than there are values; 0 for a continuum.
        choices: the listed values, numbers in rising order; empty for a numeric range.
        is_ordered: whether neighbours resemble each other; true for all numbers.
    """

    name: str
    low: float | None = None
    high: float | None = None
    is_log: bool = False
    steps: int = 0
    choices: tuple[Any, ...] = ()
    is_ordered: bool = True

    @property
    def is_seed(self) -> bool:
        """Whether it is a seed, whose values mean nothing."""
        return self.name.split(".")[-1] == "seed"

    def position(self, value: Any) -> float:
        """Where `value` lies: 0 at the lower end or first choice, 1 at the other end."""
        if self.choices:
            found = next(i for i, one in enumerate(self.choices) if is_same(one, value))
            return found / max(len(self.choices) - 1, 1)
        assert self.low is not None and self.high is not None
        low, high, inner = (
            (math.log(one) if self.is_log else float(one)) for one in (self.low, self.high, value)
        )
        return (inner - low) / (high - low)


@dataclass(frozen=True)
class StudyTable:
    """What the report needs of a study.

    Attributes:
        name: the study's name.
        sweep: the parsed sweep file; may lack keys.
        is_maximised: whether higher scores are better.
        brackets: numbers of log calls after which early stopping compares trials.
        scales: the parameters that vary, in the order in which they were defined.
        constants: the others, with their values.
        trials: index `number`, COLUMNS; times are naive local datetimes, `seconds` those spent
            in the trial. `score` is a stopped trial's last value; `has_settings` says that the
            trial has a value on each scale.
        values: index `number`, a column of objects for each scale.
        curves: number -> (calls, 2) floats, the log call and the metric.
    """

    name: str
    sweep: Mapping[str, Any]
    is_maximised: bool
    brackets: tuple[int, ...]
    scales: tuple[Scale, ...]
    constants: Mapping[str, Any]
    trials: pd.DataFrame
    values: pd.DataFrame
    curves: Mapping[int, np.ndarray]

    @property
    def metric(self) -> str:
        """The name of the score."""
        return str((self.sweep.get("metric") or {}).get("name") or "score")

    @property
    def target(self) -> float | None:
        """The score at which the sweep may end, if it has one."""
        target = (self.sweep.get("metric") or {}).get("target")
        return None if target is None else float(target)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Trials of each state."""
        found = self.trials["state"].value_counts()
        return {state: int(found.get(state, 0)) for state in STATES}

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Finished and stopped trials with a score."""
        has_one = self.trials["state"].isin([FINISHED, STOPPED]) & self.trials["score"].notna()
        return self.trials[has_one]

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """Finished trials, the best first; of equals the earlier one."""
        finished = self.scored[self.scored["state"] == FINISHED]
        return finished.sort_values("score", ascending=not self.is_maximised, kind="stable")

    def best_so_far(self, scores: pd.Series) -> pd.Series:
        """The running best of scores in their order."""
        return scores.cummax() if self.is_maximised else scores.cummin()


def read(study: optuna.Study) -> StudyTable:
    """The tables of a study with one metric, whatever the state of its trials."""
    trials = study.get_trials(deepcopy=False)
    scales, constants = _scales(trials)
    return StudyTable(
        name=study.study_name,
        sweep=study.user_attrs.get("sweep") or {},
        is_maximised=study.direction == optuna.study.StudyDirection.MAXIMIZE,
        brackets=tuple(sorted(int(one) for one in study.user_attrs.get("bands") or ())),
        scales=scales,
        constants=constants,
        trials=_trial_rows(trials, scales),
        values=pd.DataFrame(
            [[trial.params.get(scale.name) for scale in scales] for trial in trials],
            index=[trial.number for trial in trials],
            columns=[scale.name for scale in scales],
            dtype=object,
        ),
        curves={
            trial.number: np.array(sorted(trial.intermediate_values.items()), dtype=float)
            for trial in trials
            if trial.intermediate_values
        },
    )


def is_same(first: Any, second: Any) -> bool:
    """Equality under which True is not 1."""
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def shown_value(value: Any) -> str:
    """A value as a sweep file has it, numbers with four digits."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        text = f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e")
        return text.replace("e+", "e")
    return str(value)


def shortened(text: str, most: int) -> str:
    """Text of at most `most` letters; where it is longer, its middle is left out."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def as_number(value: Any) -> float | None:
    """The number that a listed value stands for; YAML reads `1e-4` as text, programs do not."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _trial_rows(trials: list[FrozenTrial], scales: tuple[Scale, ...]) -> pd.DataFrame:
    names = {scale.name for scale in scales}
    rows = [(*_row(trial), names <= set(trial.params)) for trial in trials]
    frame = pd.DataFrame(rows, index=[one.number for one in trials], columns=list(COLUMNS))
    numeric = ["score", "seconds", "attempts", "retry_of", "parameter_count"]
    frame[numeric] = frame[numeric].astype(float)
    # Without rows pandas would keep columns of objects, which it cannot filter by.
    frame = frame.astype({"state": str, "has_settings": bool})
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column])
    return frame


def _row(trial: FrozenTrial) -> tuple[Any, ...]:
    attributes = trial.user_attrs
    return (
        STATE_NAMES[trial.state],
        _score(trial),
        trial.datetime_start,
        trial.datetime_complete,
        _seconds(trial),
        attributes.get("reason"),
        attributes.get("attempts"),
        attributes.get("host"),
        attributes.get("log"),
        attributes.get("retry_of"),
        (attributes.get("summary") or {}).get("parameters"),
    )


def _score(trial: FrozenTrial) -> float | None:
    if trial.values:
        return trial.values[0]
    if trial.state == TrialState.PRUNED and trial.intermediate_values:
        return trial.intermediate_values[max(trial.intermediate_values)]
    return None


def _seconds(trial: FrozenTrial) -> float | None:
    if (known := trial.user_attrs.get("seconds")) is not None:
        return known
    start, end = trial.datetime_start, trial.datetime_complete
    has_run = isinstance(start, datetime) and isinstance(end, datetime)
    return (end - start).total_seconds() if has_run else None  # type: ignore[operator]


def _scales(trials: list[FrozenTrial]) -> tuple[tuple[Scale, ...], dict[str, Any]]:
    """The scales of what varies, and the values of what does not."""
    known: dict[str, BaseDistribution] = {}
    for trial in trials:
        known |= trial.distributions
    varying = tuple(_scale(name, one) for name, one in known.items() if not one.single())
    constants: dict[str, Any] = {}
    for trial in trials:
        constants |= {name: trial.params[name] for name in trial.params if known[name].single()}
    return varying, constants


def _scale(name: str, distribution: BaseDistribution) -> Scale:
    if isinstance(distribution, CategoricalDistribution):
        numbers = {choice: as_number(choice) for choice in distribution.choices}
        known = {choice: number for choice, number in numbers.items() if number is not None}
        if len(known) < len(distribution.choices):
            return Scale(name, choices=distribution.choices, is_ordered=False)
        choices = tuple(sorted(known, key=lambda choice: known[choice]))
        return Scale(name, steps=len(choices) - 1, choices=choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = float(distribution.low), float(distribution.high)
    steps = round((high - low) / distribution.step) if distribution.step else 0
    return Scale(name, low, high, distribution.log, steps)
