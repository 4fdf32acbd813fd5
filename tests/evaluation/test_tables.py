"""The tables add up."""

import numpy as np
import pandas as pd
import pytest

from evaluation import score_tables
from evaluation.assessment import names, representatives
from evaluation.metrics import class_curves
from tests.evaluation.examples import make_assessment, many


def test_records_sum_to_the_whole():
    one = many(beats=700, patients=7)
    frame = score_tables.per_record([one])
    assert len(frame) == 7
    assert frame["beats"].sum() == 700
    assert frame["wrong"].sum() == (one.labels != one.predicted).sum()
    assert np.average(frame["accuracy"], weights=frame["beats"]) == pytest.approx(
        one.scores.accuracy
    )
    for of_class in one.scores.classes:
        assert frame[f"beats_{of_class.name}"].sum() == of_class.support


def test_a_record_by_hand():
    frame = score_tables.per_record([make_assessment()]).set_index("record")
    # record a: N N N S V, all right; record b: N N N S V, with N as S and S as N
    assert frame.loc["a", "accuracy"] == 1
    assert frame.loc["a", "most_frequent_confusion"] == ""
    assert frame.loc["b", "wrong"] == 2
    assert frame.loc["b", "f1_S"] == 0
    assert frame.loc["b", "f1_N"] == pytest.approx(2 / 3)
    assert frame.loc["b", "macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert pd.isna(frame.loc["b", "f1_Q"])  # no such beat, so no F1


def test_records_that_are_not_known_give_no_table():
    assert score_tables.per_record([make_assessment(records=None)]) is None


def test_most_frequent_confusion():
    assert score_tables.most_frequent_confusion(np.diag([3, 4]), ("N", "S")) == ""
    assert (
        score_tables.most_frequent_confusion(np.array([[9, 1], [3, 0]]), ("N", "S"))
        == "S as N (3)"
    )


def test_per_class_has_a_row_for_every_model_and_class():
    frame = score_tables.per_class([make_assessment("cnn"), make_assessment("rnn")])
    assert len(frame) == 10
    by_class = frame[frame["model"] == "rnn"].set_index("class")
    assert by_class.loc["S", "f1"] == pytest.approx(0.5)
    assert by_class.loc["F", "support"] == 0
    assert pd.isna(by_class.loc["F", "roc_auc"])


def test_per_beat_keeps_the_order_of_the_test_set():
    frame = score_tables.per_beat(
        [make_assessment(times_s=np.arange(10.0)), make_assessment("rnn")]
    )
    assert frame["test_beat"].tolist() == list(range(10))
    assert list(frame["true"]) == list("NNNNNNSSVV")
    assert list(frame["cnn"]) == list("NNNNNSSNVV")
    assert frame["cnn probability"].round(3).eq(0.9).all()
    assert {"record", "time_s", "rnn"} <= set(frame.columns)


def test_curves_of_a_perfect_and_of_a_blind_model():
    labels = np.array([0, 0, 0, 1])
    perfect = class_curves(labels, np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9]]))
    assert perfect[1].auc == 1 and perfect[1].average_precision == 1
    blind = class_curves(labels, np.full((4, 2), 0.5))
    assert blind[1].auc == pytest.approx(0.5)
    assert blind[1].average_precision == pytest.approx(0.25) == blind[1].prevalence


def test_curves_of_a_class_without_beats_are_none():
    curves = class_curves(np.array([0, 0]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    assert curves == [None, None]  # all beats, and no beat


def test_names_are_unique():
    runs = [make_assessment("cnn", facts={"seed": s}) for s in (0, 1)] + [make_assessment("rnn")]
    assert names(runs) == ["cnn seed 0", "cnn seed 1", "rnn"]
    assert names([make_assessment(), make_assessment()]) == ["cnn seed 0 #1", "cnn seed 0 #2"]


def test_the_representative_is_chosen_by_validation():
    good_on_test = make_assessment(predicted=make_assessment().labels, facts={"score": 0.7})
    good_on_validation = make_assessment(facts={"score": 0.8})
    assert representatives([good_on_test, good_on_validation]) == [good_on_validation]
    by_loss = [make_assessment(facts={"score": s, "monitor": "val_loss"}) for s in (0.3, 0.2)]
    assert representatives(by_loss) == [by_loss[1]]
