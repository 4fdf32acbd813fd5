"""Training an autoencoder: normal beats alone, folds apart, a threshold from held-back beats."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest

from experiments.anomaly_detection import train
from experiments.anomaly_detection.autoencoder import (
    Autoencoder,
    NormalBatches,
    NormalBeats,
    fit,
    prepare,
)
from experiments.anomaly_detection.settings import LOGGED, AutoencoderSettings
from heartbeats import catalog
from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.lstm_autoencoder import NAME, SCALINGS, SCORES, build, reconstruct
from tests.training.test_run import Notebook
from training import run, tracked_run
from utils.errors import InputError

TINY = AutoencoderSettings(
    units=4, patch=10, folds=2, epochs=2, batch_size=16, xla=False, tracking="silent"
)


def invented(beats: int = 120, samples: int = 40) -> BeatSet:
    """Normal beats are one wave, anomalies noise; every fourth beat is of the test set."""
    rng = np.random.default_rng(0)
    labels = (np.arange(beats) % 3 == 2).astype(np.uint8)
    wave = 0.5 + 0.4 * np.sin(np.linspace(0, 7, samples)) + 0.03 * rng.random((beats, samples))
    signals = np.where(labels[:, None] == 1, rng.random((beats, samples)), wave)
    return BeatSet(
        "invented",
        signals.astype(np.float32),
        labels,
        ("N", "A"),
        1.0,
        "here",
        official_test=np.arange(beats) % 4 == 0,
    )


@pytest.fixture(autouse=True)
def beats(monkeypatch, tmp_path) -> BeatSet:
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    monkeypatch.setattr(catalog, "load", lambda name: invented())
    monkeypatch.setattr(catalog, "find", lambda name: None)
    return invented()


def test_material_holds_no_test_beat_and_only_normal_beats_train(beats):
    material = prepare(TINY)
    development = ~beats.official_test
    assert len(material.normal.inputs) == (development & (beats.labels == 0)).sum()
    assert len(material.normal.anomalies) == (development & (beats.labels == 1)).sum()
    assert np.bincount(material.normal.fold_of).tolist() == [30, 30]


def test_a_limit_leaves_as_many_normal_beats(beats):
    material = prepare(dataclasses.replace(TINY, train_limit=20))
    assert len(material.normal.inputs) == 20 == len(material.normal.anomalies)


@pytest.mark.slow
def test_no_net_learns_from_the_beats_of_its_own_fold():
    inputs = np.random.default_rng(0).standard_normal((8, 20)).astype(np.float32)
    part = NormalBeats(inputs, np.zeros(8, int), np.empty((0, 20), np.float32))
    settings = dataclasses.replace(TINY, monitor="val_loss", epochs=1)
    keras.utils.set_random_seed(0)
    model = build(settings, 20)
    before = reconstruct(model, inputs)
    fit(model, part, settings)
    after = reconstruct(model, inputs)
    assert np.allclose(before[:, 0], after[:, 0], atol=1e-6)
    assert np.abs(before[:, 1] - after[:, 1]).max() > 1e-4


def test_batches_repeat_with_the_seed_and_noise_spares_the_target():
    inputs = np.random.default_rng(0).standard_normal((40, 20)).astype(np.float32)
    part = NormalBeats(inputs, np.arange(40) % 2, inputs)
    settings = dataclasses.replace(TINY, denoising=0.3)
    first, second = NormalBatches(part, settings)[0], NormalBatches(part, settings)[0]
    assert all((one == other).all() for one, other in zip(first, second, strict=True))
    noisy, clean, weights = first
    assert np.std(noisy[..., 0] - clean[:, 0]) == pytest.approx(0.3, rel=0.2)
    assert (np.sort(weights, axis=1) == [0, 2]).all()


@pytest.mark.slow
def test_a_training_leaves_a_checkpoint_with_all_that_is_needed(tmp_path, capsys):
    flags = [
        f"--{name}={value}" for name, value in dataclasses.asdict(TINY).items() if value != ""
    ]
    assert train.main(flags) == 0
    found = checkpoints.best("invented", "kaggle", NAME)
    assert found.facts.threshold > 0 and 0 <= found.facts.val_auc <= 1
    assert found.facts.score == found.facts.val_auc and found.facts.normal_class == "N"
    assert "in use from now on" in capsys.readouterr().out


@pytest.mark.slow
def test_the_threshold_does_not_depend_on_the_labelled_anomalies(monkeypatch, tmp_path):
    """Only `val_auc` may move when the anomalies become others."""
    found = []
    for change in (0.0, 0.7):
        other = invented()
        signals = other.signals.copy()
        signals[other.labels == 1] *= 1 - change
        monkeypatch.setattr(
            catalog, "load", lambda name, s=signals, o=other: dataclasses.replace(o, signals=s)
        )
        own = tmp_path / f"{change}"
        run.train(Autoencoder(), TINY, keep_in=own)
        found.append(checkpoints.read(own / f"{NAME}.json").facts)
    assert found[0].threshold == pytest.approx(found[1].threshold, rel=1e-6)
    assert found[0].val_loss == pytest.approx(found[1].val_loss, rel=1e-6)


@pytest.mark.slow
def test_what_an_epoch_logs_is_what_sweeps_may_ask_for(monkeypatch):
    book = Notebook()
    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: book)
    run.train(Autoencoder(), TINY)
    assert set(book.rows[0]) == set(LOGGED)
    bests = [row["best_val_loss"] for row in book.rows]
    assert all(second <= first for first, second in itertools.pairwise(bests))


def test_a_sweep_is_checked_before_it_starts():
    assert not train.check_sweep({"latent_size": [1, 8]}, "best_val_auc")
    faults = train.check_sweep({"latent": [1], "loss": ["l3"]}, "best_val_macro_f1")
    assert [name for name, _ in faults] == ["latent", "loss", None]


@pytest.mark.slow
def test_data_without_anomalies_need_the_strict_monitor(monkeypatch):
    calm = dataclasses.replace(invented(), labels=np.zeros(120, np.uint8))
    monkeypatch.setattr(catalog, "load", lambda name: calm)
    with pytest.raises(InputError, match="--monitor=val_loss"):
        run.train(Autoencoder(), TINY)
    strict = dataclasses.replace(TINY, monitor="val_loss", epochs=1)
    assert run.train(Autoencoder(), strict).evaluation is not None


@pytest.mark.slow
def test_training_tells_a_wave_from_noise():
    settings = dataclasses.replace(TINY, units=16, epochs=40, learning_rate=0.01, score="l2")
    run.train(Autoencoder(), settings)
    assert checkpoints.best("invented", "kaggle", NAME).facts.val_auc > 0.99


def test_the_settings_offer_what_the_network_knows():
    choices = {field.name: field.metadata["choices"] for field in dataclasses.fields(TINY)}
    assert (choices["scaling"], choices["score"]) == (SCALINGS, tuple(SCORES))
