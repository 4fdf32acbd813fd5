"""What a set of labelled beats looks like, in numbers: shapes, lengths, embedding, records."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from heartbeats.beat_set import BeatSet

# Past the point where fewer of a class's beats go on than this share, the mean is of a few only.
ENOUGH = 0.1


@dataclass(frozen=True)
class Shape:
    """The typical course of one class.

    Attributes:
        times_s: (samples,) from the R peak that a beat starts at.
        mean: (samples,) over the beats that have not ended yet.
        low, high: (samples,) the 10th and the 90th percentile of them.
    """

    times_s: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Embedding:
    """The first two principal components.

    Attributes:
        points: (beats, 2).
        explained: (2,) the share of the variance that each explains.
    """

    points: np.ndarray
    explained: np.ndarray


def shape_of_class(beats: BeatSet, label: int) -> Shape | None:
    """Mean and spread of a class; None where it has no beats.

    The zeros behind a beat's end are padding and are left out.
    """
    own = np.flatnonzero(beats.labels == label)
    if not len(own):
        return None
    one_class = beats.select(own)
    lengths = one_class.beat_lengths()
    longest = int(np.percentile(lengths, 100 * (1 - ENOUGH)))
    by_time = np.ascontiguousarray(one_class.signals[:, :longest].T)
    courses = [values[lengths > time] for time, values in enumerate(by_time)]
    spread = np.array([np.percentile(values, [10, 90]) for values in courses if len(values)])
    mean = np.array([values.mean() for values in courses if len(values)])
    times_s = np.arange(len(mean)) / beats.sampling_hz
    return Shape(times_s, mean, *spread.reshape(-1, 2).T)


def embed(beats: BeatSet) -> Embedding:
    """Principal components of all beats, each feature centred and not rescaled."""
    pca = PCA(2, svd_solver="covariance_eigh")
    points = pca.fit_transform(np.asarray(beats.signals))
    return Embedding(points, pca.explained_variance_ratio_)


def draw(beats: BeatSet, per_class: int, seed: int) -> np.ndarray:
    """Positions of up to `per_class` beats of each class, drawn without replacement."""
    rng = np.random.default_rng(seed)
    drawn = [
        rng.permutation(np.flatnonzero(beats.labels == label))[:per_class]
        for label in range(len(beats.class_names))
    ]
    return np.concatenate(drawn)


def classes_by_record(beats: BeatSet) -> tuple[np.ndarray, np.ndarray]:
    """The records, which must be known, and the (records, classes) numbers of their beats."""
    assert beats.records is not None
    records, places = np.unique(beats.records, return_inverse=True)
    counts = np.zeros((len(records), len(beats.class_names)), int)
    np.add.at(counts, (places, np.asarray(beats.labels)), 1)
    return records, counts
