"""Synthetic heartbeats of invented patients, cut from recordings the way Kaggle's were.

They need no download and show what the programs do. Results on them say nothing about hearts.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ecg.synthetic import record as synthetic_ecg
from ecg.synthetic.patient import draw_patient
from ecg.synthetic.record import SyntheticRecord, generate_record
from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from heartbeats.cutting import BEAT_HZ, cut_beats

RECORD_HZ = 360.0
# Share of all beats, about as in MIT-BIH.
CLASS_SHARES = {"S": 0.025, "V": 0.066, "F": 0.0075, "Q": 0.073}
# Share of the patients who have such beats, and the largest share of one patient's beats.
CARRIERS = {"S": 0.5, "V": 0.7, "F": 0.4, "Q": 0.3}
MOST_OF_A_PATIENT = {"S": 0.2, "V": 0.35, "F": 0.06, "Q": 0.5}
# Every class is in at least this many patients, so that each part of a split by patient has it.
FEWEST_CARRIERS = 4
# Marks of annotators lie this far from the true peak, as a standard deviation.
MARK_ERROR_S = 0.004


def source_files() -> list[Path]:
    """The modules that the beats depend on, for a cache to watch."""
    here, there = Path(__file__), Path(synthetic_ecg.__file__).parent
    return [here, here.with_name("cutting.py"), *sorted(there.glob("[a-z]*.py"))]


def load(seed: int = 0, beats: int = 12_000, patients: int = 48) -> BeatSet:
    """Generate about `beats` beats of `patients` patients, one recording each.

    The same arguments give the same bytes. There is no official test set: split by patient.

    Args:
        seed: draws everything.
        beats: their total, within a few per cent.
        patients: at least 4; with fewer, no patient can have enough rare beats for the shares.
    """
    table = np.random.default_rng([seed, 1])
    shares = _shares_of_patients(table, patients)
    seeds = np.random.SeedSequence(seed).spawn(patients)
    parts = []
    for number, own_seed in enumerate(seeds):
        own_shares = {kind: float(column[number]) for kind, column in shares.items()}
        rng = np.random.default_rng(own_seed)
        parts.append(_cut_record(rng, f"synthetic-{number:02d}", beats / patients, own_shares))
    arrays: dict[str, Any] = {
        key: np.concatenate([part[key] for part in parts]) for key in parts[0]
    }
    return BeatSet("synthetic", class_names=AAMI_CLASSES, sampling_hz=BEAT_HZ, **arrays)


def _shares_of_patients(rng: np.random.Generator, patients: int) -> dict[str, np.ndarray]:
    """Class -> (patients,) share of each patient's beats; many have none of a class."""
    shares = {}
    for kind, of_all in CLASS_SHARES.items():
        carriers = max(round(CARRIERS[kind] * patients), min(FEWEST_CARRIERS, patients))
        burden = np.zeros(patients)
        burden[rng.permutation(patients)[:carriers]] = rng.uniform(0.4, 1.6, carriers)
        burden *= of_all * patients / burden.sum()
        shares[kind] = np.minimum(burden, MOST_OF_A_PATIENT[kind])
    return shares


def _cut_record(
    rng: np.random.Generator, name: str, beats: float, shares: dict[str, float]
) -> dict[str, np.ndarray]:
    patient = draw_patient(rng, name)
    duration_s = (beats + 2) * 60 / patient.heart_rate_bpm
    record = generate_record(rng, duration_s, RECORD_HZ, patient=patient, shares=shares)
    signals, kept = cut_windows(rng, record)
    return {
        "signals": signals,
        "labels": np.array([AAMI_CLASSES.index(name) for name in record.classes[kept]], np.uint8),
        "records": np.full(len(kept), name),
        "patients": np.full(len(kept), name),
        "times_s": record.r_peaks[kept] / RECORD_HZ,
        "symbols": record.symbols[kept],
    }


def cut_windows(
    rng: np.random.Generator, record: SyntheticRecord
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a recording at marks with an error like that of annotators.

    Returns:
        beats: (beats, 187) float32 in [0, 1], at 120 Hz.
        kept: (beats,) int, positions in the recording's beats; the last one gives none.
    """
    samples, _leads = record.signal_mv.shape
    error = np.rint(rng.normal(0, MARK_ERROR_S * record.sampling_hz, len(record.r_peaks)))
    marks = np.clip(record.r_peaks + error.astype(np.int64), 0, samples - 1)
    return cut_beats(
        record.signal_mv[:, 0],
        np.append(marks, samples),
        np.ones(len(marks), bool),
        step=round(record.sampling_hz / BEAT_HZ),
    )
