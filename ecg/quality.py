"""Signal quality of a lead: how good each beat is, and which segments cannot be used.

A beat's quality is a signal-to-noise ratio in decibels, mapped to 0 .. 1. There are two kinds of
evidence for it, and the better one counts:

- The beat looks like beats near it: correlation with a template that follows the recording, as in
  Orphanidou C et al., Signal-quality indices for the electrocardiogram and photoplethysmogram,
  IEEE J Biomed Health Inform 19(3):832-838 (2015). A correlation r of two copies of one beat with
  independent noise means a ratio of r / (1 - r). The template is the three most similar beats
  nearby, so that the beats of a bigeminy have templates of their own.
- The beat rises far above the signal between beats in the band of muscle noise, as in the band
  powers of Li Q, Mark RG, Clifford GD, Physiol Meas 29(1):15-32 (2008). By this, a clean ectopic
  beat is good even if no other beat has its shape.

Baseline wander is noise as well, but counts little, since most of it can be filtered out. The
constants were chosen on the DS1 records of MIT-BIH, with noise of its Noise Stress Test Database.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, sosfiltfilt
from scipy.special import expit

from ecg import lead_faults
from ecg.detect import r_peaks as detected_r_peaks
from ecg.gaps import without_gaps
from ecg.lead_faults import BLOCK_S, Blocks

# Why a segment cannot be used.
NOTHING = "nothing recorded"
FLAT = "flat line"
CLIPPED = "clipped"
WILD = "implausible amplitude"
NOISE = "noise"

# Measuring. A long recording is measured in parts; the filters settle in the margin on both sides.
SHORTEST_S = 0.5
PART_BLOCKS, MARGIN_BLOCKS = 12_000, 400
WAVES_BAND_HZ, NOISE_BAND_HZ = (1.0, 40.0), (15.0, 45.0)
BASELINE_BELOW_HZ = 0.7
# Most of any two seconds is no QRS complex, so the median is the level between the beats.
NOISE_WINDOW_S, BASELINE_WINDOW_S = 2.0, 2.0
QRS_HALF_S = 0.05
SHAPE_HALF_S, SHAPE_POINTS = 0.06, 15

# Quality. The template is taken from this many beats on both sides: the most similar ones.
NEAR_BEATS, TEMPLATE_BEATS = 10, 3
# The band of muscle noise holds part of all noise, and the baseline can be filtered out.
BAND_MARGIN_DB, BASELINE_GAIN_DB = 12.0, 15.0
# The ratio that means a quality of one half, and how fast it goes to 0 and 1 on both sides.
HALF_DB, SLOPE_DB = 7.0, 3.0
LARGEST_CORRELATION, LEAST_CORRELATION = 0.999, 0.01

# Noise. Beats whose mean quality over this time is below this value cannot be told from noise.
NOISE_MEAN_S, NOISE_BELOW, NOISE_STEP_S = 5.0, 0.4, 1.0
LEAST_BEATS = 2
# Where no beat is found for this long, but the signal moves by this share of a QRS complex, no
# beat can be found: the signal is noise, or ventricular fibrillation.
NO_BEAT_S, EDGE_S = 3.0, 0.5
MOVES_SHARE, MOVES_MV = 0.3, 0.05
JOINED_S, LEAST_NOISE_S = 2.0, 2.0


@dataclass(frozen=True)
class UnusableSegment:
    """A part of a lead that should not be used, and why: NOTHING, FLAT, CLIPPED, WILD or NOISE."""

    start_s: float
    end_s: float
    reason: str


@dataclass(frozen=True)
class _BeatMeasures:
    """Measurements at each beat.

    Attributes:
        shapes: (beats, SHAPE_POINTS) unit vectors.
        height_mv: (beats,) from the lowest to the highest point of the QRS complex.
        noise_mv: (beats,) root mean square of the signal between beats.
        baseline_mv: (beats,) root mean square of the baseline wander.
    """

    shapes: np.ndarray
    height_mv: np.ndarray
    noise_mv: np.ndarray
    baseline_mv: np.ndarray


def beat_quality(signal_mv: np.ndarray, sampling_hz: float, r_peaks: np.ndarray) -> np.ndarray:
    """Rate the signal of each beat.

    Args:
        signal_mv: (samples,) one lead in millivolts, NaN where nothing was recorded.
        sampling_hz: samples per second, 100 to 1000.
        r_peaks: (beats,) int, samples of the R peaks, ascending.

    Returns:
        (beats,) float64 from 0 to 1: about 1 for a clean beat of any shape, 0.5 where the noise is
        7 dB below the beat, 0 where nothing was recorded.
    """
    if len(r_peaks) == 0 or len(signal_mv) < SHORTEST_S * sampling_hz:
        return np.zeros(len(r_peaks))
    measured = _measure(signal_mv, sampling_hz, np.asarray(r_peaks, np.int64))
    quality = expit((_snr_db(measured) - HALF_DB) / SLOPE_DB)
    return np.where(np.isnan(signal_mv[r_peaks]), 0.0, quality)


def unusable_segments(
    signal_mv: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray | None = None,
    quality: np.ndarray | None = None,
) -> list[UnusableSegment]:
    """Find the segments of a lead that cannot be used.

    Args:
        signal_mv: (samples,) one lead in millivolts, NaN where nothing was recorded.
        sampling_hz: samples per second, 100 to 1000.
        r_peaks: (beats,) int, samples of the R peaks where they are known; None to detect
            them.
        quality: (beats,) from `beat_quality`, where it is known.

    Returns:
        Segments in order of time that do not overlap. NOISE is a signal in which no beats can be
        recognised; ventricular fibrillation is reported so too.
    """
    if len(signal_mv) == 0:
        return []
    lead = np.asarray(signal_mv)
    blocks = lead_faults.blocks_of(lead, sampling_hz)
    if r_peaks is None:
        r_peaks, quality = detected_r_peaks(lead, sampling_hz), None
    if quality is None:
        quality = beat_quality(lead, sampling_hz, r_peaks)
    found = {  # in order of precedence
        NOTHING: lead_faults.not_recorded(blocks),
        FLAT: lead_faults.flat(blocks),
        CLIPPED: lead_faults.clipped(lead, sampling_hz, blocks),
        WILD: lead_faults.wild(blocks),
        NOISE: _noise(sampling_hz, np.asarray(r_peaks), quality, blocks),
    }
    return _segments(found, blocks.size / sampling_hz, len(lead) / sampling_hz)


def _segments(found: dict[str, np.ndarray], block_s: float, end_s: float) -> list[UnusableSegment]:
    """The segments of (blocks,) bool masks by reason; an earlier reason takes precedence."""
    free = np.ones(len(found[NOISE]), bool)
    segments = []
    for reason, mask in found.items():
        for first, last in lead_faults.runs(mask & free):
            start_s, stop_s = float(first * block_s), float(min(last * block_s, end_s))
            segments.append(UnusableSegment(start_s, stop_s, reason))
        free &= ~mask
    return sorted(segments, key=lambda segment: segment.start_s)


def _noise(
    sampling_hz: float, beats: np.ndarray, quality: np.ndarray, blocks: Blocks
) -> np.ndarray:
    """(blocks,) bool: beats of low quality, or no beats although the signal moves."""
    mask = _doubtful_beats(sampling_hz, beats, quality, blocks) | _no_beats(beats, blocks)
    return lead_faults.without_short(
        lead_faults.joined(mask, round(JOINED_S / BLOCK_S)), round(LEAST_NOISE_S / BLOCK_S)
    )


def _doubtful_beats(
    sampling_hz: float, beats: np.ndarray, quality: np.ndarray, blocks: Blocks
) -> np.ndarray:
    """(blocks,) bool: the beats of the five seconds around have a low mean quality."""
    sums = np.concatenate([[0.0], np.cumsum(quality)])
    step = round(NOISE_STEP_S / BLOCK_S)
    starts = np.arange(0, len(blocks.high), step)
    middles = (starts + step / 2) * blocks.size
    half = NOISE_MEAN_S / 2 * sampling_hz
    first = np.searchsorted(beats, middles - half)
    last = np.searchsorted(beats, middles + half)
    number = last - first
    mean = (sums[last] - sums[first]) / np.maximum(1, number)
    doubtful = (number >= LEAST_BEATS) & (mean < NOISE_BELOW)
    return np.repeat(doubtful, step)[: len(blocks.high)]


def _no_beats(beats: np.ndarray, blocks: Blocks) -> np.ndarray:
    """(blocks,) bool: pauses in which the signal moves by more than baseline or P waves do."""
    mask = np.zeros(len(blocks.high), bool)
    usual_mv = 0.0
    if len(beats):
        usual_mv = float(np.median((blocks.high - blocks.low)[beats // blocks.size]))
    limit_mv = max(MOVES_MV, MOVES_SHARE * usual_mv)
    places = np.concatenate([[-1], beats // blocks.size, [len(mask)]])
    edge, second = round(EDGE_S / BLOCK_S), round(1 / BLOCK_S)
    for pause in np.flatnonzero(np.diff(places) * BLOCK_S > NO_BEAT_S):
        first, last = places[pause] + edge, places[pause + 1] - edge
        whole = (last - first) // second * second
        high = blocks.high[first : first + whole].reshape(-1, second).max(axis=1)
        low = blocks.low[first : first + whole].reshape(-1, second).min(axis=1)
        if np.median(high - low) > limit_mv:
            mask[first:last] = True
    return mask


# The quality of beats


def _snr_db(measured: _BeatMeasures) -> np.ndarray:
    """(beats,) decibels."""
    alike = np.clip(_likeness(measured.shapes), LEAST_CORRELATION, LARGEST_CORRELATION)
    by_shape = 10 * np.log10(alike / (1 - alike))
    by_band = _above_db(measured.height_mv, measured.noise_mv) - BAND_MARGIN_DB
    baseline = _above_db(measured.height_mv, measured.baseline_mv) + BASELINE_GAIN_DB
    beat = np.maximum(by_shape, by_band)
    return -10 * np.log10(10 ** (-beat / 10) + 10 ** (-baseline / 10))


def _above_db(height_mv: np.ndarray, noise_mv: np.ndarray) -> np.ndarray:
    """The power of a sine of this height over that of the noise, as in `ecg.noise`."""
    least = np.finfo(np.float64).tiny
    return 20 * np.log10(np.maximum(height_mv, least) / np.maximum(np.sqrt(8) * noise_mv, 1e-9))


def _likeness(shapes: np.ndarray) -> np.ndarray:
    """(beats,) mean correlation of each beat with the most similar ones near it."""
    beats, _points = shapes.shape
    most = min(TEMPLATE_BEATS, beats - 1)
    if most < 1:
        return np.zeros(beats)
    near = np.full((beats, 2 * NEAR_BEATS), -np.inf)
    for apart in range(1, min(NEAR_BEATS, beats - 1) + 1):
        correlation = np.einsum("bp,bp->b", shapes[apart:], shapes[:-apart])
        near[apart:, apart - 1] = correlation
        near[:-apart, NEAR_BEATS + apart - 1] = correlation
    return np.sort(near, axis=1)[:, -most:].mean(axis=1)


# What is measured at each beat


def _measure(lead: np.ndarray, sampling_hz: float, beats: np.ndarray) -> _BeatMeasures:
    """Measure all beats of a lead, in parts of the recording.

    Args:
        lead: (samples,) millivolts, NaN where nothing was recorded; at least half a second.
        sampling_hz: samples per second.
        beats: (beats,) int64, samples of the R peaks, ascending; at least one.
    """
    parts = [
        _measure_part(without_gaps(lead[begin:end]), sampling_hz, beats[inside] - begin)
        for begin, end, inside in _parts(len(lead), sampling_hz, beats)
    ]
    return _BeatMeasures(*(np.concatenate(values) for values in zip(*parts, strict=True)))


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
    """The fields of `_BeatMeasures` for the beats of one part."""
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
    """(beats, offsets) values at these offsets in samples from each beat."""
    places = beats[:, None] + np.round(offsets).astype(np.int64)
    return lead[np.clip(places, 0, len(lead) - 1)]


def _noise_level(noise: np.ndarray, block: int) -> np.ndarray:
    """(blocks,) mV."""
    power = (_whole_blocks(noise, block) ** 2).mean(axis=1)
    return np.sqrt(median_filter(power, round(NOISE_WINDOW_S / BLOCK_S) + 1, mode="nearest"))


def _baseline_level(lead: np.ndarray, block: int, sampling_hz: float) -> np.ndarray:
    """(blocks,) mV: root mean square of the slow part about its own mean over two seconds."""
    level = _whole_blocks(lead, block).mean(axis=1)
    low = butter(2, BASELINE_BELOW_HZ, "lowpass", fs=sampling_hz / block, output="sos")
    slow = _filtered(low, level)
    window = round(BASELINE_WINDOW_S / BLOCK_S)
    moved = slow - uniform_filter1d(slow, window)
    return np.sqrt(np.maximum(0, uniform_filter1d(moved**2, window)))


def _whole_blocks(lead: np.ndarray, block: int) -> np.ndarray:
    return lead[: len(lead) // block * block].reshape(-1, block)
