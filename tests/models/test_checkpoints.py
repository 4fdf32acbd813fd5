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

DRAW = {
    "fingerprint": "abc",
    "protocol": "kaggle",
    "unit": "beats",
    "seed": 0,
    "share": 0.1,
    "beats": 100,
    "digest": "1",
}
FACTS = CheckpointFacts(architecture="cnn", monitor="val_macro_f1", fingerprint="abc", data="d")


def wins(candidate, standing):
    return better("val_macro_f1", candidate, standing)


def offer(folder: Path, score: float, content=b"weights", replaces=False, **changes) -> bool:
    def save(path: Path) -> None:
        path.write_bytes(content)

    facts = replace(FACTS, score=score, **changes)
    return checkpoints.offer(folder, facts, wins, save, replaces=replaces)


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


@pytest.mark.parametrize(
    "other",
    [
        {"validation": dict(DRAW, fingerprint="other")},
        {"validation": dict(DRAW, protocol="patients")},
        {"monitor": "val_accuracy"},
        {"validation": dict(DRAW, digest="2")},
        {"validation": {}, "split_seed": 1},
        {"validation": {}, "split_seed": 0, "settings": {"validation_share": 0.01}},
        {"validation": {}, "split_seed": 0, "validation_beats": 99},
    ],
)
def test_a_score_of_other_beats_replaces_nothing(tmp_path, other):
    known = {"protocol": "kaggle", "validation_beats": 100, "validation": DRAW}
    offer(tmp_path, 0.2, **known)
    assert not offer(tmp_path, 0.9, b"other", **{**known, **other})
    assert standing(tmp_path).weights_file.read_bytes() == b"weights"


def test_what_was_kept_before_draws_were_recorded_is_compared_by_seed_share_and_count(tmp_path):
    old = {"protocol": "kaggle", "split_seed": 0, "settings": {"validation_share": 0.1}}
    offer(tmp_path, 0.5, **old)
    assert offer(tmp_path, 0.6, b"new", protocol="kaggle", validation=DRAW)
    # By patient all seeds drew the same ones.
    old = {"protocol": "patients", "split_seed": 7, "architecture": "rnn"}
    offer(tmp_path, 0.5, **old)
    drawn = {**DRAW, "protocol": "patients", "unit": "patients", "share": None, "seed": 0}
    assert offer(tmp_path, 0.6, protocol="patients", architecture="rnn", validation=drawn)


def test_put_copies_all_files_whatever_stands_there(tmp_path):
    offer(tmp_path / "own", 0.1, b"own")
    own = standing(tmp_path / "own")
    checkpoints.add_calibration(own, {}, lambda path: path.write_bytes(b"calibration"))
    offer(tmp_path / "used", 0.9, b"used", fingerprint="other")
    taken = checkpoints.put(standing(tmp_path / "own"), tmp_path / "used")
    assert taken.weights_file.read_bytes() == b"own"
    assert taken.calibration_file.read_bytes() == b"calibration"
    assert taken.facts.score == 0.1
    assert len(visible(tmp_path / "used")) == 3 == len(visible(tmp_path / "own"))
    assert checkpoints.put(taken, tmp_path / "used").facts == taken.facts  # itself


def test_what_an_earlier_run_left_gives_way_once_there_is_something(tmp_path):
    offer(tmp_path, 0.9, b"earlier")
    checkpoints.add_calibration(standing(tmp_path), {}, lambda path: path.write_bytes(b"its own"))
    assert not offer(tmp_path, float("nan"), b"nothing", replaces=True)
    assert standing(tmp_path).weights_file.read_bytes() == b"earlier"
    assert offer(tmp_path, 0.1, b"later", replaces=True)
    assert standing(tmp_path).weights_file.read_bytes() == b"later"
    assert len(visible(tmp_path)) == 2


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
