"""References are fitted to trained networks, small or odd data included, and by every training."""

import dataclasses

import keras
import numpy as np
import pytest

from heartbeats import catalog
from models import calibration as stored
from models import checkpoints
from models.predictor import predict_with_embedding
from tests.training import test_run
from tests.training.test_loop import SMALL, build, bumps
from tests.training.test_run import SETTINGS
from training import calibration, fit_calibration, loop, run
from training.classifier import Classifier, prepare
from training.settings import CnnSettings

pytestmark = pytest.mark.slow  # all of these look at trained networks

beats, notebook = test_run.beats, test_run.notebook


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    settings = CnnSettings(**SMALL, epochs=3, learning_rate=0.02)
    model = build(settings)
    loop.fit(model, bumps(640, 0), bumps(200, 1), settings)
    return model


@pytest.fixture(scope="module")
def fitted(trained) -> calibration.Fitted:
    return calibration.fit(trained, bumps(640, 0), bumps(200, 1))


def scores(fitted: calibration.Fitted, model: keras.Model, signals: np.ndarray) -> np.ndarray:
    _probabilities, embeddings = predict_with_embedding(model, signals)
    return fitted.calibration.ood.scores(embeddings, signals)


def test_new_beats_of_the_kind_are_known_and_others_are_strange(trained, fitted):
    assert np.mean(scores(fitted, trained, bumps(500, 2).signals) > 1) < 0.06
    rng = np.random.default_rng(0)
    for strange in (
        rng.random((200, 187), dtype=np.float32),
        1 - bumps(200, 3).signals,
        np.zeros((1, 187), np.float32),
        np.ones((1, 187), np.float32),
    ):
        assert (scores(fitted, trained, strange) > 1).all()


def test_the_limit_gives_the_false_alarms_that_it_names(trained, fitted):
    share = np.mean(scores(fitted, trained, bumps(200, 1).signals) > 1)
    assert share == pytest.approx(calibration.FALSE_ALARMS, abs=0.006)


def test_typical_beats_are_real_training_beats_of_their_class(fitted):
    train, one = bumps(640, 0), fitted.calibration
    assert np.unique(one.typical_labels).tolist() == [0, 1, 2, 3, 4]
    assert (np.diff(one.typical_labels.astype(int)) >= 0).all()
    for signal, label in zip(one.typical_signals, one.typical_labels, strict=True):
        same = (train.signals == signal).all(axis=1)
        assert same.any() and (train.labels[same] == label).all()
    nearest = one.typical_labels[one.nearest_typical(bumps(300, 4).signals)]
    assert np.mean(nearest == bumps(300, 4).labels) > 0.9


def test_a_class_whose_beats_are_all_taken_for_another_has_typical_ones_too():
    signals = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    labels, right = np.array([0, 0, 3, 3]), np.array([True, False, False, False])
    found, of_class = calibration.typical(signals, labels, right)
    assert of_class.tolist() == [0, 3, 3]
    assert found[0].tolist() == [0, 0] and {tuple(one) for one in found[1:]} == {(1, 0), (1, 1)}


def test_the_commonest_kind_comes_first_and_a_stray_is_not_typical():
    rng = np.random.default_rng(0)
    kinds = [(0.2, 60), (0.8, 140), (5.0, 1)]
    signals = np.concatenate(
        [np.full((count, 8), level) + rng.normal(0, 0.01, (count, 8)) for level, count in kinds]
    ).astype(np.float32)
    labels, right = np.zeros(201, int), np.ones(201, bool)
    found, _labels = calibration.typical(signals, labels, right)
    assert found.max() < 1


@pytest.mark.parametrize("train_beats", [2, 3, 12])
def test_few_beats_are_enough(trained, train_beats):
    found = calibration.fit(trained, bumps(train_beats, 0), bumps(3, 1))
    assert found and len(found.calibration.typical_labels) >= 1
    assert np.isfinite(scores(found, trained, bumps(20, 2).signals)).all()


def test_the_same_beat_again_and_again_is_enough(trained):
    one = bumps(640, 0).select(np.zeros(30, int))
    found = calibration.fit(trained, one, one)
    assert (scores(found, trained, one.signals) <= 1).all()
    assert (scores(found, trained, 1 - one.signals) > 1).all()


def test_a_class_without_beats_has_no_typical_one(trained):
    train = bumps(640, 0)
    found = calibration.fit(trained, train.select(train.labels != 2), bumps(200, 1))
    assert found.figures["typical_beats"]["F"] > 0 == found.figures["typical_beats"]["V"]


def test_beats_that_give_no_numbers_are_left_out(trained):
    train = bumps(640, 0)
    train.signals[::2] = np.nan
    found = calibration.fit(trained, train, bumps(200, 1))
    assert found.figures["training_beats"] == 320
    assert np.isfinite(found.calibration.typical_signals).all()
    train.signals[:] = np.nan
    assert calibration.fit(trained, train, bumps(200, 1)) is None


def test_the_fit_is_the_same_again(trained, fitted, tmp_path):
    again = calibration.fit(trained, bumps(640, 0), bumps(200, 1))
    files = [tmp_path / "one.npz", tmp_path / "other.npz"]
    for one, file in zip((fitted, again), files, strict=True):
        stored.save(one.calibration, file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_training_leaves_a_calibration_beside_each_of_its_checkpoints(beats, notebook, tmp_path):
    run.train(Classifier("cnn"), SETTINGS, keep_in=tmp_path / "own")
    best = checkpoints.best("invented", "kaggle", "cnn")
    own = checkpoints.read(tmp_path / "own" / "cnn.json")
    for checkpoint in (best, own):
        found = stored.load(checkpoint)
        told = checkpoint.facts.calibration
        assert told["certainty"]["uncertain_below"] == found.uncertain_below
        validation = prepare(SETTINGS).validation
        assert told["validation_beats"] == len(validation)
        # The checkpoint's own weights were judged, not those of the last epoch.
        predicted = predict_with_embedding(checkpoint.load(), validation.signals)[0].argmax(axis=1)
        assert told["certainty"]["error"] == pytest.approx(
            np.mean(predicted != validation.labels), abs=1e-6
        )
    assert notebook.models == [("cnn-invented-kaggle", [".json", ".keras", ".npz"])]


def test_a_run_that_is_not_the_best_fits_only_its_own(beats, notebook, tmp_path):
    run.train(Classifier("cnn"), SETTINGS)
    before = checkpoints.best("invented", "kaggle", "cnn").facts
    worse = dataclasses.replace(SETTINGS, epochs=1, learning_rate=1e-7)
    run.train(Classifier("cnn"), worse, keep_in=tmp_path / "own")
    assert checkpoints.best("invented", "kaggle", "cnn").facts == before
    assert stored.load(checkpoints.read(tmp_path / "own" / "cnn.json")) is not None


def test_a_run_that_was_asked_to_stop_does_not_wait_for_it(beats, notebook, monkeypatch):
    fit = loop.fit

    def stopped(*args, **options):
        return dataclasses.replace(fit(*args, **options), stopped=True)

    monkeypatch.setattr(loop, "fit", stopped)
    assert run.train(Classifier("cnn"), SETTINGS).promotion.is_taken
    assert checkpoints.best("invented", "kaggle", "cnn").calibration_file is None


def test_the_program_gives_an_older_checkpoint_its_calibration_but_not_from_other_data(
    beats, notebook, monkeypatch, capsys
):
    run.train(Classifier("cnn"), SETTINGS)
    kept = checkpoints.best("invented", "kaggle", "cnn")
    old = stored.load(kept)
    said = kept.facts.to_json()
    facts = {key: value for key, value in said.items() if not key.startswith("reference")}
    checkpoints.write_json(kept.path, facts)
    assert stored.load(checkpoints.read(kept.path)) is None
    assert fit_calibration.main(["--checkpoint", str(kept.path)]) == 0
    again = stored.load(checkpoints.read(kept.path))
    assert np.array_equal(again.typical_signals, old.typical_signals)
    assert again.ood.limit == pytest.approx(old.ood.limit, rel=1e-3)
    assert "of the validation beats are certain" in capsys.readouterr().out

    other = dataclasses.replace(beats, fingerprint="other")
    monkeypatch.setattr(catalog, "load", lambda name: other)
    assert fit_calibration.main(["--checkpoint", str(kept.path)]) == 2
    assert "with fingerprint abc, but the data set here has other" in capsys.readouterr().err
