"""One contract for every tracker; the server-side of it is in tests/test_wandb_end_to_end.py."""

import inspect
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from training.tracking import SilentTracker, Tracker, WandbTracker, open_tracker
from utils.errors import InputError

METHODS = [name for name in vars(Tracker) if not name.startswith("_")]


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """No account, no settings of the user's, an own place for runs."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


@pytest.mark.parametrize("kind", [SilentTracker, WandbTracker])
def test_the_twins_answer_to_the_same_calls(kind):
    for name in METHODS:
        mine, wanted = getattr(kind, name), getattr(Tracker, name)
        if callable(wanted):
            assert list(inspect.signature(mine).parameters) == list(
                inspect.signature(wanted).parameters
            )


def test_silent_means_silent(tmp_path):
    tracker = open_tracker("silent", job="j", group=None, config={"a": 1})
    tracker.log({"val_macro_f1": 0.5})
    tracker.finish()
    assert tracker.swept() == {}
    assert not (tmp_path / "runs").exists()


def test_wandb_disabled_by_the_user_is_silent(monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert isinstance(open_tracker("auto", job="j", group=None, config={}), SilentTracker)


def test_a_trial_of_a_sweep_draws_no_picture():
    run = SimpleNamespace(sweep_id="abc", rows=[])
    run.log = run.rows.append
    WandbTracker(run).confusion(np.arange(5), np.arange(5), tuple("NSVFQ"), "title")
    assert [list(row) for row in run.rows] == [["confusion_matrix"]]


@pytest.mark.slow
def test_without_a_key_a_run_is_kept_offline_and_nobody_is_asked(tmp_path):
    program = """
import numpy as np
from training.tracking import open_tracker
tracker = open_tracker("auto", job="j", group="g", config={"width": 3})
tracker.describe({"fingerprint": "abc"})
tracker.log({"epoch": 1, "val_macro_f1": 0.5})
tracker.confusion(np.arange(5), np.arange(5), tuple("NSVFQ"), "title")
tracker.summarise({"best_val_macro_f1": 0.5})
print(tracker.swept(), tracker.place)
tracker.finish()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert "no W&B key is configured" in done.stdout
    assert "wandb sync" in done.stdout
    (folder,) = (tmp_path / "runs" / "wandb").glob("offline-run-*")
    assert list(folder.glob("*.wandb"))
    assert list(folder.rglob("confusion_image*.png"))


@pytest.mark.slow
def test_online_without_a_key_is_told():
    with pytest.raises(InputError, match="no W&B key is configured.*--tracking=offline"):
        open_tracker("online", job="j", group=None, config={})
