"""The kind of every beat of a recording, from the network, timing, shape and clusters together.

The network sees a beat's waves and no other beat; timing and shape compare it with its recording.
Their odds are multiplied (a logarithmic opinion pool: Genest C, Zidek JV, Stat Sci 1(1):114-135,
1986).

A beat is of unknown kind if its shape is odd, if its class is uncertain, or if its cluster is
small and uncertain. A shape is odd if the few principal components that reconstruct the usual
beats of its recording do not reconstruct it. The recording is its own reference: on DS1 of
MIT-BIH, components of other people's normal beats were much worse at finding wrongly classified
beats.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.decomposition import PCA

from heartbeats.beat_set import AAMI_CLASSES
from recordings.kinds import evidence
from recordings.kinds.beat_windows import BeatWindows
from recordings.kinds.clusters import SHAPE_FROM_S, SHAPE_TO_S, Clusters
from recordings.kinds.evidence import Evidence, RecordingView

N, S, V, F, Q = range(len(AAMI_CLASSES))
# Limit of the network's log odds, since networks are overconfident.
MOST_LOG_ODDS = 4.0
PROBABILITY_FLOOR = 1e-6

# Principal components are fitted to the beats nearest to the median beat, since the others may be
# the odd ones.
COMPONENTS, BEATS_PER_COMPONENT, USUAL_SHARE = 5, 10, 0.9
LEAST_BEATS = 3
FITTED_BEATS, SEED = 6000, 0
# The limits were set on DS1 of MIT-BIH, leaving out patients in turn, so that about 5 % of the
# beats are unknown. Most of the largest errors are noise on beats that are still known.
MOST_ERROR = 0.15
UNSURE_BELOW = 0.8
SMALL_SHARE, LEAST_CLUSTER_PROBABILITY = 0.05, 0.8


@dataclass(frozen=True)
class Weights:
    """Weight of the network relative to timing and shape, 1 meaning equal weight.

    Attributes:
        ventricular, supraventricular: factors of its log odds.
        fusion: the share of its probability of fusion beats that is kept, since timing and shape
            do not know them.
    """

    ventricular: float
    supraventricular: float
    fusion: float


# By `python -m experiments.recorded_beats.weigh_network`, on patients of DS1 that did not train
# the network: accuracy and F1 of V, none above 1, since they had selected it. It did not help with
# S. DS1 has too few people with fusion beats to choose by, and half keeps the accuracy.
WEIGHTS = Weights(1.0, 0.0, 0.5)


@dataclass(frozen=True)
class BeatKinds:
    """The beats of one recording.

    Attributes:
        probabilities: (beats, 5) float64 of the AAMI classes N, S, V, F and Q.
        labels: (beats,) int, the cluster of each, 0 being the largest; -1 where it has none.
        classes: (beats,) str, the class with the largest mean probability in its cluster, its own
            class where it has no cluster.
        unknown: (beats,) bool, whether it is odd: see `find_unknown`.
        anomaly: (beats,) float64, how much of its shape the recording's usual shapes leave
            unexplained, in usual beat heights; NaN for a beat that has no shape.
        odd_clusters: (clusters,) bool.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    unknown: np.ndarray
    anomaly: np.ndarray
    odd_clusters: np.ndarray


def judge(
    signal_mv: np.ndarray,
    sampling_hz: float,
    r_peaks: np.ndarray,
    network: np.ndarray,
    *,
    usable: np.ndarray | None = None,
    breaks: np.ndarray | None = None,
) -> BeatKinds:
    """Classify all beats of a recording.

    Args:
        signal_mv: (samples,) one lead, best lead II, millivolts, NaN where nothing was recorded.
        sampling_hz: samples per second.
        r_peaks: (beats,) int, ascending sample indices.
        network: (beats, 5) probabilities, from `classify.RecordingClassifier`.
        usable: (beats,) bool; the others take no part in clusters and are unknown. All by default.
        breaks: ascending samples at which gaps of the recording begin.
    """
    seen = evidence.view(signal_mv, sampling_hz, r_peaks, usable=usable, breaks=breaks)
    return judge_view(seen, network, evidence.of_view(seen))


def judge_view(seen: RecordingView, network: np.ndarray, of_beats: Evidence) -> BeatKinds:
    """The same for a `RecordingView` and its evidence."""
    probabilities = combine(network, of_beats)
    odd = find_unknown(seen.windows, seen.clusters, probabilities)
    return BeatKinds(
        probabilities,
        seen.clusters.labels,
        cluster_classes(seen.clusters, probabilities),
        odd.beats,
        odd.anomaly,
        odd.odd_clusters,
    )


def combine(network: np.ndarray, of_beats: Evidence, weights: Weights = WEIGHTS) -> np.ndarray:
    """(beats, 5) float64 probabilities from those of the network and the other evidence."""
    sure = np.maximum(np.asarray(network, float), PROBABILITY_FLOOR)
    says_v = _log_odds(sure[:, V], sure[:, N] + sure[:, S])
    says_s = _log_odds(sure[:, S], sure[:, N])
    is_v = expit(of_beats.ventricular + weights.ventricular * says_v)
    is_s = expit(of_beats.supraventricular + weights.supraventricular * says_s)
    fusion, other = weights.fusion * sure[:, F], sure[:, Q]
    rest = 1 - fusion - other
    parts = ((1 - is_v) * (1 - is_s) * rest, (1 - is_v) * is_s * rest, is_v * rest, fusion, other)
    return np.column_stack(parts)


def cluster_classes(clusters: Clusters, probabilities: np.ndarray) -> np.ndarray:
    """(beats,) str: the class with the largest mean probability over the beat's cluster."""
    return np.array(AAMI_CLASSES)[labels_by_cluster(clusters, probabilities)]


def labels_by_cluster(clusters: Clusters, probabilities: np.ndarray) -> np.ndarray:
    """(beats,) int: the label with the largest mean probability over the beat's cluster."""
    return clusters.spread(clusters.means(probabilities), probabilities).argmax(axis=1)


def _log_odds(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.clip(np.log(yes) - np.log(no), -MOST_LOG_ODDS, MOST_LOG_ODDS)


# Unknown beats


@dataclass(frozen=True)
class Unknown:
    """The unknown beats of a recording.

    Attributes:
        beats: (beats,) bool, whether a beat is of unknown kind.
        anomaly: (beats,) float64, reconstruction error; NaN for a beat without a shape.
        odd_clusters: (clusters,) bool.
    """

    beats: np.ndarray
    anomaly: np.ndarray
    odd_clusters: np.ndarray


def find_unknown(windows: BeatWindows, clusters: Clusters, probabilities: np.ndarray) -> Unknown:
    """Find the beats of unknown kind and the odd clusters.

    Args:
        windows: from `beat_windows.windows`.
        clusters: from `clusters.find`.
        probabilities: (beats, classes) of each beat.
    """
    anomaly = reconstruction_error(windows)
    odd = odd_clusters(clusters, probabilities)
    in_odd = clusters.spread(odd, np.ones(len(anomaly), bool))
    unsure = probabilities.max(axis=1, initial=0) < UNSURE_BELOW
    # NaN, where there is no shape, counts as unknown too.
    return Unknown(in_odd | unsure | ~(anomaly <= MOST_ERROR), anomaly, odd)


def odd_clusters(clusters: Clusters, probabilities: np.ndarray) -> np.ndarray:
    """(clusters,) bool: small ones whose beats are not all clearly of one class."""
    if clusters.count == 0:
        return np.zeros(0, bool)
    share = clusters.sizes / clusters.sizes.sum()
    return (share < SMALL_SHARE) & (
        clusters.means(probabilities).max(axis=1) < LEAST_CLUSTER_PROBABILITY
    )


def reconstruction_error(windows: BeatWindows) -> np.ndarray:
    """(beats,) float64: root mean square error of the components, in usual beat heights.

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


def _components(usual: np.ndarray) -> np.ndarray:
    """(components, points); none if there are too few beats to tell them from noise."""
    count = min(COMPONENTS, len(usual) // BEATS_PER_COMPONENT)
    if count == 0:
        return np.empty((0, usual.shape[1]))
    return PCA(count, svd_solver="covariance_eigh").fit(usual).components_


def _usual(shapes: np.ndarray) -> np.ndarray:
    """The beats nearest to the median beat, a sample of them if there are many."""
    if len(shapes) > FITTED_BEATS:
        rng = np.random.default_rng(SEED)
        shapes = shapes[rng.choice(len(shapes), FITTED_BEATS, replace=False)]
    distance = np.mean((shapes - np.median(shapes, axis=0)) ** 2, axis=1)
    return shapes[distance <= np.quantile(distance, USUAL_SHARE)]
