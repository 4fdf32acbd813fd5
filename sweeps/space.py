"""The space that a sweep searches: W&B's distributions as quantile functions.

Every parameter maps a number in [0, 1] to a value by its inverse distribution function, so random
draws follow the distribution, and equal steps in [0, 1] are equally likely. The meaning of each
distribution is that of W&B's sweep schema; `log_uniform` takes natural exponents there.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy import stats

# Unbounded distributions are cut where one draw in a thousand million would lie: Optuna's
# distributions have ends.
TAIL = 1e-9
LARGEST_WHOLE = 2**53  # Optuna keeps whole numbers as floating-point ones
MOST_CELLS = 1_000_000  # of one parameter in a grid
GRID_DISTRIBUTIONS = ("constant", "categorical", "int_uniform", "q_uniform")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a sweep.

    Attributes:
        name: what people read and Optuna keeps; the words of `path` with dots between them.
        distribution: its name in W&B's schema.
        stored: what Optuna keeps; its values are the real ones, lists and mappings as JSON text.
        keys: where the sweep file nests it, see `path`.
    """

    name: str
    distribution: str
    stored: BaseDistribution
    keys: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def path(self) -> tuple[str, ...]:
        """The keys to its value: `width` inside `model` has two, a name with a dot has one."""
        return self.keys or (self.name,)

    @property
    def is_constant(self) -> bool:
        return self.stored.single()

    def value(self, quantile: float) -> Any:
        """The value, as Optuna stores it, at a quantile in [0, 1]."""
        raise NotImplementedError

    def quantile(self, value: Any) -> float:
        """A quantile at which `value` is drawn; the middle one for discrete parameters."""
        raise NotImplementedError

    def real(self, stored: Any) -> Any:
        """The value that the program gets for what Optuna stores."""
        return stored


@dataclass(frozen=True)
class Choice(Parameter):
    """A constant, or one of a list of values, with equal or given probabilities.

    Attributes:
        choices: the values as Optuna stores them.
        probabilities: of each; they sum to 1.
        reals: the values themselves.
        is_ordered: whether all are numbers, so that neighbours resemble each other.
    """

    choices: tuple[Any, ...]
    probabilities: tuple[float, ...]
    reals: tuple[Any, ...]

    @property
    def is_ordered(self) -> bool:
        return len(self.choices) > 1 and all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in self.reals
        )

    @cached_property
    def _order(self) -> list[int]:
        """Indices into `choices`, in the order in which they share out [0, 1]."""
        indices = range(len(self.choices))
        return sorted(indices, key=lambda i: self.reals[i]) if self.is_ordered else list(indices)

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum([self.probabilities[i] for i in self._order])

    def value(self, quantile: float) -> Any:
        found = int(np.searchsorted(self._ends, quantile, side="right"))
        return self.choices[self._order[min(found, len(self.choices) - 1)]]

    def quantile(self, value: Any) -> float:
        found = self._order.index(self.choices.index(value))
        return float(self._ends[found] - self.probabilities[self._order[found]] / 2)

    def real(self, stored: Any) -> Any:
        return self.reals[self.choices.index(stored)]


@dataclass(frozen=True)
class Number(Parameter):
    """A number from a distribution, perhaps rounded to multiples of `step`.

    Attributes:
        scipy_distribution: of the number before rounding, or of its logarithm; frozen.
        is_log: whether it is that of the logarithm.
        step: values are multiples of it; 0 for none.
        low, high: the ends that Optuna knows.
    """

    scipy_distribution: Any
    is_log: bool
    step: float
    low: float
    high: float

    def value(self, quantile: float) -> Any:
        drawn = float(self.scipy_distribution.ppf(min(max(quantile, TAIL), 1 - TAIL)))
        drawn = math.exp(drawn) if self.is_log else drawn
        rounded = _to_step(drawn, self.step) if self.step else drawn
        return type(rounded)(min(max(rounded, self.low), self.high))

    def quantile(self, value: Any) -> float:
        inner = math.log(max(value, 1e-300)) if self.is_log else value
        return float(np.clip(self.scipy_distribution.cdf(inner), 0, 1))


@dataclass(frozen=True)
class Whole(Parameter):
    """A whole number between two others, all equally likely."""

    low: int
    high: int

    def value(self, quantile: float) -> int:
        count = self.high - self.low + 1
        return self.low + min(int(quantile * count), count - 1)

    def quantile(self, value: Any) -> float:
        return (value - self.low + 0.5) / (self.high - self.low + 1)


@dataclass(frozen=True)
class Space:
    """All parameters of a sweep, in the order of its file."""

    parameters: tuple[Parameter, ...]

    @cached_property
    def stored(self) -> dict[str, BaseDistribution]:
        """Optuna's distribution of each parameter."""
        return {one.name: one.stored for one in self.parameters}

    @cached_property
    def varying(self) -> tuple[Parameter, ...]:
        """The parameters that are not constant."""
        return tuple(one for one in self.parameters if not one.is_constant)

    def values(self, quantiles: np.ndarray) -> dict[str, Any]:
        """The stored values at quantiles, (varying parameters,) in [0, 1]."""
        drawn = dict(zip((one.name for one in self.varying), quantiles, strict=True))
        return {one.name: one.value(drawn.get(one.name, 0.5)) for one in self.parameters}

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """The stored values of one random trial."""
        return self.values(rng.random(len(self.varying)))

    def quantiles(self, values: Mapping[str, Any]) -> np.ndarray:
        """The inverse of `values`: (varying parameters,) in [0, 1]."""
        return np.array([one.quantile(values[one.name]) for one in self.varying])

    def reals(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What the program gets: real values, nested ones as mappings."""
        nested: dict[str, Any] = {}
        for one in self.parameters:
            *outer, last = one.path
            group = nested
            for name in outer:
                group = group.setdefault(name, {})
            group[last] = one.real(stored[one.name])
        return nested

    @property
    def cell_count(self) -> int:
        """How many cells a grid over this space has."""
        return math.prod(len(grid_values(one)) for one in self.parameters)

    def cell(self, index: int) -> dict[str, Any]:
        """The stored values of a grid's cell; the last parameter of the file changes fastest."""
        values = {}
        for one in reversed(self.parameters):
            of_one = grid_values(one)
            index, position = divmod(index, len(of_one))
            values[one.name] = of_one[position]
        return {one.name: values[one.name] for one in self.parameters}

    def cells(self) -> Iterator[dict[str, Any]]:
        """All cells of a grid, in order."""
        names = [one.name for one in self.parameters]
        for values in itertools.product(*(grid_values(one) for one in self.parameters)):
            yield dict(zip(names, values, strict=True))


def grid_values(parameter: Parameter) -> tuple[Any, ...]:
    """The stored values that a grid tries.

    As in W&B's engine a `q_uniform` parameter stops short of its `max`.

    Raises:
        ValueError: the parameter is continuous, or has probabilities.
    """
    if isinstance(parameter, Choice) and parameter.distribution in GRID_DISTRIBUTIONS:
        return parameter.choices
    if isinstance(parameter, Whole):
        return tuple(range(parameter.low, parameter.high + 1))
    if isinstance(parameter, Number) and parameter.distribution == "q_uniform":
        low, _high = parameter.scipy_distribution.support()
        count = grid_count(parameter)
        cells = (_to_step(low + i * parameter.step, parameter.step) for i in range(count))
        return tuple(dict.fromkeys(cells))  # rounding may bring two to one value
    raise ValueError(f"a grid cannot list the values of '{parameter.name}'")


def grid_count(parameter: Parameter) -> int:
    """How many values a grid tries of a parameter that it can list."""
    if isinstance(parameter, Choice):
        return len(parameter.choices)
    if isinstance(parameter, Whole):
        return parameter.high - parameter.low + 1
    assert isinstance(parameter, Number)
    low, high = parameter.scipy_distribution.support()
    return max(1, math.ceil((high - low) / parameter.step - 1e-9))


def for_grid(parameter: Parameter) -> Parameter:
    """The parameter as a grid needs it: W&B's cells of a `q_uniform` count from its `min`.

    In a random sweep it gives multiples of `q`; where `min` is none, the cells are others.
    """
    if not isinstance(parameter, Number) or parameter.distribution != "q_uniform":
        return parameter
    low, _high = parameter.scipy_distribution.support()
    if _is_multiple(low, parameter.step):
        return parameter
    cells = [float(f"{low + i * parameter.step:.12g}") for i in range(grid_count(parameter))]
    return replace(categorical(parameter.name, cells), keys=parameter.keys)


def _is_multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-9


def examples(space: Space) -> dict[str, list[Any]]:
    """For each parameter values that a trial may get: all choices, or both ends of a range."""
    found: dict[str, list[Any]] = {}
    for one in space.parameters:
        ends = [one.value(0.0), one.value(1.0)]
        found[one.name] = list(one.reals) if isinstance(one, Choice) else ends
    return found


def constant(name: str, value: Any) -> Choice:
    """A parameter with one value."""
    return _choice(name, "constant", [value], [1.0])


def categorical(name: str, values: list[Any], probabilities: list[float] | None = None) -> Choice:
    """One of `values`; a value that is listed twice is twice as likely."""
    if probabilities is None:
        return _choice(name, "categorical", values, [1 / len(values)] * len(values))
    shares = [one / sum(probabilities) for one in probabilities]
    return _choice(name, "categorical_w_probabilities", values, shares)


def int_uniform(name: str, low: int, high: int) -> Whole:
    """A whole number from low to high, both included."""
    return Whole(name, "int_uniform", IntDistribution(low, high), low, high)


def number(name: str, distribution: str, options: Mapping[str, float]) -> Number:
    """A parameter with one of W&B's continuous or quantised distributions.

    Args:
        name: of the parameter.
        distribution: e.g. `q_log_uniform_values`.
        options: `min`, `max`, `mu`, `sigma`, `a`, `b` and `q`, as the distribution needs them.
    """
    step = float(options["q"]) if distribution.startswith("q_") else 0.0
    if step and step == int(step):
        step = int(step)
    plain = distribution.removeprefix("q_")
    scipy_distribution, is_log = SCIPY_DISTRIBUTIONS[plain](options), "log" in plain
    ends = [float(scipy_distribution.ppf(TAIL)), float(scipy_distribution.ppf(1 - TAIL))]
    if np.all(np.isfinite(scipy_distribution.support())):
        ends = [float(end) for end in scipy_distribution.support()]
    low, high = (math.exp(end) if is_log else end for end in ends)
    if distribution.endswith("uniform_values"):
        low, high = float(options["min"]), float(options["max"])  # not exp(log(min))
    if step:
        low, high = _to_step(low, step), _to_step(high, step)
    if step and isinstance(step, int):
        most = LARGEST_WHOLE // step * step
        low, high = max(low, -most), min(high, most)
    stored = _stored_number(low, high, step, is_log)
    return Number(name, distribution, stored, scipy_distribution, is_log, step, low, high)


def _uniform(low: float, high: float) -> Any:
    return stats.uniform(low, high - low)


SCIPY_DISTRIBUTIONS: dict[str, Callable[[Mapping[str, float]], Any]] = {
    "uniform": lambda o: _uniform(o["min"], o["max"]),
    "log_uniform": lambda o: _uniform(o["min"], o["max"]),
    "log_uniform_values": lambda o: _uniform(math.log(o["min"]), math.log(o["max"])),
    # log(1/x) is uniform between the ends, so log(x) is uniform between their negatives.
    "inv_log_uniform": lambda o: _uniform(-o["max"], -o["min"]),
    "inv_log_uniform_values": lambda o: _uniform(math.log(o["min"]), math.log(o["max"])),
    "normal": lambda o: stats.norm(o["mu"], o["sigma"]),
    "log_normal": lambda o: stats.norm(o["mu"], o["sigma"]),
    "beta": lambda o: stats.beta(o["a"], o["b"]),
}


def _stored_number(low: float, high: float, step: float, is_log: bool) -> BaseDistribution:
    log = is_log and low > 0
    if isinstance(step, int) and step:
        return IntDistribution(int(low), int(high), log=log, step=1 if log else step)
    return FloatDistribution(low, high, log=log, step=None if log or not step else step)


def _to_step(value: float, step: float) -> float:
    """The nearest multiple of `step`, with no binary rounding error: 0.3, not 0.30...04."""
    multiple = round(value / step)
    if isinstance(step, int):
        return multiple * step
    return float(f"{multiple * step:.12g}")


def _choice(name: str, distribution: str, values: list[Any], shares: list[float]) -> Choice:
    merged: dict[str, tuple[Any, float]] = {}
    for value, share in zip(values, shares, strict=True):
        key = json.dumps(value, sort_keys=True, default=str)
        merged[key] = (value, merged.get(key, (value, 0.0))[1] + share)
    reals = tuple(value for value, _ in merged.values())
    stored = tuple(merged) if _needs_text(reals) else reals
    return Choice(
        name,
        distribution,
        CategoricalDistribution(stored),
        stored,
        tuple(share for _, share in merged.values()),
        reals,
    )


def _needs_text(values: tuple[Any, ...]) -> bool:
    """Whether Optuna would confuse the values: lists, mappings, or both 1 and true."""
    simple = all(value is None or isinstance(value, bool | int | float | str) for value in values)
    return not simple or len(set(values)) < len(values)
