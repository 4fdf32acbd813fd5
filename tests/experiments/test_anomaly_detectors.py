"""Anomaly scores, thresholds, differences: what the formulas promise."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from experiments.anomaly_detection import detectors
from experiments.anomaly_detection import report as anomaly_report
from experiments.anomaly_detection.detectors import BASELINES, Detector, cross_fitted
from experiments.anomaly_detection.report import (
    Results,
    choose_examples,
    examples_figure,
    histogram_figure,
)
from models.checkpoints import CheckpointFacts
from models.lstm_autoencoder import SCORES, held_back, of_each_net, threshold_of

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 3], [200, 60, 40])
NAMES = ("N", "A", "B", "C")
FACTS = CheckpointFacts(architecture="lstm_autoencoder", data="d", protocol="p")


def detector(name: str, separation: float, seed: int = 1) -> Detector:
    noise = np.random.default_rng(seed).standard_normal(len(LABELS))
    return Detector(name, np.exp(noise + separation * (LABELS != 0)), float(np.exp(1.5)))


@pytest.mark.parametrize("kind", SCORES)
def test_a_perfect_reconstruction_scores_zero_and_a_worse_one_more(kind):
    beats = RNG.standard_normal((6, 40))
    made = np.repeat(beats[:, None], 3, axis=1)
    assert np.allclose(of_each_net(beats, made, kind), 0)
    assert (of_each_net(beats, made + 2, kind) > of_each_net(beats, made + 1, kind)).all()


def test_smoothing_forgives_noise_but_not_a_misplaced_wave():
    beat = np.zeros((1, 140))
    noise = RNG.standard_normal((1, 1, 140))
    wave = np.zeros((1, 1, 140))
    wave[..., 50:70] = np.sqrt((noise**2).sum() / 20)  # of the same energy
    assert of_each_net(beat, wave, "l2") == pytest.approx(of_each_net(beat, noise, "l2"))
    smoothed = [of_each_net(beat, one, "smoothed_l2")[0, 0] for one in (wave, noise)]
    assert smoothed[0] > 2 * smoothed[1]


def test_the_held_back_score_is_the_one_of_the_own_fold():
    assert held_back(np.array([[1, 2], [3, 4], [5, 6]]), np.array([1, 0, 1])).tolist() == [2, 3, 6]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
def test_new_normal_beats_exceed_the_threshold_no_more_often_than_promised(share):
    rng = np.random.default_rng(3)
    above = [
        np.mean(rng.exponential(size=200) > threshold_of(rng.exponential(size=100), share))
        for _ in range(400)
    ]
    assert share - 0.015 < np.mean(above) < share + 0.005


def test_a_threshold_does_not_depend_on_the_order():
    scores = RNG.exponential(size=99)
    assert threshold_of(scores, 0.05) == threshold_of(np.sort(scores), 0.05) == np.sort(scores)[94]


def test_quality_counts_anomalies_as_positive():
    labels = np.array([0, 0, 0, 1, 1])
    found = detectors.quality(Detector("x", np.array([1, 2, 9, 8, 3.0]), 5), labels != 0)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.accuracy == 0.6 and found.false_alarms == pytest.approx(1 / 3)
    assert found.f1_normal == pytest.approx(2 / 3)
    assert found.auc == pytest.approx(2 / 3)


@pytest.mark.slow
def test_the_auc_difference_is_that_of_the_aucs_and_its_error_that_of_a_bootstrap():
    strange = LABELS != 0
    first, second = detector("a", 2, 1).scores, detector("b", 1.5, 2).scores
    found = detectors.auc_difference(first, second, strange)
    exact = roc_auc_score(strange, first) - roc_auc_score(strange, second)
    assert found.value == pytest.approx(exact, abs=1e-12)
    rng, drawn = np.random.default_rng(0), []
    for _ in range(150):
        rows = rng.integers(0, len(LABELS), len(LABELS))
        a, b = (roc_auc_score(strange[rows], one[rows]) for one in (first, second))
        drawn.append(a - b)
    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.3)
    assert detectors.auc_difference(first, first, strange).value == 0


def test_classes_without_beats_and_the_normal_class_have_no_row():
    rows = detectors.by_class([detector("a", 2)], LABELS, NAMES, 0)
    assert [(row["class"], row["beats"]) for row in rows] == [("A", 60), ("C", 40)]


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.slow
def test_every_baseline_finds_what_is_far_from_normal(name):
    rng = np.random.default_rng(0)
    shapes = rng.standard_normal((2, 30))
    normal = rng.standard_normal((90, 2)) @ shapes + 0.1 * rng.standard_normal((90, 30))
    strange = 3 * rng.standard_normal((20, 30))
    fold_of = np.arange(90) % 3
    own, scores = cross_fitted(BASELINES[name], normal, fold_of, strange)
    assert own.shape == (90,) and scores.shape == (20,)
    truth = np.repeat([0, 1], [90, 20])
    assert roc_auc_score(truth, np.concatenate([own, scores])) > 0.95


def results_of(separations: tuple[float, ...]) -> Results:
    detectors = [detector(f"d{i}", one, seed=i) for i, one in enumerate(separations)]
    return Results("title", "split", FACTS, detectors, LABELS, NAMES)


def test_the_verdict_says_plainly_who_leads():
    ahead, behind = results_of((5, 1)), results_of((1, 5))
    assert "ahead of every baseline" in anomaly_report.verdict(ahead.qualities(), ahead.leads())
    words = anomaly_report.verdict(behind.qualities(), behind.leads())
    assert "is not ahead of d1" in words


def test_examples_are_drawn_by_the_seed_and_two_of_each():
    strange = LABELS != 0
    rows = choose_examples(strange, 2, np.random.default_rng(0))
    assert strange[rows].tolist() == [False, False, True, True]
    assert (rows == choose_examples(strange, 2, np.random.default_rng(0))).all()
    assert len(choose_examples(strange, 999, np.random.default_rng(0))) == 200


def figures_of(results: Results) -> dict[str, Figure]:
    first = results.detectors[0]
    beats = RNG.standard_normal((len(LABELS), 50))
    rows = choose_examples(results.is_anomaly, 2, np.random.default_rng(0))
    return {
        "histogram": histogram_figure(first, results.is_anomaly, "title"),
        "examples": examples_figure(beats, 0.9 * beats, first, LABELS, NAMES, rows, "title"),
    }


@pytest.mark.slow
def test_the_report_is_written_whole(tmp_path):
    one = results_of((4, 3))
    figures = figures_of(one)
    paths = anomaly_report.write(tmp_path, one, figures)
    assert all(path.stat().st_size for path in paths)
    assert {path.name for path in paths} == {
        "report.html",
        "scores.json",
        "histogram.png",
        "examples.png",
        "detectors.csv",
        "per_class.csv",
        "scores_per_beat.csv",
    }
    titles = [axes.get_title(loc="left") for axes in figures["examples"].axes]
    assert len(titles) == 4 and "truth: N" in titles[0] and "verdict:" in titles[3]
