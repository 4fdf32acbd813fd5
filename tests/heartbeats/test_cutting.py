import numpy as np
import pytest

from ecg.synthetic.record import generate_record
from heartbeats import cutting
from heartbeats.cutting import BEAT_HZ, BEAT_SAMPLES, cut_at_peaks, cut_beats, resample


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


def recording(sampling_hz, seconds=40):
    truth = generate_record(np.random.default_rng(1), seconds, sampling_hz, noise=0.2)
    return truth.signal_mv[:, 0], truth.r_peaks


def test_at_peaks_beats_are_cut_as_training_beats_are():
    signal, peaks = recording(360)
    every = np.ones(len(peaks), bool)
    expected, kept = cut_beats(signal, np.append(peaks, len(signal)), every, step=3)
    assert np.array_equal(cut_at_peaks(signal, 360, peaks)[kept], expected)


def test_the_last_beat_has_a_window_too():
    signal, peaks = recording(360)
    cut = cut_at_peaks(signal, 360, peaks[:-3])
    whole = cut_at_peaks(signal, 360, peaks)
    assert len(cut) == len(peaks) - 3
    assert np.corrcoef(cut[-1], whole[-4])[0, 1] > 0.9


@pytest.mark.parametrize("sampling_hz", [100, 250, 500, 1000, 257])
def test_at_any_rate_a_beat_looks_alike(sampling_hz):
    signal, peaks = recording(sampling_hz)
    slow = resample(signal, sampling_hz)
    marks = np.append(np.rint(peaks * BEAT_HZ / sampling_hz).astype(int), len(slow))
    expected, kept = cut_beats(slow, marks, np.ones(len(peaks), bool), step=1)
    assert np.allclose(cut_at_peaks(signal, sampling_hz, peaks)[kept], expected, atol=2e-3)


@pytest.mark.parametrize("sampling_hz", [360, 257, 500])
def test_parts_join_without_a_seam(sampling_hz, monkeypatch):
    signal, peaks = recording(sampling_hz)
    whole = cut_at_peaks(signal, sampling_hz, peaks)
    monkeypatch.setattr(cutting, "BEATS_AT_ONCE", 7)
    assert np.allclose(cut_at_peaks(signal, sampling_hz, peaks), whole, atol=2e-3)


def test_a_window_ends_where_the_recording_breaks_off():
    signal, peaks = recording(360)
    gap = slice(peaks[10] + 100, peaks[20] - 100)
    with_gap = signal.copy()
    with_gap[gap] = np.nan
    left = np.r_[peaks[:11], peaks[20:]]
    cut = cut_at_peaks(with_gap, 360, left, breaks=np.array([gap.start, gap.start + 9]))
    assert np.isfinite(cut).all()
    assert np.flatnonzero(cut[10])[-1] < 100 / 3 + 1
    assert np.array_equal(cut[11:-1], cut_at_peaks(signal, 360, peaks)[20:-1])


@pytest.mark.parametrize("peaks", [[], [5], [5, 9]])
def test_few_or_no_beats_are_cut(peaks):
    cut = cut_at_peaks(np.full(100, np.nan), 360, np.array(peaks, int))
    assert cut.shape == (len(peaks), BEAT_SAMPLES) and not cut.any()
