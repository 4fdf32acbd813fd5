"""Random changes to training beats that leave their class alone."""

import numpy as np


def stretch(beats: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Make each beat up to `most` (a share, e.g. 0.08) slower or faster, by linear interpolation.

    Args and result: (beats, samples) float32; what moves past the end is lost, what comes in is 0.
    """
    _beats, samples = beats.shape
    speed = rng.uniform(1 - most, 1 + most, (len(beats), 1)).astype(np.float32)
    places = np.arange(samples, dtype=np.float32) * speed
    left = places.astype(np.int32)
    share = places - left.astype(np.float32)
    padded = np.pad(beats, ((0, 0), (0, 1)))
    left_values = np.take_along_axis(padded, np.minimum(left, samples), axis=1)
    right_values = np.take_along_axis(padded, np.minimum(left + 1, samples), axis=1)
    return left_values + share * (right_values - left_values)


def bend_amplitude(beats: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Raise each beat to a power between 1 / (1 + most) and 1 + most; 0 and 1 stay in place."""
    power = np.exp(rng.uniform(-1, 1, (len(beats), 1)) * np.log1p(most)).astype(np.float32)
    return np.maximum(beats, 0) ** power


def add_noise(beats: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add white noise to the beat, not to the zeros that pad it."""
    noise = rng.standard_normal(beats.shape, dtype=np.float32) * np.float32(deviation)
    return beats + noise * (beats > 0)
