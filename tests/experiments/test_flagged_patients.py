"""The study of flagged patients: what it compares, and a run on records of MIT-BIH."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments.recorded_beats import flagged_patients, patients
from heartbeats import mitdb
from utils.paths import data_folder, runs_folder


def table(found, true, minutes=0.0):
    return pd.DataFrame(
        {
            "ectopic_share": found,
            "true_ectopic_share": true,
            "irregular_minutes": minutes,
            "true_irregular_minutes": 0.0,
            "score": found,
        }
    )


def test_flags_at_the_threshold_are_compared_with_the_truth():
    scores = flagged_patients.compare("all", table([0.2, 0.0, 0.02, 0.0], [0.2, 0.05, 0.0, 0.0]))
    assert scores["ectopic beats"]["ill"] == 2
    assert scores["ectopic beats"]["sensitivity"] == 0.5
    assert scores["ectopic beats"]["specificity"] == 0.5
    assert scores["irregular minutes"]["sensitivity"] is None  # nobody has any
    assert scores["irregular minutes"]["spearman"] is None
    assert 0 < scores["score_auc"] < 1


def test_who_is_found_just_as_annotated_scores_one():
    shares = np.array([0.0, 0.005, 0.02, 0.3])
    scores = flagged_patients.compare("all", table(shares, shares))
    assert scores["ectopic beats"]["spearman"] == 1 and scores["score_auc"] == 1
    assert scores["ectopic beats"]["median_error"] == 0


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records")
def test_some_records_of_ds2(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    monkeypatch.setattr(flagged_patients.mitdb, "DS1", [])
    monkeypatch.setattr(flagged_patients.mitdb, "DS2", ["100", "103", "200", "221"])
    monkeypatch.setattr(flagged_patients, "GROUPS", {"DS2": ["100", "103", "200", "221"]})
    assert patients.main(["--jobs", "1"]) == 0
    scores = json.loads((runs_folder() / "experiments" / "patients" / "scores.json").read_text())
    assert scores[0]["records"] == 4
    assert scores[0]["ectopic beats"]["sensitivity"] == 1
    assert scores[0]["irregular minutes"]["sensitivity"] == 1
    assert "DS2 (4)" in capsys.readouterr().out
