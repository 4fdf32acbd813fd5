"""Delineation: onset, peak and end of the P wave, the QRS complex and the T wave of each beat.

The input of a small network (`ecg.wave_marks.network`) is a window around each R peak, on a grid
of 8 ms for all sampling rates, and the same window averaged over neighbours of the same shape
(`ecg.wave_marks.windows`). For each mark its output is a probability over the window, from which
`ecg.wave_marks.decoding` takes the marks.

The weights were fitted on the records of LUDB with odd numbers, and on records of MIT-BIH (DS1)
and PTB-XL (without its test fold) whose labels only say whether there are P waves. The records of
LUDB with even numbers are for the test.
"""

from dataclasses import dataclass

import numpy as np

from ecg.wave_marks import decoding as wave_decoding
from ecg.wave_marks import network as wave_network
from ecg.wave_marks import windows as wave_windows
from ecg.wave_marks.decoding import ABSENT, PEAK, QRS, orderly, recorded
from ecg.wave_marks.windows import NEIGHBOURS
from utils.errors import InputError

LOWEST_HZ, HIGHEST_HZ = 100.0, 1000.0
# A part of the beats at a time bounds the memory. A beat's marks depend on its neighbours' marks,
# and theirs on their neighbours.
BEATS_AT_ONCE, SEEN_AROUND = 1024, 2 * NEIGHBOURS
# A wave is present where the network says so and its marks are not spread over the window.
LEAST_PRESENCE = 0.3
LEAST_CONFIDENCE = 0.15
# The R peak given is more exact than the network's, unless the network chose another deflection.
SAME_PEAK_S = 0.016


@dataclass(frozen=True)
class Waves:
    """The marks of each beat, in samples.

    Attributes:
        p: (beats, 3) int64 onset, peak and end; -1, -1, -1 where there is no such wave.
        qrs: the same. Its peak is the R peak given, or where annotators would put it: on the R
            wave of a complex whose S wave is larger.
        t: the same.
    """

    p: np.ndarray
    qrs: np.ndarray
    t: np.ndarray


def waves(signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> Waves:
    """Mark the waves of each beat.

    Each lead is marked by itself. With several leads, a wave is present where the mean of their
    probabilities says so, and each of its marks is the median over the leads that show it,
    weighted by confidence. Flat leads do not count.

    Args:
        signal_mv: (samples,) or (samples, leads), millivolts; NaN where nothing was recorded. A
            wave that touches such a gap is reported absent.
        sampling_hz: samples per second, 100 to 1000.
        r_peaks: (beats,) ascending samples, as `ecg.detect.r_peaks` gives them.

    Raises:
        InputError: the sampling rate is out of range, or R peaks are out of the recording or out
            of order.
    """
    leads = signal_mv[:, None] if signal_mv.ndim == 1 else signal_mv
    r_peaks = np.asarray(r_peaks, np.int64)
    _check(leads, sampling_hz, r_peaks)
    if not len(r_peaks):
        none = np.empty((0, 3), np.int64)
        return Waves(none, none.copy(), none.copy())
    marks, present = _fused([_of_lead(lead, sampling_hz, r_peaks) for lead in leads.T])
    marks = r_peaks[:, None, None] + np.rint(marks * sampling_hz).astype(np.int64)
    own = np.abs(marks[:, QRS, PEAK] - r_peaks) <= SAME_PEAK_S * sampling_hz
    marks[own, QRS, PEAK] = r_peaks[own]
    marks, present = orderly(marks, present)
    present &= recorded(leads, marks)
    p, qrs, t = np.where(present[:, :, None], marks, ABSENT).transpose(1, 0, 2)
    return Waves(p, qrs, t)


def _check(leads: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> None:
    if not LOWEST_HZ <= sampling_hz <= HIGHEST_HZ:
        raise InputError(
            f"a sampling rate of {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz expected, got {sampling_hz:g};"
            " resample the recording"
        )
    if len(r_peaks) and (np.diff(r_peaks) <= 0).any():
        raise InputError("R peaks in ascending order expected, each once; sort them")
    if len(r_peaks) and not 0 <= r_peaks[0] <= r_peaks[-1] < len(leads):
        raise InputError(
            f"R peaks within the {len(leads)} samples expected, got {r_peaks[0]} to {r_peaks[-1]};"
            " are they of this recording, in samples?"
        )


@dataclass(frozen=True)
class _LeadMarks:
    """One lead's marks in seconds from the R peak, and how sure they are, both (beats, 3, 3), and
    the probability of each wave, (beats, 3)."""

    seconds: np.ndarray
    confidence: np.ndarray
    presence: np.ndarray


def _of_lead(lead_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> _LeadMarks:
    to_grid = wave_windows.resampling_matrix(sampling_hz)
    parts = []
    for first in range(0, len(r_peaks), BEATS_AT_ONCE):
        last = min(first + BEATS_AT_ONCE, len(r_peaks))
        start = max(0, first - SEEN_AROUND)
        peaks = r_peaks[start : last + SEEN_AROUND]
        windows = wave_windows.cut(lead_mv, peaks, sampling_hz) @ to_grid
        found = _of_windows(windows, wave_windows.other_beats(peaks, sampling_hz))
        parts.append([values[first - start : last - start] for values in found])
    return _LeadMarks(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _of_windows(
    windows: np.ndarray, bumps: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, confidence and presence of consecutive beats."""
    level = wave_windows.normalised(windows)
    alike = wave_windows.alike(level)
    shown = wave_windows.channels(level, alike, bumps)
    logits, presence = wave_network.evaluate(shown, wave_network.shipped_weights())
    seconds, confidence = wave_decoding.marks(logits, alike)
    alive = np.abs(level).max(axis=1) > 0
    confidence = confidence * alive[:, None, None]
    return seconds, confidence, alive[:, None] / (1 + np.exp(-presence))


def _fused(leads: list[_LeadMarks]) -> tuple[np.ndarray, np.ndarray]:
    """(beats, 3, 3) seconds and (beats, 3) bool, whether each wave is there."""
    sure = np.stack([lead.confidence.mean(axis=2) for lead in leads])
    presence = np.stack([lead.presence for lead in leads])
    shows = (presence >= LEAST_PRESENCE) & (sure >= LEAST_CONFIDENCE)
    alive = np.maximum((sure > 0).sum(axis=0), 1)
    present = (presence.sum(axis=0) / alive >= LEAST_PRESENCE) & shows.any(axis=0)
    if len(leads) == 1:
        return leads[0].seconds, present
    seconds = np.stack([lead.seconds for lead in leads])
    weights = np.stack([lead.confidence for lead in leads]) * shows[..., None]
    return _weighted_median(seconds, weights), present


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Over the first axis: the value at which half of the weight is reached."""
    order = values.argsort(axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    reached = np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    half = (reached >= 0.5 * reached[-1]).argmax(axis=0)
    return np.take_along_axis(ordered, half[None], axis=0)[0]
