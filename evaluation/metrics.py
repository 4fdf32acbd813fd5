"""Predictions and labels in, numbers out."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

# Every score that training logs and may be asked to watch, and which way is better.
DIRECTIONS = {"val_macro_f1": "max", "val_accuracy": "max", "val_loss": "min"}


@dataclass(frozen=True)
class ClassScore:
    """How one class fared; `support` is its number of beats."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scores:
    """How predictions agree with labels.

    Attributes:
        accuracy: share of beats put in their own class.
        macro_f1: mean F1 over the classes that occur among the labels.
        classes: one ClassScore a class, in the order of the labels.
        confusion: (classes, classes) int, rows are the true classes.
    """

    accuracy: float
    macro_f1: float
    classes: tuple[ClassScore, ...]
    confusion: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """The scores in plain numbers and lists, for JSON."""
        return {**asdict(self), "confusion": self.confusion.tolist()}


def better(monitor: str, candidate: float, best: float | None) -> bool:
    """Whether `candidate` beats `best` by the direction of `monitor`; NaN never does."""
    return better_by(DIRECTIONS[monitor], candidate, best)


def better_by(direction: str, candidate: float, best: float | None) -> bool:
    """Whether `candidate` beats `best`, ``max`` or ``min`` being better; NaN never does."""
    if not np.isfinite(candidate):
        return False
    if best is None:
        return True
    return candidate > best if direction == "max" else candidate < best


def score(labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...]) -> Scores:
    """Accuracy, macro-F1, per-class precision, recall and F1, and the confusion matrix.

    A class that was never predicted has precision 0, as has one without beats. Classes without
    beats do not enter macro-F1: in DS2 of MIT-BIH, say, class Q hardly occurs.

    Args:
        labels: (beats,) int, the true classes.
        predicted: (beats,) int.
        class_names: names in the order of the labels.
    """
    matrix = confusion_matrix(labels, predicted, labels=np.arange(len(class_names)))
    hits = np.diag(matrix).astype(float)
    support, guesses = matrix.sum(axis=1), matrix.sum(axis=0)
    precision = hits / np.maximum(guesses, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + guesses, 1)
    classes = tuple(
        ClassScore(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(class_names, precision, recall, f1, support, strict=True)
    )
    present = support > 0
    return Scores(
        accuracy=float(hits.sum() / max(matrix.sum(), 1)),
        macro_f1=float(f1[present].mean()) if present.any() else 0.0,
        classes=classes,
        confusion=matrix,
    )
