"""Clusters of a recording's beats: groups of similar shape and timing, without labels.

A mixture of normal distributions (McLachlan GJ, Peel D, Finite Mixture Models, 2000) of the beats'
principal components, their RR intervals and the next ones. The number of clusters has the lowest
Bayesian information criterion (Schwarz G, Ann Stat 6(2):461-464, 1978).
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from recordings.kinds.beat_timing import TIMING
from recordings.kinds.beat_windows import BeatWindows

# P wave, QRS and most of the T wave; what comes later belongs to the next beat at fast rates.
SHAPE_FROM_S, SHAPE_TO_S = -0.25, 0.4
# Chosen on DS1 of MIT-BIH by how pure the groups are.
COMPONENTS, MOST_CLUSTERS = 10, 12
# Scales the components of a beat to the size of the logarithms of its intervals.
COMPONENT_SCALE = 4.0
EARLIEST, LATEST = -1.0, 0.5
# The smallest variance, so that no cluster shrinks to a few beats that happen to agree.
LEAST_VARIANCE = 1e-3
# In a long recording, the mixture is fitted to this many random beats; the others are assigned.
FITTED_BEATS, ROUNDS, SEED = 6000, 60, 0
# A cluster needs this many beats for its parameters to be meaningful.
BEATS_PER_CLUSTER = 10


@dataclass(frozen=True)
class Clusters:
    """The beats of one recording in groups, the largest first.

    Attributes:
        labels: (beats,) int, 0 for the largest group; -1 for a beat that has no shape.
        sizes: (clusters,) int, beats of each.
        templates: (clusters, points) float32, the median shape of each.
    """

    labels: np.ndarray
    sizes: np.ndarray
    templates: np.ndarray

    @property
    def count(self) -> int:
        return len(self.sizes)

    def means(self, values: np.ndarray) -> np.ndarray:
        """(clusters, ...) the mean of (beats, ...) values over each group's beats."""
        total = np.zeros((self.count, *values.shape[1:]))
        inside = self.labels >= 0
        np.add.at(total, self.labels[inside], values[inside])
        return total / self.sizes.reshape(-1, *(1,) * (values.ndim - 1))

    def spread(self, of_cluster: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        """(beats, ...) the value of each beat's group, `otherwise` where it has none."""
        inside = (self.labels >= 0).reshape(-1, *(1,) * (otherwise.ndim - 1))
        if self.count == 0:
            return otherwise
        return np.where(inside, of_cluster[np.maximum(self.labels, 0)], otherwise)


def find(windows: BeatWindows, timing: np.ndarray) -> Clusters:
    """Group the beats of one recording; the same beats always give the same groups.

    Args:
        windows: from `beat_windows.windows`.
        timing: (beats, measures), from `beat_timing.timing`.
    """
    labels = np.full(len(windows.whole), -1)
    most = min(MOST_CLUSTERS, int(windows.whole.sum()) // BEATS_PER_CLUSTER)
    points = _points(windows, timing) if most > 1 else None
    labels[windows.whole] = 0 if points is None else _mixture_labels(points, most)
    labels = _by_size(labels)
    sizes = np.bincount(labels[labels >= 0])
    templates = [np.median(windows.shapes[labels == one], axis=0) for one in range(len(sizes))]
    return Clusters(labels, sizes, np.reshape(templates, (len(sizes), windows.shapes.shape[1])))


def _points(windows: BeatWindows, timing: np.ndarray) -> np.ndarray:
    """(whole beats, components + 2): the features of the clustering."""
    shapes = windows.shapes[windows.whole][:, windows.between(SHAPE_FROM_S, SHAPE_TO_S)]
    components = min(COMPONENTS, *shapes.shape)
    pca = PCA(components, svd_solver="covariance_eigh").fit(_sample(shapes))
    scale = COMPONENT_SCALE / np.sqrt(shapes.shape[1])
    early = timing[windows.whole][
        :, [TIMING.index("rr_to_median"), TIMING.index("next_to_median")]
    ]
    return np.column_stack([scale * pca.transform(shapes), np.clip(early, EARLIEST, LATEST)])


def _sample(values: np.ndarray) -> np.ndarray:
    """All rows, or FITTED_BEATS of them."""
    if len(values) <= FITTED_BEATS:
        return values
    return values[np.random.default_rng(SEED).choice(len(values), FITTED_BEATS, replace=False)]


def _mixture_labels(points: np.ndarray, most: int) -> np.ndarray:
    fitted = _sample(points)
    mixtures = [_mixture(fitted, count) for count in range(1, most + 1)]
    return min(mixtures, key=lambda one: one.bic(fitted)).predict(points)


def _mixture(points: np.ndarray, clusters: int) -> GaussianMixture:
    with warnings.catch_warnings():
        # A mixture that has not converged after ROUNDS is compared by its criterion like the
        # others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(
            clusters,
            covariance_type="diag",
            reg_covar=LEAST_VARIANCE,
            max_iter=ROUNDS,
            random_state=SEED,
        ).fit(points)


def _by_size(labels: np.ndarray) -> np.ndarray:
    """The same groups, numbered from the largest; empty ones drop out."""
    names, sizes = np.unique(labels[labels >= 0], return_counts=True)
    renamed = np.full(len(labels), -1)
    for place, name in enumerate(names[np.argsort(-sizes, kind="stable")]):
        renamed[labels == name] = place
    return renamed
