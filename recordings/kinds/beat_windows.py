"""The shape of every beat of a recording on one grid of times around its R peak."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfiltfilt

from ecg.gaps import without_gaps

# From before the P wave to the end of the T wave, at the sampling rate of the networks' input.
FROM_S, TO_S, GRID_HZ = -0.3, 0.5, 120.0
# Removes baseline wander, muscle noise and mains hum.
BAND_HZ = (0.5, 40.0)
# The QRS complex, which must have been recorded for a beat to have a shape.
QRS_FROM_S, QRS_TO_S = -0.1, 0.13
# Larger heights, in usual beat heights, are artefacts; they would dominate every mean.
MOST_HEIGHTS = 4.0
# Long recordings are filtered in parts of this many beats, with a margin on both sides.
BEATS_AT_ONCE, MARGIN_S = 4096, 5.0


@dataclass(frozen=True)
class BeatWindows:
    """The beats of one recording in one lead.

    Attributes:
        times_s: (points,) seconds from the R peak.
        shapes: (beats, points) float32, 1 being the usual height of this recording's beats, and 0
            the median of each window. All zeros where a beat has no shape.
        whole: (beats,) bool, whether the QRS complex was recorded, so that there is a shape.
    """

    times_s: np.ndarray
    shapes: np.ndarray
    whole: np.ndarray

    def between(self, from_s: float, to_s: float) -> np.ndarray:
        """(points,) bool: the part of the window from `from_s` to `to_s`, both included."""
        return (self.times_s > from_s - 1e-6) & (self.times_s < to_s + 1e-6)


def windows(
    signal_mv: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray,
    usable: np.ndarray | None = None,
) -> BeatWindows:
    """Cut a window around every R peak.

    What the window lacks beside the QRS complex, at the ends of the recording and in gaps, is
    filled with straight lines.

    Args:
        signal_mv: (samples,) one lead, millivolts; NaN where nothing was recorded.
        sampling_hz: samples per second, more than 80.
        r_peaks: (beats,) int, ascending sample indices.
        usable: (beats,) bool; the others have no shape. All by default.
    """
    times_s = np.arange(round(FROM_S * GRID_HZ), round(TO_S * GRID_HZ) + 1) / GRID_HZ
    shapes = np.zeros((len(r_peaks), len(times_s)), np.float32)
    for first in range(0, len(r_peaks), BEATS_AT_ONCE):
        part = slice(first, first + BEATS_AT_ONCE)
        shapes[part] = _cut(signal_mv, sampling_hz, r_peaks[part], times_s)
    whole = _has_complex(signal_mv, sampling_hz, r_peaks)
    if usable is not None:
        whole &= usable
    return BeatWindows(times_s, _scaled(shapes, whole), whole)


def _cut(
    signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray, times_s: np.ndarray
) -> np.ndarray:
    margin = round(MARGIN_S * sampling_hz)
    start = max(0, int(r_peaks[0]) - margin)
    part = _filtered(signal_mv[start : int(r_peaks[-1]) + margin], sampling_hz)
    places = (r_peaks - start)[:, None] + times_s * sampling_hz
    return np.interp(places, np.arange(len(part)), part)


def _filtered(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    level = without_gaps(signal_mv)
    band = butter(2, BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    return sosfiltfilt(band, level, padlen=min(len(level) - 1, round(sampling_hz)))


def _has_complex(signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> np.ndarray:
    lost = np.concatenate([[0], np.cumsum(~np.isfinite(signal_mv))])
    start = r_peaks + round(QRS_FROM_S * sampling_hz)
    end = r_peaks + round(QRS_TO_S * sampling_hz) + 1
    inside = (start >= 0) & (end <= len(signal_mv))
    start, end = np.clip(start, 0, len(signal_mv)), np.clip(end, 0, len(signal_mv))
    return inside & (lost[end] == lost[start])


def _scaled(shapes: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Shapes about their medians, in usual heights; zeros where there is no shape."""
    if not whole.any():
        return np.zeros_like(shapes)
    level = shapes - np.median(shapes, axis=1, keepdims=True)
    height = float(np.median(np.ptp(level[whole], axis=1)))
    if height > 0:
        level = np.clip(level / height, -MOST_HEIGHTS, MOST_HEIGHTS)
    level[~whole] = 0
    return level
