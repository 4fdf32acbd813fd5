"""The MIT-BIH Arrhythmia Database: raw WFDB records, cut into exactly the beats of Kaggle's files.

Source: Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and
Biol 20(3):45-50 (2001), https://doi.org/10.13026/C2F305.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg.record import Annotations, read_adc, read_annotations
from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from heartbeats.cutting import BEAT_HZ, cut_beats
from utils.errors import InputError

RECORDS = (
    "100 101 102 103 104 105 106 107 108 109 111 112 113 114 115 116 117 118 119 121 122 123 124 "
    "200 201 202 203 205 207 208 209 210 212 213 214 215 217 219 220 221 222 223 228 230 231 232 "
    "233 234"
).split()
# de Chazal P et al., IEEE Trans Biomed Eng 51(7):1196-1206 (2004). The four records with paced
# beats (102, 104, 107, 217) belong to neither half.
DS1 = (
    "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
).split()
DS2 = (
    "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
).split()
# Records 201 and 202 were taken from the same person; DS1 holds one and DS2 the other.
SAME_PATIENT = {"201": "201+202", "202": "201+202"}
# ANSI/AAMI EC57, with the symbols of Kaggle's data: e and j count as normal.
SYMBOLS_OF_CLASS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
RECORD_HZ = 360
STEP = int(RECORD_HZ // BEAT_HZ)
# The analogue-to-digital converter has 11 bits, and this value means 0 mV.
ADC_BITS, ADC_ZERO = 11, 1024
# Which beats form Kaggle's test set, in the order of its rows: record and 360 Hz sample index.
TEST_BEATS_FILE = Path(__file__).with_name("mitdb_kaggle_test_beats.npz")


@dataclass(frozen=True)
class Recording:
    """Channel 0 of a record, and its annotations.

    Attributes:
        name: the record, e.g. ``100``.
        adc: (samples,) int64, the converter's integers at 360 Hz.
        marks: all annotations, beats or not.
        labels: (marks,) int, the AAMI class of each mark, -1 where it is no beat.
    """

    name: str
    adc: np.ndarray
    marks: Annotations
    labels: np.ndarray

    @property
    def onsets(self) -> np.ndarray:
        """(marks + 1,) int64, the onsets for `cut_beats`."""
        return np.append(self.marks.samples, len(self.adc))

    def rhythms(self) -> list[tuple[str, float, float]]:
        """Name, first and last second of each rhythm, e.g. ``AFIB``, in order."""
        begins = np.flatnonzero((self.marks.symbols == "+") & (self.marks.notes != ""))
        seconds = np.append(self.marks.samples[begins], len(self.adc)) / RECORD_HZ
        names = [note.strip("( ") for note in self.marks.notes[begins]]
        return list(zip(names, seconds[:-1].tolist(), seconds[1:].tolist(), strict=True))


def find_folder(data_folder: Path) -> Path | None:
    """The folder with the WFDB records, or None where there is none."""
    folder = data_folder / "mitdb"
    return folder if any(folder.glob("[12][0-9][0-9].hea")) else None


def source_files(folder: Path) -> list[Path]:
    """The files that `load` reads, for a cache to watch."""
    return [folder / f"{record}.{kind}" for record in RECORDS for kind in ("hea", "dat", "atr")]


def load(folder: Path) -> BeatSet:
    """Cut all 48 records into 109,446 beats: first the training beats, then Kaggle's test rows.

    Training beats come in order of record and time, test beats in the order of Kaggle's rows.

    Raises:
        InputError: a record is missing or damaged.
    """
    missing = [r for r in RECORDS if not (folder / f"{r}.hea").is_file()]
    if missing:
        raise InputError(
            f"{folder} lacks {len(missing)} of the 48 MIT-BIH records ({', '.join(missing[:5])}"
            f"{' ...' if len(missing) > 5 else ''}); fetch them with "
            "`python -m heartbeats.download mitdb`"
        )
    with ThreadPoolExecutor(2) as pool:  # reading and decoding leave the interpreter's lock
        parts = list(pool.map(lambda record: _load_record(folder / record), RECORDS))
    return _order_as_kaggle(_join(parts))


def read_recording(path: Path) -> Recording:
    """Read channel 0 and the annotations of the record at `path` (without suffix).

    Raises:
        InputError: a file is missing or damaged.
    """
    signal = read_adc(path, channel=0)
    marks = read_annotations(path, "atr")
    labels_of_marks = [CLASS_OF_SYMBOL.get(symbol, -1) for symbol in marks.symbols]
    return Recording(path.name, signal.adc, marks, np.array(labels_of_marks))


def _load_record(path: Path) -> dict[str, np.ndarray]:
    recording = read_recording(path)
    marks, record = recording.marks, recording.name
    signals, kept = cut_beats(recording.adc, recording.onsets, recording.labels >= 0, STEP)
    return {
        "signals": signals,
        "labels": recording.labels[kept].astype(np.uint8),
        "records": np.full(len(kept), record),
        "patients": np.full(len(kept), SAME_PATIENT.get(record, record), dtype="U7"),
        "times_s": marks.samples[kept] / RECORD_HZ,
        "symbols": marks.symbols[kept],
    }


CLASS_OF_SYMBOL = {
    symbol: AAMI_CLASSES.index(name)
    for name, symbols in SYMBOLS_OF_CLASS.items()
    for symbol in symbols
}


def _join(parts: list[dict[str, np.ndarray]]) -> BeatSet:
    arrays: dict[str, Any] = {
        key: np.concatenate([part[key] for part in parts]) for key in parts[0]
    }
    return BeatSet("mitbih", class_names=AAMI_CLASSES, sampling_hz=BEAT_HZ, **arrays)


def _order_as_kaggle(beats: BeatSet) -> BeatSet:
    test = _positions_of_test_beats(beats)
    is_test = np.zeros(len(beats), bool)
    is_test[test] = True
    ordered = beats.select(np.concatenate([np.flatnonzero(~is_test), test]))
    flags = np.arange(len(beats)) >= len(beats) - len(test)
    return BeatSet(**{**vars(ordered), "official_test": flags})


def _positions_of_test_beats(beats: BeatSet) -> np.ndarray:
    """(21892,) positions in `beats` of the rows of Kaggle's test file, in its order."""
    assert beats.records is not None and beats.times_s is not None
    with np.load(TEST_BEATS_FILE) as listed:
        wanted = listed["record"].astype(np.int64) * 10**7 + listed["sample"]
    samples = np.rint(beats.times_s * RECORD_HZ).astype(np.int64)
    known = beats.records.astype(np.int64) * 10**7 + samples
    order = np.argsort(known)
    places = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
    positions = order[places]
    if not np.array_equal(known[positions], wanted):
        raise InputError(
            "the annotations are not those of MIT-BIH 1.0.0: some of the beats of Kaggle's test "
            "set are not there; fetch the records with `python -m heartbeats.download mitdb`"
        )
    return positions
