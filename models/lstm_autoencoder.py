"""LSTM autoencoders: a beat through a narrow code and back, by several nets side by side.

Source: Malhotra P, Ramakrishnan A, Anand G, Vig L, Agarwal P, Shroff G. LSTM-based Encoder-Decoder
for Multi-sensor Anomaly Detection. ICML Anomaly Detection Workshop (2016), arXiv:1607.00148. Here
the decoder reads the code at every step, and a step is a patch of samples.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from models.architectures import LstmAutoencoderArchitecture
from models.backend import keras, layers
from models.facts import AutoencoderFacts

NAME = AutoencoderFacts.ARCHITECTURE
SCALINGS = ("minmax", "standard")
# Beats scaled to [0, 1] are spread to this height, so that they deviate by about one, as
# standardised ones do, and one learning rate and one noise suit both.
MINMAX_HEIGHT = 4.0
PREDICTION_BATCH = 512


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


# Samples over which `smoothed_l2` averages a residual: noise cancels, a misplaced wave does not.
SMOOTHING_SAMPLES = 5


def _absolute(residuals: np.ndarray) -> np.ndarray:
    return np.abs(residuals).mean(axis=-1)


def _squared(residuals: np.ndarray) -> np.ndarray:
    return np.square(residuals).mean(axis=-1)


def _smoothed_squared(residuals: np.ndarray) -> np.ndarray:
    return _squared(uniform_filter1d(residuals, SMOOTHING_SAMPLES, axis=-1, mode="nearest"))


SCORES = {"l1": _absolute, "l2": _squared, "smoothed_l2": _smoothed_squared}


def of_each_net(inputs: np.ndarray, reconstructions: np.ndarray, kind: str) -> np.ndarray:
    """Scores by every net.

    Args:
        inputs: (beats, samples).
        reconstructions: (beats, folds, samples).
        kind: a key of SCORES.

    Returns:
        (beats, folds) float64, larger for stranger beats.
    """
    return SCORES[kind](reconstructions.astype(float) - inputs[:, np.newaxis, :])


def held_back(scores: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """The score of each training beat by the one net that was trained without it.

    Args:
        scores: (beats, folds).
        fold_of: (beats,) int, the fold that each beat was held back in.
    """
    return scores[np.arange(len(scores)), fold_of]


def threshold_of(held_back_scores: np.ndarray, false_alarm_share: float) -> float:
    """The score above which a beat is called an anomaly.

    It is the smallest held-back score that at most `false_alarm_share` of n + 1 normal beats
    exceed, the extra one being the beat to come.

    Source: Barber RF, Candes EJ, Ramdas A, Tibshirani RJ. Predictive inference with the
    jackknife+. Ann Stat 49(1):486-507 (2021), CV+, here with the nets' mean score.
    """
    beats = len(held_back_scores)
    rank = int(np.ceil((1 - false_alarm_share) * (beats + 1)))
    return float(np.sort(held_back_scores)[min(rank, beats) - 1])
