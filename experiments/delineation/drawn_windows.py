"""Windows that the delineator learns from: strips changed at random, anew in each epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.signal import butter, sosfilt

from ecg import noise
from ecg.wave_marks import windows
from experiments.delineation.strips import ABSENT, UNKNOWN, P, Strip, T

# A strip of 500 Hz that is taken for one of 400 Hz lasts a quarter longer, and so do its waves.
SLOWEST, FASTEST = 0.8, 1.25
# How often each kind of noise comes, and its mean size as a share of the usual R peak.
NOISE = {
    noise.white: (0.3, 0.03),
    noise.muscle: (0.3, 0.05),
    noise.baseline_wander: (0.6, 0.3),
    noise.mains: (0.2, 0.06),
}
HIGH_PASS_SHARE, HIGH_PASS_HZ = 0.3, (0.05, 0.6)
# The detector's R peaks are off by so much: in all beats of a strip, in each, in a few.
OFF_TOGETHER_S, OFF_EACH_S, OFF_FAR_S, FAR_SHARE = 0.008, 0.004, 0.04, 0.03
ERASED_SHARE = 0.03
# Fibrillation of the atria: small waves of 4 to 9 a second, as shares of the R peak.
FIBRILLATION_HZ, FIBRILLATION_SIZE = (4.0, 9.0), 0.06


@dataclass(frozen=True)
class Windows:
    """What the network is shown and what it should say.

    Attributes:
        channels: (beats, grid, channels) float32.
        marks_s: (beats, 9) float32 seconds from the R peak, NaN where not known.
        presence: (beats, 3) ABSENT, PRESENT or UNKNOWN.
    """

    channels: np.ndarray
    marks_s: np.ndarray
    presence: np.ndarray


def draw(strips: Sequence[Strip], rng: np.random.Generator) -> Windows:
    """One epoch's windows: each strip once, changed at random."""
    return unchanged([_changed(strip, rng) for strip in strips])


def unchanged(strips: Sequence[Strip]) -> Windows:
    """The windows of all beats of which something is known."""
    parts = zip(*(_windows(strip) for strip in strips), strict=True)
    channels, marks, presence = (np.concatenate(part) for part in parts)
    known = (presence != UNKNOWN).any(axis=1)
    return Windows(channels[known], marks[known], presence[known])


def _windows(strip: Strip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cut = windows.cut(strip.signal_mv, strip.r_peaks, strip.sampling_hz)
    level = windows.normalised(cut @ _resampling_matrix(strip.sampling_hz))
    bumps = windows.other_beats(strip.r_peaks, strip.sampling_hz)
    marks_s = (strip.marks - strip.r_peaks[:, None, None]) / strip.sampling_hz
    return (
        windows.channels(level, windows.alike(level), bumps),
        marks_s.reshape(-1, 9).astype(np.float32),
        strip.presence,
    )


@cache
def _resampling_matrix(sampling_hz: float) -> np.ndarray:
    return windows.resampling_matrix(sampling_hz)


def _changed(strip: Strip, rng: np.random.Generator) -> Strip:
    signal = strip.signal_mv.astype(np.float64)
    size = np.median(np.abs(signal[strip.r_peaks] - np.median(signal))) + 0.05
    if rng.random() < ERASED_SHARE:
        strip, signal = _robbed(strip, signal, size, rng)
    for make, (share, mean) in NOISE.items():
        fits = make is not noise.mains or strip.sampling_hz > 130
        if fits and rng.random() < share:
            signal += size * rng.exponential(mean) * make(len(signal), strip.sampling_hz, rng)
    if rng.random() < HIGH_PASS_SHARE:
        hz = rng.uniform(*HIGH_PASS_HZ)
        high = butter(1, hz, "highpass", fs=strip.sampling_hz, output="sos")
        signal = sosfilt(high, signal - signal[0])
    # Only the interpretation of the time axis changes, so marks in samples stay where they are.
    rate = strip.sampling_hz * rng.choice(np.geomspace(SLOWEST, FASTEST, 9))
    return replace(
        strip, signal_mv=signal, sampling_hz=float(rate), r_peaks=_misplaced(strip, rng)
    )


def _misplaced(strip: Strip, rng: np.random.Generator) -> np.ndarray:
    beats = len(strip.r_peaks)
    off_s = rng.normal(0, OFF_TOGETHER_S) + rng.normal(0, OFF_EACH_S, beats)
    off_s += (rng.random(beats) < FAR_SHARE) * rng.normal(0, OFF_FAR_S, beats)
    moved = strip.r_peaks + np.rint(off_s * strip.sampling_hz).astype(np.int64)
    return np.clip(np.sort(moved), 0, len(strip.signal_mv) - 1)


def _robbed(
    strip: Strip, signal: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[Strip, np.ndarray]:
    """All marked P waves, or all T waves, replaced by lines; the atria may fibrillate then."""
    wave = rng.choice([P, T])
    ends = strip.marks[:, wave][:, [0, 2]]
    whole = np.isfinite(ends).all(axis=1)
    for onset, end in ends[whole].astype(int):
        signal[onset : end + 1] = np.linspace(signal[onset], signal[end], end + 1 - onset)
    marks, presence = strip.marks.copy(), strip.presence.copy()
    marks[whole, wave], presence[whole, wave] = np.nan, ABSENT
    if wave == P and whole.any() and rng.random() < 0.7:
        signal = signal + size * _fibrillation(len(signal), strip.sampling_hz, rng)
    return replace(strip, marks=marks, presence=presence), signal


def _fibrillation(samples: int, sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    """Waves whose rate and size wander."""
    knots_s = np.arange(0, samples / sampling_hz + 1, 0.25)
    times_s = np.arange(samples) / sampling_hz
    rate_hz = rng.uniform(*FIBRILLATION_HZ) * (1 + rng.normal(0, 0.12, len(knots_s)))
    phase = 2 * np.pi * np.cumsum(np.interp(times_s, knots_s, rate_hz)) / sampling_hz
    swell = np.interp(times_s, knots_s, 1 + rng.normal(0, 0.35, len(knots_s)))
    shape = np.sin(phase) + rng.uniform(0, 0.4) * np.sin(2 * phase + rng.uniform(0, 6.3))
    return rng.exponential(FIBRILLATION_SIZE) * swell * shape
