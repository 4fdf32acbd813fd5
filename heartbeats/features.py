"""Hand-made features of beats: moments, durations, slopes and the spectrum, a row per beat."""

from itertools import pairwise

import numpy as np

from heartbeats.beat_set import beat_lengths

# Hz. Baseline and the level of the whole beat; T waves and wide ventricular complexes; the bulk of
# a normal QRS complex, 5 to 15 Hz in Pan and Tompkins (IEEE Trans. Biomed. Eng. 32, 1985); its
# steep edges; muscle noise, mains hum and pacing spikes.
BAND_EDGES_HZ = (0.0, 2.0, 5.0, 15.0, 40.0, np.inf)
BANDS = (
    "power_0_2_hz",
    "power_2_5_hz",
    "power_5_15_hz",
    "power_15_40_hz",
    "power_above_40_hz",
)
# The lobes of a beat of 1.5 s are 0.67 Hz apart.
SPECTRUM_STEP_HZ = 0.5
# No ventricle fires twice in this time: what peaks later is a T wave or the next beat.
REFRACTORY_S = 0.25

FEATURES: tuple[str, ...] = (
    "length_s",
    "mean",
    "deviation",
    "skewness",
    "kurtosis",
    "peak_to_peak",
    "energy_s",
    "maximum_at_s",
    "minimum_at_s",
    "late_maximum",
    "late_maximum_at_s",
    "above_half_s",
    "first_below_half_s",
    "steepest_rise_per_s",
    "steepest_fall_per_s",
    "mean_crossings",
    *BANDS,
)
# Beats worked on at a time: few enough that intermediate arrays stay in the processor's cache.
CHUNK = 1024

Columns = dict[str, np.ndarray]


def features(signals: np.ndarray, sampling_hz: float) -> np.ndarray:
    """The `FEATURES` of each beat, from its own samples only; the padding has no influence.

    ``power_...`` are shares of the power of the beat less its mean, all 0 for a constant beat.
    ``energy_s`` is the integral of the squared beat. ``kurtosis`` is 0 for a normal distribution.
    ``late_...`` looks after `REFRACTORY_S`: where a beat is cut at its R peak and longer than the
    heart's period, that maximum is the next R peak or the T wave. ``mean_crossings`` counts how
    often the beat crosses its mean. A beat scaled to [0, 1] has a ``peak_to_peak`` of 1 unless
    its end was cut off after it was scaled: it only distinguishes those beats.

    Args:
        signals: (beats, samples) in [0, 1], zeros after the end of each beat.
        sampling_hz: samples per second.

    Returns:
        (beats, len(FEATURES)) float32, finite whatever the beat, also an empty or constant one.
    """
    found = np.empty((len(signals), len(FEATURES)), np.float32)
    for start in range(0, len(signals), CHUNK):
        beats = np.asarray(signals[start : start + CHUNK], np.float32)
        columns = _columns(beats, sampling_hz)
        found[start : start + CHUNK] = np.stack([columns[name] for name in FEATURES], axis=1)
    return found


def _columns(beats: np.ndarray, sampling_hz: float) -> Columns:
    lengths = beat_lengths(beats)
    inside = np.arange(beats.shape[1]) < lengths[:, None]
    count = np.maximum(lengths, 1)  # an empty beat has sums of 0, and so means of 0
    mean = beats.sum(axis=1) / count
    centred = (beats - mean[:, None].astype(np.float32)) * inside
    return {
        "length_s": lengths / sampling_hz,
        "mean": mean,
        "energy_s": np.square(beats).sum(axis=1) / sampling_hz,
        "mean_crossings": _crossings(centred, inside),
        **_moments(centred, count),
        **_extremes(beats, inside, sampling_hz),
        **_late_maximum(beats, sampling_hz),
        **_half_height(beats, lengths, sampling_hz),
        **_slopes(beats, inside, sampling_hz),
        **_band_powers(centred, sampling_hz),
    }


def _moments(centred: np.ndarray, count: np.ndarray) -> Columns:
    deviation = np.sqrt(np.square(centred).sum(axis=1) / count)
    # Rounding leaves a constant beat a deviation of about 1e-8, whose shape would be noise.
    varies = deviation > 1e-6
    scaled = centred / np.where(varies, deviation, 1)[:, None].astype(np.float32)
    squared = np.square(scaled)
    return {
        "deviation": deviation,
        "skewness": np.where(varies, (squared * scaled).sum(axis=1) / count, 0),
        "kurtosis": np.where(varies, np.square(squared).sum(axis=1) / count - 3, 0),
    }


def _extremes(beats: np.ndarray, inside: np.ndarray, sampling_hz: float) -> Columns:
    lowest = np.where(inside, beats, np.inf)
    highest = np.where(inside, beats, -np.inf)
    span = np.where(inside[:, 0], highest.max(axis=1) - lowest.min(axis=1), 0)
    return {
        "peak_to_peak": span,
        "maximum_at_s": highest.argmax(axis=1) / sampling_hz,
        "minimum_at_s": lowest.argmin(axis=1) / sampling_hz,
    }


def _late_maximum(beats: np.ndarray, sampling_hz: float) -> Columns:
    start = min(round(REFRACTORY_S * sampling_hz), beats.shape[1] - 1)
    late = beats[:, start:]
    height = late.max(axis=1)
    at_s = np.where(height > 0, (start + late.argmax(axis=1)) / sampling_hz, 0)
    return {"late_maximum": np.where(height > 0, height, 0), "late_maximum_at_s": at_s}


def _half_height(beats: np.ndarray, lengths: np.ndarray, sampling_hz: float) -> Columns:
    half = beats.max(axis=1, keepdims=True) / 2
    above = beats > half
    below = ~above
    first = np.where(below.any(axis=1), below.argmax(axis=1), lengths)
    return {
        "above_half_s": above.sum(axis=1) / sampling_hz,
        "first_below_half_s": first / sampling_hz,
    }


def _slopes(beats: np.ndarray, inside: np.ndarray, sampling_hz: float) -> Columns:
    # Not the step from the last sample down to the padding; 0 where nothing rises or falls.
    steps = np.diff(beats, axis=1) * inside[:, 1:]
    return {
        "steepest_rise_per_s": steps.max(axis=1, initial=0) * sampling_hz,
        "steepest_fall_per_s": (-steps).max(axis=1, initial=0) * sampling_hz,
    }


def _crossings(centred: np.ndarray, inside: np.ndarray) -> np.ndarray:
    high = centred > 0
    return ((high[:, 1:] != high[:, :-1]) & inside[:, 1:]).sum(axis=1)


def _band_powers(centred: np.ndarray, sampling_hz: float) -> Columns:
    """Shares of the power, by the Fourier transform at frequencies that no padding moves."""
    frequencies_hz = np.arange(SPECTRUM_STEP_HZ / 2, sampling_hz / 2, SPECTRUM_STEP_HZ)
    times_s = np.arange(centred.shape[1]) / sampling_hz
    angles = 2 * np.pi * times_s[:, None] * frequencies_hz
    power = np.square(centred @ np.cos(angles).astype(np.float32))
    power += np.square(centred @ np.sin(angles).astype(np.float32))
    total = power.sum(axis=1)
    varies = np.abs(centred).max(axis=1) > 1e-6
    shares = {}
    for name, (low, high) in zip(BANDS, pairwise(BAND_EDGES_HZ), strict=True):
        within = (frequencies_hz >= low) & (frequencies_hz < high)
        shares[name] = power[:, within].sum(axis=1) / np.where(varies, total, np.inf)
    return shares
