"""Beats in, class probabilities out: the one way that training, evaluation and serving predict."""

import numpy as np

from heartbeats.features import features
from models.backend import keras

PREDICTION_BATCH = 512
# The name of the second input that some networks have.
FEATURES_INPUT = "features"

Input = np.ndarray | dict[str, np.ndarray]


def model_input(model: keras.Model, signals: np.ndarray, sampling_hz: float | None) -> Input:
    """What `model` takes: (beats, samples, 1) float32, and the beats' features if it wants them.

    Args:
        model: from `models.*.build`.
        signals: (beats, samples), scaled to [0, 1].
        sampling_hz: samples per second of the signals; only features need it.
    """
    shaped = np.ascontiguousarray(signals, np.float32)[..., np.newaxis]
    if not wants_features(model):
        return shaped
    if sampling_hz is None:
        raise ValueError(f"{model.name} takes features, which need the sampling rate")
    return {"signal": shaped, FEATURES_INPUT: features(signals, sampling_hz)}


def wants_features(model: keras.Model) -> bool:
    """Whether the network has the second input."""
    return any(tensor.name == FEATURES_INPUT for tensor in model.inputs)


def predict(
    model: keras.Model, signals: np.ndarray, sampling_hz: float | None = None
) -> np.ndarray:
    """(beats, classes) float32 probabilities for (beats, samples) signals scaled to [0, 1]."""
    inputs = model_input(model, signals, sampling_hz)
    return model.predict(inputs, batch_size=PREDICTION_BATCH, verbose=0)


def with_embedding(model: keras.Model) -> keras.Model:
    """A model that gives ``[probabilities, embedding]`` for the inputs of `model`, in one pass.

    The embedding, (beats, values) float32, is what the layer `logits` reads: the last description
    of a beat before its class is decided. Layers and weights are shared with `model`.

    Args:
        model: from `models.*.build`, with a layer named `logits`.
    """
    embedding = model.get_layer("logits").input
    return keras.Model(model.input, [model.output, embedding], name=f"{model.name}_embedding")


def predict_with_embedding(
    model: keras.Model, signals: np.ndarray, sampling_hz: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(beats, classes) probabilities, as `predict` gives them, and (beats, values) embedding."""
    inputs = model_input(model, signals, sampling_hz)
    both = with_embedding(model)
    probabilities, embedding = both.predict(inputs, batch_size=PREDICTION_BATCH, verbose=0)
    return probabilities, embedding
