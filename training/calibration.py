"""Fits what `models.calibration` judges predictions by, to training and validation beats.

Training beats say what the network knows, validation beats how far from it a known beat may lie
and how sure the network must be. Test beats have no part in it.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.backend import keras
from models.calibration import (
    VIEWS,
    Calibration,
    OodScorer,
    View,
    change_sizes,
    combined,
    directions,
    save,
)
from models.checkpoints import Checkpoint
from models.predictor import predict_with_embedding

# Training beats that are drawn at random, and the fewest of each class, where it has as many.
TRAINING_BEATS, BEATS_OF_A_CLASS = 4000, 150
# As many validation beats as training beats, within these bounds: fewer say little of
# a network that seldom errs, and a short training should not wait long for its calibration.
FEWEST_VALIDATION, MOST_VALIDATION = 2000, 10_000
SEED = 0
# Directions and centres of each view. They and the views were chosen on validation beats
# (`python -m experiments.out_of_distribution.out_of_distribution`).
COMPONENTS = 32
CENTRES = {"shape": 512, "changes": 64, "embedding": 256}
# After three rounds of k-means the score tells strange beats apart as well as after thirty.
ROUNDS = 3
# The share of the validation beats that lie above the limit. MIT-BIH has about as many beats under
# electrode noise or beside a wrong mark, so a smaller share would call such beats known.
FALSE_ALARMS = 0.01
# Neither zero nor lost in half precision.
LEAST_SPREAD = 1e-3
LEAST_BEATS = 2
# What a beat that somebody must look at costs, in wrong classes that nobody looked at. With it, a
# beat is uncertain where about one in ten of its like is wrong, whatever the network's error.
LOOK_COST = 0.1
# Below it another class, or all others together, may be as likely.
LEAST_THRESHOLD = 0.5
# Where the network errs so often that every beat is uncertain, also those of probability 1.
ABOVE_ALL = 1 + 1e-6
# The most kinds of typical beats that a class has.
KINDS = 8
# A kind that fewer of a class's beats belong to is a stray or an artefact, not typical.
LEAST_SHARE = 0.03
TYPICAL_SEED, TYPICAL_ROUNDS = 0, 20


@dataclass(frozen=True, eq=False)
class Fitted:
    """A calibration, and the figures on it that a checkpoint's JSON has."""

    calibration: Calibration
    figures: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Described:
    """Beats, and what the network makes of them.

    Attributes:
        signals: (beats, samples) float32.
        labels: (beats,) int.
        probabilities: (beats, classes).
        views: name in `models.calibration.VIEWS` -> (beats, values) float32.
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
    """The calibration of a trained network.

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
    sure = fit_certainty(known.probabilities, known.labels)
    views, limit = fit_views(learned.views, known.views)
    found = Calibration(sure.uncertain_below, *beats, OodScorer(**views, limit=limit))
    return Fitted(found, _figures(found, sure, learned, known, train.class_names))


def keep(fitted: Fitted, checkpoint: Checkpoint) -> bool:
    """Put the calibration beside its checkpoint; False where another has come in its place."""
    return checkpoints.add_calibration(
        checkpoint, fitted.figures, lambda file: save(fitted.calibration, file)
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


# How sure the network must be.


@dataclass(frozen=True)
class Certainty:
    """A threshold, and what it does to the beats that it was fitted on.

    Attributes:
        uncertain_below: top probabilities below it are uncertain.
        beats, errors: of how many beats the network took how many for a wrong class.
        uncertain_beats, uncertain_errors: how many of these lie below the threshold.
    """

    uncertain_below: float
    beats: int
    errors: int
    uncertain_beats: int
    uncertain_errors: int

    def figures(self) -> dict[str, float | int]:
        """What a checkpoint's JSON has; an error of no beats is 0."""
        certain = self.beats - self.uncertain_beats
        return {
            "uncertain_below": self.uncertain_below,
            "look_cost": LOOK_COST,
            "beats": self.beats,
            "certain_share": round(certain / self.beats, 6),
            "error": round(self.errors / self.beats, 6),
            "error_of_certain": round((self.errors - self.uncertain_errors) / max(certain, 1), 6),
            "error_of_uncertain": round(self.uncertain_errors / max(self.uncertain_beats, 1), 6),
        }


def fit_certainty(probabilities: np.ndarray, labels: np.ndarray) -> Certainty:
    """The threshold that costs least on these beats (Chow CK, IEEE Trans Inf Theory 16:41, 1970).

    A bound on the error of the certain beats (Geifman & El-Yaniv, 2017) has no threshold for a
    network that is surely wrong on some new patients, and flags nothing where a network is good.

    Args:
        probabilities: (beats, classes), of beats that did not train the network.
        labels: (beats,) int, their classes; at least one beat.
    """
    top, wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != labels
    order = np.argsort(top)
    steps = np.unique(top)
    # Beats below each step, and below a last one above them all.
    below = np.append(np.searchsorted(top[order], steps), len(top))
    errors_below = np.append(0, np.cumsum(wrong[order]))[below]
    costs = wrong.sum() - errors_below + LOOK_COST * below
    threshold = _between(steps, int(costs.argmin()))
    uncertain = top < threshold
    return Certainty(
        threshold, len(top), int(wrong.sum()), int(uncertain.sum()), int(wrong[uncertain].sum())
    )


def _between(steps: np.ndarray, place: int) -> float:
    """A threshold below the `place`-th of the ascending steps and above the one before it."""
    if place == len(steps):
        return ABOVE_ALL
    if place == 0:
        return LEAST_THRESHOLD
    return max(LEAST_THRESHOLD, (float(steps[place - 1]) + float(steps[place])) / 2)


# The typical beats of each class.


def typical(
    signals: np.ndarray, labels: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The beat nearest to the middle of each of a class's kinds, as k-means finds them.

    Args:
        signals: (beats, samples) float32, training beats.
        labels: (beats,) int.
        right: (beats,) bool, which of them the network takes for their class; beats that it takes
            for another are typical only where a class has no others.

    Returns:
        (typical, samples) float32 and (typical,) uint8, by class and the commonest kind first.
    """
    found_signals, found_labels = [], []
    for label in np.unique(labels):
        of_class = labels == label
        beats = signals[of_class & right] if (of_class & right).any() else signals[of_class]
        found = _middles(beats)
        found_signals.append(found)
        found_labels.append(np.full(len(found), label, np.uint8))
    return np.concatenate(found_signals), np.concatenate(found_labels)


def _middles(beats: np.ndarray) -> np.ndarray:
    """(kinds, samples) of (beats, samples): of each kind a beat, the commonest kind first."""
    kinds = min(KINDS, len(np.unique(beats, axis=0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near twins among few beats
        found = KMeans(kinds, n_init=1, max_iter=TYPICAL_ROUNDS, random_state=TYPICAL_SEED).fit(
            beats
        )
    sizes = np.bincount(found.labels_, minlength=kinds)
    common = [kind for kind in np.argsort(-sizes) if sizes[kind] >= LEAST_SHARE * len(beats)]
    nearest = found.transform(beats)[:, common].argmin(axis=0)
    return beats[nearest]


# How far from the training beats a known beat may lie.


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
        centres: how many at most.
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


def _figures(
    found: Calibration,
    sure: Certainty,
    learned: Described,
    known: Described,
    class_names: tuple[str, ...],
) -> dict[str, Any]:
    counts = np.bincount(found.typical_labels, minlength=len(class_names))
    return {
        "training_beats": len(learned),
        "validation_beats": len(known),
        "certainty": sure.figures(),
        "out_of_distribution": {"false_alarms": FALSE_ALARMS, "views": list(VIEWS)},
        "typical_beats": dict(zip(class_names, counts.tolist(), strict=True)),
    }
