"""CSV files of beats to classify, and of what a model says of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.beats_blocks import blocks
from evaluation.beats_faults import cut_short
from evaluation.beats_labels import Labels
from evaluation.beats_layout import SAMPLE_LINES, Layout, layout_of
from evaluation.beats_parsing import parsed
from utils.errors import InputError
from utils.files import write_whole
from utils.paths import shown

# So many beats fill a network's batches, and take 3 MB.
BEATS_AT_ONCE = 4096


class TooManyBeats(InputError):
    """A file holds more beats than are taken at once."""


@dataclass(frozen=True)
class Beats:
    """Beats from a file.

    Attributes:
        signals: (beats, samples) float32 in [0, 1].
        labels: (beats,) uint8, or None where the file has no label column.
        rows: (beats,) int64, the line of the file that each was read from, from 1.
    """

    signals: np.ndarray
    labels: np.ndarray | None
    rows: np.ndarray


@dataclass(frozen=True)
class Part(Beats):
    """Beats that follow each other in a file.

    Attributes:
        bytes_read: how much of the file was read, up to these beats and perhaps a little more.
    """

    bytes_read: int

    def __getitem__(self, chosen: slice) -> "Part":
        labels = None if self.labels is None else self.labels[chosen]
        return Part(self.signals[chosen], labels, self.rows[chosen], self.bytes_read)


def read(path: Path, samples: int, classes: int | Sequence[str]) -> Beats:
    """Read all beats of a file; arguments, form and errors as for `parts`."""
    found = list(parts(path, samples, classes))
    labels = [part.labels for part in found if part.labels is not None]
    return Beats(
        np.concatenate([part.signals for part in found]),
        np.concatenate(labels) if labels else None,
        np.concatenate([part.rows for part in found]),
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
        InputError: the file is missing, empty, or holds something else; the sentence names row and
            column where there are any, both from 1. TooManyBeats: it holds more than `limit`.
    """
    where = name or shown(path)
    if not path.is_file():
        raise InputError(f"there is no file {where}; give a CSV file of {samples} values a row")
    waiting: Part | None = None
    for part in _of_blocks(path, samples, Labels.known(classes), where, limit):
        waiting = part if waiting is None else _joined(waiting, part)
        while len(waiting.rows) >= beats_at_once:
            yield waiting[:beats_at_once]
            waiting = waiting[beats_at_once:]
    if waiting is None:
        raise InputError(f"{where} is empty; expected {samples} values a row")
    if len(waiting.rows):
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
        if (fault := cut_short(block, layout, where)) is not None:
            raise InputError(fault)
        part = Part(*parsed(block, layout, labels, where), block.bytes_read)
        beats += len(part.rows)
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
        np.concatenate([first.rows, second.rows]),
        second.bytes_read,
    )


def write(
    path: Path,
    probabilities: np.ndarray,
    class_names: tuple[str, ...],
    more: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write one row for each beat: its number from 1, class, all probabilities, and what is known.

    Args:
        path: the CSV file, replaced if there is one.
        probabilities: (beats, classes).
        class_names: names in the order of the probabilities.
        more: name -> (beats,) of further columns.
    """
    columns = {
        "row": np.arange(1, len(probabilities) + 1),
        "predicted": np.array(class_names)[probabilities.argmax(axis=1)],
        "probability": probabilities.max(axis=1),
        **{f"p_{name}": probabilities[:, place] for place, name in enumerate(class_names)},
        **{name: _as_written(values) for name, values in (more or {}).items()},
    }
    table = pd.DataFrame(columns)
    write_whole(path, lambda temporary: table.to_csv(temporary, index=False, float_format="%.6f"))


def _as_written(values: np.ndarray) -> np.ndarray:
    return np.where(values, "true", "false") if values.dtype == bool else values
