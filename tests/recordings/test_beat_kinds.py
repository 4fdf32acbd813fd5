"""The network, timing, shape and clusters together."""

import numpy as np
import pytest

from heartbeats.beat_set import AAMI_CLASSES
from recordings import beat_kinds
from recordings.beat_kinds import Weights, combine
from recordings.kinds import evidence
from recordings.kinds.evidence import Evidence
from tests.recordings.invented_recording import EARLY, NORMAL, WIDE, invented, mixed_kinds

N, S, V, F, Q = range(5)


@pytest.fixture(scope="module")
def recording():
    return invented(mixed_kinds(400))


def no_idea(beats: int) -> np.ndarray:
    return np.full((beats, 5), 0.2)


def sure(label: int, beats: int = 1) -> np.ndarray:
    return np.eye(5)[np.full(beats, label)] * 0.99 + 0.002


def neutral(beats: int = 1) -> Evidence:
    return Evidence(np.zeros(beats), np.zeros(beats))


def judged(recording, network=None, **known):
    network = no_idea(len(recording.r_peaks)) if network is None else network
    return beat_kinds.judge(
        recording.signal_mv, recording.sampling_hz, recording.r_peaks, network, **known
    )


def test_timing_and_shape_tell_early_and_wide_beats(recording):
    view = evidence.view(recording.signal_mv, recording.sampling_hz, recording.r_peaks)
    classes = evidence.classes(evidence.of_view(view))
    for kind, label in ((NORMAL, N), (EARLY, S), (WIDE, V)):
        assert (classes[recording.kinds == kind] == label).mean() > 0.9


def test_a_network_that_always_says_normal_is_overruled(recording):
    found = judged(recording, sure(N, len(recording.r_peaks)))
    assert (found.probabilities.argmax(axis=1)[recording.kinds == WIDE] == V).mean() > 0.8


def test_gain_does_not_matter(recording):
    louder = beat_kinds.judge(
        5 * recording.signal_mv,
        recording.sampling_hz,
        recording.r_peaks,
        no_idea(len(recording.r_peaks)),
    )
    assert np.allclose(louder.probabilities, judged(recording).probabilities, atol=1e-3)


def test_probabilities_are_probabilities():
    rng = np.random.default_rng(0)
    network = rng.dirichlet(np.full(5, 0.3), 500)
    pooled = combine(network, Evidence(rng.normal(0, 5, 500), rng.normal(0, 5, 500)))
    assert pooled.min() >= 0 and np.allclose(pooled.sum(axis=1), 1)


@pytest.mark.parametrize("network", [np.eye(5), np.full((5, 5), 0.2)])
def test_certainty_is_no_error(network):
    pooled = combine(network, Evidence(np.full(5, 800.0), np.full(5, -800.0)))
    assert np.isfinite(pooled).all()


def test_what_both_say_is_more_than_what_one_says():
    weights = Weights(1.0, 1.0, 1.0)
    both = combine(sure(V), Evidence(np.array([2.0]), np.zeros(1)), weights)
    one = combine(no_idea(1), Evidence(np.array([2.0]), np.zeros(1)), weights)
    other = combine(sure(V), neutral(), weights)
    assert both[0, V] > max(one[0, V], other[0, V])


def test_without_weight_the_network_has_no_say_on_n_s_and_v():
    weights = Weights(0.0, 0.0, 0.0)
    for label in (N, S, V):
        assert np.allclose(
            combine(sure(label), neutral(), weights)[0, :3], [0.25, 0.25, 0.5], atol=0.01
        )


def test_unclassifiable_beats_come_from_the_network():
    assert combine(sure(Q), neutral()).argmax() == Q


def test_clusters_are_named(recording):
    found = judged(recording)
    assert found.labels.shape == found.classes.shape == recording.r_peaks.shape
    assert set(found.classes) <= set(AAMI_CLASSES)
    for one in np.unique(found.labels):
        assert len(set(found.classes[found.labels == one])) == 1
    assert (found.classes[recording.kinds == WIDE] == "V").mean() > 0.9


def test_what_is_not_usable_is_unknown_and_in_no_cluster(recording):
    usable = np.ones(len(recording.r_peaks), bool)
    usable[50:60] = False
    found = judged(recording, usable=usable)
    assert (found.labels[50:60] == -1).all() and found.unknown[50:60].all()
    assert np.isfinite(found.probabilities).all()


@pytest.mark.parametrize("beats", [0, 1, 2, 5])
def test_few_beats_are_no_error(beats):
    recording = invented(np.full(30, NORMAL))
    found = beat_kinds.judge(
        recording.signal_mv, recording.sampling_hz, recording.r_peaks[:beats], no_idea(beats)
    )
    assert found.probabilities.shape == (beats, 5) and np.isfinite(found.probabilities).all()


def test_nothing_recorded_is_no_error():
    found = beat_kinds.judge(
        np.full(5000, np.nan), 250.0, np.array([1000, 2000]), np.full((2, 5), 0.2)
    )
    assert found.unknown.all() and (found.labels == -1).all()
