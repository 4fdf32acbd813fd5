"""Transferred networks: what is copied, what is new, what learns."""

import keras
import numpy as np
import pytest
from keras import layers

from experiments.transfer.settings import MODES
from models import checkpoints, cnn, cnn_lstm, rnn
from models.cnn import CnnArchitecture
from models.cnn_lstm import CnnLstmArchitecture
from models.rnn import RnnArchitecture
from models.transfer import blocks, body, target_network
from utils.errors import InputError

SHAPES = {
    "cnn": (cnn.build, CnnArchitecture(width=4, stages=2, dense_units=6)),
    "rnn": (rnn.build, RnnArchitecture(width=4, layers=2, patch=16, embedding=5, summary="last")),
    "cnn_lstm": (
        cnn_lstm.build,
        CnnLstmArchitecture(width=4, stages=2, recurrent_width=4, feature_units=3),
    ),
}


def build(name: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    make, shape = SHAPES[name]
    return make(shape, 187, 5)


def names(found: list) -> list[str]:
    """The kinds of the layers that have weights."""
    return [type(layer).__name__ for layer in found if layer.weights]


@pytest.fixture(scope="module", params=SHAPES)
def source(request):
    return build(request.param)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.slow
def test_the_head_is_new_and_the_body_is_copied(source, mode):
    keras.utils.set_random_seed(1)
    network = target_network(source, 2, mode)
    assert network.output_shape == (None, 2)
    for layer in body(network):
        theirs = source.get_layer(layer.name).get_weights()
        pairs = list(zip(layer.get_weights(), theirs, strict=True))
        if mode != "scratch":
            assert all((mine == other).all() for mine, other in pairs)
        elif type(layer) is layers.Conv1D:
            assert not (pairs[0][0] == pairs[0][1]).any()
    head = [layer for layer in network.layers if layer not in body(network) and layer.weights]
    kernels = [one for one in head if isinstance(one, layers.Dense)]
    assert kernels and all(one.trainable for one in head)
    for layer in kernels[:-1]:
        assert not (layer.get_weights()[0] == source.get_layer(layer.name).get_weights()[0]).any()


@pytest.mark.slow
def test_what_learns_grows_with_the_mode(source):
    learning = {mode: len(target_network(source, 2, mode).trainable_weights) for mode in MODES}
    assert learning["frozen"] < learning["last_block"] < learning["whole"] == learning["scratch"]
    assert all(layer.trainable for layer in source.layers), "the source is left as it was"


@pytest.mark.slow
def test_weights_follow_the_seed():
    source = build("cnn")

    def kernels(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return target_network(source, 2, "scratch").get_weights()

    same = [np.array_equal(*pair) for pair in zip(kernels(3), kernels(3), strict=True)]
    other = [np.array_equal(*pair) for pair in zip(kernels(3), kernels(4), strict=True)]
    assert all(same) and not all(other)


def test_blocks_are_stages_and_recurrent_layers():
    stem, *stages = blocks(build("cnn"))
    # 5 + 2 weighted layers of a residual block with its gate, in the second with a short cut.
    assert names(stem) == ["Conv1D"]  # strides of two end the stem's block
    assert names(stages[0])[0] == "BatchNormalization" and len(names(stages[0])) == 7
    assert len(names(stages[1])) == 7 and len(stages) == 2
    assert [names(block) for block in blocks(build("rnn"))] == [
        ["Dense"],
        ["Bidirectional", "LayerNormalization"],
        ["Bidirectional", "LayerNormalization"],
    ]
    assert names(blocks(build("cnn_lstm"))[-1]) == ["Bidirectional", "LayerNormalization"]


def test_frozen_batch_normalisation_keeps_the_sources_statistics():
    source = build("cnn")
    frozen, whole = (target_network(source, 2, mode) for mode in ("frozen", "whole"))
    beats = np.random.default_rng(0).random((32, 187, 1), dtype=np.float32)
    name = next(one.name for one in source.layers if isinstance(one, layers.BatchNormalization))
    before = source.get_layer(name).moving_mean.numpy().copy()
    for network in (frozen, whole):
        network(beats, training=True)
    assert np.array_equal(frozen.get_layer(name).moving_mean, before)
    assert not np.array_equal(whole.get_layer(name).moving_mean, before)


def test_a_network_without_logits_or_body_is_refused():
    signal = keras.Input((187, 1))
    flat = layers.Flatten()(signal)
    nameless = keras.Model(signal, layers.Dense(5)(flat))
    with pytest.raises(InputError, match="no layer named 'logits'"):
        target_network(nameless, 2, "whole")
    bodiless = keras.Model(signal, layers.Dense(5, name="logits")(flat))
    with pytest.raises(InputError, match="reads a sequence"):
        target_network(bodiless, 2, "frozen")


@pytest.mark.parametrize(("name", "last"), [("cnn", 7), ("rnn", 2)])
@pytest.mark.slow
def test_the_pretrained_networks_can_be_transferred(name, last, monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    source = checkpoints.best("mitbih", "kaggle", name).load()
    assert len(names(blocks(source)[-1])) == last
    network = target_network(source, 2, "last_block")
    assert 0 < len(network.trainable_weights) < len(network.weights)
