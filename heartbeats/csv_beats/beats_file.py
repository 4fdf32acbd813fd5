"""Reading CSV files of beats to classify, in parts, so that memory stays flat.

Numbers are parsed fast, by pandas, where all is well. Lines that cannot be parsed are read again
cell by cell, slowly, to name the row and the column of the first fault.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from heartbeats.csv_beats.blocks import Block, blocks
from heartbeats.csv_beats.layout import (
    BLANKS,
    SAMPLE_LINES,
    SPACES,
    Labels,
    Layout,
    cells,
    layout_of,
    number_of,
)
from heartbeats.kaggle_csv import MOST
from utils.errors import InputError
from utils.paths import shown

# This many beats fill a network's batches, and take 3 MB.
BEATS_AT_ONCE = 4096


MOST_SHOWN = 30  # characters of a cell
CUT_SHORT = "; the file ends here: it may have been cut short, fetch it again"


# pandas reads a column of these as ones and zeros.
TRUTHS = (b"true", b"True", b"TRUE", b"false", b"False", b"FALSE")

Arrays = tuple[np.ndarray, np.ndarray | None]


class TooManyBeats(InputError):
    """A file holds more beats than are taken at once."""


@dataclass(frozen=True)
class Beats:
    """Beats from a file.

    Attributes:
        signals: (beats, samples) float32 in [0, 1].
        labels: (beats,) uint8, or None where the file has no label column.
    """

    signals: np.ndarray
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(self.signals)


@dataclass(frozen=True)
class Part(Beats):
    """Beats that follow each other in a file.

    Attributes:
        bytes_read: of the file, up to these beats or a little further.
    """

    bytes_read: int

    def __getitem__(self, chosen: slice) -> "Part":
        labels = None if self.labels is None else self.labels[chosen]
        return Part(self.signals[chosen], labels, self.bytes_read)


def read(path: Path, samples: int, classes: int | Sequence[str]) -> Beats:
    """Read all beats of a file; arguments, form and errors as for `parts`."""
    found = list(parts(path, samples, classes))
    labels = [part.labels for part in found if part.labels is not None]
    return Beats(
        np.concatenate([part.signals for part in found]),
        np.concatenate(labels) if labels else None,
    )


def parts(
    path: Path,
    samples: int,
    classes: int | Sequence[str],
    *,
    name: str | None = None,
    beats_at_once: int = BEATS_AT_ONCE,
    limit: int | None = None,
) -> Iterator[Part]:
    """Read beats, one a line: `samples` values in [0, 1], and a label or none.

    Columns have commas, semicolons, tabulators or spaces between, with decimal points, or with
    commas where that is clear. The label is the last column, or the one that a header calls
    label, target or class. There may be a header; where it calls the first column index or row,
    or nothing, that column is left out. Text is UTF-8 or UTF-16; quotes end with their line.
    Kaggle's files are read bit for bit.

    Args:
        path: the CSV file. It is read as the parts are asked for, so memory stays flat.
        samples: values per beat.
        classes: labels are 0 to `classes` - 1; or the names of the classes, by which labels may
            then be given as well.
        name: what errors call the file; None for its path.
        beats_at_once: beats of each part but the last.
        limit: the most beats that are taken; None for all.

    Raises:
        InputError: the file is missing, empty, or holds something else; the message names row and
            column where there are any, both from 1. TooManyBeats: it holds more than `limit`.
    """
    where = name or shown(path)
    if not path.is_file():
        raise InputError(f"there is no file {where}; give a CSV file of {samples} values a row")
    waiting: Part | None = None
    for part in _of_blocks(path, samples, Labels.known(classes), where, limit):
        waiting = part if waiting is None else _joined(waiting, part)
        while len(waiting) >= beats_at_once:
            yield waiting[:beats_at_once]
            waiting = waiting[beats_at_once:]
    if waiting is None:
        raise InputError(f"{where} is empty; expected {samples} values a row")
    if len(waiting):
        yield waiting


def _of_blocks(
    path: Path, samples: int, labels: Labels, where: str, limit: int | None
) -> Iterator[Part]:
    """The beats of the file as they come, in parts of any size."""
    layout: Layout | None = None
    beats = 0
    for block in blocks(path, where, f"{samples} values a row"):
        if layout is None:
            lines = list(islice(block.lines(), SAMPLE_LINES))
            if not lines:
                continue
            layout = layout_of(lines, samples, where)
            block = block.without(layout.first_row - block.first_row)
        if (fault := _cut_short(block, layout, where)) is not None:
            raise InputError(fault)
        part = Part(*_parsed(block, layout, labels, where), block.bytes_read)
        beats += len(part)
        if limit is not None and beats > limit:
            raise TooManyBeats(f"{where} holds more than {limit:,} beats; split it")
        yield part


def _joined(first: Part, second: Part) -> Part:
    labels = None
    if first.labels is not None and second.labels is not None:
        labels = np.concatenate([first.labels, second.labels])
    return Part(
        np.concatenate([first.signals, second.signals]),
        labels,
        second.bytes_read,
    )


# Parsing


def _parsed(block: Block, layout: Layout, labels: Labels, where: str) -> Arrays:
    """The beats of a block.

    Args:
        block: lines of beats, without a header.
        layout: of the file.
        labels: what labels there are.
        where: the file, for errors.

    Returns:
        (beats, samples) float32 signals; (beats,) uint8 labels or None.

    Raises:
        InputError: a line is no beat; the message names row and column.
    """
    try:
        return _parsed_lines(block.text, block.line_count, layout, labels)
    except ValueError as error:  # pandas' own errors are ValueErrors too
        why = " ".join(str(error).split())
    lines = list(block.lines())
    if len(lines) < block.line_count:  # some are blank, which may be all that is wrong
        text = "\n".join(line for _row, line in lines).encode()
        try:
            return _parsed_lines(text, len(lines), layout, labels)
        except ValueError as error:
            why = " ".join(str(error).split())
    cannot = f"{where}, after row {block.first_row - 1}: no beats can be read: {why}"
    raise InputError(_first_fault(block, layout, labels, where) or cannot)


def _parsed_lines(text: bytes, lines: int, layout: Layout, labels: Labels) -> Arrays:
    """The beats of lines of which none is blank; raises ValueError where something is wrong."""
    if not lines:
        return _no_beats(layout)
    table = _table(text, layout)
    if table.shape != (lines, layout.width):
        raise ValueError(f"{table.shape[0]} lines of {table.shape[1]} columns found")
    if _has_truths(text) or (layout.spare is not None and (table[layout.spare] != "").any()):
        raise ValueError("text found")
    values = _values(table, layout)
    # One rounding of a float64 gives the exact float32 that was printed; see kaggle_csv.read.
    if not (values.min() >= 0 and values.max() <= MOST):  # NaN is neither
        raise ValueError("values outside of 0 to 1 found")
    found = None if layout.label is None else _labels(table[layout.label], layout, labels)
    return values.astype(np.float32, order="C"), found


def _table(text: bytes, layout: Layout) -> pd.DataFrame:
    numbers = set(layout.columns)
    if layout.label is not None and not layout.has_named_labels:
        numbers.add(layout.label)
    kinds: dict[int, Any] = {
        column: np.float64 if column in numbers else str for column in range(layout.width)
    }
    return pd.read_csv(
        io.BytesIO(text),
        sep=r"\s+" if layout.separator == SPACES else layout.separator,
        decimal=layout.decimal,
        header=None,
        dtype=np.float64 if len(numbers) == layout.width else kinds,
        na_filter=False,
        low_memory=False,  # the block is small enough
        skipinitialspace=True,
        encoding_errors="replace",
    )


def _values(table: pd.DataFrame, layout: Layout) -> np.ndarray:
    """(beats, samples) float64; all columns of one type are taken at once, which is faster."""
    columns = list(layout.columns)
    if (table.dtypes == np.float64).all():
        return table.to_numpy()[:, columns]
    return table[columns].to_numpy()


def _has_truths(text: bytes) -> bool:
    # Each of the words has one of these letters, and single bytes are found much faster.
    return any(letter in text for letter in (b"u", b"U", b"l", b"L")) and any(
        word in text for word in TRUTHS
    )


def _no_beats(layout: Layout) -> Arrays:
    labels = None if layout.label is None else np.empty(0, np.uint8)
    return np.empty((0, len(layout.columns)), np.float32), labels


def _labels(column: pd.Series, layout: Layout, labels: Labels) -> np.ndarray:
    """(beats,) uint8; raises ValueError where one is no label."""
    if layout.has_named_labels:
        known = {text: labels.label_of(text.strip(BLANKS), layout) for text in column.unique()}
        numbers = column.map(known).to_numpy(np.float64, na_value=np.nan)
    else:
        numbers = column.to_numpy()
    is_known = (numbers == np.floor(numbers)) & (numbers >= 0) & (numbers < labels.count)
    if not is_known.all():
        raise ValueError("unknown labels found")
    return numbers.astype(np.uint8)


# Faults, with row and column


def _first_fault(block: Block, layout: Layout, labels: Labels, where: str) -> str | None:
    """The error about the first fault, None where there is none.

    Args:
        block: lines of beats, without a header.
        layout: of the file.
        labels: what labels there are.
        where: the file, for the sentence.
    """
    rows = list(block.lines())
    for number, (row, line) in enumerate(rows, 1):
        fault = _fault_of_line(row, line, layout, labels, where)
        if fault is not None:
            is_end = number == len(rows) and not block.text.endswith(b"\n")
            return fault + (CUT_SHORT if is_end else "")
    return None


def _cut_short(block: Block, layout: Layout, where: str) -> str | None:
    """The error about a file that ends inside its last number, None where it does not.

    That can be known where all numbers are written with the same number of characters, as in
    Kaggle's files. A file that only lacks its last newline, as some editors leave it, is whole.
    """
    if block.text.endswith(b"\n") or len({len(cell) for cell in layout.first}) != 1:
        return None
    tail = block.text[block.text.rfind(b"\n") + 1 :].decode("utf-8", "replace")
    if not tail.strip():
        return None
    *others, last = cells(tail, layout.separator)
    width = len(layout.first[0])
    if len(last) >= width or any(len(cell) != width for cell in others):
        return None
    row = block.first_row + block.line_count - 1
    found = f"expected {width} characters, found {_quoted(last)}"
    return f"{where}, row {row}, column {len(others) + 1}: {found}{CUT_SHORT}"


def _fault_of_line(row: int, line: str, layout: Layout, labels: Labels, where: str) -> str | None:
    if line.count('"') % 2:
        return f"{where}, row {row}: a quote that is not closed in its line; a line is a beat"
    fields = cells(line, layout.separator)
    if len(fields) != layout.width:
        return f"{where}, row {row}: {_wrong_width(layout, len(fields))}"
    for place, cell in enumerate(fields):
        fault = _fault_of_cell(place, cell, layout, labels)
        if fault is not None:
            return f"{where}, row {row}, column {place + 1}: {fault}"
    return None


def _wrong_width(layout: Layout, found: int) -> str:
    label = " and a label" if layout.label is not None else ""
    return (
        f"expected {len(layout.columns)} values{label}, {layout.width} columns, as in row "
        f"{layout.first_row}; found {found}"
    )


def _fault_of_cell(place: int, cell: str, layout: Layout, labels: Labels) -> str | None:
    if place == layout.spare:
        first = f"nothing, as in row {layout.first_row}"
        return f"expected {first}, found {_quoted(cell)}" if cell else None
    if place == layout.label:
        if labels.label_of(cell, layout) is not None:
            return None
        return f"expected {labels.expected()}, found {_quoted(cell)}"
    if place not in layout.columns:
        return None
    number = number_of(cell, layout.decimal)
    if number is not None and 0 <= number <= MOST:
        return None
    comma = " with a decimal comma" if layout.decimal == "," else ""
    return (
        f"expected a number from 0 to 1{comma} (each beat scaled by its own minimum and maximum), "
        f"found {_quoted(cell)}"
    )


def _quoted(cell: str) -> str:
    if not cell:
        return "nothing"
    return repr(cell if len(cell) <= MOST_SHOWN else cell[: MOST_SHOWN - 3] + "...")
