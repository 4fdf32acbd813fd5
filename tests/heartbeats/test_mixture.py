"""Drawn beats look like their class and are not copies; nothing but the training beats counts."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from experiments.exploration.beat_statistics import measure
from heartbeats import mixture
from heartbeats.augment import own_samples
from heartbeats.beat_set import beat_lengths
from heartbeats.mixture import find_timing, from_common_time, to_common_time
from tests.heartbeats.invented_beats import HZ, SAMPLES, invented_beats
from utils.errors import InputError

CLASSES = ("N", "V")


@pytest.fixture(scope="module")
def beats() -> tuple[np.ndarray, np.ndarray]:
    signals = np.concatenate([invented_beats(300, 0), invented_beats(100, 1, wide=True)])
    return signals, np.repeat([0, 1], [300, 100]).astype(np.uint8)


@pytest.fixture(scope="module")
def mixtures(beats) -> dict[int, mixture.ClassMixture]:
    return mixture.fit_all(*beats, CLASSES, CLASSES, sampling_hz=HZ, seed=0)


def test_timing_finds_the_next_complex():
    signals = invented_beats(100, 2)
    timing = find_timing(signals, HZ)
    assert np.array_equal(timing.lengths(), beat_lengths(signals))
    # An invented beat ends a fifth of an interval behind its next complex.
    assert np.abs(timing.next_qrs - timing.lengths() / 1.2).max() <= 3


def test_aligned_beats_have_their_complexes_at_one_place_and_come_back():
    signals = invented_beats(100, 3)
    timing = find_timing(signals, HZ)
    curves = to_common_time(signals, timing, HZ)
    assert np.ptp(curves[:, 100:].argmax(axis=1)) <= 4
    assert np.ptp([beat[50:].argmax() for beat in signals]) > 40
    assert np.abs(from_common_time(curves, timing, HZ) - signals).mean() < 0.005


def test_drawn_beats_are_cut_and_scaled_like_real_ones(mixtures, beats):
    drawn = mixtures[1].draw(200, np.random.default_rng(0))
    assert drawn.shape == (200, SAMPLES) and drawn.dtype == np.float32
    assert np.isfinite(drawn).all() and drawn.min() == 0 and drawn.max() == 1
    lengths = beat_lengths(drawn)
    real = beat_lengths(beats[0][beats[1] == 1])
    assert lengths.max() <= real.max()
    assert abs(np.median(lengths) - np.median(real)) < 10
    short = lengths < SAMPLES
    assert np.allclose(drawn[short].max(axis=1), 1)
    # The end is sharp: values do not fade towards the padding.
    last = drawn[np.arange(200), lengths - 3]
    assert np.median(last) > 0.1 and not drawn[~own_samples(drawn)].any()


def test_drawn_beats_keep_their_class(mixtures, beats):
    nearest = NearestCentroid().fit(*beats)
    for label, drawn_from in mixtures.items():
        own = nearest.predict(beats[0][beats[1] == label]) == label
        drawn = nearest.predict(drawn_from.draw(200, np.random.default_rng(1))) == label
        assert drawn.mean() > 0.9 * own.mean() > 0.7


@pytest.mark.slow
def test_drawn_beats_are_neither_copies_nor_strays(mixtures, beats):
    real = beats[0][beats[1] == 0]
    quality = measure(real, mixtures[0].draw(150, np.random.default_rng(2)), seed=0)
    assert quality.copies < 0.2 and quality.strays < 0.5
    copied = measure(real[:80], real[:80], seed=0)
    assert copied.copies > 0.99 and copied.auc_trees < 0.5
    wrong = measure(real[:80], invented_beats(80, 4, wide=True), seed=0)
    assert wrong.strays > quality.strays and wrong.auc_linear > 0.99 > quality.auc_linear


def test_a_seed_repeats_and_another_draw_differs(beats, mixtures):
    again = mixture.fit(beats[0][beats[1] == 1], "V", sampling_hz=HZ, seed=0)
    first, second = (each.draw(5, np.random.default_rng(3)) for each in (mixtures[1], again))
    assert np.array_equal(first, second)
    rng = np.random.default_rng(3)
    assert not np.array_equal(again.draw(5, rng), again.draw(5, rng))
    assert again.draw(0, rng).shape == (0, SAMPLES)


def test_a_mixture_depends_on_its_own_class_alone(beats, mixtures):
    signals, labels = beats
    poisoned = np.where((labels == 1)[:, None], signals, np.float32(np.nan))
    fitted = mixture.fit_all(poisoned, labels, CLASSES, ("V",), sampling_hz=HZ, seed=0)
    drawn = [each.draw(5, np.random.default_rng(4)) for each in (fitted[1], mixtures[1])]
    assert list(fitted) == [1] and np.array_equal(*drawn)


def test_bic_takes_more_gaussians_where_there_are_more_kinds():
    one = np.random.default_rng(0).normal(size=(400, 3))
    two = one + np.repeat([0, 20], 200)[:, None]
    fitted, bic = mixture._fit_gaussians(two, 6, seed=0)
    assert mixture._fit_gaussians(one, 6, seed=0)[0].n_components == 1
    assert fitted.n_components == 2 == min(bic, key=bic.__getitem__)


@pytest.mark.parametrize("count", [mixture.FEWEST_BEATS, 45])
def test_few_beats_are_enough_for_few_gaussians(count):
    fitted = mixture.fit(invented_beats(count, 5), "V", sampling_hz=HZ, seed=0)
    assert fitted.gaussians.n_components <= 2
    assert np.isfinite(fitted.draw(50, np.random.default_rng(0))).all()


def test_too_few_beats_and_unknown_classes_are_told(beats):
    with pytest.raises(InputError, match=r"class 'V' has 7 training beats.*at least 20.*out"):
        mixture.fit(invented_beats(7, 0), "V", sampling_hz=HZ, seed=0)
    with pytest.raises(InputError, match="no class 'X'.*N, V"):
        mixture.fit_all(*beats, CLASSES, ("V", "X"), sampling_hz=HZ, seed=0)
