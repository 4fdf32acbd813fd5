"""No beat and no patient on both sides, and a test set that no seed moves."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heartbeats import mitdb, splits
from tests.heartbeats.conftest import make_beats
from utils.errors import InputError

DATA_SETS = st.builds(
    make_beats,
    patients=st.integers(10, 30),
    each=st.sampled_from([20, 35, 60]),
    seed=st.integers(0, 99),
)
PROTOCOLS = st.sampled_from(["kaggle", "patients"])
SEEDS = st.integers(0, 2**31 - 2)


def parts(beats, protocol, seed=0):
    train, validation = splits.development(beats, protocol, seed=seed)
    return train, validation, splits.held_out(beats, protocol)


@given(beats=DATA_SETS, protocol=PROTOCOLS, seed=SEEDS)
def test_every_beat_is_in_one_part_and_every_patient_too(beats, protocol, seed):
    found = parts(beats, protocol, seed)
    assert sorted(np.concatenate(found)) == list(range(len(beats)))
    if protocol == "patients":
        train, validation, test = (set(beats.patients[part]) for part in found)
        assert not train & validation and not (train | validation) & test


def test_the_kaggle_test_set_is_the_official_one(beats):
    assert np.array_equal(splits.held_out(beats, "kaggle"), np.flatnonzero(beats.official_test))


@given(beats=DATA_SETS, protocol=PROTOCOLS, seed=SEEDS)
@pytest.mark.slow
def test_a_seed_repeats_and_never_moves_the_test_set(beats, protocol, seed):
    first, again, other = (parts(beats, protocol, one) for one in (seed, seed, seed + 1))
    assert all(map(np.array_equal, first, again))
    assert np.array_equal(first[2], other[2])


def test_seeds_move_the_validation_set(beats):
    for protocol in ("kaggle", "patients"):
        assert not np.array_equal(parts(beats, protocol, 0)[1], parts(beats, protocol, 1)[1])


def test_validation_has_every_class(beats):
    for protocol in ("kaggle", "patients"):
        _, validation, _ = parts(beats, protocol)
        assert set(beats.labels[validation]) == set(range(5))


def test_few_keeps_the_class_shares(beats):
    train, _ = splits.development(beats, "kaggle", seed=0)
    some = splits.subsample(beats, train, 100, seed=0)
    assert len(some) == 100 and set(some) <= set(train)
    assert np.bincount(beats.labels[some]).min() >= 15


def test_without_patients_only_the_split_by_beat_is_allowed(beats):
    anonymous = dataclasses.replace(beats, records=None, patients=None)
    assert splits.allowed(anonymous) == ["kaggle"]
    with pytest.raises(InputError, match="name no patients"):
        splits.development(anonymous, "patients", seed=0)
    with pytest.raises(InputError, match="protocol 'kagle' does not fit"):
        splits.held_out(beats, "kagle")


def test_the_person_in_both_halves_of_mitbih_is_not_trained_on():
    """Records 201 (DS1) and 202 (DS2) are one person."""
    plain = make_beats(patients=len(mitdb.RECORDS), each=20)
    records = np.repeat(mitdb.RECORDS, 20)
    patients = np.array([mitdb.SAME_PATIENT.get(name, name) for name in records])
    mitbih = dataclasses.replace(plain, name="mitbih", records=records, patients=patients)
    train, validation, test = parts(mitbih, "patients")
    assert set(mitbih.records[test]) == set(mitdb.DS2)
    assert set(mitbih.records[np.concatenate([train, validation])]) == set(mitdb.DS1) - {"201"}


def test_the_name_of_the_official_test_is_the_data_sets():
    ucr = dataclasses.replace(make_beats(), name="ecg5000", records=None, patients=None)
    assert splits.allowed(ucr) == ["ucr"]
    assert np.array_equal(splits.held_out(ucr, "ucr"), np.flatnonzero(ucr.official_test))
    with pytest.raises(InputError, match="protocol 'kaggle' does not fit"):
        splits.held_out(ucr, "kaggle")


def test_beats_of_unknown_people_are_split_by_beat(beats):
    unknown = dataclasses.replace(beats, official_test=None, records=None, patients=None)
    assert splits.allowed(unknown) == ["beats"]
    train, validation, test = parts(unknown, "beats", seed=3)
    assert len(test) == len(beats) // 5
    assert np.ptp(np.bincount(unknown.labels[test])) <= 1
    assert np.array_equal(test, splits.held_out(unknown, "beats"))
    assert sorted([*train, *validation, *test]) == list(range(len(beats)))


def test_a_class_of_one_beat_is_told(beats):
    labels = np.zeros_like(beats.labels)
    labels[7] = 1
    lone = dataclasses.replace(
        beats, labels=labels, official_test=None, records=None, patients=None
    )
    with pytest.raises(InputError, match="class S of 'invented' has one beat"):
        splits.held_out(lone, "beats")


@given(
    beats=DATA_SETS, by=st.sampled_from(["beats", "patients"]), count=st.integers(2, 5), seed=SEEDS
)
def test_folds_hold_each_position_once_and_every_class(beats, by, count, seed):
    positions, _ = splits.development(beats, "kaggle", seed=0)
    divided = splits.folds(beats, positions, count, by=by, seed=seed)
    assert len(divided) == count
    assert np.array_equal(np.sort(np.concatenate(divided)), np.sort(positions))
    if by == "patients":
        people = [set(beats.patients[fold]) for fold in divided]
        assert sum(map(len, people)) == len(set(beats.patients[positions]))
    else:
        assert all(set(beats.labels[fold]) == set(range(5)) for fold in divided)
    again = splits.folds(beats, positions, count, by=by, seed=seed)
    assert all(map(np.array_equal, divided, again))


def test_folds_that_some_class_cannot_fill_are_refused(beats):
    everything = np.arange(len(beats))
    labels = np.where(np.isin(beats.patients, ["p00", "p01"]), beats.labels, 0).astype(np.uint8)
    rare = dataclasses.replace(beats, labels=labels)
    splits.folds(rare, everything, 5, by="beats", seed=0)
    with pytest.raises(InputError, match=r"class S.*patients that have it.*2: ask for at most 2"):
        splits.folds(rare, everything, 5, by="patients", seed=0)
    with pytest.raises(InputError, match="at least 2 folds"):
        splits.folds(beats, everything, 1, by="beats", seed=0)
    with pytest.raises(InputError, match="cannot be split by patient. Its files name no patients"):
        unknown = dataclasses.replace(beats, patients=None)
        splits.folds(unknown, everything, 3, by="patients", seed=0)
