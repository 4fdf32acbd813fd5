"""CSV files of beats to classify."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from heartbeats.csv_beats.blocks import blocks
from heartbeats.csv_beats.faults import cut_short
from heartbeats.csv_beats.labels import Labels
from heartbeats.csv_beats.layout import SAMPLE_LINES, Layout, layout_of
from heartbeats.csv_beats.parsing import parsed
from utils.errors import InputError
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
    """

    signals: np.ndarray
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(self.signals)


@dataclass(frozen=True)
class Part(Beats):
    """Beats that follow each other in a file.

    Attributes:
        bytes_read: how much of the file was read, up to these beats and perhaps a little more.
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
        InputError: the file is missing, empty, or holds something else; the sentence names row and
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
        if (fault := cut_short(block, layout, where)) is not None:
            raise InputError(fault)
        part = Part(*parsed(block, layout, labels, where), block.bytes_read)
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
