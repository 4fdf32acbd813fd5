"""A CSV file of what a classifier says of beats."""

from pathlib import Path

import numpy as np
import pandas as pd

from models.predictor import Predictions
from utils.files import write_whole


def write(path: Path, predictions: Predictions) -> None:
    """Write one row for each beat: its number from 1, class, all probabilities, and how sure.

    Args:
        path: the CSV file, replaced if there is one.
        predictions: of a classifier; the last columns are there where it has a calibration.
    """
    probabilities = predictions.probabilities
    assert probabilities is not None  # a classifier's
    judged = {
        "uncertain": predictions.uncertain,
        "ood_score": predictions.ood_score,
        "out_of_distribution": predictions.out_of_distribution,
    }
    columns = {
        "row": np.arange(1, len(probabilities) + 1),
        "predicted": predictions.names,
        "probability": probabilities.max(axis=1),
        **{f"p_{name}": probabilities[:, k] for k, name in enumerate(predictions.class_names)},
        **{name: _as_written(values) for name, values in judged.items() if values is not None},
    }
    table = pd.DataFrame(columns)
    write_whole(path, lambda temporary: table.to_csv(temporary, index=False, float_format="%.6f"))


def _as_written(values: np.ndarray) -> np.ndarray:
    return np.where(values, "true", "false") if values.dtype == bool else values
