"""Beats of all lengths over one common time, their two QRS complexes at the same places.

A cut beat begins at its own R peak and holds the next one, wherever that comes. Averages and
principal components of beats that are only padded, or only stretched to one length, smear the next
complex. Between fixed places (landmarks) time is stretched evenly, as in Ramsay JO, Li X, Curve
registration, J R Stat Soc B 60 (1998), 351-363; the complexes themselves keep their duration.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from heartbeats.beat_set import beat_lengths

QRS_S = 0.16
# The next complex is looked for behind this share of the beat.
EARLIEST_NEXT = 0.55
# Where the common time has the next complex, as a share of a whole row.
COMMON_NEXT = 0.75


@dataclass(frozen=True)
class Timing:
    """When things happen in each beat.

    Attributes:
        next_qrs: (beats,) float64, samples from the R peak to the middle of the next QRS complex.
        tail: (beats,) float64, samples from there to the last one.
    """

    next_qrs: np.ndarray
    tail: np.ndarray

    def lengths(self) -> np.ndarray:
        """(beats,) int: samples of each beat."""
        return np.rint(self.next_qrs + self.tail).astype(int) + 1


def find_timing(beats: np.ndarray, sampling_hz: float) -> Timing:
    """The next complex is where the slopes of (beats, samples) are steepest, late in each beat."""
    _beats, samples = beats.shape
    lengths = np.maximum(beat_lengths(beats), 3)[:, None]
    places = np.arange(1, samples)
    within = places < lengths  # the step down to the padding is no slope
    steepness = np.where(within, np.diff(beats.astype(float)) ** 2, 0)
    # A bell weighs both flanks of a complex and peaks between them; a box would be flat there.
    around = gaussian_filter1d(steepness, QRS_S * sampling_hz / 6, axis=1, mode="constant")
    possible = (places >= EARLIEST_NEXT * lengths) & (places < lengths - 1)
    possible[:, 0] |= ~possible.any(axis=1)
    next_qrs = places[np.where(possible, around, -1).argmax(axis=1)].astype(float)
    return Timing(next_qrs, lengths[:, 0] - 1 - next_qrs)


def align(beats: np.ndarray, timing: Timing, sampling_hz: float) -> np.ndarray:
    """(beats, samples) float64 over the common time, from (beats, samples) as they were cut."""
    _beats, samples = beats.shape
    places = np.arange(samples)
    common = _common_landmarks(samples, sampling_hz)
    return np.stack(
        [
            np.interp(np.interp(places, common, own), places, beat)
            for beat, own in zip(beats, _landmarks(timing, sampling_hz), strict=True)
        ]
    )


def give_back(curves: np.ndarray, timing: Timing, sampling_hz: float) -> np.ndarray:
    """(beats, samples) float64, each with its own timing and zeros behind its end.

    Args:
        curves: (beats, samples) over the common time.
        timing: of each beat; what goes past the last sample is lost.
        sampling_hz: samples per second.
    """
    _beats, samples = curves.shape
    places = np.arange(samples)
    common = _common_landmarks(samples, sampling_hz)
    beats = np.empty(curves.shape)
    for beat, curve, own in zip(beats, curves, _landmarks(timing, sampling_hz), strict=True):
        beat[:] = np.interp(np.interp(places, own, common), places, curve)
    return np.where(places < timing.lengths()[:, None], beats, 0)


def _common_landmarks(samples: int, sampling_hz: float) -> np.ndarray:
    qrs = QRS_S * sampling_hz
    middle = COMMON_NEXT * samples
    return np.array([0, qrs, middle - qrs / 2, middle + qrs / 2, samples - 1])


def _landmarks(timing: Timing, sampling_hz: float) -> np.ndarray:
    """(beats, 5): R peak, end of the QRS, begin and end of the next one, last sample."""
    qrs = QRS_S * sampling_hz
    begin = np.minimum(qrs, timing.next_qrs / 2)
    before, behind = np.minimum(qrs / 2, timing.next_qrs / 4), np.minimum(qrs / 2, timing.tail / 2)
    middle, last = timing.next_qrs, timing.next_qrs + timing.tail
    return np.stack([np.zeros(len(last)), begin, middle - before, middle + behind, last], axis=1)
