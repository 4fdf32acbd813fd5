"""Odd beats and odd clusters."""

import numpy as np
import pytest

from recordings import beat_kinds
from recordings.kinds.beat_timing import timing
from recordings.kinds.beat_windows import windows
from recordings.kinds.clusters import find
from tests.recordings.invented_recording import NORMAL, invented

BEATS, STRANGE = 200, 57


@pytest.fixture(scope="module")
def seen():
    recording = invented(np.full(BEATS, NORMAL))
    signal, middle = recording.signal_mv.copy(), recording.r_peaks[STRANGE]
    burst = np.random.default_rng(2).normal(0, 0.8, 100)
    signal[middle - 50 : middle + 50] += burst
    cut = windows(signal, recording.sampling_hz, recording.r_peaks)
    return cut, find(cut, timing(recording.r_peaks, recording.sampling_hz))


def sure_of_n(beats: int = BEATS) -> np.ndarray:
    return np.tile([0.96, 0.01, 0.01, 0.01, 0.01], (beats, 1))


def test_the_strange_beat_has_the_largest_error_and_is_unknown(seen):
    found = beat_kinds.find_unknown(*seen, sure_of_n())
    assert found.anomaly.argmax() == STRANGE
    assert found.anomaly[STRANGE] > 5 * np.median(found.anomaly)
    assert np.flatnonzero(found.beats).tolist() == [STRANGE]


def test_doubt_makes_a_beat_unknown(seen):
    probabilities = sure_of_n()
    probabilities[9] = [0.5, 0.5, 0, 0, 0]
    assert beat_kinds.find_unknown(*seen, probabilities).beats[9]
    assert not beat_kinds.find_unknown(*seen, sure_of_n()).beats[9]


def test_a_small_cluster_without_a_clear_class_is_odd(seen):
    cut, clusters = seen
    assert clusters.count > 1  # the strange beat is alone in one
    small = int(clusters.labels[STRANGE])
    probabilities = sure_of_n()
    assert not beat_kinds.odd_clusters(clusters, probabilities).any()
    probabilities[clusters.labels == small] = [0.4, 0.3, 0.3, 0, 0]
    assert np.flatnonzero(beat_kinds.odd_clusters(clusters, probabilities)).tolist() == [small]


def test_a_beat_without_a_shape_is_unknown(seen):
    recording = invented(np.full(60, NORMAL))
    usable = np.ones(60, bool)
    usable[20] = False
    cut = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks, usable)
    clusters = find(cut, timing(recording.r_peaks, recording.sampling_hz))
    found = beat_kinds.find_unknown(cut, clusters, sure_of_n(60))
    assert found.beats[20] and np.isnan(found.anomaly[20])
    assert np.isfinite(np.delete(found.anomaly, 20)).all()


@pytest.mark.parametrize("beats", [0, 1, 2])
def test_few_beats_cannot_be_compared(beats):
    recording = invented(np.full(20, NORMAL))
    peaks = recording.r_peaks[:beats]
    cut = windows(recording.signal_mv, recording.sampling_hz, peaks)
    found = beat_kinds.find_unknown(cut, find(cut, timing(peaks, 250.0)), sure_of_n(beats))
    assert np.isnan(found.anomaly).all() and len(found.beats) == beats


def test_in_ten_seconds_the_strange_beat_is_found_too():
    recording = invented(np.full(12, NORMAL))
    signal = recording.signal_mv.copy()
    signal[recording.r_peaks[6] - 20 : recording.r_peaks[6] + 40] *= -1
    cut = windows(signal, recording.sampling_hz, recording.r_peaks)
    error = beat_kinds.reconstruction_error(cut)
    assert error.argmax() == 6 and error[6] > 3 * np.median(error)
