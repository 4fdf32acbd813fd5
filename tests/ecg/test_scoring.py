"""Marks paired one to one, against pairings worked out by hand and by trying all."""

from itertools import combinations

import numpy as np
import pytest

from ecg.scoring import match, pool


def pairs(truth, found, tolerance):
    matched = match(np.array(truth), np.array(found), tolerance)
    return list(zip(matched.truth.tolist(), matched.found.tolist(), strict=True))


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        ([100, 200], [101, 199], [(0, 0), (1, 1)]),
        ([100], [110], [(0, 0)]),
        ([100], [111], []),
        ([100], [89, 111], []),
        ([100], [95, 103], [(0, 1)]),
        ([100], [97, 105], [(0, 0)]),
        ([95, 103], [100], [(1, 0)]),
        ([97, 105], [100], [(0, 0)]),
        ([], [1, 2], []),
        ([1, 2], [], []),
        ([], [], []),
    ],
    ids=[
        "both",
        "at_limit",
        "beyond",
        "two_beyond",
        "later_is_nearer",
        "earlier_is_nearer",
        "later_truth_is_nearer",
        "earlier_truth_is_nearer",
        "no_truth",
        "none_found",
        "nothing",
    ],
)
def test_pairs_worked_out_by_hand(truth, found, expected):
    assert pairs(truth, found, 10) == expected


def test_no_mark_counts_twice():
    matched = match(np.array([100]), np.array([98, 99, 100, 101]), 10)
    assert matched.pairs == 1 and matched.offsets.tolist() == [0]
    assert (matched.sensitivity, matched.ppv, matched.f1) == (1.0, 0.25, 0.4)
    assert matched.missed.tolist() == [] and matched.invented.tolist() == [0, 1, 3]


def test_figures_without_marks_are_no_numbers():
    nothing = match(np.empty(0), np.empty(0), 10)
    assert np.isnan([nothing.sensitivity, nothing.ppv, nothing.f1]).all()
    assert match(np.array([5.0]), np.empty(0), 10).sensitivity == 0


@pytest.mark.parametrize("seed", range(20))
def test_as_many_pairs_as_there_can_be_where_beats_are_apart(seed):
    """Beats 200 apart, marks jittered, dropped and added: no pairing within 60 has more."""
    rng = np.random.default_rng(seed)
    truth = 200 * np.arange(6) + rng.integers(-20, 20, 6)
    found = np.sort(rng.choice(1200, 7, replace=False))
    assert match(truth, found, 60).pairs == most_pairs(truth, found, 60)


def most_pairs(truth, found, tolerance):
    for count in range(min(len(truth), len(found)), 0, -1):
        for chosen in combinations(truth, count):
            for partners in combinations(found, count):
                if np.abs(np.subtract(chosen, partners)).max() <= tolerance:
                    return count
    return 0


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_in_order_and_within_the_tolerance(seed):
    rng = np.random.default_rng(seed)
    truth, found = (np.sort(rng.uniform(0, 1000, 300)) for _ in range(2))
    matched = match(truth, found, 2.5)
    assert (np.diff(matched.truth) > 0).all() and (np.diff(matched.found) > 0).all()
    assert np.abs(matched.offsets).max() <= 2.5
    assert np.array_equal(matched.offsets, found[matched.found] - truth[matched.truth])
    backwards = match(found, truth, 2.5)
    assert np.array_equal(backwards.truth, matched.found)


def test_pooled_recordings_count_each_mark_the_same():
    one = match(np.array([10, 20]), np.array([11]), 3)
    two = match(np.array([10, 20, 30, 40]), np.array([9, 19, 32, 41, 90]), 3)
    both = pool([one, two])
    assert (both.truths, both.founds, both.pairs) == (6, 6, 5)
    assert both.offsets.tolist() == [1, -1, -1, 2, 1]
    assert both.missed.tolist() == [1] and both.invented.tolist() == [5]
    assert pool([]).truths == 0
