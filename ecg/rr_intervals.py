"""RR intervals: the time from each beat to the next, and the effect of ectopic beats on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import median_filter

from ecg.gaps import runs
from utils.errors import InputError

# The usual interval is the median of NEIGHBOURS intervals. The rhythm is steady where STEADY_SHARE
# of them differ from it by less than STEADY_WITHIN of it. Where it is not, as in bigeminy or
# atrial fibrillation, timing cannot tell a premature beat from the rhythm itself, and no beat is
# called premature. The share was chosen on DS1 of MIT-BIH: with 0.5 or 0.6 more of atrial
# fibrillation was taken for ectopy.
NEIGHBOURS, STEADY_SHARE, STEADY_WITHIN = 11, 0.7, 0.1
# A longer series of intervals beside ectopic beats is a rhythm of its own, not ectopy.
MOST_JOINED = 4
# An interval below the first share of the usual one ends with a premature beat. One above the
# second is a pause, or a beat was missed.
PREMATURE_BELOW, PAUSE_ABOVE = 0.87, 1.5


@dataclass(frozen=True)
class RRIntervals:
    """The intervals between successive beats.

    Attributes:
        rr_s: (beats - 1,) float64, seconds; NaN where a gap of the recording lies between.
        ectopic: (beats - 1,) bool, whether ectopy made it: the interval before an ectopic
            beat, and the pause after it.
        evened_s: (beats - 1,) float64, seconds. The intervals before and after an ectopic beat are
            both replaced by their mean: a ventricular beat seldom resets the sinus node, so they
            are two sinus intervals together.
    """

    rr_s: np.ndarray
    ectopic: np.ndarray
    evened_s: np.ndarray

    @property
    def sinus_s(self) -> np.ndarray:
        """(beats - 1,) float64: the intervals without the ectopic ones, which are NaN."""
        return np.where(self.ectopic, np.nan, self.rr_s)


def rr_intervals(
    r_peaks_s: np.ndarray,
    *,
    gaps: Sequence[tuple[float, float]] = (),
    ectopic_beats: np.ndarray | None = None,
) -> RRIntervals:
    """Measure the intervals between beats and find those that ectopy made.

    A premature beat is recognised by its timing against a steady rhythm, and so is the pause that
    follows it. Beats that the caller knows to be ectopic count as well.

    Args:
        r_peaks_s: (beats,) seconds, ascending.
        gaps: (start_s, end_s) of segments in which beats could not be seen.
        ectopic_beats: (beats,) bool, beats that are known not to come from the sinus node.

    Raises:
        InputError: times are not finite or not ascending, a gap ends before it starts, or the mask
            is not of one value per beat.
    """
    times_s = checked_times(r_peaks_s)
    rr_s = np.where(across_gaps(times_s, gaps), np.nan, np.diff(times_s))
    premature, pauses = np.zeros((2, len(rr_s)), bool)
    for first, end in runs(np.isfinite(rr_s)).tolist():
        premature[first:end], pauses[first:end] = _by_timing(rr_s[first:end])
    ectopic_beat = np.append(False, premature)[: len(times_s)]
    touched = premature | pauses
    if ectopic_beats is not None:
        known = checked_per_beat(ectopic_beats, times_s, "ectopic_beats").astype(bool)
        ectopic_beat |= known
        touched |= known[:-1] | known[1:]
    return RRIntervals(rr_s, touched, _evened(rr_s, ectopic_beat))


def checked_times(r_peaks_s: np.ndarray) -> np.ndarray:
    """The times as float64.

    Raises:
        InputError: they are not one row of finite, ascending numbers.
    """
    times_s = np.asarray(r_peaks_s, np.float64)
    if times_s.ndim != 1:
        raise InputError(f"R peak times in one row expected, got an array of {times_s.shape}")
    if not np.isfinite(times_s).all():
        beat = int(np.flatnonzero(~np.isfinite(times_s))[0])
        raise InputError(f"R peak times in seconds expected, got {times_s[beat]} for beat {beat}")
    late = np.flatnonzero(np.diff(times_s) <= 0)
    if len(late):
        beat = int(late[0])
        raise InputError(
            f"ascending R peak times expected, got {times_s[beat + 1]:g} s for beat {beat + 1} "
            f"after {times_s[beat]:g} s for beat {beat}; sort them and drop duplicates"
        )
    return times_s


def checked_per_beat(values: np.ndarray, times_s: np.ndarray, name: str) -> np.ndarray:
    """The values as an array.

    Raises:
        InputError: they are not one for each beat.
    """
    array = np.asarray(values)
    if array.shape != times_s.shape:
        raise InputError(
            f"one value of {name} for each of {len(times_s)} beats expected, got {array.shape}"
        )
    return array


def across_gaps(times_s: np.ndarray, gaps: Sequence[tuple[float, float]]) -> np.ndarray:
    """(beats - 1,) bool: whether some of a gap lies between a beat and the next.

    Raises:
        InputError: a gap ends before it starts, or its ends are not numbers.
    """
    broken = np.zeros(max(0, len(times_s) - 1), bool)
    for start_s, end_s in gaps:
        if not start_s <= end_s:
            raise InputError(f"gaps of (start_s, end_s) expected, got ({start_s}, {end_s})")
        broken |= (times_s[:-1] < end_s) & (times_s[1:] > start_s)
    return broken


def _by_timing(rr_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which intervals end with a premature beat, and which are pauses."""
    usual_s = median_filter(rr_s, NEIGHBOURS, mode="nearest")
    padded_s = np.pad(rr_s, NEIGHBOURS // 2, mode="edge")
    near = np.abs(sliding_window_view(padded_s, NEIGHBOURS) - usual_s[:, None])
    steady = (near < STEADY_WITHIN * usual_s[:, None]).mean(axis=1) >= STEADY_SHARE
    premature = steady & (rr_s < PREMATURE_BELOW * usual_s)
    compensatory = np.append(False, premature[:-1]) & (rr_s > usual_s)
    return premature, compensatory | (steady & (rr_s > PAUSE_ABOVE * usual_s))


def _evened(rr_s: np.ndarray, ectopic_beat: np.ndarray) -> np.ndarray:
    if not len(rr_s):
        return rr_s.copy()
    between = np.append(False, ectopic_beat[1:-1])  # before interval k, as its first beat
    known = np.isfinite(rr_s)
    joined = between & known & np.append(False, known[:-1])
    series = np.cumsum(~joined) - 1
    length = np.bincount(series)
    mean_s = np.bincount(series, rr_s) / length
    return np.where((length <= MOST_JOINED)[series], mean_s[series], rr_s)
