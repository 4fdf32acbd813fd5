"""A recording whose beats are known: normal ones, early narrow ones, early wide ones."""

from dataclasses import dataclass

import numpy as np

NORMAL, EARLY, WIDE = 0, 1, 2
RR_S, EARLY_SHARE = 0.8, 0.6


@dataclass(frozen=True)
class Invented:
    """`signal_mv` (samples,), its `r_peaks` (beats,) and the `kinds` (beats,) of its beats."""

    signal_mv: np.ndarray
    sampling_hz: float
    r_peaks: np.ndarray
    kinds: np.ndarray


def invented(kinds: np.ndarray, sampling_hz: float = 250.0, noise_mv: float = 0.01) -> Invented:
    """Draw beats of these kinds; early ones come after EARLY_SHARE of the usual interval."""
    rng = np.random.default_rng(7)
    share = np.where(kinds == NORMAL, 1.0, EARLY_SHARE)
    times_s = 1 + np.cumsum(RR_S * share * rng.normal(1, 0.01, len(kinds)))
    samples = round((times_s[-1] + 1) * sampling_hz)
    clock_s = np.arange(samples) / sampling_hz
    signal = noise_mv * rng.standard_normal(samples)
    for time_s, kind in zip(times_s, kinds, strict=True):
        near = slice(*np.searchsorted(clock_s, (time_s - 0.5, time_s + 0.6)))
        signal[near] += _beat(clock_s[near] - time_s, kind)
    return Invented(signal, sampling_hz, np.rint(times_s * sampling_hz).astype(int), kinds)


def _beat(since_r_s: np.ndarray, kind: int) -> np.ndarray:
    def wave(height: float, at_s: float, width_s: float) -> np.ndarray:
        return height * np.exp(-0.5 * ((since_r_s - at_s) / width_s) ** 2)

    if kind == WIDE:
        return wave(1.8, 0, 0.04) + wave(-0.6, 0.2, 0.05)
    return wave(0.15, -0.16, 0.02) + wave(1.2, 0, 0.012) + wave(0.3, 0.25, 0.04)


def mixed_kinds(beats: int = 300) -> np.ndarray:
    """Every 13th beat early, every 17th wide, the others normal."""
    kinds = np.full(beats, NORMAL)
    kinds[5::13], kinds[7::17] = EARLY, WIDE
    return kinds
