"""RR intervals and what ectopic beats do to them."""

import numpy as np

from ecg.rr_intervals import rr_intervals
from tests.ecg.rhythms import fibrillation, sinus, with_ventricular


def test_premature_beats_and_their_pauses_are_found():
    times_s, early = with_ventricular(sinus(np.random.default_rng(0), 100), [20, 50, 80])
    intervals = rr_intervals(times_s)
    beats = np.flatnonzero(early)
    assert np.array_equal(np.flatnonzero(intervals.ectopic), np.sort([*(beats - 1), *beats]))
    assert np.isnan(intervals.sinus_s[intervals.ectopic]).all()


def test_evened_intervals_are_sinus_intervals_and_keep_the_time():
    plain_s = sinus(np.random.default_rng(1), 200, spread=0.01)
    times_s, early = with_ventricular(plain_s, np.arange(10, 190, 2))
    evened_s = rr_intervals(times_s, ectopic_beats=early).evened_s
    assert np.std(evened_s) < 0.2 * np.std(np.diff(times_s))
    assert np.isclose(evened_s.sum(), times_s[-1] - times_s[0])


def test_little_of_fibrillation_is_taken_for_ectopy():
    times_s = fibrillation(np.random.default_rng(2), 1000)
    assert rr_intervals(times_s).ectopic.mean() < 0.05


def test_constant_intervals_stay_as_they_are():
    intervals = rr_intervals(np.arange(50) * 0.8)
    assert not intervals.ectopic.any() and np.allclose(intervals.evened_s, 0.8)


def test_a_gap_has_no_interval():
    times_s = np.append(np.arange(20) * 0.8, 100 + np.arange(20) * 0.8)
    intervals = rr_intervals(times_s, gaps=[(20, 90)], ectopic_beats=np.ones(40, bool))
    assert np.array_equal(np.flatnonzero(np.isnan(intervals.rr_s)), [19])
    assert np.array_equal(np.flatnonzero(np.isnan(intervals.evened_s)), [19])


def test_few_beats():
    for beats in range(4):
        assert len(rr_intervals(np.arange(beats) * 0.8).rr_s) == max(0, beats - 1)
