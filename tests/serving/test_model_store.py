"""Which checkpoint answers, and what happens when its files are replaced."""

import json
import shutil
import threading
import time

import numpy as np
import pytest

from models import checkpoints
from serving.model_store import PRETRAINED, TRAINED_HERE, ModelStore, UnknownModel
from serving.settings import ServiceSettings
from utils.errors import InputError

SHIPPED = checkpoints.PRETRAINED_FOLDER
SETTINGS = ServiceSettings(refresh_s=0.05, models_in_memory=2)
BEATS = np.random.default_rng(0).random((3, 187)).astype(np.float32)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    return tmp_path / "checkpoints"


@pytest.fixture
def store(runs):
    own = ModelStore(SETTINGS)
    yield own
    own.stop()


def put(runs, source: str, name: str, **facts) -> None:
    """Copy a shipped checkpoint to the runs folder, its JSON last, with other facts in it."""
    folder = runs / name.split("/")[0]
    folder.mkdir(parents=True, exist_ok=True)
    found = checkpoints.read(SHIPPED / f"{source}.json")
    for file in found.path.parent.glob(f"{found.weights_file.stem}*"):
        shutil.copy(file, folder / file.name)
    if found.calibration_file:
        shutil.copy(found.calibration_file, folder / found.calibration_file.name)
    draft = folder / "draft"
    draft.write_text(json.dumps({**found.facts.to_json(), **facts}))
    draft.replace(runs / f"{name}.json")


def until(true, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_shipped_model_answers_where_nothing_was_trained(store):
    store.start()
    entries = store.entries()
    assert entries[store.default_id()].origin == PRETRAINED
    assert store.get().predict(BEATS).probabilities.shape == (3, 5)


@pytest.mark.slow
def test_what_was_trained_here_on_real_beats_answers_first(store, runs):
    put(runs, "mitbih-kaggle/rnn", "mitbih-kaggle/rnn", score=0.95)
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn", score=0.94)
    put(runs, "mitbih-kaggle/cnn", "synthetic-patients/cnn", score=0.99, data="synthetic")
    put(runs, "mitbih-patients/cnn", "mitbih-patients/cnn")
    store.start()
    assert store.default_id() == "mitbih-kaggle/rnn"
    assert store.entries()["mitbih-kaggle/cnn"].origin == TRAINED_HERE


@pytest.mark.parametrize(
    ("monitor", "better", "worse"),
    [("val_loss", 0.1, 0.2), ("val_accuracy", 0.98, 0.97), ("val_macro_f1", 0.95, 0.94)],
)
def test_scores_are_compared_the_way_of_their_monitor(store, runs, monitor, better, worse):
    put(runs, "mitbih-kaggle/rnn", "mitbih-kaggle/rnn", monitor=monitor, score=worse)
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn", monitor=monitor, score=better)
    store._scan()
    assert store.default_id() == "mitbih-kaggle/cnn"


@pytest.mark.slow
def test_an_unknown_model_is_told_with_those_there_are(store):
    store.start()
    with pytest.raises(UnknownModel, match="mitbih-kaggle/cnn"):
        store.get("no/such")


@pytest.mark.slow
def test_a_replaced_checkpoint_is_taken_up_while_requests_go_on(store, runs):
    put(runs, "mitbih-kaggle/rnn", "mitbih-kaggle/cnn")
    store.start()
    first = store.get("mitbih-kaggle/cnn")
    seen, faults, ended = set(), [], threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                model = store.get("mitbih-kaggle/cnn")
                model.predict(BEATS)
                seen.add(model.checkpoint.facts.weights_digest)
            except Exception as error:
                faults.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn")
    first.checkpoint.weights_file.unlink()
    until(lambda: len(seen) == 2)
    ended.set()
    asking.join()
    assert not faults
    assert store.get("mitbih-kaggle/cnn").network.name != first.network.name


@pytest.mark.slow
def test_a_broken_replacement_leaves_the_old_one(store, runs, caplog):
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn")
    store.start()
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn", weights_digest="0" * 64)
    until(lambda: "cannot be loaded" in caplog.text)
    assert store.get().id == "mitbih-kaggle/cnn"
    assert store.get("mitbih-kaggle/cnn").predict(BEATS).probabilities is not None
    (runs / "mitbih-kaggle" / "cnn.json").write_text("{")
    time.sleep(0.3)
    assert store.get("mitbih-kaggle/cnn").predict(BEATS).probabilities is not None
    assert caplog.text.count("cannot be loaded") == 1


@pytest.mark.slow
def test_a_json_that_says_too_little_is_left_out(store, runs):
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn", samples=187)
    facts = json.loads((runs / "mitbih-kaggle" / "cnn.json").read_text())
    del facts["class_names"]
    (runs / "mitbih-kaggle" / "other.json").write_text(json.dumps(facts))
    store.start()
    assert "mitbih-kaggle/other" not in store.entries()


@pytest.mark.slow
def test_old_models_are_forgotten(store):
    store.start()
    for name in ("mitbih-kaggle/cnn", "mitbih-kaggle/rnn", "mitbih-patients/cnn"):
        store.get(name)
    assert store.loaded("mitbih-kaggle/cnn") is None
    assert store.loaded("mitbih-patients/cnn") is not None


@pytest.mark.slow
def test_a_damaged_file_is_told_to_who_asks_for_it(store, runs):
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/damaged", weights_digest="0" * 64)
    store.start()
    assert store.entries()[store.default_id()].origin == PRETRAINED
    with pytest.raises(InputError, match="damaged"):
        store.get("mitbih-kaggle/damaged")


@pytest.mark.parametrize("content", ["5", "[[1]]", "[" * 100_000, "null", '"a"', "\xff"])
def test_whatever_lies_beside_checkpoints_hides_none(store, runs, content):
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn")
    (runs / "mitbih-kaggle" / "other.json").write_text(content, encoding="latin-1")
    store._scan()
    assert store.entries()["mitbih-kaggle/cnn"].origin == TRAINED_HERE
    assert "mitbih-kaggle/other" not in store.entries()


@pytest.mark.slow
def test_the_watch_outlives_a_folder_that_cannot_be_read(store, runs, monkeypatch, caplog):
    store.start()
    monkeypatch.setattr(store, "_scan", lambda: 1 / 0)
    until(lambda: "trying again" in caplog.text)
    monkeypatch.undo()
    monkeypatch.setenv("ECG_RUNS", str(runs.parent))
    put(runs, "mitbih-kaggle/cnn", "mitbih-kaggle/cnn")
    until(lambda: store.get().id == "mitbih-kaggle/cnn")
