"""Losses on logits, with class weights, focusing and logit adjustment folded in."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from heartbeats.balance import class_weights
from training.settings import TrainingSettings


def classification_loss(settings: TrainingSettings, counts: np.ndarray) -> Callable:
    """A Keras loss on (labels, logits), as the settings want it.

    Focal loss is Lin et al. 2017; logit adjustment adds `logit_adjustment` times the log class
    frequency to the logits in training alone (Menon et al. 2021), which asks rare classes for a
    margin.

    Args:
        settings: loss, focal_gamma, logit_adjustment, label_smoothing, class_weighting.
        counts: (classes,) training beats of each class.

    Returns:
        a function of labels (batch, 1) or (batch,) int and logits (batch, classes), giving
        (batch,) losses.
    """
    weights = class_weights(counts, settings.class_weighting).astype("float32")
    frequency = np.maximum(counts, 1) / counts.sum()
    margin = (settings.logit_adjustment * np.log(frequency)).astype("float32")
    gamma = settings.focal_gamma if settings.loss == "focal" else 0.0
    smoothing, classes = settings.label_smoothing, len(counts)

    def loss(labels, logits):
        truth = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), classes)
        log_probabilities = ops.log_softmax(logits + margin)
        weight = ops.sum(truth * weights, axis=-1)
        if gamma:
            hit = ops.exp(ops.sum(truth * log_probabilities, axis=-1))
            weight = weight * ops.power(ops.maximum(1.0 - hit, 1e-6), gamma)
        target = truth * (1 - smoothing) + smoothing / classes
        return -weight * ops.sum(target * log_probabilities, axis=-1)

    return loss


def logits_of(model: keras.Model) -> keras.Model:
    """The same network, same weights, up to its `logits` layer: what the loss is computed on."""
    return keras.Model(model.inputs, model.get_layer("logits").output, name=model.name)
