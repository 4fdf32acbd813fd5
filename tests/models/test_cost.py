"""The cost that is foretold from settings is that of the network that is built."""

import dataclasses

import pytest

from models import cnn, cnn_lstm, cost, rnn
from models.architectures import CnnArchitecture, CnnLstmArchitecture, RnnArchitecture
from models.backend import keras, layers

SHAPES = [
    (cnn, CnnArchitecture(block="plain", stages=3, width=8, summary="flatten")),
    (cnn, CnnArchitecture(width=12, width_growth=1.6, stem_stride=1, blocks=2)),
    (cnn, CnnArchitecture(width=8, pooling="stride", squeeze_excite=False, stem_stride=4)),
    (rnn, RnnArchitecture(width=16, patch=8, patch_overlap=True, embedding=24)),
    (rnn, RnnArchitecture(cell="lstm", width=12, layers=3, width_growth=0.5, bidirectional=False)),
    (cnn_lstm, CnnLstmArchitecture(width=8, recurrent_width=12, recurrent_layers=2)),
]


def products(model: keras.Model) -> float:
    """Multiplications and additions of the matrix products, counted from the layers' weights."""
    found = 0.0
    for layer in model.layers:
        steps = layer.output.shape[1] if len(layer.output.shape) == 3 else 1
        if isinstance(layer, layers.Conv1D | layers.Dense):
            found += 2 * steps * layer.kernel.shape.num_elements()
        cells = []
        if isinstance(layer, layers.Bidirectional):
            cells = [layer.forward_layer.cell, layer.backward_layer.cell]
        elif isinstance(layer, layers.LSTM | layers.GRU):
            cells = [layer.cell]
        for cell in cells:
            weights = cell.kernel.shape.num_elements() + cell.recurrent_kernel.shape.num_elements()
            found += 2 * layer.input.shape[1] * weights
    return found


@pytest.mark.parametrize(("module", "shape"), SHAPES)
def test_the_arithmetic_is_that_of_the_network(module, shape):
    model = module.build(shape, 187, 5)
    assert cost.forward(shape, 187, 5).flops == pytest.approx(products(model), rel=0.01)


def test_more_of_anything_costs_more():
    small = CnnArchitecture()
    for change in ({"width": 96}, {"stem_stride": 1}, {"blocks": 2}, {"kernel": 9}):
        large = dataclasses.replace(small, **change)
        seconds = [cost.training_seconds(cost.forward(one, 187, 5), 128) for one in (small, large)]
        assert seconds[1] > seconds[0]
    calls = cost.forward(RnnArchitecture(patch=1), 187, 5)
    assert cost.training_seconds(calls, 32) > cost.training_seconds(calls, 256)


def test_an_unknown_network_has_no_cost():
    with pytest.raises(TypeError, match="no cost is known of str"):
        cost.forward("cnn", 187, 5)
