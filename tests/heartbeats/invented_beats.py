"""Beats of two invented classes, cut and scaled as the real ones are."""

import numpy as np

HZ = 120.0
SAMPLES = 187


def invented_beats(count: int, seed: int, *, wide: bool = False) -> np.ndarray:
    """(count, 187) float32: QRS, T wave, the next QRS, zeros behind; `wide` is a class of its own.

    Next complexes come 60 to 130 samples behind the first, a fifth of that before the end.
    """
    rng = np.random.default_rng(seed)
    return np.stack([_beat(rng, wide) for _ in range(count)])


def _beat(rng: np.random.Generator, wide: bool) -> np.ndarray:
    interval = rng.integers(60, 131)
    places = np.arange(round(1.2 * interval))
    width, t_height = (7.0, -0.5) if wide else (1.5, 0.3)
    beat = _bump(places, 0, width) + rng.normal(0.9, 0.05) * _bump(places, interval, 1.5)
    beat += rng.normal(t_height, 0.05) * _bump(places, 0.4 * interval, 6)
    beat += rng.normal(0, 0.01, len(places))
    scaled = np.zeros(SAMPLES, np.float32)
    scaled[: len(places)] = (beat - beat.min()) / np.ptp(beat)
    return scaled


def _bump(places: np.ndarray, middle: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((places - middle) / width) ** 2)
