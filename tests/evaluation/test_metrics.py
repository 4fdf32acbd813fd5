"""Scores against values worked out by hand."""

import json

import numpy as np
import pytest

from evaluation.metrics import DIRECTIONS, better, score
from tests.evaluation.examples import CLASSES, PREDICTED, TRUE


@pytest.fixture
def scores():
    return score(np.array(TRUE), np.array(PREDICTED), CLASSES)


def test_accuracy_and_confusion(scores):
    assert scores.accuracy == pytest.approx(8 / 10)
    assert scores.confusion.tolist() == [
        [5, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 2, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(
    ("place", "precision", "recall", "f1", "support"),
    [(0, 5 / 6, 5 / 6, 5 / 6, 6), (1, 1 / 2, 1 / 2, 1 / 2, 2), (2, 1, 1, 1, 2), (3, 0, 0, 0, 0)],
)
def test_each_class(scores, place, precision, recall, f1, support):
    one = scores.classes[place]
    assert (one.precision, one.recall, one.f1) == pytest.approx((precision, recall, f1))
    assert one.support == support
    assert one.name == CLASSES[place]


def test_classes_without_beats_do_not_enter_macro_f1(scores):
    assert scores.macro_f1 == pytest.approx((5 / 6 + 1 / 2 + 1) / 3)


def test_predicting_a_class_without_beats_costs_the_others():
    scores = score(np.array([0, 0, 1, 1]), np.array([0, 4, 1, 1]), CLASSES)
    # N: precision 1, recall 1/2; S is perfect; Q was predicted and does not exist
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert scores.classes[4].precision == 0


def test_all_predictions_in_one_class_score_badly_in_macro_f1_alone():
    true = np.repeat([0, 1], [95, 5])
    scores = score(true, np.zeros(100, int), CLASSES)
    assert scores.accuracy == pytest.approx(0.95)
    assert scores.macro_f1 == pytest.approx(2 * 95 / 195 / 2)


def test_scores_become_plain_json(scores):
    content = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert content["classes"][1]["name"] == "S"
    assert np.sum(content["confusion"]) == 10


def test_better_goes_by_the_direction_of_the_score():
    assert better("val_macro_f1", 0.2, 0.1) and not better("val_macro_f1", 0.1, 0.2)
    assert better("val_loss", 0.1, 0.2) and not better("val_loss", 0.2, 0.1)
    for monitor in DIRECTIONS:
        assert better(monitor, 0.5, None)
        assert not better(monitor, 0.5, 0.5)
        assert not better(monitor, float("nan"), None)
        assert not better(monitor, float("inf"), 0.5)
