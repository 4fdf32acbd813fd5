"""Scores of wave marks against LUDB's annotators, by lead."""

from dataclasses import dataclass, field

import numpy as np

from ecg.delineate import Waves
from ecg.files import ludb
from ecg.scoring import Matches, match

TOLERANCE = 0.15 * ludb.SAMPLING_HZ
WAVES = ("p", "qrs", "t")
MARKS = tuple((wave, part) for wave in range(3) for part in range(3))
# Around the R peak, s: where P and T are, for the choice of the cleanest lead.
WITHOUT_QRS_S = ((-0.25, -0.06), (0.1, 0.4))


@dataclass
class Tally:
    """Scores of one way to mark waves: per scope of leads, the matches of each mark by record."""

    by_scope: dict[str, dict[int, list[Matches]]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, scope: str, record: int, matches: list[Matches]) -> None:
        """Keep what was found of one record."""
        self.by_scope.setdefault(scope, {})[record] = matches


def likeness(signal_mv: np.ndarray, peaks: np.ndarray) -> float:
    """Power of the mean beat over that of what differs from it, without the QRS."""
    columns = np.concatenate(
        [
            np.arange(*np.rint(np.array(ends) * ludb.SAMPLING_HZ).astype(int))
            for ends in WITHOUT_QRS_S
        ]
    )
    places = peaks[:, None] + columns
    inside = (places.min(axis=1) >= 0) & (places.max(axis=1) < len(signal_mv))
    if inside.sum() < 2:
        return 0.0
    beats = signal_mv[places[inside]]
    beats = beats - beats.mean(axis=1, keepdims=True)
    mean = np.median(beats, axis=0)
    return float(np.mean(mean**2) / (np.mean((beats - mean) ** 2) + 1e-9))


def score_lead(truth: ludb.MarkedLead, found: Waves) -> list[Matches]:
    """Each of the nine marks against those of the same lead."""
    marked = np.concatenate([getattr(truth, wave).ravel() for wave in WAVES])
    marked = marked[marked >= 0]
    scope = (marked.min(), marked.max()) if len(marked) else (0, -1)
    return [_score_mark(*_pair(truth, found, mark), scope) for mark in MARKS]


def _pair(
    truth: ludb.MarkedLead, found: Waves, mark: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    wave, part = mark
    columns = (getattr(marks, WAVES[wave])[:, part] for marks in (truth, found))
    true, ours = (np.sort(column[column >= 0]) for column in columns)
    return true, ours


def _score_mark(truth: np.ndarray, found: np.ndarray, scope: tuple[int, int]) -> Matches:
    matches = match(truth, found, TOLERANCE)
    invented = found[matches.invented]
    outside = np.sum((invented < scope[0]) | (invented > scope[1]))
    return Matches(
        matches.truth,
        matches.found,
        matches.offsets,
        matches.truths,
        matches.founds - int(outside),
    )


def score_nearest(leads: dict[str, ludb.MarkedLead], found: dict[str, Waves]) -> list[Matches]:
    """For each wave marked in lead II, the least error of each mark over all leads."""
    scores = []
    for wave, part in MARKS:
        waves_of_ii = getattr(leads["ii"], WAVES[wave])
        waves_of_ii = waves_of_ii[waves_of_ii[:, part] >= 0]
        offsets = np.stack(
            [
                _offsets(waves_of_ii[:, 1], lead, found[name], wave, part)
                for name, lead in leads.items()
            ]
        )
        best = np.where(np.isfinite(offsets), np.abs(offsets), np.inf).argmin(axis=0)
        least = offsets[best, np.arange(len(waves_of_ii))]
        hit = np.flatnonzero(np.isfinite(least))
        # What is invented belongs to a lead, so there is no PPV of the nearest one.
        scores.append(Matches(hit, hit, least[hit], len(waves_of_ii), 0))
    return scores


def _offsets(
    peaks: np.ndarray, lead: ludb.MarkedLead, found: Waves, wave: int, part: int
) -> np.ndarray:
    """(waves,) found minus true in this lead, of those waves near the peaks; NaN where missed."""
    offsets = np.full(len(peaks), np.nan)
    own = getattr(lead, WAVES[wave])
    own = own[own[:, part] >= 0]
    true, ours = _pair(lead, found, (wave, part))
    hits = match(true, ours, TOLERANCE)
    of_own = np.full(len(own), np.nan)
    of_own[hits.truth] = hits.offsets
    same = match(peaks, own[:, 1], TOLERANCE)
    offsets[same.truth] = of_own[same.found]
    return offsets
