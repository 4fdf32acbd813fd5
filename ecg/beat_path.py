"""Which tops of a signal are beats: the path through them that is the most plausible as a whole.

Each top speaks for itself by its height, and for its neighbours by its distance: a top that comes
too early for the rhythm must be all the larger, a pause is a reason to take a smaller one, and a
small top close to a large one is its T or P wave. The best of all paths is found by dynamic
programming (Viterbi A, IEEE Trans Inf Theory 13(2):260-269, 1967), so that noise cannot pull the
search off its way as it does where tops are judged one after the other.

The prices were tuned on the DS1 records of MIT-BIH, with and without muscle noise and baseline
wander.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

# A top at its limit is worth nothing; what it wins above and loses below, per factor of e.
WIN, LOSS = 2.0, 1.5
# An interval below this share of the usual one costs, and so does one above that share.
EARLY, EARLY_COST = 0.8, 2.0
LATE, LATE_COST, MOST_LATE_COST = 1.5, 1.5, 1.5
# What follows or precedes a top so closely, and is so much smaller, is its T or P wave.
T_WAVE_WITHIN_S, T_WAVE_SHARE = 0.36, 0.4
P_WAVE_WITHIN_S, P_WAVE_SHARE = 0.28, 0.6
WAVE_COST = 3.0
# Tops further below their limit than this are no beats in any rhythm.
LEAST_SHARE = 0.4
# The usual interval is the median of so many, and lies between these.
ALIKE_INTERVALS, SHORTEST_USUAL_S, LONGEST_USUAL_S = 15, 0.3, 2.0
# A first path gives the usual intervals for the second.
ROUNDS = 2
# A top may follow any of so many before it, and, at the price of a long pause, any other.
PREDECESSORS = 10
# Stretches are solved side by side, each with so much of its neighbours as settles the path.
STRETCH_S, SETTLE_S = 30.0, 15.0


@dataclass(frozen=True)
class Tops:
    """Local maxima that may be beats.

    Attributes:
        times_s: (tops,) ascending seconds from the start of the recording.
        heights: (tops,) how strong they are.
        limits: (tops,) the height from which each is rather a beat than not.
    """

    times_s: np.ndarray
    heights: np.ndarray
    limits: np.ndarray


def beats_among(tops: Tops) -> np.ndarray:
    """(beats,) int64 ascending positions of the tops that are taken for beats."""
    nodes = np.flatnonzero(tops.heights > LEAST_SHARE * tops.limits)
    few = Tops(tops.times_s[nodes], tops.heights[nodes], tops.limits[nodes])
    worth = _worth(few)
    chosen = _above_limit(few)
    for _ in range(ROUNDS):
        usual_s = _usual_intervals(few.times_s, chosen)
        chosen = _best_path(few.times_s, worth, _prices(few, usual_s))
    return nodes[chosen]


def _worth(tops: Tops) -> np.ndarray:
    """(tops,) what each top adds to a path by its height."""
    above = np.log(tops.heights / tops.limits)
    return np.where(above > 0, WIN, LOSS) * above


def _above_limit(tops: Tops) -> np.ndarray:
    """Positions of the tops above their limits that are no T or P waves of their neighbours."""
    sure = np.flatnonzero(tops.heights > tops.limits)
    apart_s, heights = np.diff(tops.times_s[sure]), tops.heights[sure]
    before, after = heights[:-1], heights[1:]
    keep = np.ones(len(sure), bool)
    keep[1:] &= (apart_s > T_WAVE_WITHIN_S) | (after > T_WAVE_SHARE * before)
    keep[:-1] &= (apart_s > P_WAVE_WITHIN_S) | (before > P_WAVE_SHARE * after)
    return sure[keep]


def _usual_intervals(times_s: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(tops,) seconds between beats around each top."""
    if len(chosen) < 2:
        return np.full(len(times_s), LONGEST_USUAL_S)
    beats_s = times_s[chosen]
    medians_s = median_filter(np.diff(beats_s), ALIKE_INTERVALS, mode="nearest")
    usual_s = np.interp(times_s, beats_s[1:], medians_s)
    return np.clip(usual_s, SHORTEST_USUAL_S, LONGEST_USUAL_S)


def _prices(tops: Tops, usual_s: np.ndarray) -> np.ndarray:
    """(tops, PREDECESSORS) the price of going to each top from each of those before it."""
    count = len(tops.times_s)
    before = np.arange(count)[:, np.newaxis] - np.arange(1, PREDECESSORS + 1)
    there = before >= 0
    before = np.maximum(before, 0)
    apart_s = np.where(there, tops.times_s[:, np.newaxis] - tops.times_s[before], 1.0)
    of_usual = np.log(apart_s / usual_s[:, np.newaxis])
    rise = np.log(tops.heights[:, np.newaxis] / tops.heights[before])
    price = EARLY_COST * np.maximum(0, np.log(EARLY) - of_usual) ** 2
    price += np.clip(LATE_COST * (of_usual - np.log(LATE)), 0, MOST_LATE_COST)
    too_low = np.maximum(0, np.log(T_WAVE_SHARE) - rise)
    price += np.where(apart_s < T_WAVE_WITHIN_S, WAVE_COST * too_low, 0)
    too_high = np.maximum(0, np.log(P_WAVE_SHARE) + rise)
    price += np.where(apart_s < P_WAVE_WITHIN_S, WAVE_COST * too_high, 0)
    return np.where(there, price, np.inf)


def _best_path(times_s: np.ndarray, worth: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Positions of the tops on the best paths of all stretches."""
    if not len(times_s):
        return np.empty(0, np.int64)
    stretches = np.arange(times_s[0] // STRETCH_S, times_s[-1] // STRETCH_S + 1)
    starts_s = stretches * STRETCH_S
    first = np.searchsorted(times_s, starts_s - SETTLE_S)
    last = np.searchsorted(times_s, starts_s + STRETCH_S + SETTLE_S)
    totals, came_from = _forward(first, last, worth, prices)
    rows, columns = np.nonzero(_backward(totals, came_from))
    chosen = first[rows] + columns
    return chosen[times_s[chosen] // STRETCH_S == stretches[rows]]


def _forward(
    first: np.ndarray, last: np.ndarray, worth: np.ndarray, prices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(stretches, places) worth of the best path that ends in each top, and where it came from.

    A path begins where that is -1; a place behind a stretch's last top has minus infinity.
    """
    width, rows = int((last - first).max()), np.arange(len(first))
    totals = np.full((len(first), PREDECESSORS + width), -np.inf)
    came_from = np.full((len(first), width), -1)
    far_total, far_place = np.full(len(first), -np.inf), np.full(len(first), -1)
    for place in range(width):
        node = np.minimum(first + place, len(worth) - 1)
        options = totals[:, place : place + PREDECESSORS][:, ::-1] - prices[node]
        nearest = options.argmax(axis=1)
        values = np.column_stack([options[rows, nearest], far_total - MOST_LATE_COST, 0 * rows])
        sources = np.column_stack([place - 1 - nearest, far_place, np.full(len(first), -1)])
        choice = values.argmax(axis=1)
        came_from[:, place] = sources[rows, choice]
        total = values[rows, choice] + worth[node]
        totals[:, PREDECESSORS + place] = np.where(first + place < last, total, -np.inf)
        leaving = totals[:, place]  # too far back for the next top to count its interval
        far_place = np.where(leaving > far_total, place - PREDECESSORS, far_place)
        far_total = np.maximum(leaving, far_total)
    return totals[:, PREDECESSORS:], came_from


def _backward(totals: np.ndarray, came_from: np.ndarray) -> np.ndarray:
    """(stretches, places) bool: the tops on the best path of each stretch, if any is worth it."""
    on_path = np.zeros(totals.shape, bool)
    rows = np.flatnonzero((totals > 0).any(axis=1))
    places = totals[rows].argmax(axis=1) if len(rows) else rows
    while len(rows):
        on_path[rows, places] = True
        places = came_from[rows, places]
        rows, places = rows[places >= 0], places[places >= 0]
    return on_path
