"""The few seconds of a recording where most is to be seen."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from recordings.analysis import Analysis
from recordings.pictures.signs import merged, usable

LENGTH_S = 9.0
# A beat nearer to an edge than this is not wholly seen; the first beat lies a little further in.
EDGE_S, FIRST_S = 0.45, 0.55
# What a window is worth: each class counts 1 if a beat is surely of it and seen well, one of
# unknown kind counts half. A bad signal costs more than a class brings, so that artefacts lose.
UNKNOWN_WORTH, QUALITY_WORTH, WAVES_WORTH, UNUSABLE_WORTH = 0.5, 1.5, 0.3, -3.0
SEEN_WELL, SURE = 0.5, 0.8
PEAKS = ["p_peak_s", "qrs_peak_s", "t_peak_s"]


def best_window(analysis: Analysis) -> tuple[float, float]:
    """Start and end in seconds: most classes first, then the best signal; the earliest of equals.

    Args:
        analysis: what was found in a recording; one that is shorter is shown whole.
    """
    length_s = min(LENGTH_S, analysis.duration_s)
    beats = usable(analysis.beats)
    if beats.empty:
        return 0.0, length_s
    times_s = beats["time_s"].to_numpy(float)
    starts_s = np.clip(times_s - FIRST_S, 0, analysis.duration_s - length_s)
    worth = _worth_of_beats(beats, times_s, starts_s, length_s)
    worth += UNUSABLE_WORTH * _unusable_share(merged(analysis.stretches), starts_s, length_s)
    start_s = float(starts_s[np.argmax(np.round(worth, 6))])
    return start_s, start_s + length_s


def _worth_of_beats(
    beats: pd.DataFrame, times_s: np.ndarray, starts_s: np.ndarray, length_s: float
) -> np.ndarray:
    """(windows,) what the beats inside each window are worth."""
    inside = _sums(times_s, starts_s + EDGE_S, starts_s + length_s - EDGE_S)
    count = np.maximum(inside(np.ones(len(beats))), 1)
    seen, unknown = beats["quality"] >= SEEN_WELL, beats["unknown"].astype(bool)
    sure = seen & ~unknown & (beats["probability"] >= SURE)
    worth = UNKNOWN_WORTH * (inside(seen & unknown) > 0)
    for name in beats["class"].unique():
        worth = worth + (inside(sure & (beats["class"] == name)) > 0)
    found = beats[PEAKS].notna().mean(axis=1)
    return worth + (QUALITY_WORTH * inside(beats["quality"]) + WAVES_WORTH * inside(found)) / count


def _sums(times_s: np.ndarray, begins_s: np.ndarray, ends_s: np.ndarray) -> Callable:
    """A function that adds up any values of the beats inside each window."""
    first, last = np.searchsorted(times_s, begins_s), np.searchsorted(times_s, ends_s)
    last = np.maximum(first, last)

    def inside(values) -> np.ndarray:
        total = np.append(0, np.cumsum(np.nan_to_num(np.asarray(values, float))))
        return total[last] - total[first]

    return inside


def _unusable_share(spans_s: np.ndarray, starts_s: np.ndarray, length_s: float) -> np.ndarray:
    share = np.zeros(len(starts_s))
    for start, end in spans_s:
        overlap = np.minimum(starts_s + length_s, end) - np.maximum(starts_s, start)
        share += np.clip(overlap, 0, None) / length_s
    return share
