"""Choice of the heartbeats among candidate peaks: the most plausible path through them.

A candidate gains by its height. Its distance to its neighbours costs: a candidate that comes too
early for the rhythm must be larger, a pause makes a smaller one acceptable, and a small candidate
close to a large one is its T or P wave. The best of all paths is found by dynamic programming
(Viterbi A, IEEE Trans Inf Theory 13(2):260-269, 1967). So a noise peak cannot mislead the rest of
the search, as it can where candidates are judged one after the other.

The costs were tuned on the DS1 records of MIT-BIH, with and without muscle noise and baseline
wander.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

# A candidate at its threshold is worth nothing. What it gains above and loses below, per factor e.
GAIN, LOSS = 2.0, 1.5
# An interval below the first share of the usual one costs, and so does one above the second.
EARLY, EARLY_COST = 0.8, 2.0
LATE, LATE_COST, MOST_LATE_COST = 1.5, 1.5, 1.5
# A candidate this close behind or before another, and below this share of it, is a T or P wave.
T_WAVE_WITHIN_S, T_WAVE_SHARE = 0.36, 0.4
P_WAVE_WITHIN_S, P_WAVE_SHARE = 0.28, 0.6
WAVE_COST = 3.0
# Candidates below this share of their threshold are no beats in any rhythm.
LEAST_SHARE = 0.4
# The usual interval is the median of this many, clipped to the range that follows.
MEDIAN_INTERVALS, SHORTEST_USUAL_S, LONGEST_USUAL_S = 15, 0.3, 2.0
# The first path gives the usual intervals for the second.
ROUNDS = 2
# A candidate may follow any of this many before it and, at the cost of a long pause, any other.
PREDECESSORS = 10
# Segments are solved side by side. Each also sees this much of its neighbours, so that its path
# has settled where the segment begins.
SEGMENT_S, SETTLE_S = 30.0, 15.0


@dataclass(frozen=True)
class Candidates:
    """Local maxima that may be beats.

    Attributes:
        times_s: (candidates,) ascending seconds from the start of the recording.
        heights: (candidates,) how strong they are.
        thresholds: (candidates,) the height above which each is more likely a beat than not.
    """

    times_s: np.ndarray
    heights: np.ndarray
    thresholds: np.ndarray


def choose_beats(candidates: Candidates) -> np.ndarray:
    """(beats,) int64 ascending positions of the candidates that are beats."""
    nodes = np.flatnonzero(candidates.heights > LEAST_SHARE * candidates.thresholds)
    possible = Candidates(
        candidates.times_s[nodes], candidates.heights[nodes], candidates.thresholds[nodes]
    )
    worth = _worth(possible)
    chosen = _above_threshold(possible)
    for _ in range(ROUNDS):
        usual_s = _usual_intervals(possible.times_s, chosen)
        chosen = _best_path(possible.times_s, worth, _costs(possible, usual_s))
    return nodes[chosen]


def _worth(candidates: Candidates) -> np.ndarray:
    """(candidates,) what each candidate adds to a path by its height."""
    above = np.log(candidates.heights / candidates.thresholds)
    return np.where(above > 0, GAIN, LOSS) * above


def _above_threshold(candidates: Candidates) -> np.ndarray:
    """Positions of those above their threshold that are no T or P waves of a neighbour."""
    sure = np.flatnonzero(candidates.heights > candidates.thresholds)
    apart_s, heights = np.diff(candidates.times_s[sure]), candidates.heights[sure]
    before, after = heights[:-1], heights[1:]
    keep = np.ones(len(sure), bool)
    keep[1:] &= (apart_s > T_WAVE_WITHIN_S) | (after > T_WAVE_SHARE * before)
    keep[:-1] &= (apart_s > P_WAVE_WITHIN_S) | (before > P_WAVE_SHARE * after)
    return sure[keep]


def _usual_intervals(times_s: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(candidates,) seconds from beat to beat around each candidate."""
    if len(chosen) < 2:
        return np.full(len(times_s), LONGEST_USUAL_S)
    beats_s = times_s[chosen]
    medians_s = median_filter(np.diff(beats_s), MEDIAN_INTERVALS, mode="nearest")
    usual_s = np.interp(times_s, beats_s[1:], medians_s)
    return np.clip(usual_s, SHORTEST_USUAL_S, LONGEST_USUAL_S)


def _costs(candidates: Candidates, usual_s: np.ndarray) -> np.ndarray:
    """(candidates, PREDECESSORS) the cost of a step to each candidate from those before it."""
    count = len(candidates.times_s)
    before = np.arange(count)[:, np.newaxis] - np.arange(1, PREDECESSORS + 1)
    there = before >= 0
    before = np.maximum(before, 0)
    apart_s = np.where(there, candidates.times_s[:, np.newaxis] - candidates.times_s[before], 1.0)
    of_usual = np.log(apart_s / usual_s[:, np.newaxis])
    rise = np.log(candidates.heights[:, np.newaxis] / candidates.heights[before])
    cost = EARLY_COST * np.maximum(0, np.log(EARLY) - of_usual) ** 2
    cost += np.clip(LATE_COST * (of_usual - np.log(LATE)), 0, MOST_LATE_COST)
    too_low = np.maximum(0, np.log(T_WAVE_SHARE) - rise)
    cost += np.where(apart_s < T_WAVE_WITHIN_S, WAVE_COST * too_low, 0)
    too_high = np.maximum(0, np.log(P_WAVE_SHARE) + rise)
    cost += np.where(apart_s < P_WAVE_WITHIN_S, WAVE_COST * too_high, 0)
    return np.where(there, cost, np.inf)


def _best_path(times_s: np.ndarray, worth: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Positions of the candidates on the best paths of all segments."""
    if not len(times_s):
        return np.empty(0, np.int64)
    segments = np.arange(times_s[0] // SEGMENT_S, times_s[-1] // SEGMENT_S + 1)
    starts_s = segments * SEGMENT_S
    first = np.searchsorted(times_s, starts_s - SETTLE_S)
    last = np.searchsorted(times_s, starts_s + SEGMENT_S + SETTLE_S)
    totals, came_from = _forward(first, last, worth, costs)
    rows, columns = np.nonzero(_backward(totals, came_from))
    chosen = first[rows] + columns
    return chosen[times_s[chosen] // SEGMENT_S == segments[rows]]


def _forward(
    first: np.ndarray, last: np.ndarray, worth: np.ndarray, costs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(segments, places) worth of the best path to each candidate, and the place it comes from.

    A path begins where that is -1. Places behind a segment's last candidate have minus infinity.
    """
    width, rows = int((last - first).max()), np.arange(len(first))
    totals = np.full((len(first), PREDECESSORS + width), -np.inf)
    came_from = np.full((len(first), width), -1)
    far_total, far_place = np.full(len(first), -np.inf), np.full(len(first), -1)
    for place in range(width):
        node = np.minimum(first + place, len(worth) - 1)
        options = totals[:, place : place + PREDECESSORS][:, ::-1] - costs[node]
        nearest = options.argmax(axis=1)
        values = np.column_stack([options[rows, nearest], far_total - MOST_LATE_COST, 0 * rows])
        sources = np.column_stack([place - 1 - nearest, far_place, np.full(len(first), -1)])
        choice = values.argmax(axis=1)
        came_from[:, place] = sources[rows, choice]
        total = values[rows, choice] + worth[node]
        totals[:, PREDECESSORS + place] = np.where(first + place < last, total, -np.inf)
        passed = totals[:, place]  # too far back for its interval to the next one to count
        far_place = np.where(passed > far_total, place - PREDECESSORS, far_place)
        far_total = np.maximum(passed, far_total)
    return totals[:, PREDECESSORS:], came_from


def _backward(totals: np.ndarray, came_from: np.ndarray) -> np.ndarray:
    """(segments, places) bool: the candidates on the best path of each segment, if it gains."""
    on_path = np.zeros(totals.shape, bool)
    rows = np.flatnonzero((totals > 0).any(axis=1))
    places = totals[rows].argmax(axis=1) if len(rows) else rows
    while len(rows):
        on_path[rows, places] = True
        places = came_from[rows, places]
        rows, places = rows[places >= 0], places[places >= 0]
    return on_path
