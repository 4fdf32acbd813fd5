"""How early beats come."""

import numpy as np

from recordings.kinds.beat_timing import TIMING, timing

HZ = 250.0


def column(table: np.ndarray, name: str) -> np.ndarray:
    return table[:, TIMING.index(name)]


def beats_at(intervals_s: np.ndarray) -> np.ndarray:
    return np.rint(np.cumsum(intervals_s) * HZ).astype(int)


def test_a_regular_rhythm_has_no_early_beat():
    assert np.allclose(timing(beats_at(np.full(50, 0.8)), HZ), 0, atol=0.02)


def test_an_early_beat_is_told_by_every_interval_before_it():
    intervals_s = np.full(60, 0.8)
    intervals_s[30], intervals_s[31] = 0.48, 1.12
    table = timing(beats_at(intervals_s), HZ)
    for name in ("rr_to_median", "rr_to_mean", "rr_to_recording", "rr_to_previous"):
        assert column(table, name).argmin() == 30
        assert column(table, name)[30] < np.log(0.65)
    assert column(table, "next_to_median")[30] > np.log(1.3)
    assert column(table, "next_to_rr").argmax() == 30


def test_a_run_of_early_beats_is_told_from_the_recording_around():
    intervals_s = np.full(200, 0.8)
    intervals_s[100:115] = 0.45
    table = timing(beats_at(intervals_s), HZ)
    assert abs(column(table, "rr_to_median")[107]) < 0.05  # nothing near it is slower
    assert column(table, "rr_to_recording")[107] < np.log(0.65)


def test_a_rate_is_no_earliness():
    slow = timing(beats_at(np.full(50, 1.2)), HZ)
    fast = timing(beats_at(np.full(50, 0.4)), HZ)
    assert np.allclose(slow, fast, atol=0.03)


def test_an_irregular_rhythm_is_told():
    rng = np.random.default_rng(1)
    steady = timing(beats_at(rng.normal(0.8, 0.01, 200)), HZ)
    jumping = timing(beats_at(rng.uniform(0.45, 1.1, 200)), HZ)
    for name in ("spread", "irregularity"):
        inner = slice(25, -25)  # the filters repeat the outermost beats
        assert column(jumping, name)[inner].min() > 5 * column(steady, name)[inner].max()


def test_an_interval_across_a_break_counts_as_usual():
    intervals_s = np.full(60, 0.8)
    intervals_s[30] = 20
    peaks = beats_at(intervals_s)
    broken = timing(peaks, HZ, breaks=np.array([peaks[29] + 10]))
    assert np.abs(column(broken, "rr_to_median")).max() < 0.02
    assert column(timing(peaks, HZ), "rr_to_median")[30] > 3


def test_few_beats_or_none():
    for peaks in ([], [100], [100, 300], [100, 101, 102]):
        table = timing(np.array(peaks, int), HZ)
        assert table.shape == (len(peaks), len(TIMING)) and np.isfinite(table).all()
