"""An interrupted training goes on as if nothing had happened."""

import dataclasses
import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.predictor import predict
from tests.training import test_run
from tests.training.test_loop import SMALL, build, bumps
from tests.training.test_run import Notebook
from training import loop, run, tracked_run
from training.classifier import Classifier
from training.epochs import FitResult
from training.resume import FILE_NAME, StateFile, TrainingState, take_up
from training.settings import CnnSettings
from training.tracked_run import StopRequest
from utils.result_file import Identity, IncompatibleState

beats = test_run.beats
# Dropout on, so that its draws matter.
SETTINGS = CnnSettings(**SMALL, epochs=5, dropout=0.3, learning_rate=0.02)
PLATEAU = dataclasses.replace(
    SETTINGS, schedule="plateau", plateau_patience=1, patience=3, epochs=12
)
IDENTITY = {"data": "invented", "settings": {"width": 4, "seed": 0}}
OF_THE_CLOCK = {"epoch_seconds", "beats_per_second"}
PACE = {"beats_per_second", "seconds_per_epoch", "fit_seconds", "data_seconds"}


class Killed(BaseException):
    """What no program catches."""


def noisy(number: int, seed: int) -> BeatSet:
    """Bumps under so much noise that the scores go up and down from epoch to epoch."""
    beats = bumps(number, seed)
    rng = np.random.default_rng(seed + 100)
    beats.signals[:] += rng.normal(0, 0.8, beats.signals.shape).astype(np.float32)
    return beats


@pytest.fixture(scope="module")
def train():
    return noisy(320, 0)


@pytest.fixture(scope="module")
def validation():
    return noisy(200, 1)


@pytest.fixture
def file(tmp_path):
    return StateFile(tmp_path / FILE_NAME, Identity(IDENTITY))


def killed_in(epoch: int):
    """For `on_epoch`: dies before the state of this epoch is written."""

    def on_epoch(metrics):
        if metrics["epoch"] == epoch:
            raise Killed

    return on_epoch


def alike(rows):
    """The rows without what depends on the machine's load."""
    return [{name: row[name] for name in row if name not in OF_THE_CLOCK} for row in rows]


def assert_same_course(resumed, straight):
    assert len(resumed.history) == len(straight.history)
    for one, other in zip(alike(resumed.history), alike(straight.history), strict=True):
        assert one == pytest.approx(other, rel=1e-3)
    assert resumed.best_epoch == straight.best_epoch
    assert resumed.best_score == pytest.approx(straight.best_score, rel=1e-3)
    assert resumed.ended_by == straight.ended_by


def assert_resumes(train, validation, file, settings, killed):
    """Kill a training in each of these epochs; its end is that of one that was left alone."""
    whole = build(settings)
    straight = loop.fit(whole, train, validation, settings)
    for epoch in killed:
        with pytest.raises(Killed):
            loop.fit(
                build(settings),
                train,
                validation,
                settings,
                on_epoch=killed_in(epoch),
                state_file=file,
            )
    # Another seed's weights and a spent `random`: nothing may remain of them.
    rows, model = [], build(dataclasses.replace(settings, seed=7))
    random.random()
    resumed = loop.fit(model, train, validation, settings, on_epoch=rows.append, state_file=file)
    assert_same_course(resumed, straight)
    assert resumed.resumed_after == max(killed) - 1
    assert rows == resumed.history
    assert np.array_equal(resumed.predicted, predict(model, validation.signals).argmax(1))
    assert np.mean(resumed.predicted == straight.predicted) > 0.98
    for mine, its in zip(model.get_weights(), whole.get_weights(), strict=True):
        assert np.allclose(mine, its, rtol=1e-2, atol=1e-4)
    return resumed


@pytest.mark.slow
def test_a_killed_training_ends_like_one_that_was_not(train, validation, file, capsys):
    """Killed behind its best epoch, with the rate halved and patience running out."""
    resumed = assert_resumes(train, validation, file, PLATEAU, killed=(7,))
    assert capsys.readouterr().out == "resumed after epoch 6 of 12\n"
    assert resumed.best_epoch < 6
    assert resumed.history[-1]["learning_rate"] < resumed.history[0]["learning_rate"]
    assert resumed.ended_by == "val_macro_f1 did not improve for 3 epochs"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "killed"),
    [
        ({}, (2, 4, 5)),
        ({"monitor": "val_loss", "patience": 2, "schedule": "constant", "epochs": 12}, (3, 6)),
        ({"dropout_kind": "element", "summary": "average_max", "dense_units": 8}, (1, 3)),
    ],
    ids=["cosine, killed three times", "a score to minimise", "other layers, killed in epoch 1"],
)
def test_so_do_others_killed_earlier_or_often(train, validation, file, changes, killed):
    assert_resumes(train, validation, file, dataclasses.replace(SETTINGS, **changes), killed)


@pytest.mark.slow
def test_a_finished_training_is_not_trained_again(train, validation, file, monkeypatch):
    settings = dataclasses.replace(SETTINGS, epochs=1)
    model = build(settings)
    first = loop.fit(model, train, validation, settings, state_file=file)
    monkeypatch.setattr("keras.Model.fit", lambda *_args, **_options: pytest.fail("it trains"))
    other = build(dataclasses.replace(settings, seed=7))
    again = loop.fit(other, train, validation, settings, state_file=file)
    assert again == dataclasses.replace(first, resumed_after=1)
    for mine, its in zip(other.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(mine, its)


@pytest.mark.slow
def test_patience_that_ran_out_is_remembered(train, validation, file, monkeypatch):
    settings = dataclasses.replace(
        SETTINGS, patience=1, epochs=9, learning_rate=1e-7, schedule="constant"
    )
    first = loop.fit(build(settings), train, validation, settings, state_file=file)
    assert first.ended_by == "val_macro_f1 did not improve for 1 epochs"
    monkeypatch.setattr("keras.Model.fit", lambda *_args, **_options: pytest.fail("it trains"))
    again = loop.fit(build(settings), train, validation, settings, state_file=file)
    assert again == dataclasses.replace(first, resumed_after=len(first.history))


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_remembered(train, validation, file, monkeypatch):
    poisoned = train.select(np.arange(len(train)))
    poisoned.signals[:] = np.nan
    first = loop.fit(build(SETTINGS), poisoned, validation, SETTINGS, state_file=file)
    assert first.failed and "epoch 1, batch 1" in first.ended_by
    monkeypatch.setattr("keras.Model.fit", lambda *_args, **_options: pytest.fail("it trains"))
    again = loop.fit(build(SETTINGS), poisoned, validation, SETTINGS, state_file=file)
    assert again == first


@pytest.mark.slow
def test_a_stop_in_mid_epoch_leaves_the_state_before_it(train, validation, file):
    stop = StopRequest()
    result = loop.fit(
        build(SETTINGS),
        train,
        validation,
        SETTINGS,
        on_epoch=lambda metrics: stop.request(),
        stop=stop,
        state_file=file,
    )
    assert result.stopped and len(result.history) == 2  # the second was cut after its first batch
    assert file.read().history == result.history[:1]
    assert not file.read().finished(SETTINGS.epochs)


def small_network() -> keras.Model:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    network.compile("adamw", "mse")
    network.optimizer.build(network.trainable_variables)
    return network


def state_of(network: keras.Model) -> TrainingState:
    return TrainingState(
        [{"epoch": 1, "loss": 0.1}],
        "",
        {"early": {"stopped_epoch": 0}},
        random.getstate(),
        [np.full(one.shape, 3, one.dtype) for one in network.variables],
        [np.full(one.shape, 4, one.dtype) for one in network.optimizer.variables],
        network.get_weights(),
    )


@pytest.fixture
def kept(file):
    file.write(state_of(small_network()))
    return file


def test_a_state_comes_back_as_it_was(kept):
    network = small_network()
    state = take_up(kept, network, 2)
    random.setstate(state.order)  # of the right types
    assert state.history == [{"epoch": 1, "loss": 0.1}]
    assert all((keras.ops.convert_to_numpy(one) == 3).all() for one in network.variables)
    assert all((keras.ops.convert_to_numpy(one) == 4).all() for one in network.optimizer.variables)


def test_a_damaged_state_is_reported_and_not_used(kept, capsys):
    """How damage is found is tested in tests/utils/test_result_file.py."""
    kept.path.write_bytes(kept.path.read_bytes()[:-1])
    assert take_up(kept, small_network(), 2) is None
    told = capsys.readouterr().out
    assert re.search(r"training.state is not used: it is damaged; .* starts from epoch 1", told)
    assert told.count("\n") == 1


def test_a_state_of_earlier_versions_is_read(file):
    """A digest, then an archive with facts and arrays: written here without our own code."""
    network = small_network()
    state = state_of(network)
    facts = {
        "identity": {**IDENTITY, "state_layout": 1},
        "history": state.history,
        "failure": "",
        "counted": state.counted,
        "order": state.order,
    }
    groups = {
        "variables": state.variables,
        "optimizer": state.optimizer,
        "best_weights": state.best_weights,
    }
    arrays = {f"{name}-{i}": one for name, group in groups.items() for i, one in enumerate(group)}
    archive = io.BytesIO()
    np.savez(archive, facts=json.dumps(facts), **arrays)
    file.path.write_bytes(hashlib.sha256(archive.getvalue()).digest() + archive.getvalue())
    assert take_up(file, network, 2).history == state.history
    assert all((keras.ops.convert_to_numpy(one) == 4).all() for one in network.optimizer.variables)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {"width": 6, "seed": 0}}, "it is of other width;"),
        ({"data": "mitbih"}, "it is of other data;"),
        ({"backend": "jax"}, "it is of other backend;"),
    ],
)
def test_a_state_of_another_training_is_told_and_left(kept, capsys, change, told):
    other = StateFile(kept.path, Identity({**IDENTITY, **change}))
    assert take_up(other, small_network(), 2) is None
    assert told in capsys.readouterr().out


def test_a_network_of_another_shape_is_told_and_left_alone(kept, capsys):
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    network.compile("adamw", "mse")
    before = network.get_weights()
    assert take_up(kept, network, 2) is None
    assert "another shape" in capsys.readouterr().out
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))


class Dying(Notebook):
    """A tracker whose process is killed while it logs an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def log(self, metrics):
        if metrics["epoch"] == self.epoch:
            raise Killed
        super().log(metrics)


def trained(monkeypatch, settings: CnnSettings, book: Notebook) -> run.Outcome:
    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: book)
    return run.train(Classifier("cnn"), settings)


@pytest.mark.slow
def test_a_resumed_run_logs_and_keeps_all(beats, monkeypatch, tmp_path):
    settings = dataclasses.replace(SETTINGS, epochs=3)
    straight, dying, book, again = Notebook(), Dying(3), Notebook(), Notebook()
    whole = trained(monkeypatch, settings, straight)
    assert not list(tmp_path.rglob(FILE_NAME))  # outside of a trial no state is kept
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "other"))
    monkeypatch.setenv("SWEEP_TRIAL_DIR", str(tmp_path / "trial"))
    with pytest.raises(Killed):
        trained(monkeypatch, settings, dying)
    outcome = trained(monkeypatch, settings, book)
    assert outcome.result.resumed_after == 2
    assert book.rows[:2] == dying.rows
    for one, other in zip(alike(book.rows), alike(straight.rows), strict=True):
        assert one == pytest.approx(other, rel=1e-3)
    assert outcome.scores.macro_f1 == pytest.approx(whole.scores.macro_f1)
    assert book.summary.pop("ended_by") == straight.summary.pop("ended_by")
    assert book.summary.pop("validation_digest") == straight.summary.pop("validation_digest")
    for name in straight.summary.keys() - PACE:
        assert book.summary[name] == pytest.approx(straight.summary[name], rel=1e-3)
    # What is a trial's is not calibrated: that comes when it is put into use.
    assert straight.models == [("cnn-invented-kaggle", [".json", ".keras", ".npz"])]
    assert outcome.candidate and book.models == [("cnn-invented-kaggle", [".json", ".keras"])]
    standing = outcome.candidate
    assert standing.facts.epoch == outcome.result.best_epoch == whole.result.best_epoch
    assert standing.facts.score == outcome.result.best_score
    # Once more: nothing is left to train, all is logged and scored, and the checkpoint, put in
    # place by the process before, is known as its own.
    done = trained(monkeypatch, settings, again)
    assert again.rows == book.rows and done.scores.macro_f1 == outcome.scores.macro_f1
    assert done.candidate and again.models == book.models and again.ended == "finished"


@pytest.mark.slow
def test_anothers_better_checkpoint_is_not_taken_for_ones_own(beats, monkeypatch, tmp_path):
    settings = dataclasses.replace(SETTINGS, epochs=1, learning_rate=1e-7)
    monkeypatch.setenv("SWEEP_TRIAL_DIR", str(tmp_path / "trial"))
    monkeypatch.setenv("SWEEP_CANDIDATES_DIR", str(tmp_path / "sweep"))
    standing = trained(monkeypatch, settings, Notebook()).candidate
    theirs = dataclasses.replace(standing.facts, score=0.99, settings={"width": 64})
    assert checkpoints.offer(
        standing.path.parent, theirs, lambda mine, its: True, lambda path: path.write_bytes(b"x")
    )
    book = Notebook()
    assert trained(monkeypatch, settings, book).candidate is None
    assert book.models == []


def test_other_settings_start_anew_wherever_the_run_is_logged(beats, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEP_TRIAL_DIR", str(tmp_path / "trial"))
    given = []

    def fit(*_args, state_file, **_options):
        given.append(state_file)
        return FitResult()

    monkeypatch.setattr(loop, "fit", fit)
    for changes in ({}, {"tracking": "auto"}, {"weight_decay": 0.1}):
        trained(monkeypatch, dataclasses.replace(SETTINGS, **changes), Notebook())
    first, logged_elsewhere, other = given
    first.write(state_of(small_network()))
    assert logged_elsewhere.read() is not None
    with pytest.raises(IncompatibleState, match="it is of other weight_decay"):
        other.read()


@pytest.mark.slow
def test_a_process_killed_by_the_system_goes_on(tmp_path):
    flags = [
        "--data=synthetic",
        "--epochs=6",
        "--train_limit=600",
        "--width=4",
        "--stages=1",
        "--dense_units=0",
        "--batch_size=32",
        "--tracking=silent",
        "--learning_rate=0.005",
    ]
    command = [sys.executable, "-m", "training.train_cnn", *flags]

    def environment(name):
        return {
            **os.environ,
            "ECG_RUNS": str(tmp_path / f"runs-{name}"),
            "SWEEP_TRIAL_DIR": str(tmp_path / name),
        }

    def last_line(name):
        done = subprocess.run(
            command, env=environment(name), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, re.search(r"best validation .* in epoch \d+", done.stdout)[0]

    state = tmp_path / "killed" / FILE_NAME
    process = subprocess.Popen(command, env=environment("killed"), stdout=subprocess.DEVNULL)
    try:
        while not state.exists() and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    told, reached = last_line("killed")
    assert re.search(r"resumed after epoch [1-5] of 6", told)
    assert reached == last_line("straight")[1]
