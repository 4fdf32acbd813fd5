"""`eval.py --shift` from the command line to its four files."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import eval as program
from ecg import noise
from evaluation import scoring
from experiments.shift import measure as measurement
from experiments.shift import report as shift_report
from experiments.shift import shift
from heartbeats import mitdb, splits
from models import checkpoints
from models.predictor import Classifier
from tests.heartbeats.conftest import make_beats, record_folder  # noqa: F401
from tests.test_eval import assessed, has, keep, tiny_model
from utils.errors import InputError


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Own folders, no downloads, few changes, and a figure that takes no time."""
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ECG_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(checkpoints, "PRETRAINED_FOLDER", tmp_path / "pretrained")
    monkeypatch.setattr(shift_report, "shift_figure", lambda *_: Figure(figsize=(1, 1)))
    few = [dataclasses.replace(one, levels=one.levels[:1]) for one in measurement.CHANGES[::3]]
    monkeypatch.setattr(measurement, "CHANGES", few)
    return tmp_path


@pytest.fixture
def beats(monkeypatch):
    return has(monkeypatch, dataclasses.replace(make_beats(), fingerprint="here"))


def own_folder(beats):
    return checkpoints.folder_of(beats.name, "kaggle")


@pytest.mark.slow
def test_the_report_has_four_files_that_agree(beats, place, capsys):
    keep(own_folder(beats), "cnn")
    keep(own_folder(beats), "rnn", tiny_model(seed=1))
    assert program.main(["--shift", "--limit=60"]) == 0
    folder = place / "runs" / "reports" / "invented-kaggle" / "shift"
    names = {f"shift.{kind}" for kind in ("html", "png", "csv", "json")}
    assert {file.name for file in folder.iterdir()} == names
    table = pd.read_csv(folder / "shift.csv")
    assert list(table.groupby("change", sort=False)["condition"].first().unique()) == ["clean"]
    assert set(table["architecture"]) == {"cnn", "rnn"}
    assert (table["beats"] == 60).all()
    content = json.loads((folder / "shift.json").read_text(encoding="utf-8"))
    assert len(content["points"]) == len(table)
    assert set(content["noise_origin"].values()) == {"generated"}
    assert "generated" in (folder / "shift.html").read_text(encoding="utf-8")
    assert content["findings"][0] in capsys.readouterr().out


def test_the_clean_score_is_that_of_the_ordinary_report(beats, place, monkeypatch):
    keep(own_folder(beats), "cnn")
    program.main(["--shift", "--limit=0"])
    (assessment,) = assessed()
    table = pd.read_csv(place / "runs/reports/invented-kaggle/shift/shift.csv")
    assert table["macro_f1"][0] == pytest.approx(assessment.scores.macro_f1)


def test_only_test_beats_are_predicted(beats, place, monkeypatch):
    seen = []

    def spy(_classifier, signals):
        seen.append(signals)
        return np.full((len(signals), 5), 0.2)

    monkeypatch.setattr(Classifier, "probabilities", spy)
    keep(own_folder(beats), "cnn")
    program.main(["--shift", "--limit=0"])
    assert np.array_equal(seen[0], beats.signals[splits.held_out(beats, "kaggle")])
    assert {len(signals) for signals in seen} == {len(seen[0])}


@pytest.mark.slow
def test_two_checkpoints_of_one_architecture_are_told_apart(beats, place):
    files = [keep(place / str(seed), "cnn", tiny_model(seed=seed)) for seed in (0, 1)]
    given = [checkpoints.read(file) for file in files]
    points = shift.run(given, beats, "kaggle", place / "report", limit=40)
    assert {point.model for point in points} == {"cnn #1", "cnn #2"}


def test_training_on_other_beats_is_warned_of(beats, place, capsys):
    keep(own_folder(beats), "cnn", fingerprint="another")
    program.main(["--shift", "--limit=40"])
    assert "warning: cnn was trained on other data" in capsys.readouterr().out


@pytest.mark.parametrize("limit", ["3", "-1"])
def test_a_limit_that_no_draw_can_meet_is_told(beats, limit, capsys):
    keep(own_folder(beats), "cnn")
    assert program.main(["--shift", f"--limit={limit}"]) == 2
    assert "--limit=0 takes all beats" in capsys.readouterr().err


def test_a_checkpoint_of_other_beats_is_refused(beats, capsys):
    keep(own_folder(beats), "cnn", samples=140)
    assert program.main(["--shift"]) == 2
    assert "does not fit" in capsys.readouterr().err


def test_recordings_are_changed_where_they_are(record_folder, monkeypatch):  # noqa: F811
    monkeypatch.setattr(mitdb, "find_folder", lambda _data: record_folder)
    test = mitdb._join([mitdb._load_record(record_folder / "100")])
    assert "gain" in shift._source(test, noise.sources(record_folder)).kinds
    csv = dataclasses.replace(test, records=None, patients=None, times_s=None)
    assert "gain" not in shift._source(csv, noise.sources(record_folder)).kinds


def test_no_checkpoint_is_told(beats):
    with pytest.raises(InputError, match="there is no checkpoint"):
        scoring.choose(["cnn"])
