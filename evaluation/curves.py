"""ROC and precision-recall curves, one class against the rest."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
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
