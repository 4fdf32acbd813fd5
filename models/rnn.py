"""Recurrent networks over patches of the signal."""

from models.architectures import RnnArchitecture
from models.backend import keras, layers
from models.heads import classify


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
