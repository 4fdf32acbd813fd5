"""Beats in, class probabilities out: the one way that training, evaluation and serving predict."""

import keras
import numpy as np

PREDICTION_BATCH = 512


def model_input(signals: np.ndarray) -> np.ndarray:
    """(beats, samples) -> (beats, samples, 1) float32, what every network here takes."""
    return np.ascontiguousarray(signals, np.float32)[..., np.newaxis]


def predict(model: keras.Model, signals: np.ndarray) -> np.ndarray:
    """(beats, classes) float32 probabilities for (beats, samples) signals scaled to [0, 1]."""
    return model.predict(model_input(signals), batch_size=PREDICTION_BATCH, verbose=0)
