"""The PTB Diagnostic ECG Database: 1000 Hz records, cut into beats: normal against abnormal.

The diagnosis is the header's "Reason for admission"; all that is not "Healthy control" is abnormal
here. The abnormal beats of Kaggle's files are said to be those of infarctions only (Kachuee M et
al. 2018), and how they were cut is not known: results on the two forms cannot be compared.

Source: Bousseljot R, Kreiseler D, Schnabel A. Nutzung der EKG-Signaldatenbank CARDIODAT der PTB
ueber das Internet. Biomedizinische Technik 40(s1):317 (1995), https://doi.org/10.13026/C28C71.
"""

import re
from pathlib import Path

from ecg.record import read_comments
from heartbeats.beat_set import BeatSet
from heartbeats.labelled_records import (
    ABNORMAL,
    NORMAL,
    LabelledRecord,
    is_there,
    load_beats,
    some,
)
from utils.errors import InputError
from utils.paths import shown

DIAGNOSIS = re.compile(r"\s*Reason for admission:\s*(.*?)\s*", re.IGNORECASE)
HEALTHY = "healthy control"
# Entries that mean an unknown diagnosis.
UNKNOWN = {"", "n/a", "unknown"}
CLASS_MEANINGS = {"normal": "healthy control", "abnormal": "any other diagnosis"}


def find_folder(data_folder: Path) -> Path | None:
    """The folder with the patients' folders, or None where there is no record."""
    folder = data_folder / "ptbdb"
    return folder if any(folder.glob("patient*/*.hea")) else None


def source_files(folder: Path) -> list[Path]:
    """The files that `load` reads, for a cache to watch."""
    return [path.with_suffix(kind) for path in _paths(folder) for kind in (".hea", ".dat")]


def load(folder: Path) -> BeatSet:
    """Cut the records that are there into beats, in order of patient, record and time.

    Records without a diagnosis are left out, and the leads vx, vy and vz are not read.

    Raises:
        InputError: no record is usable, one is damaged or lacks a lead, or all are of one class.
    """
    records, unknown = [], []
    for path in filter(is_there, _paths(folder)):
        name = path.relative_to(folder).as_posix()
        label = label_of(read_comments(path))
        if label is None:
            unknown.append(name)
        else:
            records.append(LabelledRecord(path, name, path.parent.name, label))
    if unknown:
        print(f"note: ptb: {len(unknown)} records have no diagnosis: {some(unknown)}")
    if not records:
        raise InputError(
            f"{shown(folder)} holds no PTB record with its .hea and .dat files and a diagnosis; "
            "fetch some with `python -m heartbeats.download ptbdb`"
        )
    print(f"ptb: finding the beats of {len(records)} records, once; later loads use the cache")
    return load_beats("ptb", records)


def label_of(comments: list[str]) -> int | None:
    """The label of a record whose header has these comments; None for no diagnosis."""
    for line in comments:
        if match := DIAGNOSIS.fullmatch(line):
            diagnosis = match[1].lower()
            if diagnosis in UNKNOWN:
                return None
            return NORMAL if diagnosis == HEALTHY else ABNORMAL
    return None


def _paths(folder: Path) -> list[Path]:
    """The records, without suffix, in order."""
    return sorted(header.with_suffix("") for header in folder.glob("patient*/*.hea"))
