"""Scores of methods on recorded beats, and what is said of them."""

import numpy as np
import pytest

from experiments.recorded_beats import report
from experiments.recorded_beats.report import Method, Part, j_kappa, macro_f1, unknown_beats

LABELS = np.repeat([0, 1, 2, 3], [60, 20, 15, 5])


def method(predicted: np.ndarray, name: str = "guess") -> Method:
    return Method(name, "how it is done", LABELS, predicted)


def test_j_kappa_is_one_for_no_error_and_falls_with_errors():
    assert j_kappa(LABELS, LABELS) == pytest.approx(1)
    worse = LABELS.copy()
    worse[:10] = 2
    assert 0 < j_kappa(LABELS, worse) < 1
    assert j_kappa(LABELS, np.zeros_like(LABELS)) == pytest.approx(0)


def test_macro_f1_is_of_four_classes():
    assert macro_f1(method(LABELS).scores) == 1
    no_fusion = np.where(LABELS == 3, 0, LABELS)
    f1 = [one.f1 for one in method(no_fusion).scores.classes[:4]]
    assert f1[3] == 0 and macro_f1(method(no_fusion).scores) == pytest.approx(sum(f1) / 4)


def test_unknown_beats_that_are_the_errors():
    wrong = np.arange(100) < 10
    found = unknown_beats(wrong, wrong, wrong * 1.0, 1 - 0.5 * wrong)
    assert (found.errors_among_unknown, found.errors_among_others, found.found) == (1, 0, 1)
    assert found.auc_anomaly == found.auc_doubt == 1


def test_unknown_beats_where_nothing_is_wrong_or_unknown():
    none = np.zeros(10, bool)
    found = unknown_beats(none, none, np.zeros(10), np.ones(10))
    assert found.errors_among_unknown is None and found.auc_anomaly is None
    assert "none" in report.unknown_sentence(found)


def test_a_beat_without_a_shape_is_the_strangest():
    wrong = np.array([False, False, True])
    anomaly = np.array([0.1, 3.0, np.nan])
    assert unknown_beats(wrong, wrong, anomaly, np.ones(3)).auc_anomaly == 1


def test_records_are_scored_apart():
    predicted = LABELS.copy()
    predicted[-5:] = 0
    records = np.where(np.arange(100) < 80, "100", "200")
    frame = report.by_record(records, [method(predicted)])
    assert frame["record"].tolist() == ["100", "200"]
    assert frame["accuracy"].tolist() == [1, 0.75]
    assert frame["V beats"].tolist() == [0, 15]


FACTS = {"records": 2, "data": "invented", "checkpoint": "cnn.json"}


def a_part() -> Part:
    return Part(
        "found",
        (method(LABELS), method(LABELS * 0, "nothing")),
        unknown_beats(LABELS == 3, LABELS == 3, LABELS * 1.0, 1 - LABELS / 9),
        {"N": 3, "V": 0},
        {"N": 0, "V": 2},
    )


def test_the_page_tells_what_was_missed_and_invented():
    html = report.build([a_part()], {}, FACTS, ["a doubt"]).html()
    assert (
        "3 annotated beats were not found (3 N) and 2 beats were found that are not annotated"
        in html
    )
    assert "a doubt" in html and html.count("<tr>") >= 3
    found = report.as_dict([a_part()], {"records": 2})["parts"]["found"]
    assert found["methods"][0]["macro_f1_nsvf"] == 1 and found["invented"]["V"] == 2
