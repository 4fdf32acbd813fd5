"""What is wrong in a CSV file of beats, with row and column: slow, for lines known to be bad."""

from heartbeats.csv_beats.blocks import Block
from heartbeats.csv_beats.labels import Labels
from heartbeats.csv_beats.layout import Layout, cells, number_of
from heartbeats.kaggle_csv import MOST

MOST_SHOWN = 30  # characters of a cell
CUT_SHORT = "; the file ends here: it may have been cut short, fetch it again"


def first_fault(block: Block, layout: Layout, labels: Labels, where: str) -> str | None:
    """The sentence about the first thing that is wrong, None where nothing is found.

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


def cut_short(block: Block, layout: Layout, where: str) -> str | None:
    """The sentence about a file that ends inside its last number, None where it does not.

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
