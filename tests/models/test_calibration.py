"""A calibration: its scores mean something, and its file is whole or the user is told."""

import dataclasses

import keras
import numpy as np
import pytest

from models import calibration, checkpoints, cnn, cnn_lstm, rnn
from models.calibration import Calibration, OodScorer, View
from models.predictor import model_input, predict, predict_with_embedding, with_embedding
from tests.models.test_checkpoints import offer, standing, visible
from utils.errors import InputError

SAMPLES = 187


def view(centres: np.ndarray, usual: float = 0.0, spread: float = 1.0) -> View:
    values = centres.shape[1]
    return View(np.zeros(values), np.ones(values), np.eye(values), centres, usual, spread)


def example() -> Calibration:
    """Of beats that are all zeros or all ones, with an embedding of two values."""
    flat = np.repeat([[0.0], [1.0]], SAMPLES, axis=1).astype(np.float32)
    sizes = calibration.change_sizes(flat)
    return Calibration(
        uncertain_below=0.9,
        typical_signals=flat,
        typical_labels=np.array([0, 1], np.uint8),
        ood=OodScorer(
            shape=view(flat),
            changes=view(sizes),
            embedding=view(np.eye(2, dtype=np.float32)),
            limit=2.0,
        ),
    )


def test_a_view_measures_to_the_nearest_centre_also_across_its_components():
    plane = View(
        mean=np.array([1.0, 0.0, 0.0]),
        scale=np.array([2.0, 1.0, 1.0]),
        components=np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
        centres=np.array([[0.0, 0.0], [5.0, 0.0]]),
        usual=1.0,
        spread=2.0,
    )
    described = np.array([[1.0, 0.0, 0.0], [11.0, 3.0, 4.0]])
    assert np.allclose(plane.distances(described), [0.0, 5.0], atol=1e-3)
    assert np.allclose(plane.excess(described), [0.0, 2.0], atol=1e-3)


def test_known_beats_score_low_and_strange_ones_high():
    one = example()
    noise = np.random.default_rng(0).random((3000, SAMPLES), dtype=np.float32)
    known = one.ood.scores(np.eye(2), one.typical_signals)
    assert known.dtype == np.float32 and (known < 0.01).all()
    strange = one.ood.scores(np.tile([[1.0, 0.0]], (3000, 1)), noise)
    assert strange.shape == (3000,) and (strange > 1).all()
    # The same beat in another block of rows has the same score.
    assert one.ood.scores(np.array([[1.0, 0.0]]), noise[-1:]) == pytest.approx(strange[-1:], 1e-4)


def test_the_length_of_an_embedding_does_not_matter_and_its_direction_does():
    one = example()
    scores = one.ood.scores(
        np.array([[3.0, 0.0], [300.0, 0.0], [-3.0, 0.0]]), np.zeros((3, SAMPLES))
    )
    assert scores[0] == pytest.approx(scores[1]) and scores[2] > scores[0] + 0.5


def test_what_is_no_number_is_strange():
    scores = example().ood.scores(np.array([[np.nan, 0.0]]), np.zeros((1, SAMPLES)))
    assert np.isfinite(scores).all() and scores[0] > 1
    assert len(example().ood.scores(np.empty((0, 2)), np.empty((0, SAMPLES)))) == 0


def test_uncertain_beats_and_nearest_typical_ones():
    one = example()
    assert one.uncertain(np.array([[0.95, 0.05], [0.5, 0.5]])).tolist() == [False, True]
    beats = np.array([[0.9], [0.2], [0.7]]) * np.ones((3, SAMPLES))
    assert one.nearest_typical(beats).tolist() == [1, 0, 1]


def add(folder, one: Calibration, checkpoint=None) -> bool:
    checkpoint = checkpoint or standing(folder)
    return checkpoints.add_calibration(
        checkpoint, {"beats": 2}, lambda file: calibration.save(one, file)
    )


def test_a_checkpoint_without_one_has_none(tmp_path):
    offer(tmp_path, 0.5)
    assert standing(tmp_path).calibration_file is None
    assert calibration.load(standing(tmp_path)) is None


def test_what_is_kept_is_what_is_loaded(tmp_path):
    offer(tmp_path, 0.5)
    one = example()
    assert add(tmp_path, one)
    checkpoint = standing(tmp_path)
    assert checkpoint.facts.calibration == {"beats": 2}
    assert checkpoint.calibration_file.suffix == ".npz" and len(visible(tmp_path)) == 3
    loaded = calibration.load(checkpoint)
    noise = np.random.default_rng(0).random((50, SAMPLES), dtype=np.float32)
    embeddings = np.random.default_rng(1).random((50, 2))
    # Half precision may move a score by so little only.
    assert np.allclose(
        loaded.ood.scores(embeddings, noise), one.ood.scores(embeddings, noise), rtol=2e-3
    )
    assert loaded.uncertain_below == one.uncertain_below
    assert np.array_equal(loaded.typical_labels, one.typical_labels)
    assert np.allclose(loaded.typical_signals, one.typical_signals, atol=1 / 255)


def test_a_new_calibration_takes_the_old_ones_place(tmp_path):
    offer(tmp_path, 0.5, b"weights")
    add(tmp_path, example())
    assert add(tmp_path, dataclasses.replace(example(), uncertain_below=0.7))
    assert calibration.load(standing(tmp_path)).uncertain_below == 0.7
    assert standing(tmp_path).weights_file.read_bytes() == b"weights"
    assert len(visible(tmp_path)) == 3


def test_a_better_checkpoint_takes_the_calibration_away(tmp_path):
    offer(tmp_path, 0.5, b"first")
    add(tmp_path, example())
    first = standing(tmp_path)
    assert offer(tmp_path, 0.6, b"better")
    assert calibration.load(standing(tmp_path)) is None and len(visible(tmp_path)) == 2
    assert not add(tmp_path, example(), first)  # it was fitted to weights that are gone
    assert len(visible(tmp_path)) == 2


def test_a_full_disk_leaves_the_old_calibration(tmp_path):
    offer(tmp_path, 0.5)
    add(tmp_path, example())

    def full(file):
        file.write_bytes(b"half of")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        checkpoints.add_calibration(standing(tmp_path), {}, full)
    assert calibration.load(standing(tmp_path)).uncertain_below == 0.9
    assert len(visible(tmp_path)) == 3 and not list(tmp_path.glob(".*.npz"))


def test_a_damaged_or_missing_file_is_told_with_the_way_out(tmp_path):
    offer(tmp_path, 0.5)
    add(tmp_path, example())
    file = standing(tmp_path).calibration_file
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match="is damaged .* python -m training.fit_calibration"):
        calibration.load(standing(tmp_path))
    file.unlink()
    with pytest.raises(InputError, match="which is not there; fit it again"):
        calibration.load(standing(tmp_path))


MODELS = {
    "cnn": lambda: cnn.build(
        cnn.CnnArchitecture(width=4, stages=1, stem_stride=4, dense_units=8), 187, 5
    ),
    "no dense layer": lambda: cnn.build(
        cnn.CnnArchitecture(width=4, stages=1, stem_stride=4, dense_units=0), 187, 5
    ),
    "features": lambda: cnn_lstm.build(
        cnn_lstm.CnnLstmArchitecture(width=4, stages=2, recurrent_width=4, feature_units=4), 187, 5
    ),
    "rnn": lambda: rnn.build(rnn.RnnArchitecture(), 187, 5),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.slow
def test_the_embedding_is_what_the_logits_are_made_of(name):
    keras.utils.set_random_seed(0)
    model = MODELS[name]()
    signals = np.random.default_rng(0).random((6, 187), dtype=np.float32)
    probabilities, embeddings = predict_with_embedding(model, signals, 120.0)
    assert np.allclose(probabilities, predict(model, signals, 120.0), atol=1e-5)
    kernel, bias = model.get_layer("logits").get_weights()
    logits = embeddings @ kernel + bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.allclose(shares / shares.sum(axis=1, keepdims=True), probabilities, atol=1e-5)
    both = with_embedding(model)
    assert np.allclose(both(model_input(model, signals, 120.0))[0], probabilities, atol=1e-5)
