"""Predictions and labels in, numbers out.

scikit-learn is imported where it is called: it takes two seconds to import, and many programs want
the names of the scores alone, for their `--help`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# Every score that training logs and may be asked to watch, and which way is better.
DIRECTIONS = {"val_macro_f1": "max", "val_accuracy": "max", "val_loss": "min"}


# A class with a smaller share of the validation beats does not count in their macro-F1: what two
# beats of 9,000 are called (class Q's, by patient, in MIT-BIH) is luck that moves it by a fifth.
LEAST_COUNTED = 0.001


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

    @property
    def validation_macro_f1(self) -> float:
        """Mean F1 over the classes with LEAST_COUNTED of the beats, by which trainings go."""
        least = LEAST_COUNTED * self.confusion.sum()
        counted = [one.f1 for one in self.classes if one.support > 0 and one.support >= least]
        return float(np.mean(counted)) if counted else 0.0

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
    from sklearn.metrics import confusion_matrix

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


@dataclass(frozen=True)
class ClassCurves:
    """The two curves of one class, with every other class as the negatives.

    Attributes:
        false_positive_rate, true_positive_rate: the ROC curve, from (0, 0) to (1, 1).
        recall, precision: the precision-recall curve.
        auc: area under the ROC curve.
        average_precision: precision averaged over recall, without interpolation.
        prevalence: share of the class, the average precision of a coin.
    """

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    auc: float
    average_precision: float
    prevalence: float


def class_curves(labels: np.ndarray, probabilities: np.ndarray) -> list[ClassCurves | None]:
    """One ClassCurves for each class; None where a class has no beats, or all of them.

    Args:
        labels: (beats,) int.
        probabilities: (beats, classes).
    """
    _beats, classes = probabilities.shape
    return [_curves_of(labels == index, probabilities[:, index]) for index in range(classes)]


def _curves_of(positive: np.ndarray, probability: np.ndarray) -> ClassCurves | None:
    from sklearn.metrics import (
        average_precision_score,
        precision_recall_curve,
        roc_auc_score,
        roc_curve,
    )

    if not positive.any() or positive.all():
        return None
    false_rate, true_rate, _ = roc_curve(positive, probability)
    precision, recall, _ = precision_recall_curve(positive, probability)
    return ClassCurves(
        false_rate,
        true_rate,
        recall,
        precision,
        auc=float(roc_auc_score(positive, probability)),
        average_precision=float(average_precision_score(positive, probability)),
        prevalence=float(positive.mean()),
    )
