"""Convolutions that describe the wave, and a recurrent layer that reads their sequence."""

from heartbeats.features import FEATURES
from models.architectures import CnnLstmArchitecture
from models.backend import keras, layers
from models.cnn import convolve
from models.heads import classify

# The name of the second input that some of these networks have.
FEATURES_INPUT = "features"


def build(shape: CnnLstmArchitecture, samples: int, classes: int) -> keras.Model:
    """An uncompiled CNN-LSTM.

    Input shape: (batch, samples, 1), scaled to [0, 1]; with `feature_units` also ``features``,
        (batch, features), as `heartbeats.features` computes them.
    Output shape: (batch, classes), probabilities that sum to one.
    """
    signal = keras.Input((samples, 1), name="signal")
    x = convolve(signal, shape)
    for _ in range(shape.recurrent_layers):
        x = layers.LayerNormalization()(_recurrent(x, shape))
    if not shape.feature_units:
        return keras.Model(signal, classify(x, shape, classes), name="cnn_lstm")
    numbers = keras.Input((len(FEATURES),), name=FEATURES_INPUT)
    # Features have units of their own; the running moments bring them to one scale.
    beside = layers.BatchNormalization(center=False, scale=False, momentum=0.95)(numbers)
    beside = layers.Dense(shape.feature_units, activation="relu")(beside)
    inputs = {"signal": signal, FEATURES_INPUT: numbers}
    return keras.Model(inputs, classify(x, shape, classes, beside), name="cnn_lstm")


def _recurrent(x, shape: CnnLstmArchitecture):
    cell = layers.LSTM if shape.cell == "lstm" else layers.GRU
    layer = cell(shape.recurrent_width, return_sequences=True)
    return (layers.Bidirectional(layer) if shape.bidirectional else layer)(x)
