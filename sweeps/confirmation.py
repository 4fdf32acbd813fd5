"""What settings scored when they were trained again, and what that can say of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

# A difference is seen if a test at this level finds it with this power.
LEVEL, POWER = 0.05, 0.8
SMALL_GAPS = (0.005, 0.01)  # for which the repetitions that would show them are told


@dataclass(frozen=True)
class Candidate:
    """One of the top settings.

    Attributes:
        number: the trial of the study that found it.
        value: what it scored there.
        values: what it scored again, one for each repetition that is done.
        repetitions: which ones they are; the same one has the same seed and draw everywhere.
        seconds: that one took on average; NaN where that is unknown.
    """

    number: int
    value: float
    values: tuple[float, ...]
    repetitions: tuple[int, ...] = ()
    seconds: float = float("nan")

    def paired(self, other: "Candidate") -> np.ndarray:
        """(common repetitions,) by how much this one scored more in each."""
        own, others = (dict(zip(one.numbered, one.values, strict=True)) for one in (self, other))
        return np.array([own[each] - others[each] for each in own if each in others])

    @property
    def numbered(self) -> tuple[int, ...]:
        """The repetitions; studies of former versions kept them in order."""
        return self.repetitions or tuple(range(len(self.values)))

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """The sample's standard deviation; NaN with a single repetition."""
        return statistics.stdev(self.values) if len(self.values) > 1 else float("nan")

    @property
    def shown(self) -> str:
        """Mean and deviation, the mean alone where there is one repetition."""
        spread = f" ± {self.deviation:.4f}" if len(self.values) > 1 else ""
        return f"{self.mean:.4f}{spread}"


def rank(found: Sequence[Candidate], maximize: bool) -> list[Candidate]:
    """By the mean over the repetitions, best first."""
    return sorted(found, key=lambda one: one.mean, reverse=maximize)


def verdict(ranked: Sequence[Candidate]) -> list[str]:
    """What the repetitions say of the first and the others, a sentence each."""
    if len(ranked) < 2:
        return []
    first, second = ranked[0], ranked[1]
    if len(first.paired(second)) < 2:
        gap = abs(first.mean - second.mean)
        return [f"trial {first.number} leads by {gap:.4f}; more seeds say whether that is luck"]
    sentences = [_lead(first, second), _power(ranked)]
    if (cheap := cheapest(ranked)) is not first:
        sentences.append(
            f"the cheapest within one standard error of trial {first.number} is trial "
            f"{cheap.number}: {cheap.shown} in {cheap.seconds / first.seconds:.0%} of the time"
        )
    return sentences


def _lead(first: Candidate, second: Candidate) -> str:
    """Whether the first is ahead of the second by a paired t test."""
    gaps = first.paired(second)
    gap, error = abs(float(gaps.mean())), _standard_error(gaps)
    both = f"{gap:.4f}, paired standard error {error:.4f} over {len(gaps)} repetitions"
    if gap > stats.t.ppf(1 - LEVEL / 2, len(gaps) - 1) * error:
        return f"trial {first.number} leads trial {second.number} by {both}: more than luck"
    return f"trials {first.number} and {second.number} are {both} apart: they cannot be told apart"


def _power(ranked: Sequence[Candidate]) -> str:
    """Which gap so many repetitions would have shown, and how many would show small ones."""
    gaps = [one for one in map(ranked[0].paired, ranked[1:]) if len(one) > 1]
    count = min(map(len, gaps))
    # The deviation of one paired difference, pooled over all pairs with the first.
    deviation = float(np.sqrt(np.mean([one.var(ddof=1) for one in gaps])))
    needed = [f"{repetitions_for(deviation, gap):,} for {gap:g}" for gap in SMALL_GAPS]
    return (
        f"{count} repetitions show a gap of {detectable(deviation, count):.4f} four times of five "
        f"(deviation of a paired difference {deviation:.4f}); needed are {', '.join(needed)}"
    )


def detectable(deviation: float, count: int) -> float:
    """The gap that a paired t test of `count` differences finds with probability POWER."""
    freedom = max(1, count - 1)
    width = stats.t.ppf(1 - LEVEL / 2, freedom) + stats.t.ppf(POWER, freedom)
    return float(width * deviation / np.sqrt(count))


def repetitions_for(deviation: float, gap: float) -> int:
    """How many repetitions show a gap with probability POWER; at most 9,999."""
    counts = range(2, 9_999)
    return next((one for one in counts if detectable(deviation, one) <= gap), 9_999)


def cheapest(ranked: Sequence[Candidate]) -> Candidate:
    """The one that trains fastest among those within one standard error of the first.

    Breiman L, Friedman J, Olshen R, Stone C. Classification and Regression Trees (1984), 3.4.3.
    """
    first = ranked[0]
    close = [first]
    for other in ranked[1:]:
        gaps = first.paired(other)
        if len(gaps) > 1 and abs(float(gaps.mean())) <= _standard_error(gaps):
            close.append(other)
    known = [one for one in close if one.seconds == one.seconds]
    return min(known, key=lambda one: one.seconds) if known else first


def _standard_error(gaps: np.ndarray) -> float:
    return float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
