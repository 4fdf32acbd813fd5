"""Cutting a recording into single beats, the way Kaggle's heartbeat data was cut."""

from fractions import Fraction

import numpy as np

# Kaggle's heartbeat data: 187 values a beat at 120 Hz (described as 125 Hz).
BEAT_SAMPLES = 187
BEAT_HZ = 120.0
# At this rate every third sample is kept, without a filter, since MIT-BIH's beats were cut so.
DECIMATED_HZ = 360.0
# At other rates this many beats are resampled at a time, with this much signal around them.
BEATS_AT_ONCE, MARGIN_S = 2000, 2.0
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


def cut_at_peaks(
    signal: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray,
    breaks: np.ndarray | None = None,
) -> np.ndarray:
    """Cut the beat of every R peak as the training beats are cut, at any sampling rate.

    Behind the last R peak, and behind each break, the next one is expected after the last
    interval, so that these beats have a window too.

    Args:
        signal: (samples,) one channel, in any unit; NaN counts as the last value before it.
        sampling_hz: samples per second.
        r_peaks: (beats,) int, ascending sample indices.
        breaks: samples at which the recording stops being a recording; windows end there.

    Returns:
        (beats, 187) float32 in [0, 1], at 120 Hz. A flat window is all zeros.
    """
    beats = np.zeros((len(r_peaks), BEAT_SAMPLES), np.float32)
    onsets, is_beat = _with_ends(signal, sampling_hz, r_peaks, breaks)
    places = np.flatnonzero(is_beat)
    for first in range(0, len(places), BEATS_AT_ONCE):
        chosen = places[first : first + BEATS_AT_ONCE]
        marks = onsets[chosen[0] : chosen[-1] + 3]
        part, own = _at_beat_rate(signal, sampling_hz, marks)
        step = int(DECIMATED_HZ // BEAT_HZ) if sampling_hz == DECIMATED_HZ else 1
        wanted = is_beat[chosen[0] : chosen[-1] + 2]
        beats[first : first + len(chosen)] = cut_beats(part, own, wanted, step)[0]
    return beats


def _with_ends(
    signal: np.ndarray, sampling_hz: float, r_peaks: np.ndarray, breaks: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Marks for `cut_beats`, and which are beats: two more marks follow every last R peak."""
    ends = np.append(np.asarray([] if breaks is None else breaks, np.int64), len(signal))
    before, first = np.unique(np.searchsorted(r_peaks, ends), return_index=True)
    ends, before = ends[first][before > 0], before[before > 0]
    usual = int(np.median(np.diff(r_peaks))) if len(r_peaks) > 1 else round(sampling_hz)
    last = r_peaks[before - 1]
    interval = np.minimum(np.where(before > 1, last - r_peaks[before - 2], usual), usual)
    added = [np.minimum(ends, last + interval), np.minimum(ends, last + 2 * interval)]
    marks = np.concatenate([r_peaks, *added])
    order = np.argsort(marks, kind="stable")
    return marks[order], (np.arange(len(marks)) < len(r_peaks))[order]


def _at_beat_rate(
    signal: np.ndarray, sampling_hz: float, marks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The signal around the marks, and the marks in it."""
    if sampling_hz == DECIMATED_HZ:
        first, last = int(marks[0]), int(marks[-1])
        return _filled(signal[first:last]), marks - first
    ratio = _ratio(sampling_hz)
    margin = round(MARGIN_S * sampling_hz)
    # Starts on a sample that exists at both rates, so that parts join without a step.
    first = max(0, int(marks[0]) - margin) // ratio.denominator * ratio.denominator
    part = resample(_filled(signal[first : int(marks[-1]) + margin]), sampling_hz)
    return part, np.rint((marks - first) * (BEAT_HZ / sampling_hz)).astype(np.int64)


def _filled(signal: np.ndarray) -> np.ndarray:
    """The signal with the last value before it in place of each NaN, 0 where there is none."""
    there = np.isfinite(signal)
    if there.all():
        return signal
    last = np.maximum.accumulate(np.where(there, np.arange(len(signal)), -1))
    return np.where(last < 0, 0, signal[np.maximum(last, 0)])


def resample(signal: np.ndarray, sampling_hz: float) -> np.ndarray:
    """One channel at 120 Hz, low-passed first where it had more than that.

    Kaggle's MIT-BIH beats keep every third sample of 360 Hz with no such filter, so that
    frequencies above 60 Hz are aliased into them. Here they are removed.

    Args:
        signal: (samples,) float, at `sampling_hz`.
    """
    from scipy.signal import resample_poly  # late: most beats are cut from files of 360 Hz

    ratio = _ratio(sampling_hz)
    # A line from end to end is removed before and added after, or the filter would ring there.
    return resample_poly(signal, ratio.numerator, ratio.denominator, padtype="line")


def _ratio(sampling_hz: float) -> Fraction:
    return Fraction(BEAT_HZ / sampling_hz).limit_denominator(1000)
