"""A whole run on invented beats: what it logs, what it keeps, how it ends."""

import dataclasses
import signal

import numpy as np
import pytest

from evaluation.metrics import score
from heartbeats import catalog
from models import checkpoints
from models.facts import CheckpointFacts
from models.predictor import predict
from tests.training.test_loop import SMALL, bumps
from training import run, tracked_run, train_cnn
from training.classifier import Classifier, prepare
from training.epochs import FitResult
from training.promotion import Place
from training.recorder import Comparison, Recorder
from training.settings import CnnSettings
from training.tracking import SilentTracker
from utils.errors import InputError

FACTS = CheckpointFacts(architecture="cnn", data="d", protocol="p")
SETTINGS = CnnSettings(**SMALL, epochs=2, learning_rate=0.02, tracking="silent")


class Notebook(SilentTracker):
    """A tracker that remembers."""

    def __init__(self, swept: dict | None = None):
        self.rows, self.summary, self.models, self.ended = [], {}, [], None
        self._swept = swept or {}

    def swept(self):
        return self._swept

    def log(self, metrics):
        self.rows.append(dict(metrics))

    def summarise(self, values):
        self.summary.update(values)

    def save_model(self, files, name):
        self.models.append((name, [file.suffix for file in files]))

    def finish(self, failed=False):
        self.ended = "failed" if failed else "finished"


@pytest.fixture
def beats(monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    whole = dataclasses.replace(
        bumps(700, 0), official_test=np.arange(700) >= 600, fingerprint="abc"
    )
    monkeypatch.setattr(catalog, "load", lambda name: whole)
    return whole


@pytest.fixture
def notebook(monkeypatch):
    book = Notebook()
    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: book)
    return book


@pytest.mark.slow
def test_a_run_logs_keeps_and_explains_its_best(beats, notebook, tmp_path):
    outcome = run.train(Classifier("cnn"), SETTINGS, keep_in=tmp_path / "own")
    assert outcome.promotion.is_taken and notebook.ended == "finished"
    assert [row["epoch"] for row in notebook.rows] == [1, 2]
    best = max(row["val_macro_f1"] for row in notebook.rows)
    assert notebook.rows[-1]["best_val_macro_f1"] == notebook.summary["best_val_macro_f1"] == best
    assert {f"best_val_f1_{name}" for name in "NSVFQ"} <= set(notebook.summary)
    assert notebook.summary["beats_per_second"] > 0
    assert notebook.models == [("cnn-invented-kaggle", [".json", ".keras", ".npz"])]

    checkpoint = checkpoints.best("invented", "kaggle", "cnn")
    assert checkpoint.facts.score == best == outcome.result.best_score
    assert checkpoint.facts.settings["width"] == 4
    assert checkpoint.facts.class_names == tuple("NSVFQ")
    assert (checkpoint.facts.fingerprint, checkpoint.facts.samples) == ("abc", 187)
    validation = prepare(SETTINGS).validation
    predicted = predict(checkpoint.load(), validation.signals).argmax(1)
    assert np.mean(predicted == validation.labels) == pytest.approx(outcome.scores.accuracy)
    # Not by their digests: Keras writes the second of saving into the file.
    own = checkpoints.read(tmp_path / "own" / "cnn.json")
    assert own.facts.score == checkpoint.facts.score
    pairs = zip(own.load().get_weights(), checkpoint.load().get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_another_agents_better_checkpoint_is_not_tracked_as_ours(beats, notebook, tmp_path):
    place = Place(tmp_path, is_shared=True)
    record = Recorder(None, FACTS, notebook, Comparison("val_macro_f1", "max", ()), place)
    record.is_kept, record.created = True, "earlier"
    facts = CheckpointFacts(architecture="cnn", score=0.9, created="later")
    wins = lambda candidate, standing: True  # noqa: E731
    checkpoints.offer(tmp_path, facts, wins, lambda path: path.write_bytes(b"theirs"))
    record.close(FitResult())
    assert notebook.models == []


def test_main_leaves_out_the_rest_after_a_stop(beats, notebook, monkeypatch, capsys):
    import main
    from evaluation import scoring

    asked, reported = [], []
    row = {"epoch": 1, "val_macro_f1": 0.5}
    stopped = FitResult(0.5, 1, [row], ended_by="asked to stop", stopped=True)
    scores = score(np.arange(5), np.arange(5), tuple("NSVFQ"))

    def train(task, *_args, **_options):
        asked.append(task.name)
        return run.Outcome(FACTS, stopped, run.Evaluation("macro-F1 1", scores))

    monkeypatch.setattr(run, "train", train)
    monkeypatch.setattr(scoring, "report_trainings", lambda *given: reported.append(given))
    assert main.main(["--data=synthetic", "--seeds", "0", "1"]) == 0
    assert asked == ["cnn"]
    ((_folder, *given),) = reported
    assert given == [FACTS.data, FACTS.protocol, {("cnn", FACTS.seed): [row]}]
    assert "are left out" in capsys.readouterr().out


@pytest.mark.slow
def test_runs_in_one_process_do_not_change_each_other(beats, monkeypatch, tmp_path):
    """A sweep's agent runs many trials in one process: what came before must not matter."""
    one = dataclasses.replace(SETTINGS, epochs=1, dropout=0.3)
    other = dataclasses.replace(one, seed=3, width=6, schedule="plateau", monitor="val_loss")
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    reached = {}
    for order in ((one, other), (other, one)):
        monkeypatch.setenv("ECG_RUNS", str(tmp_path / str(order[0].seed)))
        for settings in order:
            book = Notebook()
            monkeypatch.setattr(
                tracked_run, "open_tracker", lambda *_args, _book=book, **_kw: _book
            )
            outcome = run.train(Classifier("cnn"), settings)
            (row,) = book.rows
            reached.setdefault(settings.seed, []).append((row, outcome.scores.confusion))
    for (row, confusion), (other_row, other_confusion) in reached.values():
        for name in row.keys() - {"epoch_seconds", "beats_per_second"}:
            assert row[name] == pytest.approx(other_row[name], rel=1e-3), name
        assert np.array_equal(confusion, other_confusion)
    assert handlers == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]


@pytest.mark.slow
def test_a_worse_run_leaves_the_best_checkpoint(beats, notebook, capsys):
    run.train(Classifier("cnn"), SETTINGS)
    before = checkpoints.best("invented", "kaggle", "cnn").facts
    worse = dataclasses.replace(SETTINGS, epochs=1, learning_rate=1e-7)
    outcome = run.train(Classifier("cnn"), worse)
    assert not outcome.promotion.is_taken
    assert checkpoints.best("invented", "kaggle", "cnn").facts == before
    assert len(notebook.models) == 2  # each run's own
    assert run.report(outcome) == 0
    told = capsys.readouterr().out
    assert "not put into use" in told and f"beatsweep promote {outcome.candidate.path}" in told


@pytest.mark.slow
def test_a_sweep_decides_over_the_settings(beats, monkeypatch):
    book = Notebook(swept={**dataclasses.asdict(SETTINGS), "width": 6, "learning_rate": "1e-2"})
    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: book)
    run.train(Classifier("cnn"), SETTINGS)
    settings = checkpoints.best("invented", "kaggle", "cnn").facts.settings
    assert (settings["width"], settings["learning_rate"]) == (6, 0.01)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_fails_the_trial(beats, notebook, capsys):
    train = prepare(SETTINGS).train
    beats.signals[: len(beats) - 100] = np.nan
    outcome = run.train(Classifier("cnn"), SETTINGS)
    assert outcome.result.failed and notebook.ended == "failed" and len(train) > 0
    assert run.report(outcome) == 1
    assert "try a smaller learning_rate" in capsys.readouterr().out
    assert checkpoints.best("invented", "kaggle", "cnn") is None


def test_a_run_stopped_before_its_first_epoch_says_so(capsys):
    outcome = run.Outcome(FACTS, FitResult(ended_by="asked to stop (SIGINT)"), None)
    with pytest.raises(InputError, match="before the first epoch was done"):
        run.report(outcome)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_best_checkpoint_stays(beats, notebook, monkeypatch, capsys):
    run.train(Classifier("cnn"), dataclasses.replace(SETTINGS, learning_rate=1e-7))
    before = checkpoints.best("invented", "kaggle", "cnn")

    def full(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("keras.Model.save", full)
    flags = [f"--{name}={value}" for name, value in dataclasses.asdict(SETTINGS).items()]
    assert train_cnn.main(flags) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert checkpoints.best("invented", "kaggle", "cnn").facts == before.facts
    assert before.load().count_params() > 0
    assert notebook.ended == "failed"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--data=mitbih"], "the data set 'mitbih' was not found under"),
        (["--data=mitbhi"], "unknown data set 'mitbhi'; known: auto, synthetic, mitbih"),
        (["--monitor=val_f1"], "'monitor' is one of val_macro_f1, val_accuracy, val_loss"),
        (["--epochs=many"], "'epochs' takes a whole number, got 'many'"),
        (["--settings=none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_bad_input_is_told_in_a_sentence(tmp_path, monkeypatch, capsys, flags, told):
    monkeypatch.setenv("ECG_DATA", str(tmp_path))
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    assert train_cnn.main(["--tracking=silent", *flags]) == 2
    assert told in capsys.readouterr().err
