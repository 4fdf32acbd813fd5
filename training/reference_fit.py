"""Fits what `models.reference` judges predictions by, to training and validation beats.

Training beats say what the network knows, validation beats how far from it a known beat may lie
and how sure the network must be. Test beats have no part in it.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from evaluation import certainty
from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.checkpoints import Checkpoint
from models.inference import predict_with_embedding
from models.reference import (
    VIEWS,
    Reference,
    View,
    change_sizes,
    combined,
    directions,
    save,
)
from training.typical_beats import typical

# So many training beats, drawn at random, and of each class at least so many where it has them.
TRAINING_BEATS, BEATS_OF_A_CLASS = 4000, 150
# As many validation beats as training beats, but at least and at most so many: fewer say little of
# a network that seldom errs, and a short training should not wait long for its reference.
FEWEST_VALIDATION, MOST_VALIDATION = 2000, 10_000
SEED = 0
# Directions and centres of each view. They and the views were chosen on validation beats
# (`python -m studies.out_of_distribution`).
COMPONENTS = 32
CENTRES = {"shape": 512, "changes": 64, "embedding": 256}
# After three rounds of k-means the score tells strange beats apart as well as after thirty.
ROUNDS = 3
# So many of the validation beats lie above the limit. MIT-BIH has about as many beats under
# electrode noise or beside a wrong mark, so a smaller share would call such beats known.
FALSE_ALARMS = 0.01
# Neither zero nor lost in half precision.
LEAST_SPREAD = 1e-3
LEAST_BEATS = 2


@dataclass(frozen=True, eq=False)
class Fitted:
    """A reference, and the figures on it that a checkpoint's JSON tells."""

    reference: Reference
    figures: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Described:
    """Beats, and what the network says of them.

    Attributes:
        signals: (beats, samples) float32.
        labels: (beats,) int.
        probabilities: (beats, classes).
        views: name in `models.reference.VIEWS` -> (beats, values) float32.
    """

    signals: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    views: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.signals)

    def select(self, positions: np.ndarray) -> "Described":
        """The beats at these positions."""
        views = {name: values[positions] for name, values in self.views.items()}
        chosen = (self.signals[positions], self.labels[positions], self.probabilities[positions])
        return Described(*chosen, views)


def fit(model: keras.Model, train: BeatSet, validation: BeatSet) -> Fitted | None:
    """The reference of a trained network.

    Args:
        model: from `models.*.build`, with the weights that are to be judged.
        train: the beats that it learned from, or a part of them.
        validation: beats that it did not learn from.

    Returns:
        None where fewer than two beats of either kind give finite numbers.
    """
    most = int(np.clip(len(train), FEWEST_VALIDATION, MOST_VALIDATION))
    validating = _some(np.arange(len(validation)), most)
    learned, known = describe(model, train.select(chosen(train)), validation.select(validating))
    if min(len(learned), len(known)) < LEAST_BEATS:
        return None
    right = learned.probabilities.argmax(axis=1) == learned.labels
    beats = typical(learned.signals, learned.labels, right)
    sure = certainty.fit(known.probabilities, known.labels)
    views, limit = fit_views(learned.views, known.views)
    reference = Reference(sure.uncertain_below, *beats, **views, limit=limit)
    return Fitted(reference, _figures(reference, sure, learned, known, train.class_names))


def keep(fitted: Fitted, checkpoint: Checkpoint) -> bool:
    """Put the reference beside its checkpoint; False where another has come in its place."""
    return checkpoints.add_reference(
        checkpoint, fitted.figures, lambda file: save(fitted.reference, file)
    )


def describe(model: keras.Model, *parts: BeatSet) -> list[Described]:
    """Those of each part's beats that give finite numbers.

    All go through the network together, since a network's first prediction takes longest.
    """
    signals = np.concatenate([np.asarray(part.signals, np.float32) for part in parts])
    labels = np.concatenate([np.asarray(part.labels, int) for part in parts])
    probabilities, embeddings = predict_with_embedding(model, signals, parts[0].sampling_hz)
    views = {
        "shape": signals,
        "changes": change_sizes(signals),
        "embedding": directions(embeddings),
    }
    finite = np.isfinite(probabilities).all(axis=1)
    for values in views.values():
        finite &= np.isfinite(values).all(axis=1)
    whole = Described(signals, labels, probabilities, views)
    ends = np.cumsum([len(part) for part in parts])
    places = np.split(np.arange(len(signals)), ends[:-1])
    return [whole.select(positions[finite[positions]]) for positions in places]


def fit_views(
    learned: dict[str, np.ndarray], known: dict[str, np.ndarray]
) -> tuple[dict[str, Any], float]:
    """The views of training beats, and the limit that FALSE_ALARMS of the known beats exceed."""
    views = {
        name: measured(place(learned[name], CENTRES[name], name == "changes"), known[name])
        for name in VIEWS
    }
    excess = combined(*(views[name].excess(known[name]) for name in VIEWS))
    return views, max(float(np.quantile(excess, 1 - FALSE_ALARMS)), LEAST_SPREAD)


def place(values: np.ndarray, centres: int, standardised: bool) -> View:
    """Where (beats, values) lie; how far from there is usual, `measured` must say.

    Args:
        values: one view of training beats.
        centres: at most so many.
        standardised: whether each value is brought to unit variance first.
    """
    mean = values.mean(axis=0)
    scale = np.maximum(values.std(axis=0), LEAST_SPREAD) if standardised else np.ones_like(mean)
    placed = (values - mean) / scale
    count = min(COMPONENTS, len(values) - 1, values.shape[1])
    with np.errstate(invalid="ignore"):  # the share that a component explains of no variance
        components = PCA(count, random_state=SEED).fit(placed).components_.T.astype(np.float32)
    return View(mean, scale, components, _centres(placed @ components, centres), 0.0, 1.0)


def _centres(rows: np.ndarray, most: int) -> np.ndarray:
    count = min(most, len(np.unique(rows, axis=0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near twins among few beats
        found = KMeans(count, n_init=1, max_iter=ROUNDS, random_state=SEED).fit(rows)
    return found.cluster_centers_.astype(np.float32)


def measured(view: View, known: np.ndarray) -> View:
    """The view with the usual distance of known beats, after the rounding that its file brings."""
    rounded = {
        name: getattr(view, name).astype(np.float16).astype(np.float32)
        for name in ("components", "centres")
    }
    view = View(view.mean, view.scale, **rounded, usual=0.0, spread=1.0)
    distances = view.distances(known)
    usual = float(np.median(distances))
    # The three views share the false alarms.
    far = float(np.quantile(distances, 1 - FALSE_ALARMS / len(VIEWS)))
    return View(
        view.mean, view.scale, **rounded, usual=usual, spread=max(far - usual, LEAST_SPREAD)
    )


def chosen(train: BeatSet) -> np.ndarray:
    """Positions of beats drawn at random, with enough of each class to choose typical ones."""
    labels = np.asarray(train.labels)
    everywhere = _some(np.arange(len(train)), TRAINING_BEATS)
    of_classes = [
        _some(np.flatnonzero(labels == label), BEATS_OF_A_CLASS) for label in np.unique(labels)
    ]
    return np.unique(np.concatenate([everywhere, *of_classes]))


def _some(positions: np.ndarray, most: int) -> np.ndarray:
    if len(positions) <= most:
        return positions
    return np.sort(np.random.default_rng(SEED).choice(positions, most, replace=False))


def _figures(
    reference: Reference,
    sure: certainty.Certainty,
    learned: Described,
    known: Described,
    class_names: tuple[str, ...],
) -> dict[str, Any]:
    counts = np.bincount(reference.typical_labels, minlength=len(class_names))
    return {
        "training_beats": len(learned),
        "validation_beats": len(known),
        "certainty": sure.figures(),
        "out_of_distribution": {"false_alarms": FALSE_ALARMS, "views": list(VIEWS)},
        "typical_beats": dict(zip(class_names, counts.tolist(), strict=True)),
    }
