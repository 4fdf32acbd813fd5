"""LSTM autoencoders: a beat through a narrow code and back, by several nets side by side.

Source: Malhotra P, Ramakrishnan A, Anand G, Vig L, Agarwal P, Shroff G. LSTM-based Encoder-Decoder
for Multi-sensor Anomaly Detection. ICML Anomaly Detection Workshop (2016), arXiv:1607.00148. Here
the decoder reads the code at every step, and a step is a patch of samples.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from models.options import option

NAME = "lstm_autoencoder"
SCALINGS = ("minmax", "standard")
# Beats scaled to [0, 1] are spread to this height, so that they deviate by about one, as
# standardised ones do, and one learning rate and one noise suit both.
MINMAX_HEIGHT = 4.0
PREDICTION_BATCH = 512


@dataclass(frozen=True)
class LstmAutoencoderArchitecture:
    """What shapes the autoencoder. `patch` 1 feeds single samples, which is many times slower."""

    units: int = option(64, "units of each LSTM, each way", low=2, high=512)
    latent_size: int = option(
        2, "numbers in the code between encoder and decoder", low=1, high=256
    )
    bidirectional: bool = option(False, "read and write the beat both ways")
    patch: int = option(7, "samples that make one step", low=1, high=64)
    folds: int = option(
        3, "nets side by side, each trained without one part of the normal beats", low=2, high=20
    )


def build(shape: LstmAutoencoderArchitecture, samples: int) -> keras.Model:
    """Uncompiled autoencoders of the same shape, one for each fold, in one model.

    Input shape: (batch, samples, 1), scaled by `scaled`.
    Output shape: (batch, folds, samples), each net's reconstruction.
    """
    signal = keras.Input((samples, 1), name="signal")
    nets = [_autoencoder(shape, signal, f"fold_{number}") for number in range(shape.folds)]
    return keras.Model(signal, layers.Concatenate(axis=1)(nets), name=NAME)


def scaled(signals: np.ndarray, scaling: str) -> np.ndarray:
    """What the autoencoder reads.

    Args:
        signals: (beats, samples), each beat scaled to [0, 1].
        scaling: ``minmax`` keeps that, spread to [-2, 2]; ``standard`` gives each beat mean 0
            and standard deviation 1.

    Returns:
        (beats, samples) float32.
    """
    if scaling == "minmax":
        return ((signals - 0.5) * MINMAX_HEIGHT).astype(np.float32)
    centred = signals - signals.mean(axis=1, keepdims=True)
    spread = np.maximum(centred.std(axis=1, keepdims=True), 1e-6)  # a flat beat stays flat
    return (centred / spread).astype(np.float32)


def reconstruct(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """(beats, folds, samples) float32: what each net makes of (beats, samples) inputs."""
    return model.predict(inputs[..., np.newaxis], batch_size=PREDICTION_BATCH, verbose=0)


def _autoencoder(shape: LstmAutoencoderArchitecture, signal, name: str):
    """(batch, samples, 1) -> (batch, 1, samples)."""
    samples = signal.shape[1]
    steps = -(-samples // shape.patch)
    excess = steps * shape.patch - samples
    x = layers.ZeroPadding1D((0, excess))(signal) if excess else signal
    x = layers.Reshape((steps, shape.patch))(x)
    x = _lstm(shape, whole=False)(x)
    x = layers.Dense(shape.latent_size, name=f"{name}_code")(x)
    x = layers.RepeatVector(steps)(x)
    x = _lstm(shape, whole=True)(x)
    x = layers.Dense(shape.patch)(x)
    x = layers.Reshape((steps * shape.patch, 1))(x)
    x = layers.Cropping1D((0, excess))(x) if excess else x
    return layers.Reshape((1, samples), name=name)(x)


def _lstm(shape: LstmAutoencoderArchitecture, *, whole: bool) -> layers.Layer:
    """One LSTM that gives its whole sequence, or its last state alone."""
    layer = layers.LSTM(shape.units, return_sequences=whole)
    return layers.Bidirectional(layer) if shape.bidirectional else layer
