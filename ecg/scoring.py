"""Scoring of detected marks (beats, onsets, ends) against the marks of a reference.

Marks are paired as PhysioNet's `bxb` pairs beats, as ANSI/AAMI EC57 requires: in order of time,
one to one, and a mark is skipped where the next one lies nearer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matches:
    """The pairing of a reference's marks with found marks.

    Attributes:
        truth: (pairs,) int64 positions of the matched marks among the reference's.
        found: (pairs,) int64 positions of their partners among the found ones.
        offsets: (pairs,) found minus true, in the unit of the marks.
        truths: how many marks the reference has.
        founds: how many marks were found.
    """

    truth: np.ndarray
    found: np.ndarray
    offsets: np.ndarray
    truths: int
    founds: int

    @property
    def pairs(self) -> int:
        """How many marks have a partner."""
        return len(self.offsets)

    @property
    def missed(self) -> np.ndarray:
        """Positions of the reference's marks that have no partner."""
        return np.setdiff1d(np.arange(self.truths), self.truth)

    @property
    def invented(self) -> np.ndarray:
        """Positions of the found marks that have no partner."""
        return np.setdiff1d(np.arange(self.founds), self.found)

    @property
    def sensitivity(self) -> float:
        """Share of the reference's marks that were found, NaN where it has none."""
        return _share(self.pairs, self.truths)

    @property
    def ppv(self) -> float:
        """Share of the found marks that are true (positive predictivity), NaN where none were."""
        return _share(self.pairs, self.founds)

    @property
    def f1(self) -> float:
        """The harmonic mean of sensitivity and PPV, NaN where there is no mark at all."""
        return _share(2 * self.pairs, self.truths + self.founds)


def match(truth: np.ndarray, found: np.ndarray, tolerance: float) -> Matches:
    """Pair each mark of a reference with at most one found mark, and each found mark with one.

    Args:
        truth: (marks,) ascending, in samples or seconds.
        found: (marks,) ascending, in the same unit.
        tolerance: the largest distance of a pair, in that unit; it still counts.
    """
    truth, found = np.asarray(truth), np.asarray(found)
    pairs = np.array(_pairs(truth.tolist(), found.tolist(), tolerance), np.int64).reshape(-1, 2)
    of_truth, of_found = pairs.T
    offsets = found[of_found] - truth[of_truth]
    return Matches(of_truth, of_found, offsets, len(truth), len(found))


def pool(matches: Iterable[Matches]) -> Matches:
    """Pool recordings as if they were one ("gross" statistics): each mark counts the same."""
    parts = list(matches)
    first_truth = np.cumsum([0, *(part.truths for part in parts)])
    first_found = np.cumsum([0, *(part.founds for part in parts)])
    none = np.empty(0, np.int64)
    return Matches(
        np.concatenate([none, *(p.truth + first_truth[i] for i, p in enumerate(parts))]),
        np.concatenate([none, *(p.found + first_found[i] for i, p in enumerate(parts))]),
        np.concatenate([none, *(part.offsets for part in parts)]),
        int(first_truth[-1]),
        int(first_found[-1]),
    )


def _pairs(truth: list[float], found: list[float], tolerance: float) -> list[tuple[int, int]]:
    pairs = []
    i = j = 0
    while i < len(truth) and j < len(found):
        apart = abs(found[j] - truth[i])
        next_found = found[j + 1] if j + 1 < len(found) else np.inf
        next_truth = truth[i + 1] if i + 1 < len(truth) else np.inf
        if found[j] < truth[i]:  # the found mark may be this one's, unless the next fits better
            is_pair = apart <= tolerance and apart <= abs(next_found - truth[i])
        else:
            is_pair = apart <= tolerance and apart <= abs(found[j] - next_truth)
        if is_pair:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif found[j] < truth[i]:
            j += 1
        else:
            i += 1
    return pairs


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
