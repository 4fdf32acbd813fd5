"""Beats that nobody should take at their class: strange, unsure, or in a strange company.

A beat is strange where the few principal components that rebuild its recording's usual beats do
not rebuild it. A recording is its own measure: on DS1 of MIT-BIH, components of other people's
normal beats told wrongly classified beats apart far worse.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from recordings.kinds.beat_windows import BeatWindows
from recordings.kinds.clusters import SHAPE_FROM_S, SHAPE_TO_S, Clusters

# Fitted to the beats nearest to the median beat; the others may be what is to be found.
COMPONENTS, BEATS_PER_COMPONENT, USUAL_SHARE = 5, 10, 0.9
LEAST_BEATS = 3
FITTED_BEATS, SEED = 6000, 0
# The limits were set on DS1 of MIT-BIH, patients left out in turn, so that some 5 of 100 beats are
# unknown. Of the largest errors, most are noise on beats that are still known.
MOST_ERROR = 0.15
LEAST_PROBABILITY = 0.8
SMALL_SHARE, LEAST_CLUSTER_PROBABILITY = 0.05, 0.8


@dataclass(frozen=True)
class Unknown:
    """What is odd about the beats of a recording.

    Attributes:
        beats: (beats,) bool, whether a beat is of unknown kind.
        anomaly: (beats,) float64, root mean square of what the components leave, in usual beat
            heights; NaN for a beat without a shape.
        odd_clusters: (clusters,) bool.
    """

    beats: np.ndarray
    anomaly: np.ndarray
    odd_clusters: np.ndarray


def reconstruction_error(windows: BeatWindows) -> np.ndarray:
    """(beats,) float64: what is left of each beat, in usual beat heights.

    NaN for a beat without a shape, and for all where there are too few beats to compare.
    """
    error = np.full(len(windows.whole), np.nan)
    if windows.whole.sum() >= LEAST_BEATS:
        shapes = windows.shapes[windows.whole][:, windows.between(SHAPE_FROM_S, SHAPE_TO_S)]
        usual = _usual(shapes)
        level = shapes - usual.mean(axis=0)
        basis = _components(usual)
        error[windows.whole] = np.sqrt(np.mean((level - level @ basis.T @ basis) ** 2, axis=1))
    return error


def flag(windows: BeatWindows, clusters: Clusters, probabilities: np.ndarray) -> Unknown:
    """Say which beats and clusters are odd.

    Args:
        windows: from `beat_windows.windows`.
        clusters: from `clusters.find`.
        probabilities: (beats, classes), what each beat is taken for.
    """
    anomaly = reconstruction_error(windows)
    odd = odd_clusters(clusters, probabilities)
    in_odd = clusters.spread(odd, np.ones(len(anomaly), bool))
    unsure = probabilities.max(axis=1, initial=0) < LEAST_PROBABILITY
    # NaN, where there was no beat to see, is not known either.
    return Unknown(in_odd | unsure | ~(anomaly <= MOST_ERROR), anomaly, odd)


def odd_clusters(clusters: Clusters, probabilities: np.ndarray) -> np.ndarray:
    """(clusters,) bool: small ones whose beats are not all clearly of one class."""
    if clusters.count == 0:
        return np.zeros(0, bool)
    share = clusters.sizes / clusters.sizes.sum()
    return (share < SMALL_SHARE) & (
        clusters.means(probabilities).max(axis=1) < LEAST_CLUSTER_PROBABILITY
    )


def _components(usual: np.ndarray) -> np.ndarray:
    """(components, points); none where so few beats could not tell them from noise."""
    count = min(COMPONENTS, len(usual) // BEATS_PER_COMPONENT)
    if count == 0:
        return np.empty((0, usual.shape[1]))
    return PCA(count, svd_solver="covariance_eigh").fit(usual).components_


def _usual(shapes: np.ndarray) -> np.ndarray:
    """The beats nearest to the median beat, or so many of them."""
    if len(shapes) > FITTED_BEATS:
        rng = np.random.default_rng(SEED)
        shapes = shapes[rng.choice(len(shapes), FITTED_BEATS, replace=False)]
    distance = np.mean((shapes - np.median(shapes, axis=0)) ** 2, axis=1)
    return shapes[distance <= np.quantile(distance, USUAL_SHARE)]
