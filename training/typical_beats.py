"""Typical beats of each class: real ones, since a mean of beats is like none of them."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

# Of each class at most so many kinds.
KINDS = 8
# A kind that fewer of a class's beats belong to is a stray or an artefact, not typical.
LEAST_SHARE = 0.03
SEED, ROUNDS = 0, 20


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
        found = KMeans(kinds, n_init=1, max_iter=ROUNDS, random_state=SEED).fit(beats)
    sizes = np.bincount(found.labels_, minlength=kinds)
    common = [kind for kind in np.argsort(-sizes) if sizes[kind] >= LEAST_SHARE * len(beats)]
    nearest = found.transform(beats)[:, common].argmin(axis=0)
    return beats[nearest]
