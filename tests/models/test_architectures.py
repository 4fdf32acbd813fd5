"""One contract for every architecture."""

import dataclasses

import keras
import numpy as np
import pytest

from models import cnn, cnn_lstm, rnn
from models.cnn import CnnArchitecture
from models.cnn_lstm import CnnLstmArchitecture
from models.predictor import model_input, predict
from models.rnn import RnnArchitecture

HZ = 120.0
SMALL = [
    (cnn.build, CnnArchitecture(width=8, stages=2, stem_stride=1)),
    (
        cnn.build,
        CnnArchitecture(
            block="plain",
            stages=3,
            width=8,
            width_growth=1.0,
            dropout=0,
            summary="flatten",
            dense_units=0,
        ),
    ),
    (
        cnn.build,
        CnnArchitecture(
            width=8,
            stages=2,
            pooling="stride",
            squeeze_excite=False,
            dropout_kind="element",
            summary="max",
        ),
    ),
    (cnn.build, CnnArchitecture(width=8, stages=6, stem_stride=4, summary="average")),
    (rnn.build, RnnArchitecture(width=8, patch=8)),
    (
        rnn.build,
        RnnArchitecture(
            cell="lstm",
            width=8,
            patch=16,
            patch_overlap=True,
            layers=3,
            width_growth=0.5,
            bidirectional=False,
            summary="last",
        ),
    ),
    (rnn.build, RnnArchitecture(width=8, patch=20, embedding=12, summary="flatten")),
    (cnn_lstm.build, CnnLstmArchitecture(width=8, stages=2, recurrent_width=8)),
    (
        cnn_lstm.build,
        CnnLstmArchitecture(
            width=8,
            stages=3,
            recurrent_width=8,
            cell="gru",
            recurrent_layers=2,
            bidirectional=False,
            summary="last",
            feature_units=4,
        ),
    ),
]
NAMES = [f"{build.__module__}-{number}" for number, (build, _) in enumerate(SMALL)]


@pytest.fixture(scope="module")
def signals():
    return np.random.default_rng(0).random((10, 187), dtype=np.float32)


@pytest.mark.parametrize(("build", "shape"), SMALL, ids=NAMES)
class TestContract:
    @pytest.mark.slow
    def test_probabilities_sum_to_one(self, build, shape, signals):
        probabilities = predict(build(shape, 187, 5), signals, HZ)
        assert probabilities.shape == (10, 5)
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)

    @pytest.mark.slow
    def test_saved_and_loaded_it_predicts_the_same(self, build, shape, signals, tmp_path):
        model = build(shape, 187, 5)
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
        assert np.allclose(predict(again, signals, HZ), predict(model, signals, HZ), atol=1e-6)

    @pytest.mark.slow
    def test_it_has_a_logits_layer_whose_softmax_it_gives(self, build, shape, signals):
        model = build(shape, 187, 5)
        logits = keras.Model(model.inputs, model.get_layer("logits").output)
        raw = np.exp(logits.predict(model_input(model, signals, HZ), verbose=0))
        assert np.allclose(raw / raw.sum(1, keepdims=True), predict(model, signals, HZ), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "shape"), SMALL, ids=NAMES)
def test_it_overfits_a_tiny_batch(build, shape, signals):
    keras.utils.set_random_seed(0)
    able = dataclasses.replace(shape, width=24, dropout=0.0, dense_dropout=0.0)
    model = build(able, 187, 5)
    labels = np.arange(10) % 5
    # Without XLA, which takes longer than all steps, and `fit`, whose epochs of one step do too.
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", jit_compile=False
    )
    inputs = model_input(model, signals, HZ)
    for _ in range(150):
        model.train_on_batch(inputs, labels)
    assert (predict(model, signals, HZ).argmax(1) == labels).all()


def test_a_longer_patch_makes_fewer_steps():
    for patch, steps in ((8, 24), (11, 17), (187, 1)):
        model = rnn.build(RnnArchitecture(width=4, patch=patch), 187, 5)
        recurrent = next(layer for layer in model.layers if "bidirectional" in layer.name)
        assert recurrent.output.shape[1] == steps


def test_an_overlapping_patch_sees_the_next_one():
    """A change in samples 8 to 15 reaches the first step only where patches overlap."""
    for overlap in (False, True):
        shape = RnnArchitecture(width=4, patch=8, patch_overlap=overlap)
        model = rnn.build(shape, 187, 5)
        framed = keras.Model(
            model.inputs,
            next(layer for layer in model.layers if "bidirectional" in layer.name).input,
        )
        beat = np.zeros((1, 187, 1), np.float32)
        beat[0, 10] = 1
        assert framed.predict(beat, verbose=0)[0, 0].any() == overlap


def test_features_ask_for_the_sampling_rate(signals):
    model = cnn_lstm.build(CnnLstmArchitecture(width=8, stages=2, feature_units=4), 187, 5)
    with pytest.raises(ValueError, match="sampling rate"):
        predict(model, signals)
