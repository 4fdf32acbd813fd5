"""A CSV file of what a model says of beats."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from utils.files import write_whole


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
