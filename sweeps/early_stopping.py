"""W&B's hyperband: at each bracket a trial that is not among the best 1/eta there is stopped.

The rule is that of W&B's own engine: brackets count log calls that contain the metric; all trials
that reached a bracket, finished ones included, are ranked by their value there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BRACKETS = 100  # W&B's engine extends `min_iter` so far


@dataclass(frozen=True)
class Verdict:
    """Why a trial is stopped: in bracket `band` its `value` was worse than `threshold`."""

    band: int
    value: float
    threshold: float

    def sentence(self) -> str:
        return (
            f"stopped by hyperband after {self.band} log calls: {self.value:.6g} against "
            f"{self.threshold:.6g}"
        )


@dataclass(frozen=True)
class Hyperband:
    """Early stopping.

    Attributes:
        bands: the numbers of log calls at which it looks, rising.
        eta: the best 1/eta of the trials go on.
        strict: judge by the value in the bracket itself, not by the best value so far.
    """

    bands: tuple[int, ...]
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
            bands = [int(min_iter * eta**power) for power in range(BRACKETS)]
        else:
            assert max_iter is not None
            bands = [int(max_iter / eta**power) for power in range(1, int(s) + 1)]
        return cls(tuple(sorted({band for band in bands if band >= 1})), eta, strict)

    def judge(
        self, own: Sequence[float], others: Iterable[Sequence[float]], maximize: bool
    ) -> Verdict | None:
        """Whether a trial is to be stopped now.

        Args:
            own: the trial's metric at each of its log calls.
            others: the same of all other trials, running, stopped and finished.
            maximize: whether larger is better.
        """
        band = max((band for band in self.bands if band <= len(own)), default=0)
        if not band:
            return None
        sign = -1 if maximize else 1
        standing = sorted(sign * one[band - 1] for one in (own, *others) if len(one) >= band)
        threshold = standing[int(len(standing) / self.eta)]
        value = sign * own[band - 1] if self.strict else min(sign * value for value in own)
        if value > threshold:
            return Verdict(band, sign * value, sign * threshold)
        return None
