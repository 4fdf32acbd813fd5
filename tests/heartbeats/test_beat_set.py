import dataclasses

import numpy as np
import pytest

from heartbeats.beat_set import fingerprint


def test_fingerprint_ignores_order_and_nothing_else(beats):
    original = fingerprint(beats)
    shuffled = beats.select(np.random.default_rng(1).permutation(len(beats)))
    assert fingerprint(shuffled) == original
    relabelled = beats.labels.copy()
    relabelled[3] = (relabelled[3] + 1) % 5
    changed_sample = beats.signals.copy()
    changed_sample[7, 11] = np.nextafter(changed_sample[7, 11], 2)
    moved_to_test = ~beats.official_test
    for change in (
        {"labels": relabelled},
        {"signals": changed_sample},
        {"official_test": moved_to_test},
        {"sampling_hz": 125.0},
        {"class_names": tuple("abcde")},
        {"folds": np.ones(len(beats), np.uint8)},
    ):
        assert fingerprint(dataclasses.replace(beats, **change)) != original, change.keys()


def test_swapped_labels_of_two_beats_change_the_fingerprint(beats):
    labels = beats.labels.copy()
    labels[[0, 39]] = labels[[39, 0]]
    assert fingerprint(dataclasses.replace(beats, labels=labels)) != fingerprint(beats)


def test_select_takes_all_arrays_along(beats):
    chosen = beats.select(np.array([5, 2]))
    assert chosen.times_s.tolist() == [5.0, 2.0]
    assert np.array_equal(chosen.signals, beats.signals[[5, 2]])


def test_arrays_of_different_length_are_refused(beats):
    with pytest.raises(ValueError, match="labels has 3 entries"):
        dataclasses.replace(beats, labels=beats.labels[:3])


def test_beat_lengths_count_up_to_the_last_positive_sample(beats):
    signals = np.zeros((2, 187), np.float32)
    signals[0, :100] = 0.5
    small = dataclasses.replace(beats.select(np.array([0, 1])), signals=signals)
    assert small.beat_lengths().tolist() == [100, 0]
