"""Detectors without a network, fitted on the same normal beats in the same folds.

Their settings were fixed in advance, after what is customary for ECG5000; none looks at a label.
"""

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import OneClassSVM

from evaluation.anomalies.scores import held_back

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
