"""LUDB: 200 recordings of 10 s in twelve leads at 500 Hz, each wave of each lead marked by hand.

Source: Kalyakulina A et al. LUDB: a new open-access validation tool for electrocardiogram
delineation algorithms. IEEE Access 8:186181-186190 (2020), https://doi.org/10.13026/eegm-h675.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from utils.errors import InputError

SAMPLING_HZ = 500.0
RECORDS = tuple(range(1, 201))
LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
SYMBOLS = {"p": "p", "qrs": "N", "t": "t"}


@dataclass(frozen=True)
class MarkedLead:
    """One lead and the annotators' marks.

    Attributes:
        signal_mv: (samples,).
        p: (waves, 3) int64 samples of onset, peak and end; -1 for the few marks left out.
        qrs: the same.
        t: the same.
    """

    signal_mv: np.ndarray
    p: np.ndarray
    qrs: np.ndarray
    t: np.ndarray


def load(data_folder: Path, record: int) -> dict[str, MarkedLead]:
    """Read one record.

    Args:
        data_folder: the folder that holds `ludb/`.
        record: 1 to 200.

    Returns:
        Lead's name in lower case -> signal and marks.

    Raises:
        InputError: the record is not there.
    """
    path = data_folder / "ludb" / "data" / str(record)
    if not path.with_suffix(".hea").is_file():
        raise InputError(
            f"no LUDB record {record} under {data_folder / 'ludb' / 'data'}; fetch LUDB from"
            " https://physionet.org/content/ludb/, or set $ECG_DATA to the folder that holds ludb/"
        )
    read = wfdb.rdrecord(str(path))
    names = [name.lower() for name in read.sig_name]
    return {
        lead: MarkedLead(read.p_signal[:, names.index(lead)], **_marks(path, lead))
        for lead in LEADS
    }


def _marks(path: Path, lead: str) -> dict[str, np.ndarray]:
    read = wfdb.rdann(str(path), lead)
    symbols = np.array(["", *read.symbol, ""])
    samples = np.array([-1, *read.sample, -1], np.int64)
    return {wave: _triples(symbols, samples, symbol) for wave, symbol in SYMBOLS.items()}


def _triples(symbols: np.ndarray, samples: np.ndarray, symbol: str) -> np.ndarray:
    """Each peak between the onset just before it and the end just after it."""
    peaks = np.flatnonzero(symbols == symbol)
    onsets = np.where(symbols[peaks - 1] == "(", samples[peaks - 1], -1)
    ends = np.where(symbols[peaks + 1] == ")", samples[peaks + 1], -1)
    return np.stack([onsets, samples[peaks], ends], axis=1)
