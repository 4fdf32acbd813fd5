"""Synthetic noise of electrodes: baseline wander, muscle noise, mains hum."""

import numpy as np
from scipy.signal import butter, sosfilt

from ecg.synthetic.patient import Patient

WANDER_LOW_HZ, WANDER_HIGH_HZ = 0.05, 0.5
WANDER_TONES = 6
# Wander is made on a coarse grid and interpolated; this is at least eight points a cycle.
WANDER_GRID_HZ = 4.0
MUSCLE_LOW_HZ = 20.0
# Muscles tense and relax: their noise swells and fades over about this time.
MUSCLE_SWELL_S = 4.0


def draw_noise(
    rng: np.random.Generator, patient: Patient, samples: int, sampling_hz: float
) -> np.ndarray:
    """(samples,) float64 millivolts of noise for one lead."""
    return (
        drift(rng, samples, sampling_hz, patient.wander_mv, patient.respiration_hz)
        + muscle(rng, samples, sampling_hz, patient.muscle_mv)
        + tone(rng, samples, sampling_hz, patient.mains_mv, patient.mains_hz)
    )


def drift(
    rng: np.random.Generator,
    samples: int,
    sampling_hz: float,
    deviation: float,
    breathing_hz: float,
) -> np.ndarray:
    """Slow drift of a few tones, one of them at the rate of breathing.

    Returns:
        (samples,) float64 with a standard deviation of about `deviation`, in its unit.
    """
    grid_s = np.arange(samples / sampling_hz * WANDER_GRID_HZ + 2) / WANDER_GRID_HZ
    tones_hz = rng.uniform(WANDER_LOW_HZ, WANDER_HIGH_HZ, WANDER_TONES)
    tones_hz[0] = breathing_hz
    wander = np.zeros(len(grid_s))
    for tone_hz, phase in zip(tones_hz, rng.uniform(0, 2 * np.pi, WANDER_TONES), strict=True):
        wander += np.sin(2 * np.pi * tone_hz * grid_s + phase)
    wander *= deviation / np.sqrt(WANDER_TONES / 2)
    return np.interp(np.arange(samples) / sampling_hz, grid_s, wander)


def muscle(
    rng: np.random.Generator, samples: int, sampling_hz: float, deviation: float
) -> np.ndarray:
    """(samples,) float64: white noise above 20 Hz, from `deviation`, that swells and fades."""
    white = rng.standard_normal(samples)
    high = sosfilt(butter(2, MUSCLE_LOW_HZ, "high", fs=sampling_hz, output="sos"), white)
    knots = int(samples / sampling_hz / MUSCLE_SWELL_S) + 2
    swell = np.exp(rng.normal(0, 0.35, knots))
    places = np.arange(samples) / (sampling_hz * MUSCLE_SWELL_S)
    return deviation * high * np.interp(places, np.arange(knots), swell)


def tone(
    rng: np.random.Generator, samples: int, sampling_hz: float, deviation: float, tone_hz: float
) -> np.ndarray:
    """(samples,) float64: a sine of this standard deviation; zeros where it would alias."""
    phase = rng.uniform(0, 2 * np.pi)
    if tone_hz >= sampling_hz / 2:  # the recorder's own filter removes what would alias
        return np.zeros(samples)
    turns = 2 * np.pi * tone_hz / sampling_hz
    return deviation * np.sqrt(2) * np.sin(turns * np.arange(samples) + phase)
