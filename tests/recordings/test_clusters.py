"""Clusters of a recording's beats."""

import time

import numpy as np
import pytest

from recordings.kinds.beat_timing import TIMING, timing
from recordings.kinds.beat_windows import BeatWindows, windows
from recordings.kinds.clusters import FITTED_BEATS, MOST_CLUSTERS, find
from tests.recordings.invented_recording import NORMAL, Invented, invented, mixed_kinds


def clusters_of(recording: Invented):
    cut = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks)
    return find(cut, timing(recording.r_peaks, recording.sampling_hz))


@pytest.fixture(scope="module")
def recording():
    return invented(mixed_kinds())


def test_kinds_of_beats_are_told_apart(recording):
    found = clusters_of(recording)
    for one in range(found.count):
        kinds = recording.kinds[found.labels == one]
        assert np.bincount(kinds).max() / len(kinds) > 0.95
    assert set(recording.kinds[found.labels == 0]) == {NORMAL}


def test_the_largest_comes_first_and_sizes_add_up(recording):
    found = clusters_of(recording)
    assert (np.diff(found.sizes) <= 0).all() and found.sizes.sum() == len(recording.r_peaks)
    assert 3 <= found.count <= MOST_CLUSTERS
    assert np.array_equal(np.bincount(found.labels), found.sizes)


def test_the_same_beats_give_the_same_clusters(recording):
    assert np.array_equal(clusters_of(recording).labels, clusters_of(recording).labels)


def test_beats_that_are_all_alike_are_few_clusters():
    assert clusters_of(invented(np.full(200, NORMAL))).count <= 2


def test_a_beat_without_a_shape_has_no_cluster(recording):
    usable = np.ones(len(recording.r_peaks), bool)
    usable[[4, 9]] = False
    cut = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks, usable)
    found = find(cut, timing(recording.r_peaks, recording.sampling_hz))
    assert np.flatnonzero(found.labels < 0).tolist() == [4, 9]
    own = np.arange(len(usable), dtype=float)
    spread = found.spread(found.means(own), own)
    assert spread[4] == 4 and spread[9] == 9 and spread[0] != 0


@pytest.mark.parametrize("beats", [0, 1, 2, 12])
def test_few_beats_are_no_error(beats):
    if beats == 0:
        cut = windows(np.zeros(1000), 250.0, np.empty(0, int))
        found = find(cut, timing(np.empty(0, int), 250.0))
    else:
        found = clusters_of(invented(np.full(beats, NORMAL)))
    assert len(found.labels) == beats and found.sizes.sum() == beats


def test_means_are_of_members_alone():
    cut = invented(mixed_kinds(60))
    found = clusters_of(cut)
    values = np.random.default_rng(0).random((60, 5))
    means = found.means(values)
    for one in range(found.count):
        assert np.allclose(means[one], values[found.labels == one].mean(axis=0))


@pytest.mark.slow
def test_a_day_of_beats_takes_seconds():
    rng = np.random.default_rng(0)
    shapes = np.repeat(rng.standard_normal((4, 97)), 25_000, axis=0)
    shapes += 0.2 * rng.standard_normal(shapes.shape)
    cut = BeatWindows(
        np.linspace(-0.3, 0.5, 97), shapes.astype(np.float32), np.ones(100_000, bool)
    )
    assert len(shapes) > 10 * FITTED_BEATS
    start = time.perf_counter()
    found = find(cut, np.zeros((100_000, len(TIMING))))
    assert time.perf_counter() - start < 30
    assert found.sizes.tolist() == [25_000] * 4
