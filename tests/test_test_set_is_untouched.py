"""Training, stopping and selection never see a test beat."""

import dataclasses

import numpy as np
import pytest

from heartbeats import catalog, splits
from tests.heartbeats.conftest import make_beats
from tests.test_architecture import ROOT, modules
from training import run
from training.classifier import Classifier, prepare
from training.settings import CnnSettings

SETTINGS = CnnSettings(
    width=4, stages=1, dense_units=0, stem_stride=4, epochs=2, tracking="silent", batch_size=32
)


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))


def poisoned(beats, protocol):
    """The same data with every test beat made impossible to train on."""
    test = splits.held_out(beats, protocol)
    signals, labels = beats.signals.copy(), beats.labels.copy()
    signals[test] = np.nan
    labels[test] = (labels[test] + 1) % 5
    return dataclasses.replace(beats, signals=signals, labels=labels)


@pytest.mark.parametrize("protocol", ["kaggle", "patients"])
def test_what_training_is_given_holds_no_test_beat(monkeypatch, protocol):
    beats = poisoned(make_beats(), protocol)
    monkeypatch.setattr(catalog, "load", lambda name: beats)
    settings = dataclasses.replace(SETTINGS, protocol=protocol)
    material = prepare(settings)
    assert np.isfinite(material.train.signals).all()
    assert np.isfinite(material.validation.signals).all()
    assert len(material.train) + len(material.validation) == np.isfinite(beats.signals[:, 0]).sum()


@pytest.mark.slow
def test_poisoned_test_beats_change_nothing(monkeypatch):

    histories = []
    for beats in (make_beats(), poisoned(make_beats(), "kaggle")):
        monkeypatch.setattr(catalog, "load", lambda name, beats=beats: beats)
        histories.append(run.train(Classifier("cnn"), SETTINGS).result.history)
    for plain, other in zip(*histories, strict=True):
        assert plain["val_loss"] == pytest.approx(other["val_loss"], rel=1e-4)
        assert plain["val_macro_f1"] == pytest.approx(other["val_macro_f1"], abs=0.02)


# All that may read test beats; whoever joins them trains nothing on what it reads.
SCORING = {
    "evaluation/scoring.py",
    "experiments/anomaly_detection/anomalies.py",
    "experiments/anomaly_detection/seed_spread.py",
    "experiments/out_of_distribution/measure.py",
    "experiments/shift/shift.py",
    "experiments/transfer/transfer.py",
}


def test_training_programs_cannot_name_the_test_set():
    """`held_out` is called by what scores alone, never by what trains."""
    callers = {
        str(file.relative_to(ROOT)) for file in modules() if "splits.held_out(" in file.read_text()
    }
    assert callers == SCORING
