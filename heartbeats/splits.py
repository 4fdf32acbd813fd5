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
# A class with a smaller share of the beats cannot be balanced over patients and is not waited for:
# DS1 has 8 beats of class Q among 46,000. It may be missing from a fold.
NEAR_EMPTY_SHARE = 0.001
# Divisions of the patients that are drawn for a seed; the most balanced one is taken.
DIVISIONS_DRAWN = 10


def development(
    beats: BeatSet, protocol: str, *, seed: int, validation_share: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training and of the validation beats.

    Under `patients`, validation is the fold that the publishers meant for it, or else a fifth of
    the training patients, whole, drawn so that the class shares agree. Under the others it is a
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


def seen_test_beats(beats: BeatSet, chosen: str, protocol: str) -> int:
    """How many test beats of a protocol are development beats of another one.

    What was chosen by the second's validation beats may not be tested by the first.

    Raises:
        InputError: the data set does not allow both.
    """
    seen = np.concatenate(development(beats, chosen, seed=0))
    return len(np.intersect1d(seen, held_out(beats, protocol)))


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
        seed: draws the folds; by patient, see `_folds_of_patients`.

    Returns:
        the positions of each fold, in ascending order.

    Raises:
        InputError: a class has beats, but fewer of them (or of patients with them) than there are
            folds, so that a fold would lack it; or the patients are unknown. By patient, a class
            with hardly any beats (NEAR_EMPTY_SHARE) may be missing from a fold.
    """
    from sklearn.model_selection import StratifiedKFold

    labels = np.asarray(beats.labels[positions])
    _check_folds(beats, positions, count, by)
    if by == "patients":
        own = _folds_of_patients(labels, _patients(beats)[positions], count, seed)
        return [np.sort(positions[own == fold]) for fold in range(count)]
    folder = StratifiedKFold(count, shuffle=True, random_state=seed)
    return [np.sort(positions[chosen]) for _rest, chosen in folder.split(positions, labels)]


def development_of(
    beats: BeatSet,
    positions: np.ndarray,
    *,
    by: Literal["beats", "patients"],
    validation_share: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation part of `positions`, e.g. of all folds of a division but one.

    By beats, validation is a stratified share; by patients it is a fifth of them, whole, drawn
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
        own = labels == label
        if by == "patients" and own.mean() < NEAR_EMPTY_SHARE:
            continue
        if (found := len(np.unique(units[own]))) < count:
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
    labels, patients = np.asarray(beats.labels[positions]), _patients(beats)[positions]
    folds = min(folds, len(np.unique(patients)))
    if folds < 2:
        raise InputError(
            f"'{beats.name}' has too few patients to keep one aside for the test, one for "
            "validation and one for training"
        )
    own = _folds_of_patients(labels, patients, folds, seed)
    # A rare class is in few patients, so some folds lack it: take the most balanced fold.
    fold = min(range(folds), key=lambda fold: _imbalance(labels, own == fold, folds))
    return positions[own != fold], positions[own == fold]


def _imbalance(labels: np.ndarray, chosen: np.ndarray, folds: int) -> float:
    """Sum over classes of the difference between the share in `chosen` and one over `folds`."""
    whole = np.bincount(labels)
    part = np.bincount(labels[chosen], minlength=len(whole))
    present = whole > 0
    return float(np.abs(part[present] / whole[present] - 1 / folds).sum())


def _folds_of_patients(
    labels: np.ndarray, patients: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """(beats,) the fold of each beat, 0 to `count` - 1; all beats of a patient are in one.

    Seed 0 is scikit-learn's division, the most balanced one that its greedy rule finds. Since its
    version 1.8 the seed only breaks ties there, so that all seeds gave this one; other seeds draw
    divisions that are balanced as well as may be.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if seed:
        names, owners = np.unique(patients, return_inverse=True)
        counts = np.zeros((len(names), int(labels.max()) + 1))
        np.add.at(counts, (owners, labels), 1)
        return _drawn_division(counts, count, np.random.default_rng(seed))[owners]
    own = np.empty(len(labels), int)
    folder = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for fold, (_rest, chosen) in enumerate(folder.split(labels, labels, patients)):
        own[chosen] = fold
    return own


def _drawn_division(counts: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """(patients,) the fold of each: the most balanced of some divisions drawn at random.

    Patients come one after the other, roughly those with the most of the rarer classes first, and
    each goes where the class shares then agree best.

    Args:
        counts: (patients, classes) beats.
        folds: how many.
        rng: draws the order of the patients.
    """
    whole = counts.sum(axis=0)
    present = whole > 0
    shares = counts[:, present] / whole[present]
    # What can hardly be balanced counts for less.
    weights = np.minimum(1, whole[present] / (NEAR_EMPTY_SHARE * whole.sum()))
    sizes = shares.max(axis=1)
    found = [_greedy_division(shares, sizes, weights, folds, rng) for _ in range(DIVISIONS_DRAWN)]
    return min(found, key=lambda one: one[0])[1]


def _greedy_division(
    shares: np.ndarray,
    sizes: np.ndarray,
    weights: np.ndarray,
    folds: int,
    rng: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """How uneven a division is, and the fold of each patient."""
    own = np.empty(len(shares), int)
    held = np.zeros((folds, shares.shape[1]))
    members = np.zeros(folds, int)
    order = np.argsort(-sizes * rng.lognormal(0, 0.5, len(sizes)))
    for place, patient in enumerate(order):
        # Sum of squares over folds: what adding the patient to a fold changes of it.
        change = (weights * shares[patient] * (2 * held + shares[patient])).sum(axis=1)
        if folds - np.count_nonzero(members) >= len(order) - place:  # else a fold stays empty
            change = np.where(members == 0, change, np.inf)
        fold = int(np.argmin(change + 1e-9 * rng.random(folds)))
        own[patient], members[fold] = fold, members[fold] + 1
        held[fold] += shares[patient]
    return float((weights * (held - 1 / folds) ** 2).sum()), own
