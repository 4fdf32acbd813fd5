"""Losses on logits, with class weights, focusing and logit adjustment folded in."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from heartbeats.balance import class_weights
from training.settings import TrainingSettings


def classification_loss(
    settings: TrainingSettings, counts: np.ndarray, shown: np.ndarray | None = None
) -> Callable:
    """A Keras loss on (labels, logits), as the settings want it.

    Focal loss is Lin et al. 2017; logit adjustment adds `logit_adjustment` times the log class
    frequency to the logits in training alone (Menon et al. 2021), which asks rare classes for a
    margin. With `prior_correction`, the log of how much more often a class is shown than it occurs
    is added to the logits in training alone too, so that the network's own logits stay those of
    the data's class frequencies (Ren et al. 2020, balanced softmax, for any two frequencies).

    Args:
        settings: loss, focal_gamma, logit_adjustment, label_smoothing, class_weighting.
        counts: (classes,) training beats of each class.
        shown: (classes,) beats of each class that an epoch shows; `counts` by default.

    Returns:
        a function of labels and logits (batch, classes), giving (batch,) losses. Labels are
        (batch, 1) or (batch,) int, or (batch, classes) float where a beat is of several classes.
    """
    weights = class_weights(counts, settings.class_weighting).astype("float32")
    frequency = np.maximum(counts, 1) / counts.sum()
    margin = settings.logit_adjustment * np.log(frequency)
    if shown is not None and settings.prior_correction:
        margin = margin + np.log(np.maximum(shown, 1) / shown.sum()) - np.log(frequency)
    margin = margin.astype("float32")
    gamma = settings.focal_gamma if settings.loss == "focal" else 0.0
    smoothing, classes = settings.label_smoothing, len(counts)

    def loss(labels, logits):
        truth = labels
        if len(labels.shape) == 1 or labels.shape[-1] == 1:
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
