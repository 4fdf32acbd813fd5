"""Beats of known rhythm for `benchmarks.irregular_rhythm`: MIT-BIH, 10 s of LUDB and PTB-XL."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb

from ecg.detect import r_peaks
from ecg.rhythms.atrial import p_wave_constancy
from ecg.rhythms.ectopic_beats import unlike_beats
from heartbeats import mitdb

IRREGULAR = ("(AFIB", "(AFL")
# Of LUDB's rhythms and PTB-XL's statements. Flutter is left out: in these records it conducts
# regularly, and no interval tells. So are paced rhythm and records with no statement.
FIBRILLATION = {"Atrial fibrillation", "AFIB"}
SINUS_ARRHYTHMIA = {"Sinus arrhythmia", "Irregular sinus rhythm", "SARRH"}
OTHER = {
    "Sinus rhythm",
    "Sinus bradycardia",
    "Sinus tachycardia",
    "SR",
    "SBRAD",
    "STACH",
    "PVC",
    "PAC",
}
FEWEST_BEATS = 9


@dataclass(frozen=True)
class Case:
    """The beats of a record and what is known of them, all (beats,).

    Attributes:
        irregular: whether the rhythm in force is fibrillation or flutter.
        unlike: of `ecg.rhythms.ectopic_beats`.
        rhythm: what the record's makers call it; empty where it changes.
    """

    name: str
    times_s: np.ndarray
    irregular: np.ndarray
    p_constancy: np.ndarray
    unlike: np.ndarray
    rhythm: str = ""


def read_half_hour(path: Path, *, annotated: bool) -> Case:
    """The beats of the MIT-BIH record at `path`: annotated, or detected in channel 0."""
    marks = wfdb.rdann(str(path), "atr")
    recording = wfdb.rdrecord(str(path), channels=[0])
    signal_mv, hz = recording.p_signal[:, 0], float(recording.fs)
    is_beat = [symbol in mitdb.CLASS_OF_SYMBOL for symbol in marks.symbol]
    beats = np.unique(marks.sample[is_beat]) if annotated else r_peaks(signal_mv, hz)
    changes = [i for i, note in enumerate(marks.aux_note) if note.startswith("(")]
    names = np.array([marks.aux_note[i].rstrip("\0") for i in changes])
    in_force = np.searchsorted(marks.sample[changes], beats, side="right") - 1
    irregular = (in_force >= 0) & np.isin(names[in_force], IRREGULAR)
    return _case(path.name, signal_mv, hz, beats, irregular)


def read_ten_seconds(data_folder: Path) -> list[Case]:
    """Lead II of the records of LUDB and PTB-XL whose rhythm is stated, where they are there."""
    cases = []
    for path, rhythm in [*_ludb(data_folder / "ludb"), *_ptbxl(data_folder / "ptbxl")]:
        recording = wfdb.rdrecord(str(path))
        lead = [name.lower() for name in recording.sig_name].index("ii")
        signal_mv, hz = recording.p_signal[:, lead], float(recording.fs)
        beats = r_peaks(recording.p_signal, hz)
        if len(beats) >= FEWEST_BEATS:
            irregular = np.full(len(beats), rhythm == "fibrillation")
            cases.append(_case(path.name, signal_mv, hz, beats, irregular, rhythm))
    return cases


def _case(
    name: str,
    signal_mv: np.ndarray,
    hz: float,
    beats: np.ndarray,
    irregular: np.ndarray,
    rhythm: str = "",
) -> Case:
    unlike = unlike_beats(signal_mv, hz, beats)
    constancy = p_wave_constancy(signal_mv, hz, beats, ectopic_beats=unlike)
    return Case(name, beats / hz, irregular, constancy, unlike, rhythm)


def _kind(names: set[str]) -> str:
    if names & FIBRILLATION:
        return "fibrillation"
    if names & SINUS_ARRHYTHMIA:
        return "sinus arrhythmia"
    return "other" if names & OTHER else ""


def _ludb(folder: Path) -> Iterator[tuple[Path, str]]:
    for header in sorted(folder.rglob("*.hea")):
        comments = wfdb.rdheader(str(header.with_suffix(""))).comments
        rhythms = {c.partition(":")[2].strip(" .") for c in comments if c.startswith("Rhythm")}
        flutter = any("flutter" in name for name in rhythms)
        if not flutter and (kind := _kind(rhythms)):
            yield header.with_suffix(""), kind


def _ptbxl(folder: Path) -> Iterator[tuple[Path, str]]:
    table = folder / "ptbxl_database.csv"
    if not table.is_file():
        return
    for row in pd.read_csv(table).itertuples():
        codes = set(ast.literal_eval(row.scp_codes))
        path = folder / row.filename_lr
        left_out = {"AFLT", "PACE"} & codes and "AFIB" not in codes
        if path.with_suffix(".hea").is_file() and not left_out and (kind := _kind(codes)):
            yield path, kind
