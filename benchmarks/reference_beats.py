"""Recordings whose beats were marked by people, with and without noise, for benchmarks."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from ecg.noise import NSTDB_LEADS, NSTDB_RECORDS, at_snr, qrs_power, unit_power
from ecg.record import read_adc, read_annotations, read_leads
from heartbeats.mitdb import CLASS_OF_SYMBOL
from utils.errors import InputError

# All twelve leads of LUDB; beats are compared on the first.
LUDB_LEADS = ("ii", "i", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
LUDB_RECORDS = [str(number) for number in range(1, 201)]
FLUTTER_BEGINS, FLUTTER_ENDS = "[", "]"
NOISE_SEED = 2024


@dataclass(frozen=True)
class Reference:
    """A recording and its beats.

    Attributes:
        name: of the record.
        signal_mv: (samples, leads) float64.
        sampling_hz: samples per second.
        r_peaks: (beats,) ascending samples, those that count.
        excluded: (stretches, 2) first and last samples of what does not count.
    """

    name: str
    signal_mv: np.ndarray
    sampling_hz: float
    r_peaks: np.ndarray
    excluded: np.ndarray

    def counting(self, marks: np.ndarray) -> np.ndarray:
        """Those marks that lie in no excluded stretch."""
        first, last = self.excluded.T
        inside = (marks[:, np.newaxis] >= first) & (marks[:, np.newaxis] <= last)
        return marks[~inside.any(axis=1)]


def read_mitdb(path: Path, leads: int = 1) -> Reference:
    """The MIT-BIH record at `path`: its first leads, ventricular flutter excluded."""
    names = [read_adc(path, channel).lead for channel in range(leads)]
    read = read_leads(path, names)
    marks = read_annotations(path, "atr")
    is_beat = np.array([symbol in CLASS_OF_SYMBOL for symbol in marks.symbols])
    flutter = np.column_stack(
        [marks.samples[marks.symbols == symbol] for symbol in (FLUTTER_BEGINS, FLUTTER_ENDS)]
    )
    whole = Reference(path.name, read.signal_mv, read.sampling_hz, marks.samples, flutter)
    return replace(whole, r_peaks=whole.counting(marks.samples[is_beat]))


def read_ludb(path: Path, leads: int = 1) -> Reference:
    """The LUDB record at `path`, lead II first; only what lies between marked beats counts.

    People marked the QRS complexes of each lead, save those at either end.
    """
    read = read_leads(path, LUDB_LEADS[:leads])
    marks = read_annotations(path, LUDB_LEADS[0])
    r_peaks = marks.samples[marks.symbols == "N"]
    slack = round(0.15 * read.sampling_hz)
    samples = len(read.signal_mv)
    ends = [(0, r_peaks[0] - slack - 1), (r_peaks[-1] + slack + 1, samples)]
    return Reference(path.name, read.signal_mv, read.sampling_hz, r_peaks, np.array(ends))


def at_rate(reference: Reference, sampling_hz: float) -> Reference:
    """The same recording as if it had been taken at another rate."""
    ratio = Fraction(sampling_hz / reference.sampling_hz).limit_denominator(1000)
    signal = resample_poly(
        reference.signal_mv, ratio.numerator, ratio.denominator, axis=0, padtype="line"
    )
    r_peaks = np.rint(reference.r_peaks * float(ratio)).astype(np.int64)
    excluded = np.rint(reference.excluded * float(ratio)).astype(np.int64)
    return Reference(reference.name, signal, sampling_hz, r_peaks, excluded)


def read_noise(folder: Path, kind: str) -> list[np.ndarray]:
    """The leads of a record of noise, 360 Hz: its second half, since the first is for tuning.

    Args:
        folder: holds the records of the MIT-BIH Noise Stress Test Database.
        kind: "muscle" or "wander".
    """
    path = folder / NSTDB_RECORDS[kind]
    if not path.with_suffix(".hea").is_file():
        raise InputError(
            f"{path}.hea is missing; fetch the noise records bw and ma of "
            "https://physionet.org/content/nstdb/ into it, or leave noise out with --no-noise"
        )
    leads = [read_adc(path, channel).adc for channel in range(NSTDB_LEADS)]
    return [lead[len(lead) // 2 :] for lead in leads]


def with_noise(
    reference: Reference, kind: str, leads: list[np.ndarray], snr_db: float
) -> Reference:
    """Noise added to the first lead, the same for all levels; it repeats where it is too short.

    0 dB: within one second, the noise is as strong as a sine as high as the QRS complexes are from
    peak to peak, as in the Noise Stress Test Database.
    """
    kinds = sorted(NSTDB_RECORDS)
    rng = np.random.default_rng([NOISE_SEED, kinds.index(kind), int(reference.name)])
    lead = leads[rng.integers(len(leads))]
    clean = reference.signal_mv[:, 0]
    places = rng.integers(len(lead)) + np.arange(len(clean))
    noise = unit_power(np.take(lead, places, mode="wrap").astype(float), reference.sampling_hz)
    power = qrs_power(clean, reference.r_peaks, reference.sampling_hz)
    noisy = at_snr(clean, noise, snr_db, power)
    return replace(reference, signal_mv=noisy[:, np.newaxis])
