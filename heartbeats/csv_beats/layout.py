"""How a CSV file of beats is written: separator, decimal sign, header, columns and labels."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ecg.files.csv_layout import MOST_COLUMNS
from heartbeats.beat_set import NORMAL_ABNORMAL
from utils.errors import InputError

SPACES = " "  # any white space
BLANKS = " \t"  # around cells; other white space is no part of a number
# Tried in this order; the first that gives the right number of columns is chosen.
SEPARATORS = (";", "\t", ",", SPACES)
SEPARATOR_NAMES = {";": "semicolons", "\t": "tabulators", ",": "commas", SPACES: "spaces"}
LABEL_NAMES = ("label", "labels", "target", "class")
INDEX_NAMES = ("", "index", "row", "unnamed: 0")
# Spellings of missing numbers; a line with one is a damaged beat, not a header.
NO_NAMES = ("nan", "inf", "+inf", "-inf", "na", "null", "none")
# This many lines decide whether decimals have commas.
SAMPLE_LINES = 50
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

# The names of Kaggle's files of PTB begin with this; their labels mean NORMAL_ABNORMAL.
PTB_FILES = "ptbdb_"

Line = tuple[int, str]  # the number of a line, from 1, and its text


@dataclass(frozen=True)
class Layout:
    """How a file is written.

    Attributes:
        separator: one of SEPARATORS.
        decimal: point or comma.
        first_row: the first line with a beat, from 1.
        first: (width,) the cells of that line.
        columns: (samples,) places of the values, from 0.
        label: place of the label, None where there is none.
        has_named_labels: whether labels are names of classes.
        spare: place of the empty column after a separator at the end of each line, or None.
    """

    separator: str
    decimal: str
    first_row: int
    first: tuple[str, ...]
    columns: tuple[int, ...]
    label: int | None
    has_named_labels: bool
    spare: int | None

    @property
    def width(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class Labels:
    """The labels that a file may have.

    Attributes:
        count: labels are 0 to `count` - 1.
        names: of the classes, where labels may be given by name; else empty.
    """

    count: int
    names: tuple[str, ...] = ()

    @classmethod
    def known(cls, classes: int | Sequence[str]) -> "Labels":
        """From the number of the classes, or from their names."""
        return cls(classes) if isinstance(classes, int) else cls(len(classes), tuple(classes))

    def label_of(self, cell: str, layout: Layout) -> int | None:
        """The label in a cell, by name in upper or lower case; None where there is none."""
        if layout.has_named_labels:
            names = [name.casefold() for name in self.names]
            return names.index(cell.casefold()) if cell.casefold() in names else None
        number = number_of(cell, layout.decimal)
        return None if number is None or number not in range(self.count) else int(number)

    def expected(self) -> str:
        """The labels in words, for an error about another one."""
        names = f" or {', '.join(self.names)}" if self.names else ""
        return f"a label, 0 to {self.count - 1}{names}"


def layout_of(lines: Sequence[Line], samples: int, where: str) -> Layout:
    """Find the layout of a file.

    Args:
        lines: the first lines that are not blank, at least one.
        samples: values per beat.
        where: the file, for errors.

    Raises:
        InputError: there is no beat, or the columns are not `samples` values and perhaps a label.
    """
    separator = _separator([text for _row, text in lines[:2]], samples)
    rows = [(row, cells(text, separator)) for row, text in lines]
    names = rows[0][1] if _is_header(rows[0][1]) else None
    if names is not None:
        rows = rows[1:]
    if not rows:
        raise InputError(f"{where} has a header and no beats; {samples} values a row expected")
    row, first = rows[0]
    if names is not None and len(names) != len(first):
        raise InputError(
            f"{where}, row {row}: expected {len(names)} columns as in the header, found "
            f"{len(first)}"
        )
    columns, spare = _used_columns(first, names)
    label = _label_column(columns, names, samples)
    values = [column for column in columns if column != label]
    if len(values) != samples:
        raise InputError(wrong_width(where, row, samples, separator, len(columns)))
    return Layout(
        separator=separator,
        decimal=_decimal([fields for _row, fields in rows]),
        first_row=row,
        first=tuple(first),
        columns=tuple(values),
        label=label,
        has_named_labels=label is not None and not is_number(first[label].replace(",", ".")),
        spare=spare,
    )


def cells(line: str, separator: str) -> list[str]:
    """The cells of a line, without quotes and blanks around them."""
    if separator == SPACES:
        found = [cell for cell in line.replace("\t", " ").split(" ") if cell]
    elif '"' in line:
        found = _unquoted(line, separator)
    else:
        found = line.split(separator)
    return [cell.strip(BLANKS) for cell in found]


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number as CSV files have it, with a decimal point."""
    return bool(_NUMBER.fullmatch(cell))


def number_of(cell: str, decimal: str) -> float | None:
    """The number in a cell, None where there is none."""
    if decimal == ",":
        cell = "" if "." in cell else cell.replace(",", ".")
    return float(cell) if is_number(cell) else None


def wrong_width(where: str, row: int, samples: int, separator: str, found: int) -> str:
    """The error about a line with `found` columns, which is not the number of a beat."""
    text = (
        f"{where}, row {row}: expected {samples} values, or {samples + 1} with a label at the "
        f"end, with {SEPARATOR_NAMES[separator]} between; found {found}"
    )
    if found <= MOST_COLUMNS:
        text += (
            "; a recording, a row for each sample, goes with its sampling rate to "
            "analyse_record.py or to the upload of recordings"
        )
    elif separator == "," and found in (2 * samples, 2 * samples + 1, 2 * samples + 2):
        text += "; where decimals have commas, put semicolons between the columns"
    return text


def _unquoted(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error:  # a cell of more than 128 KiB, which is no number
        return line.split(separator)


def _separator(lines: Sequence[str], samples: int) -> str:
    """The separator that gives the right number of columns, else the one that occurs."""
    for separator in SEPARATORS:
        if any(_fits(cells(line, separator), samples) for line in lines):
            return separator
    return next((each for each in SEPARATORS[:-1] if each in lines[0]), SPACES)


def _fits(fields: Sequence[str], samples: int) -> bool:
    """Whether these can be the cells of a beat; extra ones may hold label, index or nothing."""
    return 0 <= len(fields) - samples <= 3 and not any(" " in cell for cell in fields)


def _is_header(fields: Sequence[str]) -> bool:
    """Whether a line gives names: text, consecutive whole numbers, or both; no damaged beat."""
    numbers = [float(field) for field in fields if is_number(field)]
    if any(field.casefold() in NO_NAMES or _DECIMAL_COMMA.fullmatch(field) for field in fields):
        return False
    if not numbers:
        return any(fields)
    steps = {after - before for before, after in pairwise(numbers)}
    if len(numbers) == len(fields):
        return steps == {1.0} and numbers[0] in (0, 1) and len(numbers) > 2
    # Values that grow over a whole beat are none, since beats fall as well.
    return len(numbers) > 2 and min(steps) > 0


def _used_columns(
    first: Sequence[str], names: Sequence[str] | None
) -> tuple[list[int], int | None]:
    """The places of values and label; and that of an empty column at the end."""
    columns, spare = list(range(len(first))), None
    if len(first) > 1 and not first[-1] and (names is None or not names[-1]):
        spare = columns.pop()
    if names is not None and len(columns) > 1 and names[0].casefold() in INDEX_NAMES:
        columns = columns[1:]
    return columns, spare


def _label_column(columns: Sequence[int], names: Sequence[str] | None, samples: int) -> int | None:
    named = [
        column
        for column in columns
        if names is not None and column < len(names) and names[column].casefold() in LABEL_NAMES
    ]
    if len(named) == 1:
        return named[0]
    return columns[-1] if len(columns) == samples + 1 else None


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    sample = [cell for fields in rows[:SAMPLE_LINES] for cell in fields]
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in sample)
    return "," if commas > sum(is_number(cell) and "." in cell for cell in sample) else "."


def label_notes(name: str, class_names: Sequence[str]) -> tuple[str, ...]:
    """Notes on the meaning of a file's labels, where the model has other classes.

    Args:
        name: of the file.
        class_names: of the model that classifies its beats.
    """
    if not name.lower().startswith(PTB_FILES) or tuple(class_names) == NORMAL_ABNORMAL:
        return ()
    return (
        f"The labels in Kaggle's {PTB_FILES}*.csv mean patients, normal (0) and abnormal (1), not "
        f"beats of {class_names[0]} and {class_names[1]}: scores against them say little.",
    )
