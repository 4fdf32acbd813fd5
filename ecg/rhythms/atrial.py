"""Is there a P wave before the beats? Told from how alike the beats are where it should be."""

import numpy as np

from ecg.rhythms.beat_shapes import around_beats, mean_of_neighbours, size
from ecg.rhythms.ectopic_beats import unlike_beats
from ecg.rhythms.rr_intervals import rr_intervals

# Where a P wave lies before the R peak; it ends before the QRS complex, which would make all beats
# look alike. Of the limits tried, these told fibrillation best on LUDB, PTB-XL and DS1 of MIT-BIH.
P_WAVE_S = (-0.26, -0.08)
NEIGHBOURS = 8


def p_wave_constancy(
    signal_mv: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray,
    *,
    ectopic_beats: np.ndarray | None = None,
) -> np.ndarray:
    """Correlate what precedes each QRS complex with what precedes its neighbours.

    A P wave looks the same before each beat and comes at the same time: values near 1. In atrial
    fibrillation the atria's waves have no fixed relation to the beats: values about 0. Noise
    lowers the values too. Ventricular beats have no P wave and are left out.

    That P waves are absent, or unlike each other, is used beside irregular RR intervals in:
    Babaeizadeh S et al. Improvements in atrial fibrillation detection for real-time monitoring.
    J Electrocardiol 42(6):522-526 (2009).

    Args:
        signal_mv: (samples,) or (samples, leads); the leads are compared together.
        sampling_hz: samples per second.
        r_peaks: (beats,) samples, ascending.
        ectopic_beats: (beats,) bool, the beats to leave out; by default those of
            `ecg.rhythms.ectopic_beats.unlike_beats`.

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
    before = _without_line(around_beats(signal_mv, sampling_hz, r_peaks, *P_WAVE_S))
    mean = mean_of_neighbours(before, ~early[: len(left_out)] & ~left_out, NEIGHBOURS)
    with np.errstate(divide="ignore", invalid="ignore"):
        likeness = (before * mean).sum(axis=1) / (size(before) * size(mean))
    return np.where(~left_out & np.isfinite(likeness), likeness, np.nan)


def _without_line(before: np.ndarray) -> np.ndarray:
    """(beats, leads x steps): mean and slope taken off, since they are baseline, not P wave."""
    beats, leads, steps = before.shape
    line, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, steps), 2))
    return (before - before @ line @ line.T).reshape(beats, leads * steps)
