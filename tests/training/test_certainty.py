"""The threshold below which a prediction is uncertain: what it costs least to ask about."""

import numpy as np
import pytest

from training import calibration


def two_classes(top: np.ndarray) -> np.ndarray:
    """Probabilities whose larger one, of class 0, is `top`."""
    return np.stack([top, 1 - top], axis=1)


def cost(top: np.ndarray, wrong: np.ndarray, threshold: float) -> float:
    uncertain = top < threshold
    return (wrong & ~uncertain).sum() + calibration.LOOK_COST * uncertain.sum()


def test_no_other_threshold_costs_less():
    rng = np.random.default_rng(0)
    top = rng.uniform(0.5, 1, 2000)
    wrong = rng.random(2000) > top  # as often right as it says
    found = calibration.fit_certainty(two_classes(top), wrong.astype(int))
    least = min(cost(top, wrong, threshold) for threshold in np.linspace(0.5, 1, 501))
    assert cost(top, wrong, found.uncertain_below) <= least
    # Who says rightly how sure it is errs one time in ten at 0.9.
    assert found.uncertain_below == pytest.approx(0.9, abs=0.05)
    assert found.errors == wrong.sum()
    assert found.uncertain_beats == (top < found.uncertain_below).sum()
    figures = found.figures()
    assert figures["error_of_certain"] < figures["error"] < figures["error_of_uncertain"]


def test_a_network_that_is_surely_wrong_is_not_called_uncertain_everywhere():
    """New patients: some beats are wrong however sure the network is."""
    rng = np.random.default_rng(1)
    top = np.where(rng.random(4000) < 0.9, 0.999, rng.uniform(0.5, 0.9, 4000))
    wrong = rng.random(4000) < np.where(top > 0.99, 0.02, 0.4)
    found = calibration.fit_certainty(two_classes(top), wrong.astype(int))
    assert 0.85 < found.uncertain_below < 0.999
    assert found.figures()["certain_share"] == pytest.approx(0.9, abs=0.02)


def test_all_right_asks_only_where_no_class_has_the_majority():
    probabilities = np.array([[0.6, 0.2, 0.2], [0.4, 0.3, 0.3], [0.9, 0.1, 0.0]])
    found = calibration.fit_certainty(probabilities, np.zeros(3, int))
    assert found.uncertain_below == calibration.LEAST_THRESHOLD
    assert (found.uncertain_beats, found.errors) == (1, 0)
    assert found.figures()["error_of_uncertain"] == 0


def test_all_wrong_asks_always_even_where_the_network_is_sure():
    found = calibration.fit_certainty(two_classes(np.array([1.0, 1.0, 0.7])), np.ones(3, int))
    assert found.uncertain_beats == 3 and found.uncertain_below > 1
    assert found.figures()["certain_share"] == 0


def test_one_beat_is_enough():
    assert calibration.fit_certainty(np.array([[0.7, 0.3]]), np.array([0])).uncertain_beats == 0
    assert calibration.fit_certainty(np.array([[0.7, 0.3]]), np.array([1])).uncertain_beats == 1
