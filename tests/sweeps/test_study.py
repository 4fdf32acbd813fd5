"""A study decides what comes next: caps, grids, interrupted and failed trials, several agents."""

import json
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from sweeps import storage, sweep_file
from sweeps.study import SweepStudy
from utils.errors import InputError

TEXT = """\
program: train.py
name: things
method: random
metric: {name: loss, goal: minimize}
parameters:
  x: {min: 0.0, max: 1.0}
  model: {parameters: {width: {values: [8, 16]}, layers: {values: [[1, 2], [3]]}}}
  epochs: {value: 5}
"""
GRID = TEXT.replace("random", "grid").replace("{min: 0.0, max: 1.0}", "{values: [0.1, 0.2]}")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/studies.db"


def sweep(text: str = TEXT):
    return sweep_file.parse(text, Path("things.yaml"))


def opened(url: str, text: str = TEXT, **options) -> SweepStudy:
    return SweepStudy(sweep(text), url=url, **options)


def run(
    study: SweepStudy, value: float = 0.5, state: TrialState = TrialState.COMPLETE, count=None
):
    trial = study.take(count)
    if trial:
        study.report(trial, value)
        study.finish(trial, state, None if state == TrialState.FAIL else value)
    return trial


def test_parameters_are_kept_under_their_names_with_their_real_values(url):
    own = run(opened(url))
    kept = optuna.load_study(study_name="things", storage=url)
    assert kept.metric_names == ["loss"]
    (trial,) = kept.trials
    assert set(trial.params) == {"x", "model.width", "model.layers", "epochs"}
    assert isinstance(trial.params["x"], float) and trial.params["model.width"] in (8, 16)
    assert json.loads(trial.params["model.layers"]) in ([1, 2], [3])
    assert (trial.params["epochs"], trial.value, trial.intermediate_values) == (5, 0.5, {1: 0.5})
    assert trial.user_attrs["run_id"] == own.run_id and len(own.run_id) == 8


def test_the_cap_is_the_smaller_of_the_files_and_the_callers(url):
    study = opened(url, TEXT + "run_cap: 3\n")
    assert [run(study, count=2) is not None for _ in range(3)] == [True, True, False]
    assert [run(study) is not None for _ in range(2)] == [True, False]


@pytest.mark.slow
def test_a_grid_runs_each_cell_once_with_two_agents(url):
    first, second = opened(url, GRID), opened(url, GRID)
    taken = [one.take(None) for _ in range(4) for one in (first, second)]
    assert first.take(None) is None and second.take(None) is None
    cells = [json.dumps(one.stored, sort_keys=True) for one in taken]
    assert len(set(cells)) == 8 == first.sweep.space.cell_count
    assert sorted(trial.number for trial in taken) == list(range(8))


@pytest.mark.slow
def test_what_somebody_else_enqueued_is_run_and_is_no_cell(url):
    study = opened(url, GRID)
    study.study.enqueue_trial({"x": 0.2, "model.width": 8})
    assert run(study).stored["x"] == 0.2
    cells = [run(study).stored for _ in range(8)]
    assert cells == list(study.sweep.space.cells())


def test_a_trial_put_back_goes_on_under_its_number_and_run_id(url):
    study = opened(url)
    trial = study.take(None)
    study.report(trial, 0.9)
    study.finish(trial, TrialState.WAITING, facts={"seconds": 7.0})
    again = opened(url).take(1)
    assert (again.number, again.run_id, again.stored) == (trial.number, trial.run_id, trial.stored)
    assert (again.attempts, again.seconds) == (2, 7.0)


def test_the_trial_of_a_dead_agent_of_this_machine_is_taken_up_at_once(url, monkeypatch):
    study = opened(url)
    trial = study.take(None)
    assert opened(url).take(1) is None
    monkeypatch.setattr("psutil.pid_exists", lambda pid: False)
    other = opened(url)
    taken = other.take(1)
    assert taken.number == trial.number
    assert not study.record_heartbeat(trial) and other.record_heartbeat(taken)
    assert not study.report(trial, 0.9) and other.report(taken, 0.1)
    assert [one.intermediate_values for one in study.trials()] == [{1: 0.1}]
    assert not study.finish(trial, TrialState.COMPLETE, 0.1)
    assert other.finish(taken, TrialState.COMPLETE, 0.2)
    assert not study.report(trial, 0.9) and not other.report(taken, 0.9)
    assert [trial.value for trial in study.trials()] == [0.2]


def test_the_trial_of_a_silent_agent_elsewhere_is_taken_up_after_a_while(url, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("sweeps.storage.machine", lambda: "another")
        trial = opened(url, dead_after=2).take(None)
    study = opened(url, dead_after=2)
    assert study.take(1) is None
    with study.storage._backend.engine.begin() as connection:  # three seconds pass
        connection.exec_driver_sql(
            "update trial_heartbeats set heartbeat = datetime(heartbeat, '-4 seconds')"
        )
    assert study.take(1).number == trial.number


def test_only_failures_are_retried_once_and_stay_on_record(url):
    study = opened(url)
    failed = run(study, state=TrialState.FAIL)
    run(study)
    assert study.retry_failed() == 1 and study.retry_failed() == 0
    again = run(study, 0.3, count=0)
    assert again.stored == failed.stored and again.number == 2 and again.run_id != failed.run_id
    assert study.take(0) is None
    counts = study.counts(None)
    assert (counts.complete, counts.failed, counts.done) == (2, 0, 2)
    assert [trial.state.name for trial in study.trials()] == ["FAIL", "COMPLETE", "COMPLETE"]


@pytest.mark.slow
def test_a_trial_that_was_created_as_the_connection_broke_is_not_lost(url, monkeypatch):
    study = opened(url)
    create, broken = study.storage.create_new_trial, []

    def breaks(*arguments):
        create(*arguments)
        broken.append(True)
        monkeypatch.setattr(study.storage, "create_new_trial", create)
        raise optuna.exceptions.StorageInternalError("the connection broke")

    monkeypatch.setattr(study.storage, "create_new_trial", breaks)
    trial = study.take(None)
    assert broken and trial.number == 0 and len(study.trials()) == 1


def test_a_study_of_another_sweep_is_refused_with_the_differences(url):
    opened(url)
    with pytest.raises(InputError) as caught:
        opened(url, TEXT.replace("max: 1.0", "max: 2.0").replace("epochs: {value: 5}", ""))
    printed = str(caught.value)
    assert "parameters.x.max: 1.0 in the study, 2.0 in the file" in printed
    assert "parameters.epochs.value: 5 in the study, nothing in the file" in printed
    assert "--study NAME" in printed
    opened(url, TEXT + "run_cap: 9\ndescription: words may change\n")


def test_a_study_that_no_sweep_made_is_refused(url):
    theirs = optuna.create_study(study_name="things", storage=url)
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(InputError, match="was not made by a sweep"):
        opened(url)


def test_no_new_trials_once_the_target_is_reached(url):
    study = opened(url, TEXT.replace("goal: minimize", "goal: minimize, target: 0.1"))
    run(study, 0.2)
    trial = study.take(None)
    study.report(trial, 0.05)
    assert study.take(None) is None


def test_a_database_that_answers_again_is_waited_for(url, monkeypatch):
    printed = []
    study = opened(url, notify=printed.append)
    failures = iter([True, True, False])
    real = study.storage.get_all_trials

    def sometimes(*arguments, **options):
        if next(failures, False):
            raise optuna.exceptions.StorageInternalError("database is locked")
        return real(*arguments, **options)

    monkeypatch.setattr(study.storage, "get_all_trials", sometimes)
    assert study.trials() == []
    assert printed[0] == "waiting for the storage: database is locked" and printed[-1] == ""


def test_a_database_that_stays_away_ends_with_a_sentence(url, monkeypatch):
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.3)
    study = opened(url)

    def gone(*_arguments, **_options):
        raise optuna.exceptions.StorageInternalError("disk is full")

    monkeypatch.setattr(study.storage, "get_all_trials", gone)
    with pytest.raises(InputError, match="disk is full. Nothing is lost that was saved"):
        study.trials()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "'nonsense' is no storage; expected e.g. sqlite:///"),
        ("mssql://host/name", "driver is missing|not supported"),
        ("postgresql://localhost:1/none", "cannot be used"),
    ],
)
def test_a_storage_that_cannot_be_used_is_reported(url, message):
    with pytest.raises(InputError, match=message):
        storage.connect(url)


def test_an_unknown_study_names_those_that_there_are(url):
    with pytest.raises(InputError, match="there is no storage"):
        storage.open_existing("things", url)
    opened(url)
    assert storage.open_existing("things", url).study_name == "things"
    with pytest.raises(InputError, match="no study 'thing' in the storage; it has: things"):
        storage.open_existing("thing", url)


@pytest.mark.parametrize("method", ["random", "bayes", "tpe"])
@pytest.mark.slow
def test_every_method_goes_on_where_it_was_cut_off_without_repeating_itself(url, method):
    drawn = []
    for _ in range(3):
        study = opened(url, TEXT, method=method)
        drawn += [run(study, value / 10).stored["x"] for value in range(4)]
    assert len(set(drawn)) == 12
