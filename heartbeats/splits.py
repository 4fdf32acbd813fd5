"""Protocols: which beats train, which validate, and which are the test set, read at the end.

Training programs call `development`, which gives no test beat. Only evaluation calls `held_out`.
"""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from heartbeats import mitdb
from heartbeats.beat_set import BeatSet
from utils.errors import InputError

# What each protocol asks, in the words that reports print.
PROTOCOLS = {
    "kaggle": "split by beat, Kaggle's test set: every patient is in training and in test",
    "patients": "split by patient: nobody is in training and in test",
}
# Shares of the patients of data sets that publish no split of their own.
TEST_FOLDS = 4
VALIDATION_FOLDS = 5


def development(
    beats: BeatSet, protocol: str, *, seed: int, validation_share: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training and of the validation beats.

    Under `kaggle`, validation is a stratified share of the training beats. Under `patients` it is
    a fifth of the training patients, whole, chosen so that the class shares agree.

    Args:
        beats: a whole data set, as the catalog gives it.
        protocol: a key of PROTOCOLS that the data set allows.
        seed: draws the validation beats or patients; the test set does not depend on it.
        validation_share: the share of training beats that validate, under `kaggle` alone.

    Raises:
        InputError: the data set has no such protocol.
    """
    _check(beats, protocol)
    if protocol == "kaggle":
        assert beats.official_test is not None
        rest = np.flatnonzero(~beats.official_test)
        train, validation = train_test_split(
            rest, test_size=validation_share, random_state=seed, stratify=beats.labels[rest]
        )
        return np.sort(train), np.sort(validation)
    return _split_by_patient(beats, _development_by_patient(beats), VALIDATION_FOLDS, seed)


def held_out(beats: BeatSet, protocol: str) -> np.ndarray:
    """Positions of the test beats: fixed by the protocol, independent of any seed."""
    _check(beats, protocol)
    if protocol == "kaggle":
        assert beats.official_test is not None
        return np.flatnonzero(beats.official_test)
    if beats.name == "mitbih":
        assert beats.records is not None
        return np.flatnonzero(np.isin(beats.records, mitdb.DS2))
    everything = np.arange(len(beats))
    return _split_by_patient(beats, everything, TEST_FOLDS, seed=0)[1]


def few(beats: BeatSet, positions: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """`count` of the `positions`, drawn by class so that the class shares stay."""
    chosen, _rest = train_test_split(
        positions, train_size=count, random_state=seed, stratify=beats.labels[positions]
    )
    return np.sort(chosen)


def allowed(beats: BeatSet) -> list[str]:
    """The protocols that this data set can be split by, the customary one first."""
    by_beat = ["kaggle"] if beats.official_test is not None else []
    return by_beat + (["patients"] if beats.patients is not None else [])


def _check(beats: BeatSet, protocol: str) -> None:
    if protocol not in allowed(beats):
        raise InputError(
            f"protocol '{protocol}' does not fit the data set '{beats.name}' as it was found; "
            f"it allows: {', '.join(allowed(beats))}"
            + (
                ". Kaggle's CSV files name no patients; the raw records do "
                "(`python -m heartbeats.download mitdb`)"
                if beats.patients is None
                else ""
            )
        )


def _development_by_patient(beats: BeatSet) -> np.ndarray:
    """Positions of all beats of the patients who are not in the test set."""
    test = held_out(beats, "patients")
    assert beats.patients is not None and beats.records is not None
    usable = ~np.isin(beats.patients, np.unique(beats.patients[test]))
    if beats.name == "mitbih":  # record 201 of DS1 is left out here: it is the person of 202
        usable &= np.isin(beats.records, mitdb.DS1)
    return np.flatnonzero(usable)


def _split_by_patient(
    beats: BeatSet, positions: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    assert beats.patients is not None
    folder = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    labels, patients = np.asarray(beats.labels[positions]), beats.patients[positions]
    choices = list(folder.split(positions, labels, patients))
    # Few patients hold most beats of a rare class, so some folds lack it: take the evenest one.
    first, second = min(choices, key=lambda choice: _unevenness(labels, choice[1], folds))
    return positions[first], positions[second]


def _unevenness(labels: np.ndarray, chosen: np.ndarray, folds: int) -> float:
    """How far the share of each class that `chosen` holds lies from one over `folds`, summed."""
    whole = np.bincount(labels)
    part = np.bincount(labels[chosen], minlength=len(whole))
    present = whole > 0
    return float(np.abs(part[present] / whole[present] - 1 / folds).sum())
