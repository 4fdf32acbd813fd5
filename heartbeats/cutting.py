"""Cutting a recording into single beats, the way Kaggle's heartbeat data was cut."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

# Kaggle's heartbeat data: 187 values a beat at 120 Hz (described as 125 Hz).
BEAT_SAMPLES = 187
BEAT_HZ = 120.0
# How far a window reaches into the following beat, as a share of that beat's interval.
OVERLAP = 0.2


def cut_beats(
    signal: np.ndarray, onsets: np.ndarray, wanted: np.ndarray, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut one window per wanted onset, scale it to [0, 1], and fit it into 187 samples.

    A window starts at its own onset and ends 20 % of an interval after the next onset, that
    interval being the one between the next onset and the one after it. The whole window is
    scaled by its minimum and maximum, and only then cut or padded with zeros. The recipe was
    recovered from the published values of Kaggle's `mitbih_test.csv`.

    Args:
        signal: (samples,) one channel, in any unit.
        onsets: (marks + 1,) int, all annotated samples in order, then the signal's length.
        wanted: (marks,) bool, which marks are beats to cut.
        step: keep every step-th sample.

    Returns:
        beats: (beats, 187) float32 in [0, 1]. A flat window is all zeros.
        kept: (beats,) int, the position in `onsets` of each beat. The last mark gives none,
            since no interval follows it.
    """
    kept = np.flatnonzero(wanted[:-1])
    ends = onsets[kept + 1] + (OVERLAP * (onsets[kept + 2] - onsets[kept + 1])).astype(np.int64)
    beats = np.zeros((len(kept), BEAT_SAMPLES), np.float32)
    for beat, start, end in zip(beats, onsets[kept], ends, strict=True):
        window = signal[start:end:step].astype(np.float32)
        if len(window) == 0:
            continue
        low, high = window.min(), window.max()
        if high > low:
            shown = window[:BEAT_SAMPLES]
            beat[: len(shown)] = (shown - low) / (high - low)
    return beats, kept


def resample(signal: np.ndarray, sampling_hz: float) -> np.ndarray:
    """One channel at 120 Hz, low-passed first where it had more than that.

    Kaggle's MIT-BIH beats keep every third sample of 360 Hz with no such filter, so that what lies
    above 60 Hz there is folded into them. Here it is not.

    Args:
        signal: (samples,) float, at `sampling_hz`.
    """
    ratio = Fraction(BEAT_HZ / sampling_hz).limit_denominator(1000)
    # A line from end to end is taken off and put back, or the filter would ring at both ends.
    return resample_poly(signal, ratio.numerator, ratio.denominator, padtype="line")
