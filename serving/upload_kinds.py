"""What a file of an upload holds, by its content; and whether that is too much."""

from pathlib import Path

from ecg.files.csv_layout import MOST_COLUMNS, csv_layout
from ecg.files.csv_time import time_column
from serving.limits import Limits, TooLarge
from utils.errors import InputError
from utils.file_kinds import looks_like
from utils.text_encoding import text_encoding

HEAD_BYTES = 2**16
COUNTED_AT_ONCE = 2**20
# What EDF and BDF files begin with, and the suffix that their reader goes by.
EDF_STARTS = {b"0       ": ".edf", b"\xffBIOSEMI": ".bdf"}


def head(path: Path) -> bytes:
    """So much of a file as tells what it is."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def edf_suffix(path: Path) -> str | None:
    """``.edf`` or ``.bdf`` where the file is such a recording, else None."""
    first = head(path)
    return next((suffix for start, suffix in EDF_STARTS.items() if first.startswith(start)), None)


def is_readable(path: Path) -> bool:
    """Whether the file is text of no special kind, or an EDF or BDF recording."""
    is_table = looks_like(head(path)) is None and bool(_text(path).strip())
    return is_table or edf_suffix(path) is not None


def is_empty(path: Path) -> bool:
    """Whether there is nothing in the file but blanks and marks of an encoding."""
    encoding = text_encoding(head(path))
    return encoding is not None and not head(path).decode(encoding, "replace").strip()


def is_recording(path: Path, as_recording: bool) -> bool:
    """Whether a table is a recording; `as_recording`, whether its sender says so.

    It is where the sender says so, or where a column counts time or samples, but in no case with
    more columns than a recording has leads.
    """
    if _columns(path) > MOST_COLUMNS:
        return False
    if as_recording:
        return True
    try:
        return time_column(csv_layout(path)) is not None
    except InputError:  # what is wrong is told where it is read
        return False


def _text(path: Path) -> str:
    """The beginning of a text file, without what is not valid; empty where it is no text."""
    encoding = text_encoding(head(path))
    return head(path).decode(encoding, "ignore") if encoding else ""


def _columns(path: Path) -> int:
    """The most columns that a line in the beginning of a table has, about."""
    text = _text(path)
    separator = next((sign for sign in ";\t," if sign in text), None)
    return max(len(line.split(separator)) for line in text.splitlines() or [""])


def check_edf_size(name: str, path: Path, limits: Limits) -> None:
    """Raise where there may be too many samples; none takes less than two bytes."""
    most = path.stat().st_size // 2
    if most > limits.max_samples:
        raise TooLarge(f"{name} holds some {most:,} samples; at most {limits.max_samples:,} taken")


def check_table_size(name: str, path: Path, limits: Limits) -> None:
    """Raise where a table may have too many samples."""
    lines = 0
    with path.open("rb") as file:
        while chunk := file.read(COUNTED_AT_ONCE):
            lines += chunk.count(b"\n")
    if (samples := lines * _columns(path)) > limits.max_samples:
        raise TooLarge(
            f"{name} holds some {samples:,} samples; at most {limits.max_samples:,} taken"
        )
