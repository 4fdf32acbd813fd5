"""Beats that no network of ours was trained on: noise, test tones and ruined beats."""

import numpy as np

from heartbeats import artefacts
from heartbeats.augment import own_samples, values_at
from heartbeats.beat_set import beat_lengths

# Noise as strong as four times the beat.
NOISE_DB = -6.0
# Tones of test generators, hertz.
LOWEST_HZ, HIGHEST_HZ = 0.5, 20.0


def made_from(
    beats: np.ndarray, sampling_hz: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Name -> (beats, samples) float32 in [0, 1], as many of each kind as there are beats.

    Args:
        beats: (beats, samples) float32, real ones, which some kinds ruin.
        sampling_hz: samples per second.
        rng: draws noise and tones.
    """
    shape, own = beats.shape, own_samples(beats)
    noise = _scaled(rng.standard_normal(shape))
    tones = _tones(shape, sampling_hz, rng)
    kinds = {
        "white noise": noise,
        "white noise, padded": np.where(own, noise, 0),
        "random walk": _scaled(np.cumsum(rng.standard_normal(shape), axis=1)),
        "sine": _scaled(tones),
        "square wave": _scaled(np.sign(tones)),
        "muscle -6 dB": artefacts.add_muscle(beats, NOISE_DB, sampling_hz, rng),
        "wander -6 dB": artefacts.add_wander(beats, NOISE_DB, sampling_hz, rng),
        "mains -6 dB": artefacts.add_mains(beats, NOISE_DB, sampling_hz, rng),
        "upside down": np.where(own, 1 - beats, 0),
        "backwards": _moved(beats, lambda places, length: length - 1 - places),
        "half the rate": _at_speed(beats, 0.5),
        "twice the rate": _at_speed(beats, 2.0),
        "cut mid-beat": _moved(beats, lambda places, length: (places + length // 2) % length),
        "constant": np.where(own, rng.random((len(beats), 1)), 0),
        "zeros": np.zeros(shape),
    }
    return {name: np.clip(made, 0, 1).astype(np.float32) for name, made in kinds.items()}


def resampled(beats: np.ndarray, samples: int) -> np.ndarray:
    """(beats, samples): each beat stretched to so many samples."""
    places = np.linspace(0, beats.shape[1] - 1, samples, dtype=np.float32)
    return values_at(np.asarray(beats, np.float32), np.tile(places, (len(beats), 1)))


def _scaled(signals: np.ndarray) -> np.ndarray:
    low, high = signals.min(axis=1, keepdims=True), signals.max(axis=1, keepdims=True)
    return (signals - low) / np.maximum(high - low, 1e-9)


def _tones(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    beats, samples = shape
    tones_hz, phases = rng.uniform(LOWEST_HZ, HIGHEST_HZ, (beats, 1)), rng.random((beats, 1))
    return np.sin(2 * np.pi * (tones_hz * np.arange(samples) / sampling_hz + phases))


def _at_speed(beats: np.ndarray, speed: float) -> np.ndarray:
    """As if the sampling rate had been taken for `speed` times what it is."""
    places = np.arange(beats.shape[1], dtype=np.float32) * np.float32(speed)
    return values_at(beats, np.tile(places, (len(beats), 1)))


def _moved(beats: np.ndarray, source) -> np.ndarray:
    """Each beat's own samples in another order: `source`(places, length) -> places."""
    lengths = np.maximum(beat_lengths(beats), 1)[:, None]
    places = np.tile(np.arange(beats.shape[1]), (len(beats), 1))
    inside = places < lengths
    taken = np.where(inside, source(places, lengths), 0)
    return np.where(inside, np.take_along_axis(beats, taken, axis=1), 0)
