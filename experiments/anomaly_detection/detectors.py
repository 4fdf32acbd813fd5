"""Detectors without a network, fitted on the same normal beats in the same folds.

Their settings were fixed in advance, after what is customary for ECG5000; none looks at a label.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import OneClassSVM

from evaluation.metrics import score
from evaluation.significance import Interval, interval, resample
from models.lstm_autoencoder import held_back

VERDICTS = ("normal", "anomaly")
# Of a normal distribution, for a 95 % interval.
QUANTILE_95 = 1.959964


@dataclass(frozen=True)
class Detector:
    """One detector on a test set.

    Attributes:
        name: e.g. ``lstm_autoencoder``.
        scores: (beats,) float, larger for stranger beats.
        threshold: a beat with a larger score is called an anomaly.
    """

    name: str
    scores: np.ndarray
    threshold: float

    @property
    def verdicts(self) -> np.ndarray:
        """(beats,) int, 1 for an anomaly."""
        return (self.scores > self.threshold).astype(int)


@dataclass(frozen=True)
class Quality:
    """What a detector is worth; `f1_normal` takes normal beats as the positive class."""

    name: str
    auc: float
    average_precision: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    f1_normal: float
    false_alarms: float


@dataclass(frozen=True)
class Lead:
    """How far the first detector is ahead of another, with 95 % intervals of the difference."""

    other: str
    auc: Interval
    f1: Interval


def quality(detector: Detector, is_anomaly: np.ndarray) -> Quality:
    """Measure a detector.

    Args:
        detector: its scores and threshold.
        is_anomaly: (beats,) bool, with both kinds in it.
    """
    scores = score(is_anomaly.astype(int), detector.verdicts, VERDICTS)
    normal, anomaly = scores.classes
    return Quality(
        detector.name,
        auc=float(roc_auc_score(is_anomaly, detector.scores)),
        average_precision=float(average_precision_score(is_anomaly, detector.scores)),
        accuracy=scores.accuracy,
        precision=anomaly.precision,
        recall=anomaly.recall,
        f1=anomaly.f1,
        f1_normal=normal.f1,
        false_alarms=1 - normal.recall,
    )


def leads(detectors: list[Detector], is_anomaly: np.ndarray) -> list[Lead]:
    """The first detector against each of the others, on the same beats.

    AUC by DeLong's paired comparison, F1 by the paired bootstrap; both take beats as independent.
    """
    first, *others = detectors
    labels = is_anomaly.astype(int)
    drawn = resample(labels, [one.verdicts for one in detectors], len(VERDICTS))
    f1 = [quality(one, is_anomaly).f1 for one in detectors]
    return [
        Lead(
            other.name,
            auc_difference(first.scores, other.scores, is_anomaly),
            interval(f1[0] - f1[place], drawn.class_f1[0, :, 1] - drawn.class_f1[place, :, 1]),
        )
        for place, other in enumerate(others, start=1)
    ]


def auc_difference(first: np.ndarray, second: np.ndarray, is_anomaly: np.ndarray) -> Interval:
    """AUC of `first` minus that of `second`, both (beats,) scores of the same beats.

    Source: DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more
    correlated ROC curves. Biometrics 44(3):837-845 (1988).
    """
    of_anomalies, of_normals = zip(
        *(_placements(scores, is_anomaly) for scores in (first, second)), strict=True
    )
    difference = of_anomalies[0] - of_anomalies[1]
    error = np.sqrt(
        difference.var(ddof=1) / len(difference)
        + (of_normals[0] - of_normals[1]).var(ddof=1) / len(of_normals[0])
    )
    value, reach = float(difference.mean()), QUANTILE_95 * float(error)
    return Interval(value, float(error), value - reach, value + reach)


def by_class(
    detectors: list[Detector], labels: np.ndarray, class_names: tuple[str, ...], normal: int
) -> list[dict[str, str | float | int]]:
    """One row for each anomalous class that has beats: AUC against the normal beats, share caught.

    Args:
        detectors: scores of the same beats.
        labels: (beats,) int.
        class_names: names in the order of the labels.
        normal: the label of normal beats.
    """
    rows = []
    for label, name in enumerate(class_names):
        of_class = labels == label
        if label == normal or not of_class.any():
            continue
        either = of_class | (labels == normal)
        row: dict[str, str | float | int] = {"class": name, "beats": int(of_class.sum())}
        for one in detectors:
            row[f"{one.name} AUC"] = float(roc_auc_score(of_class[either], one.scores[either]))
            row[f"{one.name} caught"] = float(one.verdicts[of_class].mean())
        rows.append(row)
    return rows


def _placements(scores: np.ndarray, is_anomaly: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each anomaly the share of normal beats below it; for each normal, of anomalies above."""
    strange, normal = scores[is_anomaly], scores[~is_anomaly]
    ranks = rankdata(np.concatenate([strange, normal]))
    of_strange, of_normal = ranks[: len(strange)], ranks[len(strange) :]
    below = (of_strange - rankdata(strange)) / len(normal)
    above = 1 - (of_normal - rankdata(normal)) / len(strange)
    return below, above


PCA_COMPONENTS = 2
SVM_NU = 0.02
NEIGHBOURS = 5
TREES = 200
SEED = 0

# (beats, samples) -> (beats,), larger for stranger beats.
Scorer = Callable[[np.ndarray], np.ndarray]


def _pca(normal: np.ndarray) -> Scorer:
    model = PCA(PCA_COMPONENTS, random_state=SEED).fit(normal)

    def score(beats: np.ndarray) -> np.ndarray:
        return np.square(beats - model.inverse_transform(model.transform(beats))).mean(axis=1)

    return score


def _one_class_svm(normal: np.ndarray) -> Scorer:
    model = OneClassSVM(kernel="rbf", gamma="scale", nu=SVM_NU).fit(normal)
    return lambda beats: -model.decision_function(beats)


def _nearest_neighbours(normal: np.ndarray) -> Scorer:
    model = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(normal)
    return lambda beats: model.kneighbors(beats)[0].mean(axis=1)


def _isolation_forest(normal: np.ndarray) -> Scorer:
    model = IsolationForest(n_estimators=TREES, random_state=SEED).fit(normal)
    return lambda beats: -model.score_samples(beats)


BASELINES: dict[str, Callable[[np.ndarray], Scorer]] = {
    f"PCA-{PCA_COMPONENTS} reconstruction": _pca,
    "one-class SVM": _one_class_svm,
    f"{NEIGHBOURS} nearest neighbours": _nearest_neighbours,
    "isolation forest": _isolation_forest,
}


def cross_fitted(
    fit: Callable[[np.ndarray], Scorer], normal: np.ndarray, fold_of: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores as the autoencoder's are made: one model for each fold, trained without it.

    Args:
        fit: a value of BASELINES.
        normal: (beats, samples) normal training beats.
        fold_of: (beats,) int, the fold that each is held back in.
        test: (others, samples).

    Returns:
        held_back_scores: (beats,), of each training beat by the model that never saw it.
        test_scores: (others,), the mean over the models.
    """
    scorers = [fit(normal[fold_of != fold]) for fold in range(int(fold_of.max()) + 1)]
    own = np.stack([score(normal) for score in scorers], axis=1)
    of_test = np.stack([score(test) for score in scorers], axis=1)
    return held_back(own, fold_of), of_test.mean(axis=1)
