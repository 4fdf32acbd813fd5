"""The trials so far, as a search method reads them: arrays of quantiles and scores."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from sweeps import trials as trials_module
from sweeps.space import Choice, Number, Parameter, Space, Whole

IMPUTE = ("worst", "best", "latest")
# Finished trials before those that were stopped are carried on by them.
ENOUGH_CURVES = 4
# A parameter with more values is searched as if it were continuous; its values stay what they are.
MANY_VALUES = 1000


@dataclass(frozen=True)
class Axis:
    """A varying parameter as a search sees it.

    Attributes:
        parameter: of the space.
        levels: the quantiles of its values, rising; None for a continuous parameter.
        ends: where in [0, 1] each value's share ends.
    """

    parameter: Parameter
    levels: np.ndarray | None
    ends: np.ndarray | None

    @classmethod
    def of(cls, parameter: Parameter) -> "Axis":
        values = _values(parameter)
        if values is None:
            return cls(parameter, None, None)
        levels = _quantiles_of(parameter, values)
        if isinstance(parameter, Number):
            ends = _cdf(parameter, np.asarray(values, float) + parameter.step / 2)
        elif isinstance(parameter, Choice):
            shares = dict(zip(parameter.choices, parameter.probabilities, strict=True))
            ends = np.cumsum([shares[one] for one in values])
        else:
            ends = np.arange(1, len(values) + 1) / len(values)
        return cls(parameter, levels, ends)

    @property
    def is_category(self) -> bool:
        """Whether its values have no order."""
        return isinstance(self.parameter, Choice) and not self.parameter.is_ordered

    @property
    def count(self) -> float:
        """How many values it has."""
        return math.inf if self.levels is None else len(self.levels)

    def snap(self, quantiles: np.ndarray) -> np.ndarray:
        """The quantiles of the values that are drawn at `quantiles`."""
        if self.levels is None or self.ends is None:
            return quantiles
        found = np.searchsorted(self.ends, quantiles, side="right")
        return self.levels[np.minimum(found, len(self.levels) - 1)]


@dataclass(frozen=True)
class Axes:
    """All varying parameters of a space."""

    space: Space

    @cached_property
    def each(self) -> tuple[Axis, ...]:
        return tuple(Axis.of(one) for one in self.space.varying)

    @cached_property
    def is_category(self) -> np.ndarray:
        return np.array([one.is_category for one in self.each], bool)

    @cached_property
    def count(self) -> float:
        """How many settings there are."""
        return math.prod(one.count for one in self.each)

    def snap(self, quantiles: np.ndarray) -> np.ndarray:
        """(settings, parameters) -> the same, at the quantiles of real values."""
        return np.stack(
            [axis.snap(column) for axis, column in zip(self.each, quantiles.T, strict=True)],
            axis=1,
        ).reshape(quantiles.shape)

    def quantiles(self, settings: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """(settings, parameters) of stored values; NaN where a value is not in the space."""
        columns = [
            _quantiles_of(one, [each[one.name] for each in settings]) for one in self.space.varying
        ]
        return np.array(columns, float).reshape(len(columns), len(settings)).T

    def settings(self) -> Iterator[np.ndarray]:
        """The quantiles of every setting of a space without continuous parameters."""
        levels = [one.levels for one in self.each if one.levels is not None]
        for quantiles in itertools.product(*levels):
            yield np.array(quantiles)

    def key(self, values: Mapping[str, Any]) -> tuple:
        """The identity of a setting: the values of all varying parameters."""
        return tuple(values[one.name] for one in self.space.varying)


@dataclass(frozen=True)
class Scores:
    """The scores of trials; smaller is better.

    Attributes:
        quantiles: (trials, parameters) in [0, 1].
        values: (trials,), finite; failed trials' are imputed.
        pending: (trials, parameters) of those that run or wait.
    """

    quantiles: np.ndarray
    values: np.ndarray
    pending: np.ndarray


@dataclass
class TrialHistory:
    """The trials of one study; finished ones are read once.

    Attributes:
        axes: of the space.
        impute: what a failed trial counts as: `worst` or `best` of the finished ones, or `latest`,
            the last value that the trial itself reported (W&B's `metric.impute`).
    """

    axes: Axes
    impute: str
    _tried: set[tuple] = field(default_factory=set)
    _running: set[tuple] = field(default_factory=set)
    _known: set[int] = field(default_factory=set)
    _quantiles: list[np.ndarray] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    _latest: list[float] = field(default_factory=list)
    _curves: list[list[float]] = field(default_factory=list, repr=False)
    _is_whole: list[bool] = field(default_factory=list)
    _pending: np.ndarray | None = None

    def update(self, study: optuna.Study, current: int) -> None:
        """Read what happened since the last call; `current` is the number of the trial to come."""
        trials = study.get_trials(deepcopy=False)
        new = [one for one in trials if one.number not in self._known and one.number != current]
        finished = [one for one in new if one.state.is_finished()]
        self._known |= {one.number for one in finished}
        pending, self._pending = self._of_this_space(
            [one for one in new if not one.state.is_finished()]
        )
        self._running = {self.axes.key(_params(one)) for one in pending}
        self._remember(*self._of_this_space(finished))

    @property
    def finished_count(self) -> int:
        """How many trials have ended, failures included."""
        return len(self._values)

    def is_tried(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial has, or had, these values."""
        key = self.axes.key(values)
        return key in self._tried or key in self._running

    def scores(self, direction: StudyDirection) -> Scores:
        """All trials that a search can learn from; none where no trial has a finite value yet."""
        sign = -1 if direction == StudyDirection.MAXIMIZE else 1
        values, latest = sign * np.array(self._values), sign * np.array(self._latest)
        curves = [sign * np.array(one) for one in self._curves]
        values = at_full_length(values, curves, np.array(self._is_whole, bool))
        known = np.isfinite(values)
        width = len(self.axes.each)
        pending = np.empty((0, width)) if self._pending is None else self._pending
        if not known.any():
            return Scores(np.empty((0, width)), np.empty(0), pending)
        worst, best = values[known].max(), values[known].min()
        filled = np.full(len(values), best if self.impute == "best" else worst)
        if self.impute == "latest":
            filled = np.where(np.isfinite(latest), latest, worst)
        return Scores(np.array(self._quantiles), np.where(known, values, filled), pending)

    def _remember(self, trials: list[FrozenTrial], quantiles: np.ndarray) -> None:
        self._quantiles.extend(quantiles)
        for trial in trials:
            self._tried.add(self.axes.key(_params(trial)))
            self._latest.append(_last(trial))
            self._values.append(_value(trial))
            self._curves.append(trials_module.curve(trial))
            self._is_whole.append(trial.state == TrialState.COMPLETE)

    def _of_this_space(self, trials: list[FrozenTrial]) -> tuple[list[FrozenTrial], np.ndarray]:
        """The trials that have a value of this space for every parameter, and their quantiles."""
        names = [one.name for one in self.axes.space.varying]
        whole = [one for one in trials if all(name in _params(one) for name in names)]
        quantiles = self.axes.quantiles([_params(one) for one in whole])
        fits = np.isfinite(quantiles).all(axis=1)
        return [one for one, fit in zip(whole, fits, strict=True) if fit], quantiles[fits]


def at_full_length(
    values: np.ndarray, curves: Sequence[np.ndarray], is_whole: np.ndarray
) -> np.ndarray:
    """The scores, with those of trials that were stopped early as they would have become.

    The last value of a trial that was stopped after three epochs says little beside one of twelve.
    What trials that went on had at that log call, and what they ended with, gives a line; it is
    followed from what the stopped one had. Where too few went on, its last value counts.

    Args:
        values: (trials,), smaller is better; the last values of those that were stopped.
        curves: of each trial the value at each log call, as `values` has them.
        is_whole: (trials,) bool, whether a trial ran to its end.
    """
    found = values.copy()
    known = is_whole & np.isfinite(values)
    for place in np.flatnonzero(~is_whole & np.isfinite(values)).tolist():
        calls = len(curves[place])
        others = [at for at in np.flatnonzero(known).tolist() if len(curves[at]) > calls > 0]
        if len(others) < ENOUGH_CURVES:
            continue
        then = np.array([curves[at][calls - 1] for at in others])
        ends = values[others]
        is_known = np.isfinite(then)
        if is_known.sum() < ENOUGH_CURVES:
            continue
        then, ends = then[is_known], ends[is_known]
        spread = float(np.var(then))
        # A slope above 1 would let the worst grow apart without an end.
        slope = float(np.cov(then, ends, bias=True)[0, 1]) / spread if spread else 0.0
        slope = min(1.0, max(0.0, slope))
        found[place] = max(ends.min(), ends.mean() + slope * (values[place] - then.mean()))
    return found


def _params(trial: FrozenTrial) -> dict[str, Any]:
    """A trial's values; Optuna keeps those of a waiting one apart."""
    return trial.params or trial.system_attrs.get("fixed_params", {})


def _value(trial: FrozenTrial) -> float:
    """The score of a trial; NaN where it failed, or was stopped before it reported anything."""
    if trial.state == TrialState.COMPLETE:
        return math.nan if trial.value is None else trial.value
    return _last(trial) if trial.state == TrialState.PRUNED else math.nan


def _last(trial: FrozenTrial) -> float:
    """The last finite value that a trial reported; NaN where there is none."""
    reported = sorted(trial.intermediate_values.items(), reverse=True)
    return next((value for _, value in reported if math.isfinite(value)), math.nan)


def _values(parameter: Parameter) -> Sequence[Any] | None:
    """All values of a parameter in the order of their quantiles; None for many or a continuum."""
    if isinstance(parameter, Choice):
        possible = zip(parameter.choices, parameter.probabilities, strict=True)
        return sorted((one for one, share in possible if share > 0), key=parameter.quantile)
    if isinstance(parameter, Whole):
        is_countable = parameter.high - parameter.low < MANY_VALUES
        return range(parameter.low, parameter.high + 1) if is_countable else None
    if isinstance(parameter, Number) and parameter.step:
        steps = round((parameter.high - parameter.low) / parameter.step)
        if steps < MANY_VALUES:
            return [
                type(parameter.step)(float(f"{parameter.low + i * parameter.step:.12g}"))
                for i in range(steps + 1)
            ]
    return None


def _quantiles_of(parameter: Parameter, values: Sequence[Any]) -> np.ndarray:
    """`parameter.quantile` of many values at once; NaN for what is no value of it."""
    if isinstance(parameter, Choice):
        shares = zip(parameter.choices, parameter.probabilities, strict=True)
        known = {one: parameter.quantile(one) for one, share in shares if share > 0}
        return np.array([known.get(value, math.nan) for value in values])
    numbers = np.asarray(values, float)
    if isinstance(parameter, Whole):
        quantiles = (numbers - parameter.low + 0.5) / (parameter.high - parameter.low + 1)
        return np.where((quantiles > 0) & (quantiles < 1), quantiles, math.nan)
    assert isinstance(parameter, Number)
    inside = (numbers >= parameter.low) & (numbers <= parameter.high)
    return np.where(inside, _cdf(parameter, numbers), math.nan)


def _cdf(parameter: Number, numbers: np.ndarray) -> np.ndarray:
    inner = np.log(np.maximum(numbers, 1e-300)) if parameter.is_log else numbers
    return np.clip(parameter.scipy_distribution.cdf(inner), 0, 1)
