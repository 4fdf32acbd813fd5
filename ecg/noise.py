"""Noise at a known signal-to-noise ratio: white, baseline wander, mains, muscle.

A ratio means here what it means in the MIT-BIH Noise Stress Test Database, so that levels compare.
Source: Moody GB, Muldrow WE, Mark RG. A noise stress test for arrhythmia detectors. Computers in
Cardiology 11:381-384 (1984); measured as PhysioNet's `nst` and `sigamp` do, save that they stop
after 300 measurements and these functions take the whole recording.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly
from scipy.stats import trim_mean

from ecg.record import read_adc
from ecg.synthetic import noise as synthetic_noise
from utils.errors import InputError

# The share that sigamp trims at either end before it takes a mean, and its two windows.
TRIMMED_SHARE = 0.05
QRS_HALF_WINDOW_S = 0.05
NOISE_WINDOW_S = 1.0
BREATHING_LOW_HZ, BREATHING_HIGH_HZ = 0.18, 0.35
# Power grids keep within about this of their nominal frequency.
MAINS_HZ, MAINS_ERROR_HZ = (50.0, 60.0), 0.05
MAINS_HARMONICS = (1.0, 0.1, 0.3)  # deviations of the first, second and third, as shares
MAINS_SWELL = 0.2
# The records of the Noise Stress Test Database that hold nothing but this kind of noise.
NSTDB_RECORDS = {"wander": "bw", "muscle": "ma"}
NSTDB_LEADS = 2

KINDS = ("white", "wander", "mains", "muscle")

# (samples, sampling_hz, rng) -> (samples,) float64 of unit `noise_power`
Generator = Callable[[int, float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class NoiseSource:
    """A kind of noise, and where it comes from, for reports."""

    draw: Generator
    origin: str


def sources(data_folder: Path) -> dict[str, NoiseSource]:
    """All KINDS of noise; real recordings for wander and muscle where they are found.

    Args:
        data_folder: may hold ``nstdb/bw`` and ``nstdb/ma``.

    Raises:
        InputError: such a recording is there and is damaged.
    """
    found = {
        "white": NoiseSource(white, "generated"),
        "wander": NoiseSource(baseline_wander, "generated"),
        "mains": NoiseSource(mains, "generated"),
        "muscle": NoiseSource(muscle, "generated"),
    }
    for kind, record in NSTDB_RECORDS.items():
        path = data_folder / "nstdb" / record
        if path.with_suffix(".hea").is_file():
            found[kind] = NoiseSource(from_recording(path), f"recorded (nstdb {record})")
    return found


def white(samples: int, sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    """(samples,) float64 Gaussian noise of unit power at all frequencies."""
    return unit_power(rng.standard_normal(samples), sampling_hz)


def baseline_wander(samples: int, sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    """(samples,) float64 of unit power: tones below half a hertz, one at the rate of breathing."""
    breathing_hz = rng.uniform(BREATHING_LOW_HZ, BREATHING_HIGH_HZ)
    drift = synthetic_noise.drift(rng, samples, sampling_hz, 1.0, breathing_hz)
    return unit_power(drift, sampling_hz)


def mains(samples: int, sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    """(samples,) float64 of unit power: 50 or 60 Hz with two harmonics, swelling and fading.

    Raises:
        InputError: the sampling rate is too low for either frequency.
    """
    possible = [hz for hz in MAINS_HZ if hz + MAINS_ERROR_HZ < sampling_hz / 2]
    if not possible:
        raise InputError(f"mains noise needs a sampling rate above 100 Hz, got {sampling_hz:g}")
    hz = rng.choice(possible) + rng.uniform(-MAINS_ERROR_HZ, MAINS_ERROR_HZ)
    hum = np.zeros(samples)
    for number, share in enumerate(MAINS_HARMONICS, 1):
        hum += synthetic_noise.tone(rng, samples, sampling_hz, share, number * hz)
    breathing_hz = rng.uniform(BREATHING_LOW_HZ, BREATHING_HIGH_HZ)
    swell = 1 + synthetic_noise.drift(rng, samples, sampling_hz, MAINS_SWELL, breathing_hz)
    return unit_power(hum * swell, sampling_hz)


def muscle(samples: int, sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    """(samples,) float64 of unit power: noise above 20 Hz that swells and fades over seconds."""
    return unit_power(synthetic_noise.muscle(rng, samples, sampling_hz, 1.0), sampling_hz)


def from_recording(path: Path) -> Generator:
    """A generator of excerpts of the WFDB record `path` (without suffix), of any lead and start.

    An excerpt that passes the end of the recording continues at its beginning.

    Raises:
        InputError: the record is missing or damaged.
    """
    leads = [read_adc(path, channel) for channel in range(NSTDB_LEADS)]
    return partial(_excerpt, [lead.adc for lead in leads], leads[0].sampling_hz)


def unit_power(noise: np.ndarray, sampling_hz: float) -> np.ndarray:
    """`noise` without its mean, scaled to a `noise_power` of one.

    Raises:
        InputError: it is shorter than the second that its power is measured in, or flat.
    """
    if len(noise) < NOISE_WINDOW_S * sampling_hz:
        raise InputError(
            f"noise needs a recording of at least {NOISE_WINDOW_S:g} s, got "
            f"{len(noise) / sampling_hz:.2f} s"
        )
    power = noise_power(noise, sampling_hz)
    if not power > 0:
        raise InputError("the noise is flat, so no multiple of it has any power")
    return (noise - noise.mean()) / np.sqrt(power)


def noise_power(noise: np.ndarray, sampling_hz: float) -> float:
    """The square of the trimmed mean of the RMS that noise has within one second.

    Each second is taken about its own mean, so slow wander counts by its change within a second.
    """
    window = round(NOISE_WINDOW_S * sampling_hz)
    seconds = noise[: len(noise) // window * window].reshape(-1, window)
    return float(trim_mean(seconds.std(axis=1), TRIMMED_SHARE) ** 2)


def qrs_power(signal: np.ndarray, r_peaks: np.ndarray, sampling_hz: float) -> float:
    """The power of an ECG: that of a sine with the peak-to-peak height of its QRS complexes.

    Args:
        signal: (samples,) in any unit.
        r_peaks: (beats,) int, samples of the beats.
        sampling_hz: samples per second.

    Raises:
        InputError: no beat lies whole within the signal.
    """
    half = round(QRS_HALF_WINDOW_S * sampling_hz)
    inside = r_peaks[(r_peaks >= half) & (r_peaks < len(signal) - half)]
    if len(inside) == 0:
        raise InputError(
            f"a signal-to-noise ratio needs a QRS complex to measure; {len(r_peaks)} marks and "
            f"{len(signal):,} samples hold none"
        )
    complexes = signal[inside[:, np.newaxis] + np.arange(-half, half + 1)]
    return power_of_height(float(trim_mean(np.ptp(complexes, axis=1), TRIMMED_SHARE)))


def power_of_height(peak_to_peak: float) -> float:
    """The mean square of a sine of this height."""
    return peak_to_peak**2 / 8


def at_snr(
    signal: np.ndarray, noise: np.ndarray, snr_db: float, signal_power: float
) -> np.ndarray:
    """`signal` plus `noise`, scaled so that the ratio of their powers is `snr_db`.

    Args:
        signal: in any unit, any shape.
        noise: of the same shape and unit `noise_power`.
        snr_db: decibels; infinity gives the signal back.
        signal_power: from `qrs_power`, in the square of the signal's unit.

    Raises:
        InputError: `snr_db` is no number, or minus infinity.
    """
    if np.isnan(snr_db) or snr_db == -np.inf:
        raise InputError(f"a signal-to-noise ratio in decibels expected, got {snr_db}")
    return signal + noise * np.sqrt(signal_power / 10 ** (snr_db / 10))


def _excerpt(
    leads: list[np.ndarray],
    recorded_hz: float,
    samples: int,
    sampling_hz: float,
    rng: np.random.Generator,
) -> np.ndarray:
    lead = leads[rng.integers(len(leads))]
    ratio = Fraction(sampling_hz / recorded_hz).limit_denominator(1000)
    wanted = ceil(samples / ratio)
    start = rng.integers(len(lead))
    noise = np.take(lead, np.arange(start, start + wanted), mode="wrap").astype(float)
    noise -= noise.mean()
    if ratio != 1:
        noise = resample_poly(noise, ratio.numerator, ratio.denominator, padtype="line")
    return unit_power(noise[:samples], sampling_hz)
