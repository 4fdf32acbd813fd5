"""Data augmentation of training beats: random changes that keep the class.

Two kinds. Changes of shape: time and amplitude are stretched, bent or shifted (`stretch` to
`drift_gain`). Artefacts of electrodes: baseline wander, muscle noise and mains hum are added at a
signal-to-noise ratio, and the beat is scaled again, as the cutting scales a recording's beats
(`add_wander` to `add_artefacts`).

All take and return (beats, samples) float32 in [0, 1] with zeros behind each beat's end, and draw
for each beat anew from `rng`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from heartbeats.beat_set import beat_lengths
from utils.errors import InputError

# The warp of time is a sum of this many half cosines over the beat's length.
WARP_TERMS = 3
WANDER_LOW_HZ, WANDER_HIGH_HZ, WANDER_TONES = 0.05, 0.5, 2
MUSCLE_LOW_HZ = 20.0
MAINS_HZ = (50.0, 60.0)
# `add_artefacts` draws the ratio of each beat from a range of this width, from hard to read to
# hardly touched: three of the 6 dB steps of the MIT-BIH Noise Stress Test Database.
SNR_RANGE_DB = 18.0


# Changes of shape


def stretch(beats: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Make each beat up to `most` (a share, e.g. 0.08) slower or faster, by linear interpolation.

    Samples that move past the end are lost; those that come in are 0.
    """
    _beats, samples = beats.shape
    speed = rng.uniform(1 - most, 1 + most, (len(beats), 1)).astype(np.float32)
    return values_at(beats, np.arange(samples, dtype=np.float32) * speed)


def bend_amplitude(beats: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Raise each beat to a power between 1 / (1 + most) and 1 + most; 0 and 1 stay the same."""
    power = np.exp(rng.uniform(-1, 1, (len(beats), 1)) * np.log1p(most)).astype(np.float32)
    return np.maximum(beats, 0) ** power


def add_noise(beats: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add white noise of this standard deviation to the beat, not to the zeros that pad it."""
    noise = rng.standard_normal(beats.shape, dtype=np.float32) * np.float32(deviation)
    return beats + noise * (beats > 0)


def warp_time(beats: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Warp time unevenly, up to `most` (a share below 1) faster or slower at any place.

    The first sample (the R peak) and the end stay in place. The length of a beat distinguishes an
    early one from a normal one, so only `stretch` may change it.
    """
    last = np.maximum(beat_lengths(beats) - 1, 1)[:, None].astype(np.float32)
    terms = np.arange(1, WARP_TERMS + 1, dtype=np.float32)
    shares = rng.uniform(-1, 1, (len(beats), WARP_TERMS)).astype(np.float32)
    shares *= most * rng.random((len(beats), 1), np.float32) / np.abs(shares).sum(1, keepdims=True)
    # Speed 1 + sum a_k cos(pi k t) with sum |a_k| <= most; its integral returns to 0 at the end.
    places = np.arange(beats.shape[1], dtype=np.float32)
    angles = np.pi * np.minimum(places / last, 1)
    moved = np.sin(terms[None, :, None] * angles[:, None]) * (shares / (np.pi * terms))[:, :, None]
    return values_at(beats, places + last * moved.sum(axis=1))


def shift(beats: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Begin each beat up to `most` samples before or behind its R peak, as annotators' marks do.

    A beat begins at its mark, so the samples before it are unknown: the first value is held.
    Samples that pass an edge are lost, the end moves along, and the rest is scaled to the old
    range.
    """
    _beats, samples = beats.shape
    late = rng.integers(-most, most + 1, (len(beats), 1))
    places = np.clip(np.arange(samples) + late, 0, samples)
    moved = np.take_along_axis(np.pad(beats, ((0, 0), (0, 1))), places, axis=1)
    own = np.arange(samples) < np.maximum(beat_lengths(beats)[:, None] - late, 1)
    return to_old_range(moved, own, beats)


def drift_gain(beats: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Let the gain rise or fall evenly along each beat, up to 1 + most times from end to end.

    Scaling to [0, 1] undoes a gain that is the same for the whole beat. Breathing changes the gain
    from one QRS complex to the next, and a beat contains its own and the next. Amplitudes
    grow from the beat's median, which lies near the isoelectric line.
    """
    own = own_samples(beats)
    lengths = own.sum(axis=1, keepdims=True)
    ordered = np.sort(np.where(own, beats, np.float32(np.inf)), axis=1)
    median = np.take_along_axis(ordered, lengths // 2 - (lengths > 1), axis=1)
    slope = rng.uniform(-1, 1, (len(beats), 1)) * np.log1p(most)
    along = np.arange(beats.shape[1], dtype=np.float32) / lengths.astype(np.float32)
    gain = np.exp(slope.astype(np.float32) * np.minimum(along, 1))
    return to_old_range(median + (beats - median) * gain, own, beats)


# Artefacts of electrodes


def add_wander(
    beats: np.ndarray, snr_db: float, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """Add baseline wander, 0.05 to 0.5 Hz, at a signal-to-noise ratio as in `at_snr`."""
    return _with_noise(beats, _wander(beats.shape, sampling_hz, rng), snr_db)


def add_muscle(
    beats: np.ndarray, snr_db: float, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """Add muscle noise, white above 20 Hz, at a signal-to-noise ratio as in `at_snr`."""
    return _with_noise(beats, _muscle(beats.shape, sampling_hz, rng), snr_db)


def add_mains(
    beats: np.ndarray, snr_db: float, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """Add a mains hum of 50 or 60 Hz at a signal-to-noise ratio as in `at_snr`."""
    return _with_noise(beats, _mains(beats.shape, sampling_hz, rng), snr_db)


def add_artefacts(
    beats: np.ndarray,
    kinds: Sequence[str],
    snr_db: float,
    sampling_hz: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Add to each beat one of these kinds of noise, between `snr_db` and `snr_db` + 18 dB.

    Args:
        beats: (beats, samples) float32.
        kinds: names in ARTEFACTS, all with the same probability.
        snr_db: the worst signal-to-noise ratio, see `at_snr`.
        sampling_hz: samples per second of `beats`.
        rng: draws kinds, ratios and noise.

    Raises:
        InputError: there are no kinds, or one is unknown.
    """
    if not kinds or not set(kinds) <= set(ARTEFACTS):
        raise InputError(
            f"expected kinds of noise among {', '.join(ARTEFACTS)}; "
            f"got {', '.join(kinds) or 'none'}"
        )
    choices = rng.integers(0, len(kinds), len(beats))
    ratios_db = snr_db + SNR_RANGE_DB * rng.random(len(beats))
    noise = np.empty(beats.shape, np.float32)
    for choice, kind in enumerate(kinds):
        chosen = np.flatnonzero(choices == choice)
        noise[chosen] = ARTEFACTS[kind]((len(chosen), beats.shape[1]), sampling_hz, rng)
    return _with_noise(beats, noise, ratios_db)


def at_snr(beats: np.ndarray, noise: np.ndarray, snr_db: float | np.ndarray) -> np.ndarray:
    """Noise scaled to a signal-to-noise ratio with the beats, and 0 on the padding.

    The ratio is 10 log10 of the beat's variance over that of the noise, both over the beat's own
    samples and about their means there, since scaling to [0, 1] removes every constant.

    Args:
        beats: (beats, samples) float32.
        noise: (beats, samples) float32 of any strength.
        snr_db: for all beats, or (beats,).
    """
    own = own_samples(beats)
    lengths = own.sum(axis=1, keepdims=True, dtype=np.float32)
    centred, signal = (
        np.where(own, of - np.where(own, of, 0).sum(axis=1, keepdims=True) / lengths, 0)
        for of in (noise, beats)
    )
    noise_power, signal_power = ((of * of).sum(axis=1) for of in (centred, signal))
    wanted = signal_power / 10 ** (np.asarray(snr_db, np.float32) / 10)
    # A beat of one sample has no variance, and nor has the noise on it.
    strength = np.sqrt(wanted / np.maximum(noise_power, np.float32(1e-20)))
    return centred * strength[:, None]


def _with_noise(beats: np.ndarray, noise: np.ndarray, snr_db: float | np.ndarray) -> np.ndarray:
    return to_old_range(beats + at_snr(beats, noise, snr_db), own_samples(beats), beats)


def _wander(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    beats, samples = shape
    tones_hz = rng.uniform(WANDER_LOW_HZ, WANDER_HIGH_HZ, (WANDER_TONES, beats, 1))
    return np.sum([_tones(samples, hz, sampling_hz, rng) for hz in tones_hz], axis=0)


def _muscle(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    from scipy.signal import sosfilt  # late: ARTEFACTS is wanted by programs' --help

    white = rng.standard_normal(shape, dtype=np.float32)
    return sosfilt(_high_pass(sampling_hz), white, axis=1).astype(np.float32)


def _mains(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    beats, samples = shape
    return _tones(samples, rng.choice(MAINS_HZ, (beats, 1)), sampling_hz, rng)


def _tones(
    samples: int, tones_hz: np.ndarray, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """(tones, samples) float32 sines from tones_hz (tones, 1), each at a phase of its own."""
    turns = np.arange(samples) * (tones_hz / sampling_hz) + rng.random(tones_hz.shape)
    # Whole turns are dropped first, since float32 has too few digits for many of them.
    return np.sin(2 * np.pi * (turns - np.floor(turns)).astype(np.float32))


@lru_cache
def _high_pass(sampling_hz: float) -> np.ndarray:
    from scipy.signal import butter

    return butter(2, MUSCLE_LOW_HZ, "high", fs=sampling_hz, output="sos")


Generator = Callable[[tuple[int, int], float, np.random.Generator], np.ndarray]
ARTEFACTS: dict[str, Generator] = {"wander": _wander, "muscle": _muscle, "mains": _mains}


# A beat's own samples, without the padding


def values_at(beats: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(beats, places): each beat's values there, linearly interpolated; 0 past the end."""
    _beats, samples = beats.shape
    left = places.astype(np.int32)
    share = places - left.astype(places.dtype)
    padded = np.pad(beats, ((0, 0), (0, 1)))
    left_values = np.take_along_axis(padded, np.minimum(left, samples), axis=1)
    right_values = np.take_along_axis(padded, np.minimum(left + 1, samples), axis=1)
    return left_values + share * (right_values - left_values)


def own_samples(beats: np.ndarray) -> np.ndarray:
    """(beats, samples) bool: which samples belong to the beat; the first always does."""
    return np.arange(beats.shape[1]) < np.maximum(beat_lengths(beats), 1)[:, None]


def to_old_range(changed: np.ndarray, own: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Scale the beat's samples to the range they had before, [0, 1] unless the beat was cut off.

    A window is scaled as a whole and only then cut at the last sample, so a long beat may not
    reach 1. If it were scaled to [0, 1], it would look like one that was not cut.
    """
    low, high = _range(changed, own)
    old_low, old_high = _range(beats, own_samples(beats))
    scale = (old_high - old_low) / np.maximum(high - low, np.float32(1e-9))
    scaled = np.clip((changed - low) * scale + old_low, old_low, old_high)
    return np.where(own, scaled, np.float32(0))


def _range(beats: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.where(own, beats, np.float32(np.inf)).min(axis=1, keepdims=True)
    high = np.where(own, beats, np.float32(-np.inf)).max(axis=1, keepdims=True)
    return low, high
