"""Our own training programs under the local agent: warm, resumed, retrained, synced, shown."""

import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from optuna.trial import TrialState

import main
from sweeps import space, sweep_file
from sweeps.storage import open_existing
from sweeps.study import SweepStudy
from tests.wandb_backend.fixture import output
from training import settings
from training.architectures import find
from training.settings import CnnSettings
from utils.errors import InputError

ROOT = Path(__file__).parents[2]
SWEEP = {
    "program": "training/train_cnn.py",
    "name": "tiny",
    "method": "grid",
    "metric": {"name": "best_val_macro_f1", "goal": "maximize"},
    "command": ["${env}", "${interpreter}", "-m", "training.train_cnn", "${args}"],
    "parameters": {
        "data": {"value": "synthetic"},
        "train_limit": {"value": 500},
        "epochs": {"value": 2},
        "stages": {"value": 1},
        "width": {"values": [4, 6]},
    },
}


def written(folder: Path, **changes) -> Path:
    """A sweep file; parameters are added to those of SWEEP."""
    parameters = {**SWEEP["parameters"], **changes.pop("parameters", {})}
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump({**SWEEP, **changes, "parameters": parameters}))
    return file


def examples(**parameters) -> dict:
    content = {**SWEEP, "method": "random", "parameters": parameters}
    return space.examples(sweep_file.of_content(content, "x").space)


SHIPPED = sorted((ROOT / "sweeps").glob("*.yaml"))


class TestTheCheck:
    def test_a_good_sweep_has_no_faults(self):
        good = examples(width={"values": [4, 8]}, learning_rate={"min": 0.001, "max": 0.1})
        assert settings.sweep_faults(CnnSettings, good, "best_val_macro_f1") == []

    def test_unknown_settings_values_out_of_range_and_metrics_are_reported(self):
        bad = examples(widht={"value": 4}, dropout={"min": 0.0, "max": 1.5}, epochs={"value": 0})
        faults = dict(settings.sweep_faults(CnnSettings, bad, "val_f1"))
        assert set(faults) == {"widht", "dropout", "epochs", None}
        assert "unknown setting 'widht' (did you mean width?)" in faults["widht"]
        assert "'val_f1' is never logged" in faults[None]

    @pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
    def test_the_shipped_sweeps_have_none(self, file):
        sweep = sweep_file.read(file)
        program = importlib.import_module(sweep.command[3])
        assert program.check_sweep(space.examples(sweep.space), sweep.metric.name) == []


CROSS_VALIDATION = {"folds": {"value": 3}, "start": {"value": "defaults"}}
# Command of a sweep, its parameters, and the architecture that its winner has.
PROGRAMS = [
    ("training.train_cnn", {}, "cnn"),
    ("training.train_rnn", {}, "rnn"),
    ("training.train_cnn_lstm", {}, "cnn_lstm"),
    ("training.cross_validate", CROSS_VALIDATION, "cnn"),
    ("training.cross_validate", {**CROSS_VALIDATION, "arch": {"value": "rnn"}}, "rnn"),
    ("training.cross_validate", {**CROSS_VALIDATION, "arch": {"values": ["rnn", "cnn"]}}, "rnn"),
]


def finished_study(name: str, module: str, parameters: dict, facts: dict | None) -> None:
    """A study of one trial; `facts` None: as it was kept before programs were words for them."""
    content = {
        **SWEEP,
        "command": ["${env}", "${interpreter}", "-m", module, "${args}"],
        "parameters": {"width": {"value": 6}, "epochs": {"value": 3}, **parameters},
    }
    made = SweepStudy(sweep_file.of_content(content, name), name)
    if facts is not None:
        made.keep_facts(facts)
    made.finish(made.take(1), TrialState.COMPLETE, 0.5)


class TestTheWinnersArchitecture:
    @pytest.mark.parametrize("module, parameters, expected", PROGRAMS)
    @pytest.mark.slow
    def test_the_program_says_it(self, environment, module, parameters, expected):
        facts = importlib.import_module(module).sweep_facts(
            examples(width={"value": 6}, **parameters)
        )
        finished_study("new", module, parameters, facts)
        name, chosen = main._winner_of_study("new", None)
        assert name == expected
        assert (type(chosen), chosen.width, chosen.epochs) == (find(name).settings, 6, 3)

    @pytest.mark.parametrize("module, parameters, expected", PROGRAMS)
    @pytest.mark.slow
    def test_studies_begun_before_are_known_by_their_command(
        self, environment, module, parameters, expected
    ):
        finished_study("old", module, parameters, None)
        name, chosen = main._winner_of_study("old", None)
        assert (name, chosen.width) == (expected, 6)

    def test_it_is_recorded_and_not_read_from_the_command(self, environment):
        finished_study("own", "theirs.program", {}, {"architecture": "rnn"})
        assert main._winner_of_study("own", None)[0] == "rnn"

    @pytest.mark.parametrize(
        "module, facts",
        [
            ("training.train_autoencoder", {"architecture": "lstm_autoencoder"}),
            ("training.train_autoencoder", None),
            ("theirs.train_cnn", None),
        ],
    )
    @pytest.mark.slow
    def test_other_programs_are_refused(self, environment, module, facts):
        finished_study("other", module, {}, facts)
        with pytest.raises(InputError, match="'other' did not sweep a program that trains one of"):
            main._winner_of_study("other", None)

    @pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
    def test_every_shipped_sweep_records_one(self, file):
        sweep = sweep_file.read(file)
        program = importlib.import_module(sweep.command[3])
        assert program.sweep_facts(space.examples(sweep.space))["architecture"]


@pytest.fixture
def environment(tmp_path, monkeypatch) -> dict[str, str]:
    """For agents in processes of their own; our own process reads the same studies."""
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return {**kept, "HOME": str(tmp_path), "WANDB_ERROR_REPORTING": "false"}


def trials(name: str = "tiny") -> list:
    return open_existing(name).trials


def run_agent(file: Path, environment: dict[str, str], *words: str, status: int = 0) -> str:
    return output(
        [sys.executable, "-m", "sweeps.agent", str(file), *words], environment, ROOT, status
    )


@pytest.mark.slow
def test_faults_are_reported_before_the_first_trial(tmp_path, environment):
    file = written(tmp_path, parameters={"dropout": {"value": 2.0}})
    printed = run_agent(file, environment, status=2)
    line = 1 + file.read_text().splitlines().index("  dropout:")
    assert (
        f"tiny.yaml, line {line}: setting 'dropout' is at least 0 and at most 0.9; got 2.0"
        in printed
    )
    assert trials() == []


@pytest.mark.slow
def test_warm_and_fresh_trials_reach_the_same(tmp_path, environment):
    run_agent(written(tmp_path), environment, "--study", "warm")
    run_agent(written(tmp_path), environment, "--study", "fresh", "--warm", "off")
    warm, fresh = trials("warm"), trials("fresh")
    assert [trial.value for trial in warm] == pytest.approx([trial.value for trial in fresh])
    assert [len(trial.intermediate_values) for trial in warm] == [2, 2]
    summary = warm[0].user_attrs["summary"]
    assert summary["best_val_macro_f1"] == warm[0].value and summary["fit_seconds"] > 0
    logs = sorted((tmp_path / "runs" / "sweeps" / "warm" / "logs").glob("000*.log"))
    facts = [open_existing(name).user_attrs["program_facts"] for name in ("warm", "fresh")]
    assert facts[0] == facts[1] and facts[0]["architecture"] == "cnn"
    # The best trial's network is kept with the study, and nothing is put into use.
    kept = json.loads(next((tmp_path / "runs" / "sweeps" / "warm").rglob("cnn.json")).read_text())
    assert kept["score"] == max(trial.value for trial in warm)
    digests = {summary_of(trial)["validation_digest"] for trial in warm}
    assert digests == {kept["validation"]["digest"]}
    assert not (tmp_path / "runs" / "checkpoints").exists()
    assert len(logs) == 2 and all("all epochs done" in log.read_text() for log in logs)


def summary_of(trial) -> dict:
    return trial.user_attrs["summary"]


@pytest.mark.slow
def test_a_budget_in_hours_is_foretold_and_holds(tmp_path, environment):
    """Two draws for each trial; those that would take longer than an eighth are not tried."""
    parameters = {
        "draws": {"value": 2},
        "width": {"values": [4, 6, 8, 10, 12]},
        "stages": {"value": 1},
        "learning_rate": {"min": 0.001, "max": 0.1},
        "epochs": {"value": 1},
    }
    metric = {"name": "mean_best_val_macro_f1", "goal": "maximize"}
    file = written(tmp_path, method="bayes", metric=metric, parameters=parameters)
    began = time.monotonic()
    printed = run_agent(file, environment, "--hours", "0.025", "--longest", "1")
    assert 90 < time.monotonic() - began < 90 + 60  # it starts, and ends the last trial
    assert re.search(r"foretold: a trial at full length \d+:\d\d, most", printed)
    assert "0.025 hours suffice for about" in printed
    found = [trial for trial in trials() if trial.state.name == "COMPLETE"]
    assert len(found) >= 2
    for trial in found:
        summary = summary_of(trial)
        assert summary["draws_done"] == 2 and len(trial.intermediate_values) == 2
        assert trial.value == summary["mean_best_val_macro_f1"] != summary["best_val_macro_f1"]
    table = tmp_path / "runs" / "sweeps" / "tiny" / "report" / "trials.csv"
    output([sys.executable, "-m", "sweeps.report", "tiny"], environment, ROOT)
    words = ["--study", "other", "--begin-with", str(table), "--count", str(len(found))]
    printed = run_agent(file, environment, *words)
    assert "trials taken over from" in printed
    assert [one.value for one in trials("other")] == [one.value for one in found]


@pytest.mark.slow
def test_a_trial_killed_in_mid_training_goes_on_at_its_last_epoch(tmp_path, environment):
    file = written(
        tmp_path,
        parameters={"epochs": {"value": 60}, "patience": {"value": 60}, "width": {"value": 4}},
    )
    command = [sys.executable, "-m", "sweeps.agent", str(file)]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE) as first:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if (tmp_path / "runs" / "sweeps" / "studies.db").exists():
                found = optuna_trials(environment)
                if found and len(found[0].intermediate_values) >= 3:
                    break
            time.sleep(0.1)
        first.send_signal(signal.SIGKILL)
    (cut,) = trials()
    assert cut.state.name == "RUNNING" and 3 <= len(cut.intermediate_values) < 60
    run_agent(file, environment)
    (whole,) = trials()
    assert whole.state.name == "COMPLETE" and whole.user_attrs["attempts"] == 2
    assert list(whole.intermediate_values) == list(range(1, 61))
    assert whole.user_attrs["run_id"] == cut.user_attrs["run_id"]
    for step, value in cut.intermediate_values.items():
        assert whole.intermediate_values[step] == value
    log = (tmp_path / "runs" / "sweeps" / "tiny" / "logs" / "0000.log").read_text()
    resumed = int(re.findall(r"resumed after epoch (\d+) of 60", log)[0])
    assert resumed >= 2
    assert log.count("epoch 1 of 60:") == 1 and f"epoch {resumed + 1} of 60:" in log
    assert len(list((tmp_path / "runs" / "sweeps" / "tiny" / "wandb").glob("offline-run-*"))) == 1


def optuna_trials(environment: dict[str, str]) -> list:
    try:
        return trials()
    except (KeyError, ValueError):
        return []


@pytest.mark.slow
def test_the_top_settings_are_retrained_and_the_winner_is_trained(tmp_path, environment):
    run_agent(written(tmp_path, parameters={"width": {"values": [4, 6, 8]}}), environment)
    best = [sys.executable, "-m", "sweeps.best", "tiny", "--top", "2", "--seeds", "2"]
    printed = output(best, environment, ROOT)
    again = trials("tiny-best")
    assert len(again) == 4 and {trial.params["seed"] for trial in again} == {1, 2}
    assert "mean again" in printed and "standard error" in printed
    kept = json.loads((tmp_path / "runs" / "sweeps" / "tiny" / "best.json").read_text())
    means = [row["mean"] for row in kept["ranking"]]
    assert means == sorted(means, reverse=True) and len(means) == 2
    output(best, environment, ROOT)  # nothing is left to do
    assert len(trials("tiny-best")) == 4

    printed = output([sys.executable, "main.py", "--study", "tiny"], environment, ROOT)
    winner = kept["ranking"][0]["trial"]
    assert f"trial {winner} of study tiny, the best of 2 settings by the mean over 2" in printed
    (facts,) = (tmp_path / "runs" / "final").rglob("cnn.json")
    width = trials()[winner].params["width"]
    assert json.loads(facts.read_text())["settings"]["width"] == width


@pytest.mark.slow
def test_synced_runs_are_one_sweep(tmp_path, environment, wandb_backend, wandb_environment):
    run_agent(written(tmp_path, project="beats"), environment)
    runs = sorted((tmp_path / "runs" / "sweeps" / "tiny" / "wandb").glob("offline-run-*"))
    output(["wandb", "sync", *map(str, runs)], wandb_environment, tmp_path)
    synced = list(wandb_backend.runs.values())
    assert len(synced) == 2 == len({run["id"] for run in synced})
    assert {run["group"] for run in synced} == {"tiny"}
    assert len({run["sweep"] for run in synced}) == 1 and synced[0]["sweep"]
    assert sorted(run["config"]["width"] for run in synced) == [4, 6]
    assert all(len(run["history"]) >= 2 for run in synced)


@pytest.mark.slow
def test_the_dashboard_shows_the_study(tmp_path, environment):
    run_agent(written(tmp_path), environment)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = f"sqlite:///{tmp_path}/runs/sweeps/studies.db"
    program = Path(sys.executable).with_name("optuna-dashboard")
    with subprocess.Popen([program, "--port", str(port), database], env=environment) as server:
        try:
            studies = fetched(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
            (study,) = [one for one in studies if one["study_name"] == "tiny"]
            shown = fetched(f"http://127.0.0.1:{port}/api/studies/{study['study_id']}")
        finally:
            server.terminate()
    assert [trial["state"] for trial in shown["trials"]] == ["Complete", "Complete"]
    names = {param["name"] for param in shown["trials"][0]["params"]}
    assert {"width", "epochs", "data"} <= names
    assert len(shown["trials"][0]["intermediate_values"]) == 2


def fetched(address: str) -> dict:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)
