"""Protocols: which beats train, which validate, and which are the test set, read at the end.

Training programs call `development`, which gives no test beat. Only evaluation calls `held_out`.
scikit-learn and the loaders are imported where they are called: they take seconds to import, and
programs import this module before they read their arguments.
"""

from typing import Literal

import numpy as np

from heartbeats.beat_set import BeatSet
from utils.errors import InputError

# The protocol of a data set's official test set; Kaggle's for all that are not listed.
OFFICIAL_PROTOCOLS = {"ecg5000": "ucr"}
# Shares of the patients of data sets that publish no split of their own.
TEST_FOLDS = 4
VALIDATION_FOLDS = 5
# The share of the beats that protocol `beats` holds out.
TEST_SHARE = 0.2


def development(
    beats: BeatSet, protocol: str, *, seed: int, validation_share: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training and of the validation beats.

    Under `patients`, validation is the fold that the publishers meant for it, or else a fifth of
    the training patients, whole, chosen so that the class shares agree. Under the others it is a
    stratified share of the training beats.

    Args:
        beats: a whole data set, as the catalog gives it.
        protocol: a key of PROTOCOLS that the data set allows.
        seed: draws the validation beats or patients, where no published fold names them; the test
            set does not depend on it.
        validation_share: the share of training beats that validate; not under `patients`.

    Raises:
        InputError: the data set has no such protocol, or too few beats for it.
    """
    _check(beats, protocol)
    if protocol == "patients":
        return _development_by_patient(beats, seed)
    rest = np.setdiff1d(np.arange(len(beats)), held_out(beats, protocol))
    return _split_by_beat(beats, rest, validation_share, seed)


def held_out(beats: BeatSet, protocol: str) -> np.ndarray:
    """Positions of the test beats: fixed by the protocol, independent of any seed.

    Raises:
        InputError: the data set has no such protocol, or too few beats for it.
    """
    _check(beats, protocol)
    if protocol == "patients":
        return _held_out_by_patient(beats)
    if beats.official_test is not None:
        return np.flatnonzero(beats.official_test)
    return _split_by_beat(beats, np.arange(len(beats)), TEST_SHARE, seed=0)[1]


def subsample(beats: BeatSet, positions: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """A random sample of `count` of the `positions`, stratified by class.

    Args:
        beats: a whole data set.
        positions: (candidates,) int.
        count: fewer than there are positions.
        seed: draws the sample.
    """
    from sklearn.model_selection import train_test_split

    chosen, _rest = train_test_split(
        positions, train_size=count, random_state=seed, stratify=beats.labels[positions]
    )
    return np.sort(chosen)


def folds(
    beats: BeatSet,
    positions: np.ndarray,
    count: int,
    *,
    by: Literal["beats", "patients"],
    seed: int,
) -> list[np.ndarray]:
    """Divide `positions` into `count` folds with about equal class shares, for cross-validation.

    Args:
        beats: a whole data set.
        positions: what to divide, e.g. the development beats; each lands in exactly one fold.
        count: the number of folds, at least 2.
        by: ``patients`` keeps all beats of a person in one fold, ``beats`` does not.
        seed: draws the folds.

    Returns:
        the positions of each fold, in ascending order.

    Raises:
        InputError: a class has beats, but fewer of them (or of patients with them) than there are
            folds, so that a fold would lack it; or the patients are unknown.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = np.asarray(beats.labels[positions])
    _check_folds(beats, positions, count, by)
    kind = StratifiedKFold if by == "beats" else StratifiedGroupKFold
    folder = kind(count, shuffle=True, random_state=seed)
    people = None if by == "beats" else _patients(beats)[positions]
    return [
        np.sort(positions[chosen]) for _rest, chosen in folder.split(positions, labels, people)
    ]


def development_of(
    beats: BeatSet,
    positions: np.ndarray,
    *,
    by: Literal["beats", "patients"],
    validation_share: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation part of `positions`, e.g. of all folds of a division but one.

    By beats, validation is a stratified share; by patients it is a fifth of them, whole, chosen
    so that the class shares agree.

    Raises:
        InputError: too few beats or patients, or the patients are unknown.
    """
    if by == "beats":
        return _split_by_beat(beats, positions, validation_share, seed)
    if (found := len(np.unique(_patients(beats)[positions]))) < 2:
        raise InputError(
            f"training and validation need at least 2 patients of '{beats.name}' beside the "
            f"held-out fold, found {found}"
        )
    return _split_by_patient(beats, positions, VALIDATION_FOLDS, seed)


def allowed(beats: BeatSet) -> list[str]:
    """The protocols that this data set can be split by, the customary one first."""
    found = []
    if beats.official_test is not None:
        found.append(OFFICIAL_PROTOCOLS.get(beats.name, "kaggle"))
    if beats.patients is not None:
        found.append("patients")
    return found or ["beats"]


def _check(beats: BeatSet, protocol: str) -> None:
    if protocol not in allowed(beats):
        raise InputError(
            f"protocol '{protocol}' does not fit the data set '{beats.name}' as it was found; "
            f"it allows: {', '.join(allowed(beats))}"
            + (". " + _why_no_patients(beats) if protocol == "patients" else "")
        )


def _why_no_patients(beats: BeatSet) -> str:
    databases = {"mitbih": "mitdb", "ptb": "ptbdb"}
    if (database := databases.get(beats.name)) is None:
        return "Its files name no patients"
    return (
        "Kaggle's CSV files name no patients; the raw records do "
        f"(`python -m heartbeats.download {database}`)"
    )


def _patients(beats: BeatSet) -> np.ndarray:
    if beats.patients is None:
        raise InputError(f"'{beats.name}' cannot be split by patient. {_why_no_patients(beats)}")
    return np.asarray(beats.patients)


def _check_folds(beats: BeatSet, positions: np.ndarray, count: int, by: str) -> None:
    """Raise InputError unless every class that is there can be in each of the folds."""
    if count < 2:
        raise InputError(f"cross-validation needs at least 2 folds, got {count}")
    labels = np.asarray(beats.labels[positions])
    units = _patients(beats)[positions] if by == "patients" else positions
    for label in np.unique(labels):
        if (found := len(np.unique(units[labels == label]))) < count:
            way_out = f"ask for at most {found} folds" if found > 1 else "it fits no two folds"
            raise InputError(
                f"each of {count} folds needs class {beats.class_names[label]}, and the number of "
                f"{by} that have it in '{beats.name}' is {found}: {way_out}"
            )


def _split_by_beat(
    beats: BeatSet, positions: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """All but a stratified `share` of the positions, and that share."""
    from sklearn.model_selection import train_test_split

    labels = np.asarray(beats.labels[positions])
    counts = np.bincount(labels)
    if (counts == 1).any():
        lone = beats.class_names[int(np.flatnonzero(counts == 1)[0])]
        raise InputError(
            f"class {lone} of '{beats.name}' has one beat that could be split by beat; at least 2 "
            "are needed"
        )
    rest, chosen = train_test_split(positions, test_size=share, random_state=seed, stratify=labels)
    return np.sort(rest), np.sort(chosen)


def _held_out_by_patient(beats: BeatSet) -> np.ndarray:
    from heartbeats import mitdb, ptbxl

    if beats.folds is not None:
        return _published_fold(beats, ptbxl.TEST_FOLD)
    if beats.name == "mitbih":
        assert beats.records is not None
        return np.flatnonzero(np.isin(beats.records, mitdb.DS2))
    everything = np.arange(len(beats))
    return _split_by_patient(beats, everything, TEST_FOLDS, seed=0)[1]


def _development_by_patient(beats: BeatSet, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from heartbeats import mitdb, ptbxl

    if beats.folds is not None:
        validation = _published_fold(beats, ptbxl.VALIDATION_FOLD)
        train = np.flatnonzero(~np.isin(beats.folds, (ptbxl.VALIDATION_FOLD, ptbxl.TEST_FOLD)))
        return train, validation
    test = held_out(beats, "patients")
    patients = _patients(beats)
    usable = ~np.isin(patients, np.unique(patients[test]))
    if beats.name == "mitbih":  # record 201 of DS1 is left out here: it is the person of 202
        assert beats.records is not None
        usable &= np.isin(beats.records, mitdb.DS1)
    return _split_by_patient(beats, np.flatnonzero(usable), VALIDATION_FOLDS, seed)


def _published_fold(beats: BeatSet, number: int) -> np.ndarray:
    assert beats.folds is not None
    positions = np.flatnonzero(np.asarray(beats.folds) == number)
    if len(positions) == 0:
        raise InputError(
            f"no beat of '{beats.name}' is in the publishers' fold {number}, since only some of "
            f"the records are there; fetch more (`python -m heartbeats.download {beats.name}`)"
        )
    return positions


def _split_by_patient(
    beats: BeatSet, positions: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import StratifiedGroupKFold

    labels, patients = np.asarray(beats.labels[positions]), _patients(beats)[positions]
    folds = min(folds, len(np.unique(patients)))
    if folds < 2:
        raise InputError(
            f"'{beats.name}' has too few patients to keep one aside for the test, one for "
            "validation and one for training"
        )
    folder = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    choices = list(folder.split(positions, labels, patients))
    # A rare class is in few patients, so some folds lack it: take the most balanced fold.
    first, second = min(choices, key=lambda choice: _imbalance(labels, choice[1], folds))
    return positions[first], positions[second]


def _imbalance(labels: np.ndarray, chosen: np.ndarray, folds: int) -> float:
    """Sum over classes of the difference between the share in `chosen` and one over `folds`."""
    whole = np.bincount(labels)
    part = np.bincount(labels[chosen], minlength=len(whole))
    present = whole > 0
    return float(np.abs(part[present] / whole[present] - 1 / folds).sum())
