"""Cross-validation: no beat leaks, interruptions lose nothing, a sweep reads the whole mean."""

import dataclasses
import hashlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments.cross_validation import cross_validate, folds, program
from experiments.cross_validation import settings as cv_settings
from experiments.cross_validation.results import ARRAYS
from experiments.cross_validation.settings import METRICS
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from models import cnn
from sweeps import space, storage, sweep_file
from tests.training.test_loop import SMALL, bumps
from tests.training.test_run import Notebook
from training import architectures, loop, tracked_run
from training.epochs import FitResult

ROOT = Path(__file__).parents[2]
PATIENTS = 12
TINY = {
    **SMALL,
    "epochs": 2,
    "learning_rate": 0.02,
    "folds": 3,
    "start": "defaults",
    "tracking": "silent",
}


def settings(**changes) -> cv_settings.CrossValidationSettings:
    return cv_settings.settings_kind("cnn")(**{**TINY, **changes})


def flags(**changes) -> list[str]:
    return [f"--{name}={value}" for name, value in {**TINY, **changes}.items()]


@pytest.fixture
def beats(monkeypatch, tmp_path) -> BeatSet:
    """700 beats of 12 patients, 100 of them the official test set."""
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    monkeypatch.delenv("SWEEP_TRIAL_DIR", raising=False)
    names = np.array([f"p{number % PATIENTS:02d}" for number in range(700)])
    whole = dataclasses.replace(
        bumps(700, 0),
        official_test=np.arange(700) >= 600,
        fingerprint="abc",
        patients=names,
        records=names,
    )
    monkeypatch.setattr(catalog, "load", lambda name: whole)
    return whole


@pytest.fixture
def notebook(monkeypatch) -> Notebook:
    book = Notebook()
    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: book)
    return book


class FakeTraining:
    """Stands in for the network, `loop.fit` and `predict`: each fold errs on other beats.

    Attributes:
        seeds: of the trainings asked for.
        ends: how the training with a seed ends, where it is not done.
    """

    def __init__(self, monkeypatch):
        self.seeds: list[int] = []
        self.ends: dict[int, FitResult] = {}
        monkeypatch.setattr(cnn, "build", lambda *_arguments: None)
        monkeypatch.setattr(loop, "fit", self.fit)
        monkeypatch.setattr(cross_validate, "predict", self.predict)

    def fit(self, model, train, validation, chosen, *, on_epoch, **_options) -> FitResult:
        self.seeds.append(chosen.seed)
        row = {"epoch": 1.0, "val_macro_f1": 0.5, "epoch_seconds": 0.1}
        on_epoch(row)
        return self.ends.get(chosen.seed) or FitResult(0.5, 1, [row])

    def predict(self, model, signals, sampling_hz) -> np.ndarray:
        classes = np.clip(np.round((signals.argmax(axis=1) - 20) / 35), 0, 4).astype(int)
        classes[: 10 * len(self.seeds)] = 0
        return np.eye(5, dtype=np.float32)[classes]


@pytest.fixture
def training(monkeypatch, beats) -> FakeTraining:
    return FakeTraining(monkeypatch)


class TestTheParts:
    @pytest.mark.parametrize("by", ["beats", "patients"])
    def test_every_beat_is_held_out_once_and_never_seen_before(self, beats, by):
        chosen = settings(by=by)
        division = folds.divide(chosen)
        parts = [folds.part(division, number, chosen) for number in (1, 2, 3)]
        held_out = np.concatenate([one.held_out for one in parts])
        development = np.concatenate(splits.development(beats, "kaggle", seed=0))
        assert np.array_equal(np.sort(held_out), np.sort(development))
        for one in parts:
            whole = np.concatenate([one.train, one.validation, one.held_out])
            assert len(np.unique(whole)) == len(whole) == len(development)
            assert min(len(one.train), len(one.validation), len(one.held_out)) > 0

    def test_by_patient_nobody_is_in_two_of_train_validation_and_fold(self, beats):
        chosen = settings(by="patients")
        division = folds.divide(chosen)
        for number in (1, 2, 3):
            one = folds.part(division, number, chosen)
            sets = [
                set(beats.patients[rows]) for rows in (one.train, one.validation, one.held_out)
            ]
            assert sum(map(len, sets)) == len(set.union(*sets)) == PATIENTS

    def test_by_beat_each_fold_has_the_class_shares_of_the_whole(self, beats):
        division = folds.divide(settings(by="beats"))
        counts = np.array([np.bincount(beats.labels[fold]) for fold in division.held_out])
        assert (np.ptp(counts, axis=0) <= 1).all()

    def test_the_test_set_takes_part_only_where_all_beats_are_asked_for(self, beats):
        test = set(splits.held_out(beats, "kaggle"))
        assert not test & set(np.concatenate(folds.divide(settings()).held_out))
        everything = np.concatenate(folds.divide(settings(beats="all")).held_out)
        assert np.array_equal(np.sort(everything), np.arange(len(beats)))

    def test_the_split_seed_draws_the_folds_and_the_seed_does_not(self, beats):
        digest = folds.divide(settings()).digest
        assert digest == folds.divide(settings(seed=5)).digest
        assert digest != folds.divide(settings(split_seed=5)).digest

    def test_the_limit_holds_for_training_beats_alone(self, beats):
        chosen = settings(train_limit=60)
        one = folds.part(folds.divide(chosen), 1, chosen)
        assert len(one.train) == 60 and len(one.held_out) == 200


class TestSettings:
    def test_the_shipped_best_ones_are_changed_by_flags(self, monkeypatch):
        best = architectures.best_settings("rnn", "synthetic")
        words = ["--arch", "rnn", "--data", "synthetic", "--width=8"]
        chosen = cv_settings.from_command_line(words)
        assert chosen.arch == "rnn" and chosen.layers == best.layers and chosen.width == 8
        assert chosen.embedding == best.embedding != type(best)().embedding
        plain = cv_settings.from_command_line([*words, "--start=defaults"])
        assert plain.embedding == type(best)().embedding and plain.xla == type(best)().xla

    def test_a_file_may_name_the_architecture(self, tmp_path):
        file = tmp_path / "my.yaml"
        file.write_text("arch: rnn\nlayers: 1\nfolds: 4\n")
        chosen = cv_settings.from_command_line([f"--settings={file}", "--by=patients"])
        assert (chosen.arch, chosen.layers, chosen.folds, chosen.by) == ("rnn", 1, 4, "patients")

    def test_shipped_files_work(self):
        file = ROOT / "training" / "best_settings" / "cnn-mitbih.yaml"
        assert cv_settings.from_command_line(["--settings", str(file)]).block == "residual"

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--folds=1"], "setting 'folds' is at least 2"),
            (["--by=records"], "'by' is one of beats, patients"),
            (["--arch=svm"], "unknown architecture 'svm'"),
            (["--folds=200"], "each of 200 folds needs class"),
            (["--by=patients", "--folds=13"], "each of 13 folds needs class"),
            (["--train_limit=3"], "'train_limit' of 3 beats cannot be drawn by class"),
        ],
    )
    def test_bad_input_is_told_in_a_sentence(self, beats, capsys, words, told):
        assert program.main([*flags(), *words]) == 2
        assert told in capsys.readouterr().err


class TestARun:
    def test_it_logs_by_fold_and_ends_with_the_mean_of_all(self, training, notebook):
        outcome = cross_validate.run(settings())
        of_folds = [row for row in notebook.rows if "cv_macro_f1" in row]
        assert [row["cv_folds"] for row in of_folds] == [1, 2, 3]
        scores = [of_folds[n][f"fold{n + 1}/held_out_macro_f1"] for n in range(3)]
        assert len(set(scores)) == 3
        for count, row in enumerate(of_folds, start=1):
            assert row["cv_macro_f1"] == pytest.approx(statistics.fmean(scores[:count]))
        assert of_folds[-1]["cv_macro_f1_deviation"] == pytest.approx(statistics.stdev(scores))
        assert notebook.summary["cv_macro_f1"] == of_folds[-1]["cv_macro_f1"]
        assert notebook.rows[0] == {
            "fold1/epoch": 1,
            "fold1/val_macro_f1": 0.5,
            "fold1/epoch_seconds": 0.1,
        }
        assert {name for name in of_folds[-1] if "/" not in name} == set(METRICS)
        assert outcome.reached.pooled.confusion.sum() == 600 and notebook.ended == "finished"
        assert training.seeds == [0, 1, 2]  # the mean averages the luck of the seed, too

    @pytest.mark.slow
    def test_main_leaves_the_report(self, training, capsys, tmp_path):
        assert program.main(flags()) == 0
        (folder,) = (tmp_path / "cross_validation").iterdir()
        assert folder.name.startswith("invented-kaggle-cnn-")
        assert (folder / "report.html").is_file() and not list(folder.glob("*.state"))
        assert "pooled" in capsys.readouterr().out

    @pytest.mark.slow
    def test_the_same_command_goes_on_with_the_next_fold(self, training, notebook, capsys):
        training.ends[1] = FitResult(0.5, 1, [], "asked to stop (SIGTERM)", stopped=True)
        assert program.main(flags()) == cross_validate.INTERRUPTED
        assert "the same command goes on there" in capsys.readouterr().out
        training.ends.clear()
        notebook.rows.clear()
        assert program.main(flags(tracking="offline")) == 0
        assert training.seeds == [0, 1, 1, 2]
        assert [row["cv_folds"] for row in notebook.rows if "cv_folds" in row] == [1, 2, 3]
        assert notebook.rows[0]["fold1/epoch"] == 1  # done before, logged again

    def test_other_settings_do_not_take_up_its_folds(self, training):
        for changes in ({}, {"seed": 9}, {"by": "patients"}, {"width": 6}):
            outcome = cross_validate.run(settings(**changes))
            assert outcome.reached and len(outcome.reached.folds) == 3
        assert len(training.seeds) == 12

    def test_a_damaged_fold_is_trained_again(self, training, capsys):
        folder = cross_validate.run(settings()).store.folder
        (folder / "fold2.result").write_bytes(b"half")
        cross_validate.run(settings())
        assert training.seeds == [0, 1, 2, 1]
        assert "fold 2 is trained again" in capsys.readouterr().out

    def test_folds_of_earlier_versions_are_taken_up(self, training, notebook):
        """They are two files, `fold1.json` and `fold1.npz`."""
        outcome = cross_validate.run(settings())
        store = outcome.store
        for number in (1, 3):
            file = store.folder / f"fold{number}.result"
            kept = store.read(number)
            arrays = {name: getattr(kept.result, name) for name in ARRAYS}
            np.savez_compressed(file.with_suffix(".npz"), **arrays)
            content = file.with_suffix(".npz").read_bytes()
            facts = {
                "identity": store.identity.values,
                "fold": number,
                "class_names": kept.result.class_names,
                "scores": kept.result.scores.as_dict(),
                "facts": kept.result.facts,
                "history": kept.history,
                "arrays_digest": hashlib.sha256(content).hexdigest(),
            }
            file.with_suffix(".json").write_text(json.dumps(facts))
            file.unlink()
        training.seeds.clear()
        again = cross_validate.run(settings())
        assert training.seeds == []
        assert again.reached.macro_f1 == outcome.reached.macro_f1
        (store.folder / "fold1.npz").write_bytes(b"half")
        cross_validate.run(settings())
        assert training.seeds == [0]

    def test_a_loss_that_is_not_finite_fails_the_run(self, training, notebook, capsys):
        training.ends[2] = FitResult(ended_by="the loss became nan", failed=True)
        assert program.main(flags()) == 1
        assert "try a smaller learning_rate" in capsys.readouterr().out
        assert notebook.ended == "failed"

    def test_test_beats_change_nothing(self, training, beats):
        first = cross_validate.run(settings()).reached
        training.seeds.clear()
        poisoned = beats.official_test
        beats.signals[poisoned], beats.labels[poisoned] = np.nan, 0
        again = cross_validate.run(settings(seed=0, patience=9)).reached
        assert np.array_equal(first.pooled.confusion, again.pooled.confusion)


class TestInASweep:
    def test_its_state_lies_with_the_trial_and_there_is_no_report(
        self, training, notebook, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("SWEEP_TRIAL_DIR", str(tmp_path / "trial"))
        assert program.main(flags()) == 0
        assert (tmp_path / "trial" / "fold3.result").is_file()
        assert not (tmp_path / "cross_validation").exists()
        assert not (tmp_path / "trial" / "report.html").exists()

    def test_the_test_beats_are_refused(self, training, notebook, monkeypatch, tmp_path, capsys):
        monkeypatch.setenv("SWEEP_TRIAL_DIR", str(tmp_path / "trial"))
        assert program.main(flags(beats="all")) == 2
        assert "by which no sweep may choose" in capsys.readouterr().err
        assert notebook.ended == "failed" and training.seeds == []

    def test_a_sweep_decides_over_the_settings(self, training, notebook):
        notebook._swept = {**TINY, "arch": "cnn", "folds": 2, "width": 6}
        outcome = cross_validate.run(settings())
        assert outcome.reached.settings["width"] == 6 and len(outcome.reached.folds) == 2

    def test_the_check_tells_unknown_names_metrics_and_test_beats(self):
        values = {"arch": ["cnn", "rnn"], "block": ["plain"], "beats": ["all"], "by": ["record"]}
        faults = dict(program.check_sweep(values, "best_val_macro_f1"))
        assert set(faults) == {"block", "beats", "by", None}
        assert "unknown setting 'block'" in faults["block"]  # the RNN has none
        assert "never logged; logged are cv_accuracy" in faults[None]
        assert program.check_sweep({"arch": ["svm"]}, None)[0][0] == "arch"

    def test_the_shipped_sweep_is_sound(self):
        sweep = sweep_file.read(ROOT / "sweeps" / "cross_validated.yaml")
        checked = program.check_sweep(space.examples(sweep.space), sweep.metric.name)
        assert checked == [] and sweep.metric.name == "cv_macro_f1"


@pytest.mark.slow
def test_a_real_one_goes_on_inside_of_a_fold(beats, monkeypatch, capsys):
    """Stopped in fold 2 after its first epoch, it ends as if it had never been stopped."""
    whole = cross_validate.run(settings(folds=2)).reached
    chosen = settings(folds=2, patience=11)  # another folder; patience changes nothing here

    class Stops(Notebook):
        def log(self, metrics):
            super().log(metrics)
            if metrics.get("fold2/epoch") == 2:  # the state of epoch 1 is on disk
                raise KeyboardInterrupt

    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: Stops())
    with pytest.raises(KeyboardInterrupt):
        cross_validate.run(chosen)
    book = Notebook()
    monkeypatch.setattr(tracked_run, "open_tracker", lambda *_args, **_options: book)
    again = cross_validate.run(chosen).reached
    assert "resumed after epoch 1 of 2" in capsys.readouterr().out
    assert [row.get("fold2/epoch") for row in book.rows if "fold2/epoch" in row] == [1, 2]
    for one, other in zip(whole.folds, again.folds, strict=True):
        assert np.array_equal(one.positions, other.positions)
        assert np.allclose(one.probabilities, other.probabilities, atol=1e-4)
    assert whole.macro_f1.mean > 0.5


@pytest.mark.slow
def test_a_sweep_reads_the_mean_of_all_folds(tmp_path, monkeypatch):
    """The shipped sweep, shrunk, under the local agent in a warm worker."""
    content = yaml.safe_load((ROOT / "sweeps" / "cross_validated.yaml").read_text())
    content |= {"method": "grid", "run_cap": 2, "name": "tiny-cv"}
    small = {
        "data": "synthetic",
        "folds": 2,
        "epochs": 1,
        "train_limit": 300,
        "stages": 1,
        "block": "plain",
        "squeeze_excite": False,
        "learning_rate": 0.01,
        "dropout": 0.0,
        "class_weighting": "none",
    }
    content["parameters"] |= {name: {"value": value} for name, value in small.items()}
    content["parameters"]["width"] = {"values": [4, 6]}
    del content["early_terminate"]
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(content))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    done = subprocess.run(
        [sys.executable, "-m", "sweeps.agent", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        env={**kept, "ECG_RUNS": str(tmp_path / "runs")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trials = storage.open_existing("tiny-cv").trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "COMPLETE"]
    for trial in trials:
        summary = trial.user_attrs["summary"]
        assert list(trial.intermediate_values) == [1, 2]  # one log call a fold
        both = [summary[f"fold{number}/held_out_macro_f1"] for number in (1, 2)]
        assert trial.value == summary["cv_macro_f1"] == pytest.approx(statistics.fmean(both))


def test_the_winner_of_a_sweep_over_folds_is_trained_by_its_own_settings_alone():
    values = {"arch": "rnn", "folds": 3, "by": "patients", "start": "defaults", "width": 8}
    arch, base = cv_settings.trained_by(values)
    assert (arch, base) == ("rnn", architectures.find("rnn").settings())
    assert cv_settings.without_folds(values) == {"width": 8}
    arch, base = cv_settings.trained_by({"data": "synthetic"})
    assert (arch, base) == ("cnn", architectures.best_settings("cnn", "synthetic"))
