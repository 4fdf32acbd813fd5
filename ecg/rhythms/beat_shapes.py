"""What the signal looks like around each beat, and around the beats beside it."""

import numpy as np
from scipy.signal import butter, sosfiltfilt

from ecg.gaps import without_gaps
from utils.errors import InputError

BAND_HZ, STEP_S = (0.5, 25.0), 0.01
# So many beats are cut at a time, which bounds memory; the filter has settled after the margin.
BEATS_AT_ONCE, MARGIN_S = 2000, 10.0
# A mean of fewer beats is no measure for another beat.
FEWEST = 3


def around_beats(
    signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray, from_s: float, to_s: float
) -> np.ndarray:
    """Cut the same stretch around each R peak, free of baseline wander and mains hum.

    Args:
        signal_mv: (samples,) or (samples, leads), NaN where nothing was recorded.
        sampling_hz: samples per second.
        r_peaks: (beats,) samples, ascending.
        from_s, to_s: seconds from the R peak.

    Returns:
        (beats, leads, steps) mV in steps of 10 ms; NaN where some of it was not recorded.

    Raises:
        InputError: an R peak is not a sample of the signal.
    """
    leads = signal_mv[:, None] if signal_mv.ndim == 1 else signal_mv
    peaks = np.asarray(r_peaks, np.int64)
    if len(peaks) and not 0 <= peaks.min() <= peaks.max() < len(leads):
        raise InputError(
            f"R peaks among {len(leads)} samples expected, got {peaks.min()} to {peaks.max()}; "
            "are they of this recording, in samples?"
        )
    steps = np.arange(from_s, to_s + STEP_S / 2, STEP_S) * sampling_hz
    margin = round(MARGIN_S * sampling_hz)
    parts = [np.empty((0, leads.shape[1], len(steps)))]
    for first in range(0, len(peaks), BEATS_AT_ONCE):
        some = peaks[first : first + BEATS_AT_ONCE]
        start = max(0, some[0] - margin)
        part = leads[start : some[-1] + margin]
        parts.append(_cut(part, sampling_hz, (some - start)[:, None] + steps))
    return np.concatenate(parts)


def _cut(leads: np.ndarray, sampling_hz: float, places: np.ndarray) -> np.ndarray:
    samples = np.arange(len(leads))
    shapes = [np.interp(places, samples, _filtered(lead, sampling_hz)) for lead in leads.T]
    nearest = np.rint(places).astype(np.int64)
    inside = np.clip(nearest, 0, len(leads) - 1)
    recorded = np.isfinite(leads).all(axis=1)
    whole = ((inside == nearest) & recorded[inside]).all(axis=1)
    return np.where(whole[:, None, None], np.stack(shapes, axis=1), np.nan)


def _filtered(lead_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    band = butter(2, BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    margin = min(len(lead_mv) - 1, round(sampling_hz / BAND_HZ[0]))
    return sosfiltfilt(band, without_gaps(lead_mv), padlen=margin)


def mean_of_neighbours(shapes: np.ndarray, usual: np.ndarray, each_side: int) -> np.ndarray:
    """The mean of the usual beats around each one, itself left out.

    Args:
        shapes: (beats, values).
        usual: (beats,) bool, the beats that may be part of a mean.
        each_side: how many beats on each side are neighbours.

    Returns:
        (beats, values), NaN where fewer than three neighbours are usual.
    """
    beats, values = shapes.shape
    usual = usual & np.isfinite(shapes).all(axis=1)
    kept = np.where(usual[:, None], shapes, 0)
    sums = np.concatenate([np.zeros((1, values)), np.cumsum(kept, axis=0)])
    counts = np.append(0, np.cumsum(usual))
    first = np.maximum(0, np.arange(beats) - each_side)
    end = np.minimum(beats, np.arange(beats) + each_side + 1)
    count = (counts[end] - counts[first] - usual)[:, None]
    return np.where(count >= FEWEST, sums[end] - sums[first] - kept, np.nan) / np.maximum(1, count)


def size(shapes: np.ndarray) -> np.ndarray:
    """(beats,) the Euclidean length of each shape."""
    return np.sqrt((shapes**2).sum(axis=1))
