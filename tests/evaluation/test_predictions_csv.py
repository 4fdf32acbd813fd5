"""Predictions as a CSV file."""

import numpy as np
import pandas as pd

from evaluation.scoring import write_predictions
from models.predictor import Predictions


def test_predictions_are_written_row_by_row(tmp_path):
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2]])
    found = Predictions(
        ("N", "S"), np.array([1, 0]), probabilities, uncertain=np.array([False, True])
    )
    write_predictions(tmp_path / "deep" / "p.csv", found)
    table = pd.read_csv(tmp_path / "deep" / "p.csv")
    assert table["row"].tolist() == [1, 2]
    assert table["predicted"].tolist() == ["S", "N"]
    assert table["p_N"].tolist() == [0.1, 0.8]
    assert table["uncertain"].tolist() == [False, True] and "ood_score" not in table
