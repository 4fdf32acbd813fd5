"""Baselines: fitted without a test beat, plain about what they are, reported beside networks."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier

import eval as program
from evaluation import plots
from evaluation.assessment import representatives
from evaluation.metrics import score
from experiments.baselines import baselines
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.features import FEATURES
from models import checkpoints
from tests.evaluation.examples import make_assessment
from tests.heartbeats.conftest import make_beats
from tests.test_eval import keep
from utils.errors import InputError


def easy_beats(classes: int = 5, patients: int = 12) -> BeatSet:
    """Beats whose class is where they peak, with some noise; class names to match."""
    beats = make_beats(patients)
    labels = (beats.labels % classes).astype(np.uint8)
    peaks = np.exp(-(((np.arange(187) - 20 - 30 * labels[:, None]) / 8) ** 2))
    signals = (0.8 * peaks + 0.2 * beats.signals).astype(np.float32)
    return dataclasses.replace(
        beats,
        signals=signals,
        labels=labels,
        class_names=beats.class_names[:classes],
        fingerprint="here",
    )


def small_forest(seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(10, random_state=seed)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """Own folders, figures that take no time, and one small baseline beside the linear one."""
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(checkpoints, "PRETRAINED_FOLDER", tmp_path / "pretrained")
    for name in ("confusion_figures", "curves_figure"):
        monkeypatch.setattr(plots, name, lambda assessments: Figure(figsize=(1, 1)))
    for name in ("forest", "boosting"):
        monkeypatch.setitem(baselines.BASELINES, name, small_forest)
    return tmp_path


def assessed(beats: BeatSet, protocol: str = "kaggle", **others):
    test = beats.select(splits.held_out(beats, protocol))
    return baselines.assess(beats, test, protocol, say=lambda line: None, **others)


@pytest.mark.parametrize("protocol", ["kaggle", "patients"])
@pytest.mark.parametrize("classes", [2, 5])
def test_baselines_learn_what_can_be_learned(classes, protocol):
    beats = easy_beats(classes)
    found = assessed(beats, protocol)
    assert [one.architecture for one in found] == list(baselines.BASELINES)
    test = splits.held_out(beats, protocol)
    for one in found:
        assert np.array_equal(one.labels, beats.labels[test])
        assert np.allclose(one.probabilities.sum(axis=1), 1)
        assert one.scores.macro_f1 > 0.9


def test_the_real_ones_fit_a_few_beats(monkeypatch):
    monkeypatch.undo()  # the real forest and the real boosting
    beats = easy_beats(2)
    material = baselines.prepare(beats, "kaggle")
    for make in baselines.BASELINES.values():
        model = make(0).fit(material.train_inputs, material.train_labels)
        predicted = model.predict(material.validation_inputs)
        assert score(material.validation_labels, predicted, beats.class_names).macro_f1 > 0.9


@pytest.mark.parametrize("protocol", ["kaggle", "patients"])
def test_poisoned_test_beats_change_no_baseline(protocol):
    beats = easy_beats()
    test = splits.held_out(beats, protocol)
    signals, labels = beats.signals.copy(), beats.labels.copy()
    signals[test] = np.nan  # a linear model that saw one would raise an error
    labels[test] = (labels[test] + 1) % 5
    if protocol == "patients":  # the split by patient of invented beats looks at labels
        labels = beats.labels
    poisoned = dataclasses.replace(beats, signals=signals, labels=labels)
    plain, other = baselines.prepare(beats, protocol), baselines.prepare(poisoned, protocol)
    for field in dataclasses.fields(plain):
        assert np.array_equal(getattr(plain, field.name), getattr(other, field.name))
    clean = beats.select(test)
    for a, b in zip(
        baselines.assess(beats, clean, protocol, say=lambda line: None),
        baselines.assess(poisoned, clean, protocol, say=lambda line: None),
        strict=True,
    ):
        assert np.array_equal(a.probabilities, b.probabilities)
        assert a.facts.score == b.facts.score


def test_nothing_of_the_test_beats_is_read_before_all_is_fitted(monkeypatch):
    beats = easy_beats()
    seen = []
    plain_inputs = baselines.inputs

    def watched(signals, sampling_hz):
        seen.append(len(signals))
        return plain_inputs(signals, sampling_hz)

    monkeypatch.setattr(baselines, "inputs", watched)
    test = beats.select(splits.held_out(beats, "kaggle"))
    baselines.assess(beats, test, "kaggle", say=lambda line: seen.append(line.split(":")[0]))
    train, validation = splits.development(beats, "kaggle", seed=0)
    assert seen == [len(train), len(validation), *baselines.BASELINES, len(test)]


def test_the_facts_say_what_a_baseline_is(place):
    (first, *_others) = assessed(easy_beats(), seed=3)
    facts = json.loads(first.checkpoint.read_text())
    folder = place / "runs" / "baselines" / "invented-kaggle"
    assert first.checkpoint == folder / "logistic.json"
    assert facts == first.facts.to_json() and facts["baseline"]
    assert facts["architecture"] == "logistic"
    assert facts["method"] == "LogisticRegression"
    assert facts["fingerprint"] == "here"
    assert facts["seed"] == 3
    assert facts["features"] == list(FEATURES)
    assert facts["settings"]["logisticregression__max_iter"] == 100
    assert 0.9 < facts["score"] <= 1
    assert facts["fit_seconds"] >= 0
    assert not list(folder.glob("*.joblib"))


def test_a_seed_repeats_and_matters():
    beats = make_beats()  # noise: forests of other seeds differ
    forests = [assessed(beats, seed=seed)[1].probabilities for seed in (0, 0, 1)]
    assert np.array_equal(forests[0], forests[1])
    assert not np.array_equal(forests[0], forests[2])


def test_a_class_without_training_beats_has_probability_0():
    model = small_forest(0).fit(np.random.default_rng(0).random((20, 3)), [0, 2] * 10)
    table = baselines.probabilities(model, np.zeros((4, 3)), classes=4)
    assert table.shape == (4, 4)
    assert not table[:, [1, 3]].any()
    assert np.allclose(table.sum(axis=1), 1)


def test_one_class_cannot_be_learned():
    beats = dataclasses.replace(easy_beats(), labels=np.zeros(480, np.uint8))
    with pytest.raises(InputError, match="one class"):
        baselines.prepare(beats, "kaggle")


def test_very_many_beats_are_thinned_out_by_class(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_TRAINING_BEATS", 100)
    counts = np.bincount(baselines.prepare(easy_beats(), "kaggle").train_labels)
    assert counts.sum() == 100
    assert counts.min() >= 15


@pytest.mark.slow
def test_eval_scores_baselines_beside_checkpoints(monkeypatch, place, capsys):
    beats = easy_beats()
    monkeypatch.setattr(catalog, "load", lambda name: beats)
    keep(checkpoints.folder_of("invented", "kaggle"), "cnn")
    assert program.main(["--baselines"]) == 0
    printed = capsys.readouterr().out
    report = json.loads((place / "runs/reports/invented-kaggle/scores.json").read_text())
    assert [model["name"] for model in report["models"]] == ["cnn", *baselines.BASELINES]
    assert "logistic: fitted to" in printed
    assert printed.count("cnn minus") == 1  # the baseline that validated best


def test_eval_needs_no_checkpoint_for_baselines(monkeypatch, place, capsys):
    beats = easy_beats()
    monkeypatch.setattr(catalog, "load", lambda name: beats)
    assert program.main(["--baselines", "--protocol=patients"]) == 0
    assert (place / "runs/reports/invented-patients/report.html").exists()
    assert program.main(["--baselines", "--arch", "cnn"]) == 2  # asked for, and not there
    assert "no checkpoint of cnn" in capsys.readouterr().err


def test_figures_show_the_baseline_that_validated_best():
    cnn = make_assessment("cnn")
    worse, best = (
        make_assessment(name, is_baseline=True, facts={"score": value})
        for name, value in (("forest", 0.8), ("boosting", 0.85))
    )
    assert representatives([cnn, worse, best]) == [cnn, best]
