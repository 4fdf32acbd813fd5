"""Ventricular beats, known by a QRS complex unlike that of the beats around."""

import numpy as np

from ecg.rhythms.beat_shapes import around_beats, mean_of_neighbours, size

QRS_S = (-0.1, 0.19)
NEIGHBOURS = 16
# A beat came early where the interval before it is shorter than this part of the one after it.
EARLY_BELOW = 0.92
# So far from its neighbours' mean, as a share of both sizes, a complex is of another origin.
# Chosen on DS1 of MIT-BIH, where it finds 87 % of the ventricular beats.
UNLIKE_FROM = 0.35


def unlike_beats(signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> np.ndarray:
    """Find beats whose QRS complex is unlike their neighbours'.

    The neighbours are those that did not come early, so that in bigeminy the sinus beats are the
    measure. Where beats come early but look the same, as in atrial fibrillation, none is unlike.
    A classifier's ventricular beats do the same service.

    Args:
        signal_mv: (samples,) or (samples, leads); the leads are compared together.
        sampling_hz: samples per second.
        r_peaks: (beats,) samples, ascending.

    Returns:
        (beats,) bool, False where the signal is missing.

    Raises:
        InputError: an R peak is not a sample of the signal.
    """
    complexes = around_beats(signal_mv, sampling_hz, r_peaks, *QRS_S)
    if len(complexes) < 2:
        return np.zeros(len(complexes), bool)
    level = complexes - np.median(complexes, axis=2, keepdims=True)
    shapes = level.reshape(len(level), -1)
    intervals = np.diff(r_peaks)
    before, after = np.append(intervals[:1], intervals), np.append(intervals, intervals[-1:])
    mean = mean_of_neighbours(shapes, before >= EARLY_BELOW * after, NEIGHBOURS)
    with np.errstate(invalid="ignore", divide="ignore"):
        return size(shapes - mean) / (size(shapes) + size(mean)) >= UNLIKE_FROM
