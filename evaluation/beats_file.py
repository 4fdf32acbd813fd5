"""CSV files of beats to classify, and of what a model says of them."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from heartbeats import kaggle_csv
from utils.errors import InputError
from utils.files import write_whole
from utils.paths import shown


@dataclass(frozen=True)
class Beats:
    """Beats from a file.

    Attributes:
        signals: (beats, samples) float32 in [0, 1].
        labels: (beats,) uint8, or None where the file has no label column.
    """

    signals: np.ndarray
    labels: np.ndarray | None


def read(path: Path, samples: int, classes: int) -> Beats:
    """Read beats, one a row and no header: `samples` values in [0, 1], then a label or none.

    Args:
        path: the CSV file.
        samples: values per beat.
        classes: labels are 0 to `classes` - 1.

    Raises:
        InputError: the file is missing, empty, or holds something else; the sentence names row and
            column where there are any.
    """
    width = _width(path, samples)
    if width == samples + 1:
        signals, labels = kaggle_csv.read(path, classes=classes, samples=samples)
        return Beats(signals, labels)
    if width != samples:
        raise InputError(
            f"{shown(path)}, row 1: expected {samples} values, or {samples + 1} with a label at "
            f"the end, with commas between; found {width}"
        )
    return Beats(_read_unlabelled(path, samples), None)


def write(path: Path, probabilities: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Write one row for each beat: its row number from 1, class, and all probabilities.

    Args:
        path: the CSV file, replaced if there is one.
        probabilities: (beats, classes).
        class_names: names in the order of the probabilities.
    """
    columns = {
        "row": np.arange(1, len(probabilities) + 1),
        "predicted": np.array(class_names)[probabilities.argmax(axis=1)],
        "probability": probabilities.max(axis=1),
        **{f"p_{name}": probabilities[:, place] for place, name in enumerate(class_names)},
    }
    table = pd.DataFrame(columns)
    write_whole(path, lambda temporary: table.to_csv(temporary, index=False, float_format="%.6f"))


def _width(path: Path, samples: int) -> int:
    """The number of fields in the first line that is not blank."""
    if not path.is_file():
        raise InputError(
            f"there is no file {shown(path)}; give a CSV file of {samples} values a row"
        )
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if line.strip():
                return line.count(",") + 1
    raise InputError(f"{shown(path)} is empty; expected {samples} values a row")


def _read_unlabelled(path: Path, samples: int) -> np.ndarray:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    rows = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    for number, line in rows:
        if line.count(",") + 1 != samples:
            raise InputError(
                f"{shown(path)}, row {number}: expected {samples} values as in the first row, "
                f"found {line.count(',') + 1}"
            )
    source = io.StringIO("\n".join(line for _number, line in rows))
    table = pd.read_csv(source, header=None, dtype=str, keep_default_na=False)
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    bad = ~((values >= 0) & (values <= 1))  # NaN is bad as well
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{shown(path)}, row {rows[row][0]}, column {column + 1}: expected a number from 0 to "
            "1 (each beat scaled by its own minimum and maximum), found "
            f"{table.iat[row, column]!r}"
        )
    return values.astype(np.float32)
