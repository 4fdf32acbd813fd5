"""From a checkpoint to the report, on invented beats."""

import dataclasses
import json

import pytest

import eval as program
from experiments.anomaly_detection import anomalies, seed_spread, seeds
from experiments.anomaly_detection.autoencoder import Autoencoder
from heartbeats import catalog
from models import checkpoints
from tests.experiments.test_autoencoder import TINY, invented
from training import run
from utils.errors import InputError


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    monkeypatch.setattr(catalog, "load", lambda name: invented())
    return tmp_path


@pytest.mark.slow
def test_eval_tests_the_checkpoint_beside_the_baselines(place, capsys):
    facts = run.train(Autoencoder(), TINY).facts
    path = checkpoints.folder_of(facts.data, facts.protocol) / f"{facts.architecture}.json"
    flags = ["--arch", "lstm_autoencoder", "--checkpoint", str(path), "--examples", "1"]
    assert program.main([*flags, "--to", str(place / "report")]) == 0
    printed = capsys.readouterr().out
    for name in ("lstm_autoencoder", "PCA-2", "one-class SVM", "5 nearest", "isolation forest"):
        assert name in printed
    assert "By AUC lstm_autoencoder" in printed and "labelled anomalies" in printed
    scores = json.loads((place / "report" / "scores.json").read_text())
    assert len(scores["detectors"]) == 5 and scores["classes"][0]["class"] == "A"
    assert (place / "report" / "examples.png").is_file()


def test_without_a_checkpoint_it_says_how_to_train():
    with pytest.raises(InputError, match="training.train_autoencoder --data=invented"):
        anomalies.evaluate("invented", "")


@pytest.mark.slow
def test_seeds_make_a_table(monkeypatch, place, capsys):
    monkeypatch.setattr(
        seed_spread, "best_settings", lambda data: dataclasses.replace(TINY, data=data)
    )
    monkeypatch.setattr(seed_spread, "assess", lambda checkpoint, to: (checkpoint, to))
    monkeypatch.setattr(seed_spread, "tell", lambda *reported: None)
    assert seeds.main(["--data=ecg5000", "--seeds=2"]) == 0
    assert "over 2 seeds" in capsys.readouterr().out
    assert (place / "anomalies" / "ecg5000" / "seeds.csv").read_text().count("\n") == 3


def test_the_shipped_best_settings_are_settings():
    assert seed_spread.best_settings("ecg5000").latent_size == 2
    assert seed_spread.best_settings("elsewhere").data == "elsewhere"
