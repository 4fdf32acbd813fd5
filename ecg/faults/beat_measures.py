"""What is measured at each beat of a lead, to judge how good its signal is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from ecg.faults.lead_faults import BLOCK_S
from ecg.gaps import without_gaps

# A long recording is measured part by part; in the margin on both sides the filters settle.
PART_BLOCKS, MARGIN_BLOCKS = 12_000, 400
WAVES_BAND_HZ, NOISE_BAND_HZ = (1.0, 40.0), (15.0, 45.0)
BASELINE_BELOW_HZ = 0.7
# Most of any two seconds is no QRS complex, so the median is what moves between the beats.
NOISE_WINDOW_S, BASELINE_WINDOW_S = 2.0, 2.0
QRS_HALF_S = 0.05
SHAPE_HALF_S, SHAPE_POINTS = 0.06, 15


@dataclass(frozen=True)
class BeatMeasures:
    """What is measured at each beat.

    Attributes:
        shapes: (beats, SHAPE_POINTS) unit vectors.
        height_mv: (beats,) from the lowest to the highest point of the QRS complex.
        noise_mv: (beats,) root mean square of what moves between beats.
        baseline_mv: (beats,) root mean square of the baseline's wander.
    """

    shapes: np.ndarray
    height_mv: np.ndarray
    noise_mv: np.ndarray
    baseline_mv: np.ndarray


def measure(lead: np.ndarray, sampling_hz: float, beats: np.ndarray) -> BeatMeasures:
    """Measure all beats of a lead, part by part of the recording.

    Args:
        lead: (samples,) millivolts, NaN where nothing was recorded; at least half a second.
        sampling_hz: samples per second.
        beats: (beats,) int64, samples of the R peaks, ascending; at least one.
    """
    parts = [
        _measure_part(without_gaps(lead[begin:end]), sampling_hz, beats[inside] - begin)
        for begin, end, inside in _parts(len(lead), sampling_hz, beats)
    ]
    return BeatMeasures(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _parts(
    samples: int, sampling_hz: float, beats: np.ndarray
) -> Iterator[tuple[int, int, slice]]:
    """First sample, last sample and beats of each part that has beats; blocks stay whole."""
    block = max(1, round(BLOCK_S * sampling_hz))
    part, margin = PART_BLOCKS * block, MARGIN_BLOCKS * block
    for start in range(0, samples, part):
        inside = slice(*np.searchsorted(beats, [start, start + part]))
        if inside.stop > inside.start:
            yield max(0, start - margin), min(samples, start + part + margin), inside


def _measure_part(lead: np.ndarray, sampling_hz: float, beats: np.ndarray) -> tuple:
    """The fields of `BeatMeasures` for the beats of one part."""
    waves = _band(lead, sampling_hz, WAVES_BAND_HZ)
    half = round(QRS_HALF_S * sampling_hz)
    complexes = _around(waves, beats, np.arange(-half, half + 1))
    offsets = np.linspace(-1, 1, SHAPE_POINTS) * SHAPE_HALF_S * sampling_hz
    shapes = _around(waves, beats, offsets)
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-9)
    block = max(1, round(BLOCK_S * sampling_hz))
    place = np.minimum(beats // block, len(lead) // block - 1)
    noise = _noise_level(_band(lead, sampling_hz, NOISE_BAND_HZ), block)
    baseline = _baseline_level(lead, block, sampling_hz)
    return shapes, np.ptp(complexes, axis=1), noise[place], baseline[place]


def _band(lead: np.ndarray, sampling_hz: float, band_hz: tuple[float, float]) -> np.ndarray:
    return _filtered(butter(2, band_hz, "bandpass", fs=sampling_hz, output="sos"), lead)


def _filtered(sections: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Filtered forward and backward; the ends are extended by less where there is little."""
    usual = 3 * (2 * len(sections) + 1)  # what sosfiltfilt takes by itself, or little more
    return sosfiltfilt(sections, values, padlen=min(usual, len(values) - 1))


def _around(lead: np.ndarray, beats: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(beats, offsets) values at so many samples from each beat."""
    places = beats[:, None] + np.round(offsets).astype(np.int64)
    return lead[np.clip(places, 0, len(lead) - 1)]


def _noise_level(noise: np.ndarray, block: int) -> np.ndarray:
    """(blocks,) mV."""
    power = (_whole_blocks(noise, block) ** 2).mean(axis=1)
    return np.sqrt(median_filter(power, round(NOISE_WINDOW_S / BLOCK_S) + 1, mode="nearest"))


def _baseline_level(lead: np.ndarray, block: int, sampling_hz: float) -> np.ndarray:
    """(blocks,) mV: how far the slow part is from its own mean over two seconds."""
    level = _whole_blocks(lead, block).mean(axis=1)
    low = butter(2, BASELINE_BELOW_HZ, "lowpass", fs=sampling_hz / block, output="sos")
    slow = _filtered(low, level)
    window = round(BASELINE_WINDOW_S / BLOCK_S)
    moved = slow - uniform_filter1d(slow, window)
    return np.sqrt(np.maximum(0, uniform_filter1d(moved**2, window)))


def _whole_blocks(lead: np.ndarray, block: int) -> np.ndarray:
    return lead[: len(lead) // block * block].reshape(-1, block)
