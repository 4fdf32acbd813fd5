"""Which labels a study may use when it pretends that only a fraction of them is known."""

from dataclasses import dataclass

import numpy as np

from heartbeats.beat_set import BeatSet
from utils.errors import InputError


@dataclass(frozen=True)
class LabelledPart:
    """The beats whose labels are used.

    Attributes:
        positions: (beats,) int, ascending, positions in the beats they were drawn from.
        units: how many patients, or beats where no patient is known, they are of.
        of_units: how many of these there were to draw from.
    """

    positions: np.ndarray
    units: int
    of_units: int


def draw(beats: BeatSet, fraction: float, *, by_patient: bool, seed: int) -> LabelledPart:
    """A fraction of the patients with all their beats, or a fraction of the beats.

    The classes keep their shares as far as whole patients allow, and every class that `beats` has
    is there: where the fraction is too small for that, more patients are used than it says. With
    the same seed a smaller fraction lies within a larger one.

    Args:
        beats: what to draw from, the training part.
        fraction: above 0, at most 1.
        by_patient: whether whole patients are drawn.
        seed: draws them.

    Raises:
        InputError: fewer than two classes occur.
    """
    labels = np.asarray(beats.labels, int)
    if len(np.unique(labels)) < 2:
        found = ", ".join(beats.class_names[label] for label in np.unique(labels)) or "none"
        raise InputError(
            f"the training part of '{beats.name}' has beats of two classes at least; found: "
            f"{found}; check the labels of the data set, or use another"
        )
    owners = np.arange(len(labels))
    if by_patient:
        assert beats.patients is not None
        owners = np.unique(beats.patients, return_inverse=True)[1].reshape(-1)
    has = np.zeros((int(owners.max()) + 1, len(beats.class_names)), bool)
    has[owners, labels] = True
    order = _order(has, np.random.default_rng(seed))
    units = max(round(fraction * len(order)), _fewest(has[order]))
    return LabelledPart(np.flatnonzero(np.isin(owners, order[:units])), units, len(order))


def repeat(positions: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """(count,) of the positions, none a time more than another by two or more."""
    rng = np.random.default_rng(seed)
    rounds = -(-count // len(positions))
    return np.concatenate([rng.permutation(positions) for _ in range(rounds)])[:count]


def _order(has: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(units,) the order to draw units in, whose every beginning holds the classes' shares.

    A unit counts for the rarest class that it has; the first of each class go first of all.

    Args:
        has: (units, classes) bool.
    """
    holders = has.sum(axis=0)
    kind = np.where(has, holders, len(has) + 1).argmin(axis=1)
    turn = np.empty(len(has))
    for one in np.unique(kind):
        of_kind = rng.permutation(np.flatnonzero(kind == one))
        turn[of_kind] = (np.arange(len(of_kind)) + rng.random()) / len(of_kind)
        turn[of_kind[0]] = -1
    return np.lexsort((rng.random(len(has)), turn))


def _fewest(has: np.ndarray) -> int:
    """How many of the first units it takes to see every class that occurs."""
    return int(has.argmax(axis=0)[has.any(axis=0)].max()) + 1
