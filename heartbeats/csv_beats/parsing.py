"""Numbers from lines of a CSV file of beats: fast where all is well."""

import io
from typing import Any

import numpy as np
import pandas as pd

from heartbeats.csv_beats.blocks import Block
from heartbeats.csv_beats.faults import first_fault
from heartbeats.csv_beats.labels import Labels
from heartbeats.csv_beats.layout import BLANKS, SPACES, Layout
from heartbeats.kaggle_csv import MOST
from utils.errors import InputError

# pandas takes a column of these for ones and zeros.
TRUTHS = (b"true", b"True", b"TRUE", b"false", b"False", b"FALSE")

Arrays = tuple[np.ndarray, np.ndarray | None]


def parsed(block: Block, layout: Layout, labels: Labels, where: str) -> Arrays:
    """The beats of a block.

    Args:
        block: lines of beats, without a header.
        layout: of the file.
        labels: what labels there are.
        where: the file, for errors.

    Returns:
        (beats, samples) float32 signals; (beats,) uint8 labels or None.

    Raises:
        InputError: a line is no beat; the sentence names row and column.
    """
    try:
        return _parsed(block.text, block.line_count, layout, labels)
    except ValueError as error:  # pandas' own errors are ValueErrors too
        why = " ".join(str(error).split())
    lines = list(block.lines())
    if len(lines) < block.line_count:  # some are blank, which may be all that is wrong
        text = "\n".join(line for _row, line in lines).encode()
        try:
            return _parsed(text, len(lines), layout, labels)
        except ValueError as error:
            why = " ".join(str(error).split())
    cannot = f"{where}, after row {block.first_row - 1}: no beats can be read: {why}"
    raise InputError(first_fault(block, layout, labels, where) or cannot)


def _parsed(text: bytes, lines: int, layout: Layout, labels: Labels) -> Arrays:
    """The beats of lines of which none is blank; raises ValueError where something is wrong."""
    if not lines:
        return _no_beats(layout)
    table = _table(text, layout)
    if table.shape != (lines, layout.width):
        raise ValueError(f"{table.shape[0]} lines of {table.shape[1]} columns found")
    if _has_truths(text) or (layout.spare is not None and (table[layout.spare] != "").any()):
        raise ValueError("text found")
    values = _values(table, layout)
    # One rounding of a float64 gives the very float32 that was printed; see kaggle_csv.read.
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
