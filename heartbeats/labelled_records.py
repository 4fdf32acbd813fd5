"""Recordings with one label each, cut into beats that all get the recording's label."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg.record import read_leads
from heartbeats.beat_set import NORMAL_ABNORMAL, BeatSet
from heartbeats.cutting import BEAT_HZ, cut_at_peaks
from utils.errors import InputError

NORMAL, ABNORMAL = 0, 1
# Beats are cut from lead II: MIT-BIH's MLII is a modified lead II. R peaks are looked for in all
# twelve leads, and placed on the first of them.
LEADS = ("ii", "i", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")


@dataclass(frozen=True)
class LabelledRecord:
    """A twelve-lead recording with its label.

    Attributes:
        path: the WFDB record, without suffix.
        name: of the record, unique in its data set.
        patient: identifies the person.
        label: an index into NORMAL_ABNORMAL.
        fold: the fold that the publishers put it in, None where they published none.
    """

    path: Path
    name: str
    patient: str
    label: int
    fold: int | None = None


def is_there(path: Path) -> bool:
    """Whether header and signals of the record at `path` (without suffix) were downloaded."""
    return all(path.with_name(f"{path.name}.{kind}").is_file() for kind in ("hea", "dat"))


def load_beats(data_set: str, records: Sequence[LabelledRecord]) -> BeatSet:
    """Find and cut the beats of all records, in their order.

    Prints a note where records have no beat to cut.

    Raises:
        InputError: a record is damaged or lacks a lead, no record has beats, or all are of one
            class.
    """
    with ThreadPoolExecutor(2) as pool:  # reading and filtering leave the interpreter's lock
        parts = list(pool.map(_cut_record, records))
    empty = [record.name for record, part in zip(records, parts, strict=True) if not len(part[0])]
    if empty:
        print(f"note: {data_set}: no beat was found in {len(empty)} records: {some(empty)}")
    _check_classes(data_set, [one for one in records if one.name not in set(empty)])
    return _join(data_set, records, parts)


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names, with dots where there are more."""
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


def _cut_record(record: LabelledRecord) -> tuple[np.ndarray, np.ndarray]:
    """(beats, 187) float32 beats and (beats,) seconds of their R peaks."""
    from ecg.detect import r_peaks  # late: finding records must not wait for SciPy's filters

    leads = read_leads(record.path, LEADS)
    peaks = r_peaks(leads.signal_mv, leads.sampling_hz)
    # Like Kaggle's recipe, which needs the interval behind a beat, this leaves out the last one.
    beats = cut_at_peaks(leads.signal_mv[:, 0], leads.sampling_hz, peaks)[:-1]
    return beats, peaks[:-1] / leads.sampling_hz


def _check_classes(data_set: str, records: Sequence[LabelledRecord]) -> None:
    """Raise InputError unless there are records with beats, of both classes."""
    if not records:
        raise InputError(f"no record of {data_set} has a beat that could be cut")
    counts = Counter(record.label for record in records)
    if len(counts) < len(NORMAL_ABNORMAL):
        raise InputError(
            f"all {len(records)} records of {data_set} that were found are "
            f"{NORMAL_ABNORMAL[records[0].label]}; both "
            f"{' and '.join(NORMAL_ABNORMAL)} are needed, so fetch more records"
        )


def _join(
    data_set: str,
    records: Sequence[LabelledRecord],
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
) -> BeatSet:
    beats = [len(times_s) for _signals, times_s in parts]

    def spread(values: Sequence[Any]) -> np.ndarray:
        return np.repeat(np.array(values), beats)

    published = [record.fold for record in records if record.fold is not None]
    return BeatSet(
        data_set,
        signals=np.concatenate([signals for signals, _times_s in parts]),
        labels=spread([record.label for record in records]).astype(np.uint8),
        class_names=NORMAL_ABNORMAL,
        sampling_hz=BEAT_HZ,
        records=spread([record.name for record in records]),
        patients=spread([record.patient for record in records]),
        times_s=np.concatenate([times_s for _signals, times_s in parts]),
        folds=spread(published).astype(np.uint8) if published else None,
    )
