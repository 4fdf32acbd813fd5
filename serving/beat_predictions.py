"""From beats and what a network says of them to the answer: classes, verdicts, counts, scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation import metrics
from models.predictor import CLASSIFIER, Predictions, Predictor

DECIMALS = 6


@dataclass(frozen=True)
class Judged:
    """Beats in the order they came, and what a model says of them.

    Attributes:
        rows: (beats,) int, the number of each beat in its file or list, from 1.
        predictions: one row a beat.
        labels: (beats,) int, those that came with the beats; None where none did.
    """

    rows: np.ndarray
    predictions: Predictions
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)


def recorded(predictions: Predictions, probabilities: np.ndarray) -> Predictions:
    """The same beats with probabilities that weigh timing and shape in a recording as well.

    No beat is called uncertain: the threshold was fitted to a network's own probabilities.

    Args:
        predictions: of a classifier, for how far beats are from its training beats.
        probabilities: (beats, classes) of `recordings.beat_kinds`.
    """
    labels = probabilities.argmax(axis=1)
    return replace(predictions, labels=labels, probabilities=probabilities, uncertain=None)


def as_objects(judged: Judged, class_names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One object a beat, as the API answers."""
    said = judged.predictions
    columns = {
        "probability": _rounded(said.top_probability),
        "uncertain": _plain(said.uncertain),
        "ood_score": _rounded(said.ood_score),
        "out_of_distribution": _plain(said.out_of_distribution),
        "nearest_typical": _plain(said.nearest),
        "anomaly_score": _rounded(said.anomaly_score),
        "true_label": _plain(judged.labels),
    }
    probabilities = _rounded(said.probabilities)
    names = [class_names[label] for label in said.labels]
    for place, (row, label) in enumerate(
        zip(judged.rows.tolist(), said.labels.tolist(), strict=True)
    ):
        yield {
            "row": row,
            "label": label,
            "class": names[place],
            "probabilities": (
                dict(zip(class_names, probabilities[place], strict=True))
                if probabilities is not None
                else None
            ),
            **{key: None if c is None else c[place] for key, c in columns.items()},
        }


class Tally:
    """Counts of all beats of an upload, part by part."""

    def __init__(self, class_names: tuple[str, ...]):
        self._names = class_names
        self._classes = np.zeros(len(class_names), int)
        self._uncertain: int | None = None
        self._strange: int | None = None
        self._true: list[np.ndarray] = []
        self._predicted: list[np.ndarray] = []
        self.count = 0

    def add(self, judged: Judged) -> None:
        """Count the beats of one part."""
        said = judged.predictions
        self.count += len(judged)
        self._classes += np.bincount(said.labels, minlength=len(self._names))
        if said.uncertain is not None:
            self._uncertain = (self._uncertain or 0) + int(said.uncertain.sum())
        if said.out_of_distribution is not None:
            self._strange = (self._strange or 0) + int(said.out_of_distribution.sum())
        if judged.labels is not None:
            self._true.append(np.asarray(judged.labels, np.uint8))
            self._predicted.append(said.labels.astype(np.uint8))

    def summary(self) -> dict[str, Any]:
        """How many beats of each class, how many uncertain, how many unlike the training beats."""
        return {
            "classes": dict(zip(self._names, self._classes.tolist(), strict=True)),
            "uncertain": self._uncertain,
            "out_of_distribution": self._strange,
        }

    @property
    def has_labels(self) -> bool:
        """Whether labels came along."""
        return bool(self._true)

    def scores(self) -> dict[str, Any] | None:
        """How the predictions agree with the labels; None where there are none."""
        if not self.has_labels:
            return None
        found = metrics.score(
            np.concatenate(self._true), np.concatenate(self._predicted), self._names
        )
        return found.as_dict()


def labels_for(model: Predictor, labels: np.ndarray | None) -> np.ndarray | None:
    """The labels as the model's own classes: a detector knows normal (0) and the rest alone."""
    if labels is None or model.kind == CLASSIFIER:
        return labels
    return (labels > 0).astype(np.uint8)


def _plain(values: np.ndarray | None) -> list[Any] | None:
    return None if values is None else values.tolist()


def _rounded(values: np.ndarray | None) -> list[Any] | None:
    """As plain numbers; float32 knows no more than seven digits."""
    return None if values is None else np.round(values.astype(float), DECIMALS).tolist()
