"""Recurrent networks over patches of the signal."""

from dataclasses import dataclass

import keras
from keras import layers

from models.heads import classify
from models.options import option


@dataclass(frozen=True)
class RnnArchitecture:
    """What shapes an RNN. `patch` 1 feeds single samples, which is many times slower."""

    cell: str = option("gru", "kind of recurrent layer", choices=("gru", "lstm"))
    layers: int = option(2, "recurrent layers", low=1, high=4)
    width: int = option(96, "units of the first recurrent layer, each way", low=4, high=512)
    width_growth: float = option(1.0, "units of a layer over the one before", low=0.25, high=2)
    bidirectional: bool = option(True, "read the beat both ways")
    patch: int = option(8, "samples that make one step", low=1, high=64)
    patch_overlap: bool = option(False, "show each step the next patch as well")
    embedding: int = option(0, "units of a dense layer on each patch; 0: none", high=512)
    dropout: float = option(0.1, "share of channels dropped after each layer", low=0, high=0.9)
    summary: str = option(
        "average_max",
        "from a sequence to one vector",
        choices=("flatten", "average", "max", "average_max", "last"),
    )
    dense_units: int = option(64, "units of the dense layer before the output; 0: none", high=1024)
    dense_dropout: float = option(0.2, "share dropped before the output", low=0, high=0.9)


def build(shape: RnnArchitecture, samples: int, classes: int) -> keras.Model:
    """An uncompiled RNN.

    Input shape: (batch, samples, 1), scaled to [0, 1].
    Output shape: (batch, classes), probabilities that sum to one.
    """
    signal = keras.Input((samples, 1), name="signal")
    x = _patches(signal, shape.patch, shape.patch_overlap)
    if shape.embedding:
        x = layers.Dense(shape.embedding, activation="relu")(x)
    for depth in range(shape.layers):
        width = max(4, round(shape.width * shape.width_growth**depth))
        x = _recurrent(x, width, shape)
        x = layers.LayerNormalization()(x)
        if shape.dropout:
            x = layers.SpatialDropout1D(shape.dropout)(x)
    return keras.Model(signal, classify(x, shape, classes), name="rnn")


def _patches(signal, patch: int, overlap: bool):
    """(batch, samples, 1) -> (batch, steps, values of one patch); the end is padded with zeros."""
    if patch == 1:
        return signal
    samples = signal.shape[1]
    steps = -(-samples // patch)
    if steps * patch > samples:
        signal = layers.ZeroPadding1D((0, steps * patch - samples))(signal)
    framed = layers.Reshape((steps, patch))(signal)
    if not overlap or steps < 2:
        return framed
    # A frame and its right neighbour side by side: frames of two patches, one patch apart.
    following = layers.Cropping1D((1, 0))(framed)
    return layers.Concatenate()([framed, layers.ZeroPadding1D((0, 1))(following)])


def _recurrent(x, width: int, shape: RnnArchitecture):
    cell = layers.GRU if shape.cell == "gru" else layers.LSTM
    layer = cell(width, return_sequences=True)
    return (layers.Bidirectional(layer) if shape.bidirectional else layer)(x)
