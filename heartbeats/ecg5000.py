"""ECG5000 of the UCR archive: 5,000 beats of one patient, in any of the archive's file forms.

Each beat was cut from a 20 hour recording, stretched to 140 samples and z-normalised by the
publishers; 500 train and 4,500 test. Class 1 is normal.

Source: Chen Y, Hao Y, Rakthanmanon T, Zakaria J, Hu B, Keogh E. A general framework for never-
ending learning from time series streams. Data Min Knowl Disc 29:1622-1664 (2015); the recording is
chf07 of the BIDMC Congestive Heart Failure Database,
https://timeseriesclassification.com/description.php?Dataset=ECG5000.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from heartbeats.beat_set import BeatSet
from utils.errors import InputError
from utils.paths import shown

SAMPLES = 140
# The archive's classes 1 to 5; "SP" stands for supraventricular premature or ectopic.
CLASS_NAMES = ("N", "R-on-T", "PVC", "SP", "UB")
CLASS_MEANINGS = {
    "N": "normal",
    "R-on-T": "R-on-T premature ventricular contraction",
    "PVC": "premature ventricular contraction",
    "SP": "supraventricular premature or ectopic beat",
    "UB": "unclassified beat",
}
# Every beat was stretched to the same length, so that a rate in hertz has no meaning: this is the
# number of samples in one beat.
SAMPLES_A_BEAT = 140.0
PUBLISHED_BEATS = {"TRAIN": 500, "TEST": 4_500}
# .txt and .tsv begin a row with the label, .arff and .ts end it with the label.
LABEL_FIRST = (".txt", ".tsv")
FORMS = (*LABEL_FIRST, ".arff", ".ts")
FOLDERS = ("ecg5000", "ECG5000")
FETCH_AGAIN = "fetch ECG5000 again from https://timeseriesclassification.com"


def find_folder(data_folder: Path) -> Path | None:
    """The folder that holds a training or a test file of ECG5000, or None."""
    for folder in (*(data_folder / name for name in FOLDERS), data_folder):
        if any(folder.glob("ECG5000_T*")):
            return folder
    return None


def source_files(folder: Path) -> list[Path]:
    """The two files that `load` reads, for a cache to watch."""
    return list(_pair(folder).values())


def load(folder: Path) -> BeatSet:
    """All 5,000 beats: first the 500 training beats, then the official test set of 4,500.

    The three forms of the archive hold the same numbers, so they give the same beats. Each beat
    is scaled to [0, 1]; the z-normalised beat is that with mean 0 and standard deviation 1.

    Raises:
        InputError: a file is missing, cut short, or holds something else; the message names the
            file and, where there are any, row and column, both counted from 1.
    """
    parts = {part: read(path, beats=PUBLISHED_BEATS[part]) for part, path in _pair(folder).items()}
    train, test = parts["TRAIN"], parts["TEST"]
    return BeatSet(
        "ecg5000",
        signals=_scaled(np.concatenate([train[0], test[0]])),
        labels=np.concatenate([train[1], test[1]]),
        class_names=CLASS_NAMES,
        sampling_hz=SAMPLES_A_BEAT,
        official_test=np.arange(len(train[1]) + len(test[1])) >= len(train[1]),
    )


def read(path: Path, *, beats: int) -> tuple[np.ndarray, np.ndarray]:
    """One file of the archive.

    Args:
        path: ends in one of FORMS.
        beats: how many the publishers put in it.

    Returns:
        values: (beats, 140) float64 as printed in the file.
        labels: (beats,) uint8, 0 for the archive's class 1.

    Raises:
        InputError: see `load`.
    """
    label_first = path.suffix in LABEL_FIRST
    rows = [
        _parsed(line, label_first, f"{shown(path)}, row {number}")
        for number, line in _data_lines(path)
    ]
    if len(rows) != beats:
        raise InputError(
            f"{shown(path)}: expected {beats:,} beats, found {len(rows):,}; {FETCH_AGAIN}"
        )
    table = np.array(rows)
    labels, values = (table[:, 0], table[:, 1:]) if label_first else (table[:, -1], table[:, :-1])
    return values, (labels - 1).astype(np.uint8)


def _pair(folder: Path) -> dict[str, Path]:
    """The training and the test file, in the first form of which both are there."""
    for form in FORMS:
        pair = {part: folder / f"ECG5000_{part}{form}" for part in PUBLISHED_BEATS}
        if all(path.is_file() for path in pair.values()):
            return pair
    raise InputError(
        f"{shown(folder)}: expected ECG5000_TRAIN and ECG5000_TEST with the same ending, one of "
        f"{', '.join(FORMS)}; {FETCH_AGAIN}"
    )


def _data_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number from 1, line) of each line that should hold a beat."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    in_data = path.suffix in LABEL_FIRST
    length = 0
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        content = line.strip()
        if in_data and content and content[0] not in "%#":
            # The last field of a .txt row is a value, which may be cut and still be a number.
            if path.suffix == ".txt" and not line.endswith("\n") and len(line) < length - 1:
                raise InputError(f"{shown(path)}, row {number}: the file ends here; {FETCH_AGAIN}")
            length = len(line)
            yield number, content
        in_data = in_data or content.lower() == "@data"
    if not in_data:
        raise InputError(f"{shown(path)}: expected a line `@data`, found none; {FETCH_AGAIN}")


def _parsed(line: str, label_first: bool, place: str) -> list[float]:
    """The numbers of one row; `place` names file and row."""
    fields = line.replace(":", ",").split(",") if "," in line else line.split()
    if len(fields) != SAMPLES + 1:
        raise InputError(
            f"{place}: expected {SAMPLES + 1} columns ({SAMPLES} values and the class), found "
            f"{len(fields)}; {FETCH_AGAIN}"
        )
    numbers = [_number(field, f"{place}, column {n}") for n, field in enumerate(fields, start=1)]
    column = 0 if label_first else SAMPLES
    if numbers[column] not in range(1, len(CLASS_NAMES) + 1):
        raise InputError(
            f"{place}, column {column + 1}: expected a class, 1 to {len(CLASS_NAMES)}, found "
            f"{fields[column]}"
        )
    values = numbers[:column] + numbers[column + 1 :]
    if min(values) == max(values):
        raise InputError(f"{place}: all {SAMPLES} values are {values[0]:g}; {FETCH_AGAIN}")
    return numbers


def _number(field: str, place: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = float("nan")
    if np.isfinite(value):
        return value
    missing = field.strip().lower() in ("", "?", "nan")
    what = "a missing value" if missing else repr(field[:30])
    raise InputError(f"{place}: expected a number, found {what}; {FETCH_AGAIN}")


def _scaled(values: np.ndarray) -> np.ndarray:
    low = values.min(axis=1, keepdims=True)
    return ((values - low) / (values.max(axis=1, keepdims=True) - low)).astype(np.float32)
