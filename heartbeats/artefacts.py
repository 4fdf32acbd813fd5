"""Artefacts of electrodes on training beats: baseline wander, muscle noise, mains hum.

Each beat is scaled again after the noise is added, as the cutting scales what a recording holds.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy.signal import butter, sosfilt

from heartbeats.augment import own_samples, to_old_range
from utils.errors import InputError

WANDER_LOW_HZ, WANDER_HIGH_HZ, WANDER_TONES = 0.05, 0.5, 2
MUSCLE_LOW_HZ = 20.0
MAINS_HZ = (50.0, 60.0)
# `add_artefacts` draws the ratio of each beat from a span as wide as this, from hard to read to
# hardly touched: three of the 6 dB steps of the MIT-BIH Noise Stress Test Database.
SNR_SPAN_DB = 18.0


def add_wander(
    beats: np.ndarray, snr_db: float, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """Add baseline wander, 0.05 to 0.5 Hz, at a signal-to-noise ratio as in `at_snr`."""
    return _polluted(beats, _wander(beats.shape, sampling_hz, rng), snr_db)


def add_muscle(
    beats: np.ndarray, snr_db: float, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """Add muscle noise, white above 20 Hz, at a signal-to-noise ratio as in `at_snr`."""
    return _polluted(beats, _muscle(beats.shape, sampling_hz, rng), snr_db)


def add_mains(
    beats: np.ndarray, snr_db: float, sampling_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """Add a mains hum of 50 or 60 Hz at a signal-to-noise ratio as in `at_snr`."""
    return _polluted(beats, _mains(beats.shape, sampling_hz, rng), snr_db)


def add_artefacts(
    beats: np.ndarray,
    kinds: Sequence[str],
    snr_db: float,
    sampling_hz: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Add to each beat one of the `kinds` of noise, between `snr_db` and `snr_db` + 18 dB.

    Args:
        beats: (beats, samples) float32.
        kinds: names in ARTEFACTS, all as likely.
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
    ratios_db = snr_db + SNR_SPAN_DB * rng.random(len(beats))
    noise = np.empty(beats.shape, np.float32)
    for choice, kind in enumerate(kinds):
        chosen = np.flatnonzero(choices == choice)
        noise[chosen] = ARTEFACTS[kind]((len(chosen), beats.shape[1]), sampling_hz, rng)
    return _polluted(beats, noise, ratios_db)


def at_snr(beats: np.ndarray, noise: np.ndarray, snr_db: float | np.ndarray) -> np.ndarray:
    """The noise, made so strong that beats and noise have the ratio asked, and 0 on the padding.

    The ratio is 10 log10 of the beat's variance over the noise's, both over the beat's own samples
    and round their means there, since scaling to [0, 1] takes every constant away.

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


def _polluted(beats: np.ndarray, noise: np.ndarray, snr_db: float | np.ndarray) -> np.ndarray:
    return to_old_range(beats + at_snr(beats, noise, snr_db), own_samples(beats), beats)


def _wander(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    beats, samples = shape
    tones_hz = rng.uniform(WANDER_LOW_HZ, WANDER_HIGH_HZ, (WANDER_TONES, beats, 1))
    return np.sum([_tones(samples, hz, sampling_hz, rng) for hz in tones_hz], axis=0)


def _muscle(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
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
    # Whole turns are dropped first, since float32 loses what is left of many of them.
    return np.sin(2 * np.pi * (turns - np.floor(turns)).astype(np.float32))


@lru_cache
def _high_pass(sampling_hz: float) -> np.ndarray:
    return butter(2, MUSCLE_LOW_HZ, "high", fs=sampling_hz, output="sos")


Generator = Callable[[tuple[int, int], float, np.random.Generator], np.ndarray]
ARTEFACTS: dict[str, Generator] = {"wander": _wander, "muscle": _muscle, "mains": _mains}
