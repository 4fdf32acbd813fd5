"""The best checkpoint: replaced only by a better one, whole at any moment."""

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from evaluation.metrics import better
from models import checkpoints
from models.facts import CheckpointFacts
from utils.errors import InputError

FACTS = CheckpointFacts(architecture="cnn", monitor="val_macro_f1", fingerprint="abc", data="d")


def wins(candidate, standing):
    return better("val_macro_f1", candidate, standing)


def offer(folder: Path, score: float, content: bytes = b"weights", **changes) -> bool:
    def save(path: Path) -> None:
        path.write_bytes(content)

    return checkpoints.offer(folder, replace(FACTS, score=score, **changes), wins, save)


def standing(folder: Path) -> checkpoints.Checkpoint:
    return checkpoints.read(folder / "cnn.json")


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_only_a_better_score_replaces(tmp_path):
    assert offer(tmp_path, 0.5, b"first")
    assert not offer(tmp_path, 0.4, b"worse")
    assert not offer(tmp_path, 0.5, b"equal")
    assert standing(tmp_path).weights_file.read_bytes() == b"first"
    assert offer(tmp_path, 0.6, b"better")
    assert standing(tmp_path).weights_file.read_bytes() == b"better"
    assert len(visible(tmp_path)) == 2  # the old weights are gone


def test_nan_never_wins(tmp_path):
    assert not offer(tmp_path, float("nan"))
    assert not tmp_path.joinpath("cnn.json").exists()
    offer(tmp_path, 0.1)
    assert not offer(tmp_path, float("nan"))
    assert not offer(tmp_path, float("inf"))


def test_scores_of_other_data_are_not_compared(tmp_path):
    offer(tmp_path, 0.9)
    assert offer(tmp_path, 0.2, b"new data", fingerprint="other")
    assert standing(tmp_path).weights_file.read_bytes() == b"new data"


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path):
    offer(tmp_path, 0.5, b"first")

    def full(path: Path) -> None:
        path.write_bytes(b"half of")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        checkpoints.offer(tmp_path, replace(FACTS, score=0.9), wins, full)
    assert standing(tmp_path).weights_file.read_bytes() == b"first"
    assert len(visible(tmp_path)) == 2
    assert not list(tmp_path.glob(".*.keras"))


def test_a_checkpoint_without_weights_is_replaced(tmp_path):
    offer(tmp_path, 0.9)
    standing(tmp_path).weights_file.unlink()
    assert offer(tmp_path, 0.1)


def _offer_many(folder: Path, numbers: range) -> None:
    for number in numbers:
        offer(folder, number / 100, f"weights {number}".encode())


def test_many_processes_at_once_leave_the_best_one_whole(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_offer_many, args=(tmp_path, range(start, 80, 4)))
        for start in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    best = standing(tmp_path)
    assert best.facts.score == 0.79
    assert best.weights_file.read_bytes() == b"weights 79"
    assert len(visible(tmp_path)) == 2


def _die_while_saving(folder: Path) -> None:
    def save(path: Path) -> None:
        path.write_bytes(b"half")
        os._exit(9)

    checkpoints.offer(folder, replace(FACTS, score=0.9), wins, save)


def test_a_kill_while_saving_leaves_the_old_one_and_frees_the_lock(tmp_path):
    offer(tmp_path, 0.5, b"first")
    worker = multiprocessing.get_context("fork").Process(
        target=_die_while_saving, args=(tmp_path,)
    )
    worker.start()
    worker.join(30)
    assert worker.exitcode == 9
    assert standing(tmp_path).weights_file.read_bytes() == b"first"
    assert offer(tmp_path, 0.7, b"later")


def test_own_checkpoints_come_before_pretrained_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(checkpoints, "PRETRAINED_FOLDER", tmp_path / "pretrained")
    assert checkpoints.best("d", "p", "cnn") is None
    offer(tmp_path / "pretrained" / "d-p", 0.9)
    assert "pretrained" in str(checkpoints.best("d", "p", "cnn").path)
    offer(checkpoints.folder_of("d", "p"), 0.1)
    assert "pretrained" not in str(checkpoints.best("d", "p", "cnn").path)


def test_a_damaged_weights_file_is_told(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    checkpoints.offer(tmp_path, replace(FACTS, score=0.5), wins, lambda path: model.save(path))
    loaded = standing(tmp_path).load()
    assert np.array_equal(loaded.get_weights()[0], model.get_weights()[0])
    file = standing(tmp_path).weights_file
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InputError, match="is damaged"):
        standing(tmp_path).load()
    file.unlink()
    with pytest.raises(InputError, match="which is not there"):
        standing(tmp_path).load()


@pytest.mark.parametrize("content", ["", "{", '{"architecture": "cnn"}'])
def test_a_json_that_is_no_checkpoint_is_told(tmp_path, content):
    (tmp_path / "cnn.json").write_text(content)
    with pytest.raises(InputError, match="not a checkpoint's JSON"):
        standing(tmp_path)


def test_the_json_is_plain_json(tmp_path):
    offer(tmp_path, 0.5)
    assert json.loads((tmp_path / "cnn.json").read_text())["score"] == 0.5
