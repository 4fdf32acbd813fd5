"""Figures of a data set's beats before any network: typical course and spread of each class.

And how good beats drawn from a mixture are: no copies of training beats, not far from them, hard
to tell from them. What counts in the end is the score of a network trained with them.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors

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


FOLDS = 3
MOST_BEATS = 2000


@dataclass(frozen=True)
class MixtureQuality:
    """Drawn beats of one class against the training beats that the mixture was fitted to.

    Attributes:
        nearest_real: median Euclidean distance of a training beat to its nearest other one.
        nearest_drawn: median distance of a drawn beat to its nearest training beat.
        copies: share of drawn beats that are nearer to a training beat than 95 % of the training
            beats are to each other.
        strays: share of drawn beats that are farther from all training beats than 95 % of the
            training beats are from each other.
        auc_linear: area under the ROC curve of a logistic regression that tells real from drawn
            beats, cross-validated; 0.5 is none the wiser.
        auc_trees: the same of gradient boosted trees, which also see spreads and corners.
    """

    nearest_real: float
    nearest_drawn: float
    copies: float
    strays: float
    auc_linear: float
    auc_trees: float

    def sentence(self) -> str:
        """What it says, in words."""
        return (
            f"{self.copies:.1%} near-copies and {self.strays:.1%} strays (5 % each among real "
            f"beats); told from real ones with an AUC of {self.auc_linear:.2f} by a linear model, "
            f"{self.auc_trees:.2f} by trees"
        )


def measure(real: np.ndarray, drawn: np.ndarray, seed: int) -> MixtureQuality:
    """Compare drawn with training beats of one class.

    Args:
        real, drawn: (beats, samples) float32; as many of each are compared, 2,000 at the most.
        seed: draws the beats and the folds.
    """
    rng = np.random.default_rng(seed)
    count = min(len(real), len(drawn), MOST_BEATS)
    real, drawn = (beats[rng.permutation(len(beats))[:count]] for beats in (real, drawn))
    nearest = NearestNeighbors(n_neighbors=2).fit(real)
    among_real = nearest.kneighbors(real)[0][:, 1]
    to_real = nearest.kneighbors(drawn)[0][:, 0]
    near, far = np.quantile(among_real, (0.05, 0.95))
    return MixtureQuality(
        nearest_real=float(np.median(among_real)),
        nearest_drawn=float(np.median(to_real)),
        copies=float((to_real < near).mean()),
        strays=float((to_real > far).mean()),
        auc_linear=_auc(LogisticRegression(max_iter=500), real, drawn, seed),
        auc_trees=_auc(HistGradientBoostingClassifier(max_iter=50), real, drawn, seed),
    )


def _auc(classifier, real: np.ndarray, drawn: np.ndarray, seed: int) -> float:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    truth = np.repeat([0, 1], [len(real), len(drawn)])
    beats = np.concatenate([real, drawn])
    return float(cross_val_score(classifier, beats, truth, cv=folds, scoring="roc_auc").mean())
