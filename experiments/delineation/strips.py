"""Strips of single leads that teach the delineator: LUDB's marks, and where there are no P waves.

LUDB has few people with atrial fibrillation or ventricular beats. Records of MIT-BIH and PTB-XL
say nothing of marks, but of rhythm and beats: in atrial fibrillation and flutter, and before a
ventricular beat, there is no P wave; in sinus rhythm there is one before each beat.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb

from ecg.detect import r_peaks
from ecg.files import ludb
from heartbeats.mitdb import DS1
from utils.errors import InputError

ABSENT, PRESENT, UNKNOWN = 0, 1, -1
P, QRS, T = range(3)
# A detected R peak belongs to an annotated complex that is so near, as the ANSI/AAMI EC57 has it.
SAME_BEAT_S = 0.15
# A P wave that leads its beat by more is another's, or nobody's.
LONGEST_LEAD_S = 0.45
STRIP_S, STRIPS_A_LEAD = 10, 14
NO_P_RHYTHMS, SINUS = ("(AFIB", "(AFL"), "(N"
BEATS, SINUS_BEATS = "NLRejAaJSVEFfQ/", "NLR"
PTBXL_TEST_FOLD = 10


@dataclass(frozen=True)
class Strip:
    """One lead and what is known of its waves.

    Attributes:
        signal_mv: (samples,) float32.
        sampling_hz: samples per second.
        r_peaks: (beats,) int64.
        marks: (beats, 3, 3) samples of onset, peak and end of P, QRS and T; NaN where not known.
        presence: (beats, 3) ABSENT, PRESENT or UNKNOWN.
    """

    signal_mv: np.ndarray
    sampling_hz: float
    r_peaks: np.ndarray
    marks: np.ndarray
    presence: np.ndarray


def of_ludb(data_folder: Path, records: Iterable[int]) -> list[Strip]:
    """All leads of these records, with R peaks as the detector finds them."""
    leads = [lead for record in records for lead in ludb.load(data_folder, record).values()]
    return [strip for lead in leads if len((strip := _of_lead(lead)).r_peaks) > 2]


def _of_lead(lead: ludb.MarkedLead) -> Strip:
    peaks = r_peaks(lead.signal_mv, ludb.SAMPLING_HZ)
    marks = np.full((len(peaks), 3, 3), np.nan)
    presence = np.full((len(peaks), 3), UNKNOWN)
    for beat, peak in enumerate(peaks):
        own = np.abs(lead.qrs[:, 1] - peak).argmin() if len(lead.qrs) else None
        if own is None or abs(lead.qrs[own, 1] - peak) > SAME_BEAT_S * ludb.SAMPLING_HZ:
            continue
        _keep(marks[beat], presence[beat], QRS, lead.qrs[own])
        _add_p(lead, own, marks[beat], presence[beat])
        _add_t(lead, own, marks[beat], presence[beat])
    return Strip(lead.signal_mv.astype(np.float32), ludb.SAMPLING_HZ, peaks, marks, presence)


def _add_p(lead: ludb.MarkedLead, own: int, marks: np.ndarray, presence: np.ndarray) -> None:
    """The last P wave since the complex before; before the first one, nobody looked for any."""
    last = lead.qrs[own - 1, 1] if own else -1
    between = lead.p[(lead.p[:, 1] > last) & (lead.p[:, 1] < lead.qrs[own, 1])]
    reach = LONGEST_LEAD_S * ludb.SAMPLING_HZ
    if len(between) and between[-1, 1] > lead.qrs[own, 1] - reach:
        _keep(marks, presence, P, between[-1])
    elif own:
        presence[P] = ABSENT


def _add_t(lead: ludb.MarkedLead, own: int, marks: np.ndarray, presence: np.ndarray) -> None:
    """The first T wave until the next complex; after the last one, nobody looked for any."""
    is_last = own + 1 == len(lead.qrs)
    after = np.inf if is_last else lead.qrs[own + 1, 1]
    between = lead.t[(lead.t[:, 1] > lead.qrs[own, 1]) & (lead.t[:, 1] < after)]
    if len(between):
        _keep(marks, presence, T, between[0])
    elif not is_last:
        presence[T] = ABSENT


def _keep(marks: np.ndarray, presence: np.ndarray, wave: int, marked: np.ndarray) -> None:
    presence[wave] = PRESENT
    marks[wave] = np.where(marked >= 0, marked, np.nan)


def of_mitdb(data_folder: Path, rng: np.random.Generator) -> list[Strip]:
    """Strips of the DS1 records from random places, with what symbols and rhythms say of P."""
    strips = []
    for name in DS1:
        path = data_folder / "mitdb" / name
        _check(path)
        read, marks = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
        for lead, signal_mv in zip(read.sig_name, read.p_signal.T, strict=True):
            beats = _presence_of_mitdb(marks, lead == "MLII")
            strips += _drawn(signal_mv, read.fs, *beats, rng)
    return strips


def _presence_of_mitdb(marks, is_lead_ii: bool) -> tuple[np.ndarray, np.ndarray]:
    """(beats,) samples and (beats, 3) presence. In other leads P waves may be too small."""
    notes = pd.Series(marks.aux_note).str.rstrip("\0")
    rhythm = notes.where(notes.str.startswith("(")).ffill().fillna("").to_numpy()
    symbols = np.array(marks.symbol)
    presence = np.full((len(symbols), 3), UNKNOWN)
    presence[:, QRS] = PRESENT
    if is_lead_ii:
        presence[(rhythm == SINUS) & np.isin(symbols, list(SINUS_BEATS)), P] = PRESENT
    presence[np.isin(rhythm, NO_P_RHYTHMS) | (symbols == "V"), P] = ABSENT
    beats = np.isin(symbols, list(BEATS))
    return marks.sample[beats], presence[beats]


def _drawn(
    signal_mv: np.ndarray,
    sampling_hz: float,
    peaks: np.ndarray,
    presence: np.ndarray,
    rng: np.random.Generator,
) -> list[Strip]:
    strips, length = [], round(STRIP_S * sampling_hz)
    for start in rng.integers(0, len(signal_mv) - length, STRIPS_A_LEAD):
        inside = (peaks >= start) & (peaks < start + length)
        if inside.sum() > 2:
            part = signal_mv[start : start + length].astype(np.float32)
            strips.append(
                _without_marks(part, sampling_hz, peaks[inside] - start, presence[inside])
            )
    return strips


def of_ptbxl(data_folder: Path) -> list[Strip]:
    """All leads of records with atrial fibrillation or flutter; lead II of those in sinus rhythm.

    Records of the publishers' test fold are left out.
    """
    folder = data_folder / "ptbxl"
    table = pd.read_csv(folder / "ptbxl_database.csv", index_col=0)
    strips = []
    for row in table[table["strat_fold"] != PTBXL_TEST_FOLD].itertuples():
        codes = set(ast.literal_eval(row.scp_codes)) & {"AFIB", "AFLT", "SR", "PACE"}
        no_p = bool(codes & {"AFIB", "AFLT"})
        is_clear = codes and no_p != ("SR" in codes) and "PACE" not in codes
        if is_clear and (folder / f"{row.filename_lr}.hea").is_file():
            strips += _of_ptbxl_record(folder / row.filename_lr, no_p)
    return strips


def _of_ptbxl_record(path: Path, no_p: bool) -> list[Strip]:
    read = wfdb.rdrecord(str(path))
    leads = read.p_signal.T if no_p else read.p_signal.T[[read.sig_name.index("II")]]
    strips = []
    for signal_mv in leads:
        peaks = r_peaks(signal_mv, read.fs)
        presence = np.tile([ABSENT if no_p else PRESENT, PRESENT, UNKNOWN], (len(peaks), 1))
        if len(peaks) > 2:
            strips.append(_without_marks(signal_mv.astype(np.float32), read.fs, peaks, presence))
    return strips


def _without_marks(
    signal_mv: np.ndarray, sampling_hz: float, peaks: np.ndarray, presence: np.ndarray
) -> Strip:
    marks = np.full((len(peaks), 3, 3), np.nan)
    return Strip(signal_mv, float(sampling_hz), peaks, marks, presence)


def _check(path: Path) -> None:
    if not path.with_suffix(".hea").is_file():
        raise InputError(f"no record {path.name} under {path.parent}; fetch it, or set $ECG_DATA")
