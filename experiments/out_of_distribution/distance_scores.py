"""Scores of how strange a beat is that the literature offers, for `out_of_distribution.py`.

Each is made of training beats and maps `Seen` beats to (beats,) numbers, larger for stranger ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from models.calibration import directions

COMPONENTS, NEIGHBOURS = 32, 10
# Keeps a covariance invertible where units of the network are never active.
SHRINKAGE = 0.01


@dataclass(frozen=True, eq=False)
class Seen:
    """Beats as a network sees them.

    Attributes:
        signals: (beats, samples) float32.
        labels: (beats,) int; -1 for beats that have no class.
        probabilities, logits: (beats, classes).
        embeddings: (beats, values) float32.
    """

    signals: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    logits: np.ndarray
    embeddings: np.ndarray


Score = Callable[[Seen], np.ndarray]


def softmax(_train: Seen) -> Score:
    """One minus the top probability: Hendrycks & Gimpel, ICLR 2017."""
    return lambda seen: 1 - seen.probabilities.max(axis=1)


def energy(_train: Seen) -> Score:
    """Minus the logarithm of the logits' summed exponentials: Liu et al., NeurIPS 2020."""
    return lambda seen: -logsumexp(seen.logits, axis=1)


def mahalanobis(train: Seen) -> Score:
    """From the nearest class mean, one covariance for all: Lee et al., NeurIPS 2018."""
    return _from_means(train.embeddings, train.labels)


def relative_mahalanobis(train: Seen) -> Score:
    """Less the distance from the mean of all beats: Ren et al., 2021."""
    of_classes = _from_means(train.embeddings, train.labels)
    of_all = _from_means(train.embeddings, np.zeros(len(train.labels), int))
    return lambda seen: of_classes(seen) - of_all(seen)


def neighbours(train: Seen) -> Score:
    """To the tenth nearest training beat, in the embedding's directions: Sun et al., ICML 2022."""
    count = min(NEIGHBOURS, len(train.labels))
    found = NearestNeighbors(n_neighbors=count).fit(directions(train.embeddings))
    return lambda seen: found.kneighbors(directions(seen.embeddings))[0][:, -1]


def residual(train: Seen) -> Score:
    """What 32 principal components of the training beats leave of the signal."""
    count = min(COMPONENTS, len(train.signals) - 1)
    basis = PCA(count, svd_solver="full").fit(train.signals)

    def score(seen: Seen) -> np.ndarray:
        rebuilt = basis.inverse_transform(basis.transform(seen.signals))
        return np.linalg.norm(seen.signals - rebuilt, axis=1)

    return score


SCORES: dict[str, Callable[[Seen], Score]] = {
    "top probability": softmax,
    "energy": energy,
    "Mahalanobis": mahalanobis,
    "relative Mahalanobis": relative_mahalanobis,
    "10th neighbour": neighbours,
    "PCA residual": residual,
}


def _from_means(values: np.ndarray, labels: np.ndarray) -> Score:
    kinds, places = np.unique(labels, return_inverse=True)
    means = np.stack([values[labels == kind].mean(axis=0) for kind in kinds])
    covariance = np.cov((values - means[places]).T)
    covariance += SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    root = np.linalg.cholesky(np.linalg.inv(covariance))

    def score(seen: Seen) -> np.ndarray:
        distances = [((seen.embeddings - mean) @ root) ** 2 for mean in means]
        return np.min([squares.sum(axis=1) for squares in distances], axis=0)

    return score
