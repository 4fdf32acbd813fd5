"""How a text file of numbers is written: its encoding, delimiter, decimal sign and header."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.errors import InputError
from utils.file_kinds import text_encoding

# The layout is found out from this many bytes and lines at the beginning.
HEAD_BYTES, HEAD_LINES = 65536, 200
# More columns than this are not leads: perhaps the file has a beat per row, or a row per lead.
MOST_COLUMNS = 64
SPACES, NONE = " ", ""
# In order of preference, with the decimal signs that go with them.
STYLES = (
    (";", "."),
    (";", ","),
    ("\t", "."),
    ("\t", ","),
    (",", "."),
    (SPACES, "."),
    (SPACES, ","),
    (NONE, "."),
    (NONE, ","),
)
EMPTY_CELLS = ("", "na", "nan", "null", "none", "n/a", "-", "inf", "-inf")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# No whole number begins with a zero before other digits, or is minus zero.
_SURELY_DECIMAL = re.compile(r"\s*([+-]?\d+,0\d+|-0,\d+)\s*")
# Hours, minutes and seconds, as PhysioNet's tools write them.
_CLOCK = re.compile(r"\[?(\d+:)+\d+([.,]\d+)?\]?")


@dataclass(frozen=True)
class CsvLayout:
    """How a file is written.

    Attributes:
        encoding: Python's name of it.
        delimiter: one of ``; , TAB``, a space for any white space, empty for a single column.
        decimal: point or comma.
        first_row: lines before the first of numbers.
        names: (columns,) names in the header, empty where there is none.
        units: (columns,) cells of a second header line with units, else empty.
        sample: cells of the first lines of numbers, with decimal points.
    """

    encoding: str
    delimiter: str
    decimal: str
    first_row: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]


def csv_layout(path: Path) -> CsvLayout:
    """Find out how the text file at `path` is written.

    Raises:
        InputError: it is empty, is no text, or has no lines of numbers.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    encoding = _encoding(path, head)
    lines = _lines(path, head, encoding)
    delimiter, decimal = _style(path, lines)
    rows = [cells(line, delimiter, decimal) for line in lines]
    first = _first_numbers(rows)
    if first is None:
        raise InputError(
            f"{path} has no line of numbers; a table of samples expected, a column for each "
            f"lead; its first line: {lines[0][:60]!r}"
        )
    columns = len(rows[first])
    if columns > MOST_COLUMNS:
        raise InputError(
            f"{path} has {columns} columns; a recording has one row for each sample and one "
            f"column for each lead, {MOST_COLUMNS} at most"
        )
    names, units = _header(path, rows[:first], columns)
    sample = tuple(row for row in rows[first:] if len(row) == columns)
    return CsvLayout(encoding, delimiter, decimal, first, names, units, sample)


def cells(line: str, delimiter: str, decimal: str) -> tuple[str, ...]:
    """The cells of a line without quotes, with decimal points."""
    if delimiter == SPACES:
        found = line.split()
    else:
        found = line.split(delimiter) if delimiter else [line]
    bare = [cell.strip().strip("\"'").strip() for cell in found]
    return tuple(cell.replace(",", ".") if decimal == "," else cell for cell in bare)


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, or is left empty in one of the usual ways."""
    return cell.lower() in EMPTY_CELLS or bool(_NUMBER.fullmatch(cell))


def is_clock(cell: str) -> bool:
    return bool(_CLOCK.fullmatch(cell))


def _encoding(path: Path, head: bytes) -> str:
    if not head.strip():
        raise InputError(f"{path} is empty; a table of samples expected")
    found = text_encoding(head)
    if found is None:
        raise InputError(f"{path} is no text file; a table of samples expected")
    if found != "utf-8":
        return found
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _lines(path: Path, head: bytes, encoding: str) -> list[str]:
    """The first lines, without a last one that the end of `head` may have cut."""
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    if strange := re.search(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]", text):
        raise InputError(
            f"{path} is no text file: it holds the character {strange[0]!r}; a table of samples "
            "expected"
        )
    lines = text.splitlines()
    if not lines:  # a mark of an encoding alone, or half a character
        raise InputError(f"{path} is no text file; a table of samples expected")
    return (lines[:-1] if len(head) == HEAD_BYTES and len(lines) > 1 else lines)[:HEAD_LINES]


def _style(path: Path, lines: Sequence[str]) -> tuple[str, str]:
    """The delimiter and the decimal sign with which most of the lines are numbers."""
    fitting = {style: _fitting(lines, *style) for style in STYLES}
    best = max(fitting.values())
    if best == 0:
        usual = max(";\t,", key=lambda sign: sum(sign in line for line in lines))
        return usual, "."
    if fitting[",", "."] == fitting[NONE, ","] == best:
        if any(_SURELY_DECIMAL.fullmatch(line) for line in lines):
            return NONE, ","
        if _counts_up(lines):
            return ",", "."
        raise InputError(
            f"{path}: the comma in {lines[-1]!r} can be a decimal comma or stand between two "
            "columns; write decimals with a point, or put semicolons between columns"
        )
    return next(style for style in STYLES if fitting[style] == best)


def _fitting(lines: Sequence[str], delimiter: str, decimal: str) -> int:
    """How many lines are numbers, and as many of them as in the last line."""
    if delimiter not in (NONE, SPACES) and not any(delimiter in line for line in lines):
        return 0
    rows = [cells(line, delimiter, decimal) for line in lines]
    columns = len(rows[-1])
    if delimiter == SPACES and columns < 2:
        return 0
    return sum(len(row) == columns and _is_data(row) for row in rows)


def _is_data(row: Sequence[str]) -> bool:
    numbers = [is_number(cell) or is_clock(cell) for cell in row]
    return all(numbers) and any(_NUMBER.fullmatch(cell) for cell in row)


def _counts_up(lines: Sequence[str]) -> bool:
    """Whether what stands before the comma grows by the same in each line."""
    before = [line.partition(",")[0] for line in lines]
    numbers = [int(text) for text in before if re.fullmatch(r"\s*[+-]?\d+\s*", text)]
    steps = {b - a for a, b in zip(numbers, numbers[1:], strict=False)}
    return len(steps) == 1 and steps != {0}


def _first_numbers(rows: Sequence[Sequence[str]]) -> int | None:
    return next((number for number, row in enumerate(rows) if _is_data(row)), None)


def _header(
    path: Path, above: Sequence[Sequence[str]], columns: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units from the lines above the numbers."""
    empty = ("",) * columns
    fitting = [(number, tuple(row)) for number, row in enumerate(above, 1) if len(row) == columns]
    for number, row in fitting:
        _check_names(path, number, row)
    if not fitting:
        return empty, empty
    if len(fitting) > 1 and all(_is_unit(cell) for cell in fitting[-1][1]):
        return fitting[-2][1], fitting[-1][1]
    return fitting[-1][1], empty


def _check_names(path: Path, number: int, row: Sequence[str]) -> None:
    """Raise InputError for a line that begins like samples but has text in it."""
    if not any(_NUMBER.fullmatch(cell) and "." in cell for cell in row):
        return
    column, text = next((i, cell) for i, cell in enumerate(row, 1) if not is_number(cell))
    raise InputError(f"{path}, row {number}, column {column}: a number expected, got {text!r}")


def _is_unit(cell: str) -> bool:
    return bool(re.fullmatch(r"[mu\u00b5\u03bcn]?v|m?s|sec|seconds|hh:.*|samples?|", cell.lower()))
