"""From beats and what a network says of them to the answer: classes, verdicts, counts, scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation import metrics
from serving.served_model import CLASSIFIER, Outputs, ServedModel

DECIMALS = 6


@dataclass(frozen=True)
class Judged:
    """Beats in the order they came; arrays that the model cannot give are None.

    Attributes:
        rows: (beats,) int, the number of each beat in its file or list, from 1.
        predicted: (beats,) int, index into the model's classes.
        probability: (beats,) float32 of the predicted class.
        probabilities: (beats, classes) float32.
        uncertain: (beats,) bool, below the threshold that was fitted on validation.
        ood_score: (beats,) float32; above 1 the beat is unlike what the network was trained on.
        nearest: (beats,) int, index into the calibration's typical beats.
        anomaly_score: (beats,) float32, of an anomaly detector.
        labels: (beats,) int, those that came with the beats.
    """

    rows: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray | None
    probabilities: np.ndarray | None
    uncertain: np.ndarray | None
    ood_score: np.ndarray | None
    nearest: np.ndarray | None
    anomaly_score: np.ndarray | None
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def out_of_distribution(self) -> np.ndarray | None:
        """(beats,) bool."""
        return None if self.ood_score is None else self.ood_score > 1


def judge(
    model: ServedModel, outputs: Outputs, rows: np.ndarray, labels: np.ndarray | None = None
) -> Judged:
    """Turn a model's outputs into classes and verdicts.

    Args:
        model: what predicted.
        outputs: of `model.run`.
        rows: (beats,) int, what to call the beats.
        labels: (beats,) int, if they came along.
    """
    probabilities = outputs.probabilities
    if probabilities is None:
        assert outputs.anomaly_score is not None and model.threshold is not None
        anomalous = (outputs.anomaly_score > model.threshold).astype(int)
        return Judged(rows, anomalous, None, None, None, None, None, outputs.anomaly_score, labels)
    uncertain = model.calibration.uncertain(probabilities) if model.calibration else None
    return _judged(outputs, probabilities, uncertain, rows, labels)


def judge_recorded(outputs: Outputs, probabilities: np.ndarray, rows: np.ndarray) -> Judged:
    """Judge the beats of a recording, whose probabilities weigh timing and shape as well.

    No beat is called uncertain: the threshold was fitted to a network's own probabilities.

    Args:
        outputs: of a classifier's `run`, for how far beats are from its training beats.
        probabilities: (beats, classes) of `recordings.beat_kinds`.
        rows: (beats,) int, what to call the beats.
    """
    return _judged(outputs, probabilities, None, rows, None)


def _judged(
    outputs: Outputs,
    probabilities: np.ndarray,
    uncertain: np.ndarray | None,
    rows: np.ndarray,
    labels: np.ndarray | None,
) -> Judged:
    predicted = probabilities.argmax(axis=1)
    top = probabilities[np.arange(len(predicted)), predicted]
    return Judged(
        rows,
        predicted,
        top,
        probabilities,
        uncertain,
        outputs.ood_score,
        outputs.nearest,
        None,
        labels,
    )


def as_objects(judged: Judged, class_names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One object a beat, as the API answers."""
    columns = {
        "probability": _rounded(judged.probability),
        "uncertain": _plain(judged.uncertain),
        "ood_score": _rounded(judged.ood_score),
        "out_of_distribution": _plain(judged.out_of_distribution),
        "nearest_typical": _plain(judged.nearest),
        "anomaly_score": _rounded(judged.anomaly_score),
        "true_label": _plain(judged.labels),
    }
    probabilities = _rounded(judged.probabilities)
    names = [class_names[label] for label in judged.predicted]
    for place, (row, label) in enumerate(
        zip(judged.rows.tolist(), judged.predicted.tolist(), strict=True)
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
        self.count += len(judged)
        self._classes += np.bincount(judged.predicted, minlength=len(self._names))
        if judged.uncertain is not None:
            self._uncertain = (self._uncertain or 0) + int(judged.uncertain.sum())
        if judged.out_of_distribution is not None:
            self._strange = (self._strange or 0) + int(judged.out_of_distribution.sum())
        if judged.labels is not None:
            self._true.append(np.asarray(judged.labels, np.uint8))
            self._predicted.append(judged.predicted.astype(np.uint8))

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


def labels_for(model: ServedModel, labels: np.ndarray | None) -> np.ndarray | None:
    """The labels as the model's own classes: a detector knows normal (0) and the rest alone."""
    if labels is None or model.kind == CLASSIFIER:
        return labels
    return (labels > 0).astype(np.uint8)


def _plain(values: np.ndarray | None) -> list[Any] | None:
    return None if values is None else values.tolist()


def _rounded(values: np.ndarray | None) -> list[Any] | None:
    """As plain numbers; float32 knows no more than seven digits."""
    return None if values is None else np.round(values.astype(float), DECIMALS).tolist()
