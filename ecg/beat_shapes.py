"""The shape of each beat compared with its neighbours: ectopic QRS complexes, and P waves.

`unlike_beats` finds ventricular beats, whose QRS complex is unlike that of the beats around.
`p_wave_constancy` tells whether a P wave precedes the beats: whether the signal before a QRS
complex is the same from beat to beat.
"""

import numpy as np
from scipy.signal import butter, sosfiltfilt

from ecg.gaps import without_gaps
from ecg.rr_intervals import rr_intervals
from utils.errors import InputError

BAND_HZ, STEP_S = (0.5, 25.0), 0.01
# This many beats are cut at a time, which bounds memory. The filter settles within the margin.
BEATS_AT_ONCE, MARGIN_S = 2000, 10.0
# A mean of fewer beats is no measure for another beat.
FEWEST = 3

# The QRS complex, seconds from the R peak, and how many beats on each side it is compared with.
QRS_S, QRS_NEIGHBOURS = (-0.1, 0.19), 16
# A beat came early where the interval before it is shorter than this share of the one after it.
EARLY_BELOW = 0.92
# A complex this far from its neighbours' mean, as a share of both sizes, is of another origin.
# Chosen on DS1 of MIT-BIH, where it finds 87 % of the ventricular beats.
UNLIKE_FROM = 0.35

# Where a P wave lies before the R peak. The range ends before the QRS complex, which would make
# all beats look alike. Of the limits tried, these separated fibrillation best on LUDB, PTB-XL and
# DS1 of MIT-BIH.
P_WAVE_S, P_WAVE_NEIGHBOURS = (-0.26, -0.08), 8


def unlike_beats(signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> np.ndarray:
    """Find beats whose QRS complex is unlike their neighbours'.

    Only neighbours that did not come early are compared with, so that in bigeminy these are the
    sinus beats. Where beats come early but look the same, as in atrial fibrillation, none is
    unlike. A classifier's ventricular beats can be used in place of these.

    Args:
        signal_mv: (samples,) or (samples, leads); the leads are compared together.
        sampling_hz: samples per second.
        r_peaks: (beats,) samples, ascending.

    Returns:
        (beats,) bool, False where the signal is missing.

    Raises:
        InputError: an R peak is not a sample of the signal.
    """
    complexes = _around_beats(signal_mv, sampling_hz, r_peaks, *QRS_S)
    if len(complexes) < 2:
        return np.zeros(len(complexes), bool)
    level = complexes - np.median(complexes, axis=2, keepdims=True)
    shapes = level.reshape(len(level), -1)
    intervals = np.diff(r_peaks)
    before, after = np.append(intervals[:1], intervals), np.append(intervals, intervals[-1:])
    mean = _mean_of_neighbours(shapes, before >= EARLY_BELOW * after, QRS_NEIGHBOURS)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _size(shapes - mean) / (_size(shapes) + _size(mean)) >= UNLIKE_FROM


def p_wave_constancy(
    signal_mv: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray,
    *,
    ectopic_beats: np.ndarray | None = None,
) -> np.ndarray:
    """Correlate the signal before each QRS complex with that before its neighbours.

    A P wave looks the same before each beat and comes at the same time: values near 1. In atrial
    fibrillation the atria's waves have no fixed relation to the beats: values about 0. Noise
    lowers the values too. Ventricular beats have no P wave and are left out.

    Absent or inconstant P waves are used together with irregular RR intervals in:
    Babaeizadeh S et al. Improvements in atrial fibrillation detection for real-time monitoring.
    J Electrocardiol 42(6):522-526 (2009).

    Args:
        signal_mv: (samples,) or (samples, leads); the leads are compared together.
        sampling_hz: samples per second.
        r_peaks: (beats,) samples, ascending.
        ectopic_beats: (beats,) bool, the beats to leave out; by default those of
            `unlike_beats`.

    Returns:
        (beats,) float64, -1 to 1; NaN for beats left out, where the signal is missing, and where
        neighbours are too few.

    Raises:
        InputError: an R peak is not a sample of the signal, or R peaks are not ascending.
    """
    early = np.append(False, rr_intervals(np.asarray(r_peaks) / sampling_hz).ectopic)
    if ectopic_beats is None:
        ectopic_beats = unlike_beats(signal_mv, sampling_hz, r_peaks)
    left_out = np.asarray(ectopic_beats, bool)
    before = _without_line(_around_beats(signal_mv, sampling_hz, r_peaks, *P_WAVE_S))
    mean = _mean_of_neighbours(before, ~early[: len(left_out)] & ~left_out, P_WAVE_NEIGHBOURS)
    with np.errstate(divide="ignore", invalid="ignore"):
        likeness = (before * mean).sum(axis=1) / (_size(before) * _size(mean))
    return np.where(~left_out & np.isfinite(likeness), likeness, np.nan)


def _without_line(before: np.ndarray) -> np.ndarray:
    """(beats, leads x steps) without mean and slope, which are baseline and not P wave."""
    beats, leads, steps = before.shape
    line, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, steps), 2))
    return (before - before @ line @ line.T).reshape(beats, leads * steps)


# Shapes and their means


def _around_beats(
    signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray, from_s: float, to_s: float
) -> np.ndarray:
    """Cut the same range around each R peak, free of baseline wander and mains hum.

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


def _mean_of_neighbours(shapes: np.ndarray, usual: np.ndarray, each_side: int) -> np.ndarray:
    """The mean of the usual beats around each beat, without the beat itself.

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


def _size(shapes: np.ndarray) -> np.ndarray:
    """(beats,) the Euclidean length of each shape."""
    return np.sqrt((shapes**2).sum(axis=1))
