"""From a sequence of feature vectors to class probabilities: the end that all networks share."""

from typing import Protocol

from models.backend import layers


class Head(Protocol):
    """The settings that a classification head reads."""

    @property
    def summary(self) -> str: ...
    @property
    def dense_units(self) -> int: ...
    @property
    def dense_dropout(self) -> float: ...


def classify(sequence, head: Head, classes: int, beside=None):
    """(batch, steps, channels) -> (batch, classes) probabilities.

    The layer before the last is named `logits`: losses are computed on it, where they are exact.

    Args:
        sequence: what the body of the network gives.
        head: the settings.
        classes: how many.
        beside: (batch, values) that join the summary, e.g. of the beat's features.
    """
    x = _summarise(sequence, head.summary)
    if beside is not None:
        x = layers.Concatenate()([x, beside])
    if head.dense_units:
        x = layers.Dense(head.dense_units, activation="relu")(x)
    if head.dense_dropout:
        x = layers.Dropout(head.dense_dropout)(x)
    logits = layers.Dense(classes, name="logits")(x)
    return layers.Softmax(name="probabilities")(logits)


def _summarise(x, summary: str):
    if summary == "flatten":
        return layers.Flatten()(x)
    average = layers.GlobalAveragePooling1D()
    maximum = layers.GlobalMaxPooling1D()
    if summary == "average":
        return average(x)
    if summary == "max":
        return maximum(x)
    if summary == "last":
        return x[:, -1, :]
    return layers.Concatenate()([average(x), maximum(x)])
