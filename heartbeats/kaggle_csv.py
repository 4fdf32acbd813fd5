"""Kaggle's "heartbeat" CSV files (mitbih_train, mitbih_test, ptbdb_normal, ptbdb_abnormal).

One beat per row: 187 values in [0, 1], then the label. There is no header. Every number is a
float32 printed as numpy's `savetxt` prints it, e.g. `9.779411554336547852e-01`.

Source: Kachuee M, Fazeli S, Sarrafzadeh M. ECG Heartbeat Classification: A Deep Transferable
Representation. ICHI 2018, https://doi.org/10.1109/ICHI.2018.00092.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from heartbeats.beat_set import AAMI_CLASSES, NORMAL_ABNORMAL, BeatSet
from heartbeats.cutting import BEAT_HZ
from utils.errors import InputError
from utils.files import write_whole
from utils.paths import shown

# Rows between two reports of progress.
ROWS_AT_ONCE = 2048
# A row of Kaggle's files has 4,700 bytes; this many from the end always hold the last row.
TAIL_BYTES = 64 * 1024
# The largest value that float32 rounds to 1.
MOST = 1 + 2.0**-24
FETCH_AGAIN = "fetch the file again (`python -m heartbeats.download kaggle`)"
# What Kaggle publishes: file -> beats.
KAGGLE_ROWS = {
    "mitbih_train.csv": 87_554,
    "mitbih_test.csv": 21_892,
    "ptbdb_normal.csv": 4_046,
    "ptbdb_abnormal.csv": 10_506,
}


def read(
    path: Path, *, classes: int | None = 5, samples: int = 187
) -> tuple[np.ndarray, np.ndarray]:
    """Read one CSV file. A float32 that `write` or Kaggle printed comes back bit for bit.

    Args:
        path: the file; blank lines in it are skipped.
        classes: labels are whole numbers from 0 to `classes` - 1; None allows 0 to 255.
        samples: values per beat, without the label.

    Returns:
        signals: (beats, samples) float32 in [0, 1].
        labels: (beats,) uint8.

    Raises:
        InputError: the file is missing, empty, cut short, or holds something else; the message
            names the file and, where there are any, row and column, both counted from 1.
    """
    if not path.is_file():
        raise InputError(
            f"there is no file {shown(path)}; fetch it with `python -m heartbeats.download "
            "kaggle`, or set ECG_DATA to the folder of your downloads"
        )
    label_limit = classes or 256
    import pandas as pd  # late: a download's --help needs the names of the files alone

    why = "it is not in the form of Kaggle's files"
    try:
        # Parsing to float64 and rounding once gives the exact float32 that was printed: the
        # parser's error in the last bits of a float64 is far below half a float32 step.
        table = pd.read_csv(path, header=None, dtype=np.float64).to_numpy()
        if _is_sound(table, label_limit, samples) and not _is_cut(path):
            return table[:, :samples].astype(np.float32), table[:, samples].astype(np.uint8)
    except ValueError as error:  # pandas' own errors are ValueErrors too
        why = str(error)
    fault = _first_fault(path, label_limit, samples)
    raise InputError(shown(path) + (fault or f" could not be read ({why}); {FETCH_AGAIN}"))


def write(
    path: Path,
    signals: np.ndarray,
    labels: np.ndarray,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write one CSV file, whole or not at all; 100,000 beats take some ten seconds.

    Args:
        path: the file, replaced if there is one.
        signals: (beats, samples) float32.
        labels: (beats,) whole numbers.
        progress: called after each part with the number of beats that it held.
    """
    beats, _samples = signals.shape
    if len(labels) != beats:
        raise ValueError(f"{len(labels)} labels for {beats} beats")

    def fill(temporary: Path) -> None:
        with temporary.open("wb") as file:
            for start in range(0, beats, ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                rows = np.column_stack([signals[part], labels[part]]).astype(np.float32)
                np.savetxt(file, rows, delimiter=",")  # its default is the form of Kaggle's files
                if progress is not None:
                    progress(len(rows))

    write_whole(path, fill)


def load_mitbih(train: Path, test: Path) -> BeatSet:
    """MIT-BIH from Kaggle's two files, of which the second is the official test set.

    Raises:
        InputError: see `read`.
    """
    signals, labels, is_second = _read_both(train, test, classes=len(AAMI_CLASSES))
    return BeatSet("mitbih", signals, labels, AAMI_CLASSES, BEAT_HZ, official_test=is_second)


def load_ptb(normal: Path, abnormal: Path) -> BeatSet:
    """PTB from Kaggle's two files, which give no test set and no patients.

    Raises:
        InputError: see `read`; or both files have the same label.
    """
    signals, labels, _is_second = _read_both(normal, abnormal, classes=len(NORMAL_ABNORMAL))
    if (seen := np.unique(labels)).size < len(NORMAL_ABNORMAL):
        raise InputError(
            f"{shown(normal)} and {shown(abnormal)} have no other label than {seen[0]}; expected "
            "0 in the first and 1 in the second: is it the same file twice?"
        )
    return BeatSet("ptb", signals, labels, NORMAL_ABNORMAL, BEAT_HZ)


def _read_both(
    first: Path, second: Path, *, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signals and labels of both files, and which beats are from the second."""
    print(f"reading {shown(first)} and {shown(second)}, once; later loads use the cache")
    first_signals, first_labels = _read_whole(first, classes)
    second_signals, second_labels = _read_whole(second, classes)
    signals = np.concatenate([first_signals, second_signals])
    labels = np.concatenate([first_labels, second_labels])
    return signals, labels, np.arange(len(labels)) >= len(first_labels)


def _read_whole(file: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A CSV file's beats; prints a note where Kaggle publishes another number of them."""
    signals, labels = read(file, classes=classes)
    if len(labels) != (published := KAGGLE_ROWS[file.name]):
        print(f"note: {shown(file)} has {len(labels):,} rows; Kaggle's has {published:,}")
    return signals, labels


def _is_sound(table: np.ndarray, label_limit: int, samples: int) -> bool:
    if table.shape[1] != samples + 1 or not np.isfinite(table).all():
        return False
    signals, labels = table[:, :samples], table[:, samples]
    known = (labels == np.floor(labels)) & (labels >= 0) & (labels < label_limit)
    return bool(known.all() and signals.min() >= 0 and signals.max() <= MOST)


def _is_cut(path: Path) -> bool:
    """Whether the file ends inside its last number: no newline, and a shorter label than row 1's.

    A file that only lacks its last newline, as some editors leave it, is whole.
    """
    with path.open("rb") as file:
        first = file.readline().strip()
        file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        end = file.read()
    last = end.rsplit(b"\n", 1)[-1].strip()
    return bool(last) and len(last.rsplit(b",", 1)[-1]) < len(first.rsplit(b",", 1)[-1])


def _first_fault(path: Path, label_limit: int, samples: int) -> str | None:
    """The first fault and its place; slow, so only for files known to be damaged."""
    number, last, rows = 0, "", 0
    with path.open(encoding="utf-8-sig", errors="replace", newline=None) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            last, rows = line, rows + 1
            if _is_sound_row(line, label_limit, samples):
                continue
            fault = _fault_of_row(line, label_limit, samples, is_first=rows == 1)
            if fault is not None:
                ends_here = "" if line.endswith("\n") else f"; the file ends here: {FETCH_AGAIN}"
                return f", row {number}{fault}{ends_here}"
    if rows == 0:
        return f" is empty; {FETCH_AGAIN}"
    if not _is_cut(path):
        return None
    cut = _quoted(last.rsplit(",", 1)[-1])
    return f", row {number}, column {samples + 1}: the file ends inside {cut}; {FETCH_AGAIN}"


def _is_sound_row(line: str, label_limit: int, samples: int) -> bool:
    """Say yes fast to what is fine; `_fault_of_row` has the last word on the rest."""
    try:
        row = np.array([[float(field) for field in line.split(",")]])
    except ValueError:
        return False
    return "_" not in line and _is_sound(row, label_limit, samples)


def _fault_of_row(line: str, label_limit: int, samples: int, is_first: bool) -> str | None:
    fields = [field.strip().strip('"') for field in line.split(",")]
    if is_first and len(fields) > 1 and not any(map(_is_number, fields)):
        return (
            f" is a header ({_quoted(fields[0])}, {_quoted(fields[1])} ...); Kaggle's files have "
            "none: delete this line"
        )
    if len(fields) != samples + 1:
        return (
            f": expected {samples + 1} columns ({samples} values and the label, with commas "
            f"between), found {len(fields)}"
        )
    for column, field in enumerate(fields, start=1):
        is_label = column == samples + 1
        if (fault := _fault_of_field(field, label_limit, is_label)) is not None:
            return f", column {column}: {fault}"
    return None


def _fault_of_field(field: str, label_limit: int, is_label: bool) -> str | None:
    if not _is_number(field):
        return f"expected a number, found {_quoted(field) if field else 'nothing'}"
    value = float(field)
    if not np.isfinite(value):
        return f"expected a finite number, found {field}"
    if is_label:
        known = value == int(value) and 0 <= value < label_limit
        return None if known else f"expected a label, 0 to {label_limit - 1}, found {value:g}"
    if 0 <= value <= MOST:
        return None
    return f"expected a value from 0 to 1, as Kaggle's beats are scaled, found {value:g}"


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # Python reads 1_000, CSV files do not mean it


def _quoted(field: str) -> str:
    field = field.strip()
    return repr(field if len(field) <= 30 else field[:27] + "...")
