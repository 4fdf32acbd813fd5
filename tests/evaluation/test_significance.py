"""The bootstrap: what it must give where theory or symmetry says so."""

import numpy as np
import pytest

from evaluation.comparison import compare
from evaluation.metrics import score
from evaluation.significance import interval, resample
from tests.evaluation.examples import CLASSES, make_assessment, many


def test_standard_error_of_accuracy_is_that_of_a_proportion():
    one = many(beats=2000)
    draws = resample(one.labels, [one.predicted], 5)
    accuracy = one.scores.accuracy
    found = interval(accuracy, draws.accuracy[0])
    assert found.standard_error == pytest.approx(
        np.sqrt(accuracy * (1 - accuracy) / 2000), rel=0.1
    )
    assert found.low < accuracy < found.high
    assert draws.macro_f1[0].mean() == pytest.approx(one.scores.macro_f1, abs=0.003)


def test_each_draw_is_scored_as_metrics_score_does():
    """One patient drawn again and again is the whole test set, several times over."""
    one = make_assessment()
    same = np.full(10, "only one")
    draws = resample(one.labels, [one.predicted], 5, patients=same, rounds=7)
    expected = score(one.labels, one.predicted, CLASSES)
    assert np.allclose(draws.accuracy, expected.accuracy)
    assert np.allclose(draws.macro_f1, expected.macro_f1)


def test_the_seed_decides():
    one = many()
    first, again, other = (
        resample(one.labels, [one.predicted], 5, rounds=50, seed=seed).macro_f1
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_errors_of_a_single_patient_widen_the_interval_by_patient():
    true = np.tile(np.arange(5), 120)
    patients = np.repeat(np.arange(6), 100)
    predicted = np.where(patients == 0, (true + 1) % 5, true)
    by_beat = resample(true, [predicted], 5).accuracy[0]
    by_patient = resample(true, [predicted], 5, patients=patients).accuracy[0]
    assert by_patient.std() > 5 * by_beat.std()


def test_equal_models_differ_by_nothing():
    difference = compare([many(architecture="cnn"), many(architecture="rnn")]).differences[0]
    assert (difference.macro_f1.low, difference.macro_f1.high) == (0, 0)
    assert not difference.macro_f1.excludes_zero
    assert "cannot tell" in difference.sentence()


def test_pairing_finds_a_small_but_steady_difference():
    worse = many(wrong=0.10, beats=3000, architecture="rnn")
    predicted = worse.predicted.copy()
    predicted[np.flatnonzero(predicted != worse.labels)[::10]] = -1
    predicted = np.where(predicted == -1, worse.labels, predicted)  # a tenth of its errors mended
    better = make_assessment("cnn", predicted, worse.labels, worse.records)
    comparison = compare([better, worse])
    cnn, rnn = comparison.results
    assert cnn.macro_f1.low < rnn.macro_f1.high  # their own intervals overlap
    assert comparison.differences[0].macro_f1.low > 0
    assert "more than" in comparison.differences[0].sentence()


def test_patients_are_drawn_under_protocol_patients_alone():
    assert compare([many()]).unit == "beats"
    by_patient = compare([many(protocol="patients")])
    assert (by_patient.unit, by_patient.units) == ("patients", 6)
    assert compare([make_assessment(protocol="patients", records=None)]).unit == "beats"


def test_several_seeds_give_mean_and_deviation_and_one_difference():
    runs = [
        many(architecture=name, seed=seed, facts={"seed": seed, "score": 0.9 + seed / 100})
        for name in ("cnn", "rnn")
        for seed in (0, 1, 2)
    ]
    comparison = compare(runs)
    cnn = comparison.spreads[0]
    accuracies = [one.scores.accuracy for one in runs[:3]]
    assert cnn.accuracy == pytest.approx(np.mean(accuracies))
    assert cnn.accuracy_deviation == pytest.approx(np.std(accuracies, ddof=1))
    assert [(one.first, one.second) for one in comparison.differences] == [
        ("cnn seed 2", "rnn seed 2")  # those that validated best
    ]
