"""What is in use changes only for a network that is better by more than noise."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from evaluation.significance import Interval
from models import checkpoints
from models.facts import CheckpointFacts
from tests.models.test_checkpoints import DRAW
from tests.training import test_run
from tests.training.test_run import SETTINGS
from training import promote, promotion, run
from training.classifier import Classifier, gain
from training.promotion import consider, place_of
from utils.result_file import Identity

beats, notebook = test_run.beats, test_run.notebook

FACTS = CheckpointFacts(
    architecture="cnn",
    data="d",
    protocol="kaggle",
    monitor="val_macro_f1",
    fingerprint="abc",
    validation=DRAW,
)


@pytest.fixture(autouse=True)
def runs(monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    for name in ("SWEEP_CANDIDATES_DIR", "SWEEP_TRIAL_DIR", "WANDB_SWEEP_ID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "runs"


def candidate(folder, score, **changes):
    facts = replace(FACTS, score=score, **changes)
    save = lambda path: path.write_bytes(str(score).encode())  # noqa: E731
    checkpoints.offer(folder, facts, lambda *_scores: True, save)
    return checkpoints.read(folder / "cnn.json")


def offered(tmp_path, score, low=0.001, **changes):
    """How it goes with a candidate whose gain has this lower bound."""
    value = max(low, 0.0) + 0.002
    found = Interval(value, 0.001, low, value + 0.01)
    one = candidate(tmp_path / f"{score}", score, **changes)
    return consider(one, "max", lambda mine, its: found)


def in_use():
    return checkpoints.best("d", "kaggle", "cnn").facts


def test_the_first_is_used_and_then_only_what_is_better_by_more_than_noise(tmp_path):
    first = offered(tmp_path, 0.5)
    assert first.is_taken and "nothing stood in its place" in first.sentence
    lucky = offered(tmp_path, 0.6, low=-0.01)
    assert not lucky.is_taken and "may be noise" in lucky.sentence
    assert f"beatsweep promote {lucky.candidate}" in lucky.sentence
    assert not offered(tmp_path, 0.4).is_taken
    assert in_use().score == 0.5
    better = offered(tmp_path, 0.7)
    assert better.is_taken and "95 % interval 0.0010 to" in better.sentence
    assert in_use().score == 0.7 and in_use().promoted["because"] == better.reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fingerprint": "cut"}, "other data"),
        ({"digest": "2", "seed": 1}, "another draw: 100 beats, seed 0 and not 100 beats, seed 1"),
        ({"digest": "3", "beats": 9}, "another draw: 100 beats, seed 0 and not 9 beats"),
    ],
)
def test_scores_of_other_beats_say_nothing_about_what_is_used(tmp_path, change, told):
    offered(tmp_path, 0.5)
    other = offered(tmp_path, 0.99, validation={**DRAW, **change})
    assert not other.is_taken and told in other.sentence
    assert in_use().score == 0.5


def test_another_monitor_is_not_compared(tmp_path):
    offered(tmp_path, 0.5)
    assert "was chosen by val_macro_f1" in offered(tmp_path, 0.9, monitor="val_accuracy").reason


def test_a_shipped_network_is_not_replaced_by_noise_either(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "PRETRAINED_FOLDER", tmp_path / "pretrained")
    candidate(tmp_path / "pretrained" / "d-kaggle", 0.9)
    assert not offered(tmp_path, 0.95, low=-0.01).is_taken
    assert "pretrained" in str(checkpoints.best("d", "kaggle", "cnn").path)
    assert offered(tmp_path, 0.96).is_taken


def test_by_hand_anything_is_put_into_use_and_the_list_shows_it(tmp_path, runs, capsys):
    offered(tmp_path, 0.9)
    one = candidate(runs / "trainings" / "d-kaggle" / "cnn-12345678", 0.1, monitor="val_accuracy")
    promotion.promote(one, "it was asked for")
    assert in_use().score == 0.1
    assert promote.main([]) == 0
    told = capsys.readouterr().out
    assert "in use" in told and "candidate" in told and "val_accuracy 0.1000" in told
    one.weights_file.unlink()
    assert promote.main([str(one.path)]) == 2
    assert "which is not there" in capsys.readouterr().err


def test_trials_share_their_sweeps_folder_and_others_have_their_own(tmp_path, runs, monkeypatch):
    identity = Identity({"seed": 0})
    own = place_of(FACTS, identity)
    assert own.folder == runs / "trainings" / "d-kaggle" / f"cnn-{identity.digest}"
    assert not own.is_shared and not promotion.in_a_sweep()
    assert place_of(FACTS, identity, tmp_path / "mine").folder == tmp_path / "mine"
    monkeypatch.setenv("WANDB_SWEEP_ID", "abc123")
    assert place_of(FACTS, identity, tmp_path / "mine").folder == (
        runs / "sweeps" / "abc123" / "checkpoints" / "d-kaggle"
    )
    monkeypatch.setenv("SWEEP_CANDIDATES_DIR", str(tmp_path / "study"))
    shared = place_of(FACTS, identity)
    assert shared.folder == tmp_path / "study" / "d-kaggle" and shared.is_shared
    assert promotion.in_a_sweep()


@pytest.mark.slow
def test_a_trial_changes_nothing_that_is_used(beats, notebook, monkeypatch, tmp_path):
    """As a new user tried it: a sweep of short trainings took the place of a good network."""
    monkeypatch.setenv("SWEEP_CANDIDATES_DIR", str(tmp_path / "study"))
    for seed in (0, 1):
        outcome = run.train(Classifier("cnn"), dataclasses.replace(SETTINGS, seed=seed))
        assert outcome.promotion is None
    assert checkpoints.best("invented", "kaggle", "cnn") is None
    kept = checkpoints.read(tmp_path / "study" / "invented-kaggle" / "cnn.json")
    assert kept.facts.chosen_on.digest and kept.calibration_file is None
    assert promote.main([str(kept.path)]) == 0
    used = checkpoints.best("invented", "kaggle", "cnn")
    assert used.calibration_file is not None and used.facts.score == kept.facts.score


@pytest.mark.slow
def test_the_gain_is_paired_and_has_a_sign(beats, notebook, tmp_path):
    good = run.train(Classifier("cnn"), SETTINGS, keep_in=tmp_path / "good").candidate
    bad_settings = dataclasses.replace(SETTINGS, epochs=1, learning_rate=1e-7)
    bad = run.train(Classifier("cnn"), bad_settings, keep_in=tmp_path / "bad").candidate
    validation = beats.select(np.arange(600))
    for monitor in ("val_macro_f1", "val_accuracy", "val_loss"):
        both = [replace(one, facts=replace(one.facts, monitor=monitor)) for one in (good, bad)]
        found = gain(*both, validation, "kaggle")
        assert found.low > 0, monitor
        assert gain(*both[::-1], validation, "kaggle").high < 0, monitor
        same = gain(both[0], both[0], validation, "kaggle")
        assert (same.low, same.high) == (0, 0)
