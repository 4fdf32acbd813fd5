"""W&B's hyperband: at each bracket a trial that is not among the best 1/eta there is stopped.

The rule is that of W&B's own engine: brackets count log calls that contain the metric; all trials
that reached a bracket, finished ones included, are ranked by their value there.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_BRACKETS = 100  # as in W&B's engine
MOST_CALLS = 10**9  # no trial logs more often


@dataclass(frozen=True)
class Verdict:
    """Why a trial is stopped: in `bracket` its `value` was worse than `threshold`."""

    bracket: int
    value: float
    threshold: float

    def sentence(self) -> str:
        return (
            f"stopped by hyperband after {self.bracket} log calls: {self.value:.6g} against "
            f"{self.threshold:.6g}"
        )


@dataclass(frozen=True)
class Hyperband:
    """Early stopping.

    Attributes:
        brackets: the numbers of log calls after which trials are compared, rising.
        eta: the best 1/eta of the trials go on.
        strict: judge by the value in the bracket itself, not by the best value so far.
    """

    brackets: tuple[int, ...]
    eta: float
    strict: bool

    @classmethod
    def of(
        cls,
        *,
        min_iter: float | None = None,
        max_iter: float | None = None,
        s: float = 0,
        eta: float = 3,
        strict: bool = True,
    ) -> "Hyperband":
        """From W&B's options: either `min_iter`, or `max_iter` with `s` brackets before it."""
        if min_iter is not None:
            brackets = _within(min_iter * eta**power for power in range(MOST_BRACKETS))
        else:
            assert max_iter is not None
            count = min(int(s), MOST_BRACKETS)
            brackets = _within(max_iter / eta**power for power in range(1, count + 1))
        return cls(tuple(sorted({int(one) for one in brackets})), eta, strict)

    def judge(
        self, values: Sequence[float], others: Iterable[Sequence[float]], maximize: bool
    ) -> Verdict | None:
        """Whether a trial is to be stopped now.

        Args:
            values: the trial's metric at each of its log calls.
            others: the same of all other trials, running, stopped and finished.
            maximize: whether larger is better.
        """
        bracket = max((one for one in self.brackets if one <= len(values)), default=0)
        if not bracket:
            return None
        sign = -1 if maximize else 1
        there = sorted(sign * one[bracket - 1] for one in (values, *others) if len(one) >= bracket)
        threshold = there[int(len(there) / self.eta)]
        value = sign * values[bracket - 1] if self.strict else min(sign * one for one in values)
        if value > threshold:
            return Verdict(bracket, sign * value, sign * threshold)
        return None


def _within(values: Iterable[float]) -> list[float]:
    """The values up to the first that is no number of log calls."""
    return list(itertools.takewhile(lambda one: 1 <= one <= MOST_CALLS, values))
