import numpy as np

from heartbeats.cutting import BEAT_SAMPLES, cut_beats


def test_a_window_ends_a_fifth_of_an_interval_after_the_next_onset():
    signal = np.arange(1000.0)
    onsets = np.array([100, 200, 300, 1000])
    beats, kept = cut_beats(signal, onsets, np.array([True, True, True]), step=1)
    assert kept.tolist() == [0, 1]  # the last mark has no interval behind it
    first_length = np.flatnonzero(beats[0])[-1] + 1
    assert first_length == 100 + 20
    assert beats[1][: BEAT_SAMPLES - 1].max() < 1  # 100 + 140 samples, cut at 187 after scaling


def test_scaling_comes_before_cutting():
    signal = np.zeros(1000)
    signal[390] = 10.0  # inside the window of the first beat, but beyond 187 samples
    signal[110] = 5.0
    beats, _ = cut_beats(signal, np.array([100, 400, 500, 1000]), np.ones(3, bool), step=1)
    assert beats[0].max() == 0.5


def test_only_wanted_marks_are_cut_but_all_marks_count_as_onsets():
    signal = np.random.default_rng(0).normal(size=900)
    onsets = np.array([100, 150, 300, 450, 900])
    everything, _ = cut_beats(signal, onsets, np.ones(4, bool), step=1)
    some, kept = cut_beats(signal, onsets, np.array([True, False, True, True]), step=1)
    assert kept.tolist() == [0, 2]
    assert np.array_equal(some, everything[[0, 2]])


def test_a_flat_or_empty_window_is_all_zeros():
    beats, _ = cut_beats(np.full(50, 7), np.array([10, 10, 10, 50]), np.ones(3, bool), step=3)
    assert not beats.any()
    assert np.isfinite(beats).all()


def test_every_third_sample_is_kept():
    signal = np.arange(1000)
    beats, _ = cut_beats(signal, np.array([0, 90, 180, 1000]), np.ones(3, bool), step=3)
    assert np.count_nonzero(beats[0]) == 108 // 3 - 1  # 90 + 18 samples; the lowest scales to 0
