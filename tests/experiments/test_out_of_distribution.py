"""Strange beats are strange and scaled, scores order them, and the study measures rightly."""

import numpy as np
import pytest

from experiments.out_of_distribution import distance_scores, measure, out_of_distribution
from experiments.out_of_distribution.distance_scores import SCORES, Seen
from heartbeats import catalog
from models import checkpoints
from tests.training import test_run
from tests.training.test_run import SETTINGS
from training import run
from training.classifier import Classifier
from utils.errors import InputError

beats, notebook = test_run.beats, test_run.notebook


@pytest.fixture
def padded() -> np.ndarray:
    rng = np.random.default_rng(0)
    signals = np.zeros((20, 187), np.float32)
    for signal, length in zip(signals, rng.integers(60, 187, 20), strict=True):
        signal[:length] = np.linspace(1, 0.1, length)
        signal[length // 2] = 0
    return signals


def test_all_kinds_are_as_many_as_the_beats_and_scaled(padded):
    kinds = measure.made_from(padded, 120.0, np.random.default_rng(0))
    for made in kinds.values():
        assert made.shape == padded.shape and made.dtype == np.float32
        assert made.min() >= 0 and made.max() <= 1
    assert not any(np.array_equal(made, padded) for made in kinds.values())


def test_ruined_beats_are_what_their_names_say(padded):
    kinds = measure.made_from(padded, 120.0, np.random.default_rng(0))
    length = np.flatnonzero(padded[0])[-1] + 1
    assert np.allclose(kinds["backwards"][0, :length], padded[0, :length][::-1])
    assert np.allclose(
        kinds["cut mid-beat"][0, :length], np.roll(padded[0, :length], -(length // 2))
    )
    assert np.allclose(kinds["upside down"][0, :length], 1 - padded[0, :length])
    assert np.allclose(kinds["twice the rate"][0, :90], padded[0, :180:2])
    assert np.allclose(kinds["half the rate"][0, ::2], padded[0, :94])
    assert np.allclose(measure.resampled(padded, 187), padded, atol=1e-5)


def seen(rng: np.random.Generator, middle: float, beats: int = 300) -> Seen:
    labels = rng.integers(0, 2, beats)
    place = np.stack([np.where(labels, 3.0, -3.0), np.zeros(beats), np.ones(beats)], axis=1)
    embeddings = place + [0, middle, 0] + rng.normal(0, 0.3, (beats, 3))
    logits = np.stack([-embeddings[:, 0], embeddings[:, 0]], axis=1) / (1 + middle)
    probabilities = 1 / (1 + np.exp(-np.stack([logits[:, 0] * 2, logits[:, 1] * 2], axis=1)))
    signals = rng.normal(0, 0.01, (beats, 40)) + middle * rng.random((beats, 40))
    return Seen(signals.astype(np.float32), labels, probabilities, logits, embeddings)


@pytest.mark.parametrize("name", SCORES)
def test_each_score_is_higher_for_strange_beats(name, monkeypatch):
    monkeypatch.setattr(distance_scores, "COMPONENTS", 5)
    rng = np.random.default_rng(0)
    score = SCORES[name](seen(rng, 0.0))
    known, strange = score(seen(rng, 0.0)), score(seen(rng, 4.0))
    assert known.shape == (300,)
    assert np.median(strange) > np.quantile(known, 0.9)


def test_what_is_found_is_measured_at_the_limit_of_validation_beats():
    rng = np.random.default_rng(0)
    validation, known = seen(rng, 0.0, 1000), seen(rng, 0.0, 1000)
    kinds = {"same": seen(rng, 0.0, 1000), "far": seen(rng, 9.0)}
    measured = measure.measure(lambda one: one.embeddings[:, 1], validation, known, kinds)
    assert measured.false_alarms == pytest.approx(0.01, abs=0.012)
    assert measured.areas["far"] == measured.found["far"] == 1
    assert measured.areas["same"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_the_program_tells_of_each_checkpoint(beats, notebook, monkeypatch, capsys):
    monkeypatch.setattr(measure, "STRANGE_BEATS", 30)
    run.train(Classifier("cnn"), SETTINGS)
    path = checkpoints.best("invented", "kaggle", "cnn").path

    def load(name):
        if name != "invented":
            raise InputError("not there")
        return beats

    monkeypatch.setattr(catalog, "load", load)
    assert out_of_distribution.main(["--checkpoint", str(path), "--test"]) == 0
    told = capsys.readouterr().out
    assert "100 known beats" in told and "centres: all three views" in told
    assert "uncertain:" in told and "without ptb: not there" in told
