"""What a sweep survives: programs that fail, hang or are killed, agents that are, disks, files."""

import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy
from optuna.trial import TrialState

from sweeps import reasons, runner, session
from tests.sweeps.conftest import Engine, wait_for

METRIC = {"name": "val", "goal": "minimize"}


# What programs do.


@pytest.mark.slow
def test_a_failed_trial_keeps_its_last_words_and_the_sweep_goes_on(engine):
    sweep = engine.sweep("marks.py", {"how": ["ok", "fails", "ok2"]})
    assert engine.run(sweep) == 0
    assert engine.states() == ["COMPLETE", "FAIL", "COMPLETE"]
    assert engine.trials()[1].user_attrs["reason"] == "exit status 1: the last word"


@pytest.mark.slow
def test_it_gives_up_where_the_first_three_trials_fail(engine, capsys):
    sweep = engine.sweep("marks.py", {"how": ["fails"], "x": [0, 1, 2, 3, 4]})
    assert engine.run(sweep) == 1
    assert engine.states() == ["FAIL"] * 3
    assert "the first 3 trials all failed" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["hangs", "ignores"])
@pytest.mark.slow
def test_a_program_that_hangs_is_ended(engine, monkeypatch, how):
    monkeypatch.setattr(runner, "STOP_SECONDS", 1)
    sweep = engine.sweep("marks.py", {"how": ["ok", how]})
    assert engine.run(sweep, "--timeout=0.02") == 0
    assert engine.states() == ["COMPLETE", "FAIL"]
    assert engine.trials()[1].user_attrs["reason"] == "took longer than 0.02 minutes"
    engine.check_that_nothing_runs()


def test_a_program_that_logs_nothing_has_failed(engine):
    sweep = engine.sweep("marks.py", {"how": ["ok"]}, metric=METRIC)
    assert engine.run(sweep) == 1
    (trial,) = engine.trials()
    assert trial.state == TrialState.FAIL
    assert "the program did not call wandb.init" in trial.user_attrs["reason"]


def test_a_program_that_cannot_be_started_says_so(engine):
    sweep = engine.sweep("marks.py", {"x": [0]}, command=["./no-such-program", "${args}"])
    assert engine.run(sweep) == 1
    reason = engine.trials()[0].user_attrs["reason"]
    assert "no-such-program" in reason and "No such file" in reason


@pytest.mark.slow
def test_megabytes_of_output_neither_fill_the_memory_nor_the_reason(engine):
    assert engine.run(engine.sweep("marks.py", {"how": ["ok"]}, name="loads-libraries")) == 0
    sweep = engine.sweep("marks.py", {"how": ["ok", "prints"]})
    tracemalloc.start()
    try:
        assert engine.run(sweep) == 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    trial = engine.trials()[1]
    assert Path(trial.user_attrs["log"]).stat().st_size > 20e6
    assert peak < 15e6
    assert trial.state == TrialState.FAIL and len(trial.user_attrs["reason"]) < 400


def test_what_a_program_leaves_behind_is_ended_with_it(engine):
    assert engine.run(engine.sweep("marks.py", {"how": ["leaves"]})) == 0
    assert engine.states() == ["COMPLETE"]
    engine.check_that_nothing_runs()


@pytest.mark.slow
def test_nan_is_a_failure_and_not_a_missing_metric(engine, capsys):
    sweep = engine.sweep("logs.py", {"x": ["nan", 0.5]}, metric=METRIC)
    assert engine.run(sweep) == 0
    assert engine.states() == ["FAIL", "COMPLETE"]
    assert engine.trials()[0].user_attrs["reason"] == "'val' is nan"
    assert "never logged" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_metric_that_is_never_logged_ends_the_sweep_at_once(engine, capsys):
    metric = {"name": "vall", "goal": "minimize"}
    sweep = engine.sweep("logs.py", {"x": [0, 1, 2, 3]}, metric=metric)
    assert engine.run(sweep) == 1
    assert engine.states() == ["FAIL"]
    printed = capsys.readouterr().out
    line = Path(sweep).read_text().splitlines().index("  name: vall") + 1
    assert f"{sweep}, line {line}: the metric 'vall' is never logged" in printed
    assert "the program logged other, val" in printed


@pytest.mark.slow
def test_a_crash_before_the_metric_does_not_accuse_the_sweep_file(engine):
    parameters = {"x": ["crash", 0.5], "steps": 2}
    assert engine.run(engine.sweep("logs.py", parameters, metric=METRIC)) == 0
    assert engine.states() == ["FAIL", "COMPLETE"]
    assert "exit status 1" in engine.trials()[0].user_attrs["reason"]


@pytest.mark.slow
def test_a_program_that_knows_nothing_of_us_is_stopped_early(engine):
    sweep = engine.sweep(
        "logs.py",
        {"x": [0, 5], "steps": 60, "pause": 0.1},
        metric=METRIC,
        early_terminate={"type": "hyperband", "min_iter": 5, "eta": 3},
    )
    assert engine.run(sweep) == 0
    good, bad = engine.trials()
    assert (good.state, bad.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert len(good.intermediate_values) == 60
    assert 5 <= len(bad.intermediate_values) < 60
    assert bad.user_attrs["reason"].startswith("stopped by hyperband after 5 log calls")
    assert engine.runs() == sorted(trial.user_attrs["run_id"] for trial in (good, bad))
    engine.check_that_nothing_runs()


@pytest.mark.slow
def test_a_target_that_is_reached_ends_the_search(engine):
    sweep = engine.sweep("logs.py", {"x": [9, 0, 1, 2]}, metric=METRIC | {"target": 0.5})
    assert engine.run(sweep) == 0
    assert engine.states() == ["COMPLETE"] * 2
    assert engine.run(sweep) == 0
    assert engine.states() == ["COMPLETE"] * 2


# Programs that are killed.


@pytest.mark.parametrize("how", ["once-killed", "once-parent-killed"])
@pytest.mark.slow
def test_a_killed_program_is_begun_again_under_its_run_id(engine, how):
    assert engine.run(engine.sweep("marks.py", {"how": [how, "ok"]})) == 0
    assert engine.states() == ["COMPLETE"] * 2
    first = engine.trials()[0]
    assert first.user_attrs["attempts"] == 2
    assert engine.lines("begin").count(how) == 2
    engine.check_that_nothing_runs()
    assert len({line.split()[2] for line in engine.marks.read_text().splitlines()}) == 2


@pytest.mark.slow
def test_a_program_killed_three_times_has_failed(engine):
    assert engine.run(engine.sweep("marks.py", {"how": ["killed", "ok"]})) == 0
    assert engine.states() == ["FAIL", "COMPLETE"]
    assert "ended by signal 9, 3 times" in engine.trials()[0].user_attrs["reason"]
    assert engine.lines("begin").count("killed") == 3


@pytest.mark.slow
def test_the_longest_time_is_that_of_one_attempt(engine):
    sweep = engine.sweep("marks.py", {"how": "once-killed-late", "pause": 2})
    assert engine.run(sweep, "--timeout=0.055") == 0
    (trial,) = engine.trials()
    assert trial.state == TrialState.COMPLETE
    assert trial.user_attrs["seconds"] > 0.055 * 60


@pytest.mark.slow
def test_a_warm_worker_that_is_killed_is_replaced(engine):
    sweep = engine.sweep(
        "marks.py",
        {"how": ["ok", "once-killed", "ok2"]},
        command=["${interpreter}", "-m", "marks", "${args}"],
    )
    assert engine.run(sweep, "--warm=on") == 0
    assert engine.states() == ["COMPLETE"] * 3
    assert engine.lines("begin").count("once-killed") == 2
    engine.check_that_nothing_runs()


# Agents that are killed, stopped or frozen.


def no_trial_lost_or_twice(engine: Engine, count: int, url: str | None = None) -> None:
    """Each of `count` trials is there once, finished, with a W&B run of its own."""
    trials = engine.trials(url=url)
    assert [trial.number for trial in trials] == list(range(count))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert [trial.user_attrs["proposal"] for trial in trials] == list(range(count))
    assert engine.runs() == sorted(trial.user_attrs["run_id"] for trial in trials)


@pytest.mark.slow
@pytest.mark.parametrize("warm", ["off", "on"])
def test_a_killed_agent_takes_its_trials_along_and_the_same_command_goes_on(engine, warm):
    words = ("--workers=2", f"--warm={warm}")
    parameters = {"x": [0, 1, 2], "steps": 15, "pause": 0.1}
    command = ["${interpreter}", "-m", "logs", "${args}"]
    sweep = engine.sweep("logs.py", parameters, command=command, metric=METRIC)
    first = engine.start(sweep, *words)
    wait_for(lambda: len(engine.runs()) == 2)
    run_ids = {trial.user_attrs["run_id"] for trial in engine.trials()}
    first.kill()
    engine.check_that_nothing_runs()
    assert engine.states() == ["RUNNING"] * 2
    assert engine.start(sweep, *words).end() == 0
    no_trial_lost_or_twice(engine, 3)
    assert run_ids == {trial.user_attrs["run_id"] for trial in engine.trials()[:2]}
    assert set(engine.runs("interrupted")) == run_ids


@pytest.mark.slow
def test_an_agent_killed_again_and_again_does_the_whole_grid(engine):
    sweep = engine.sweep("marks.py", {"x": list(range(8)), "pause": 0.15})
    for done in (1, 3, 5):
        one = engine.start(sweep, "--workers=2")
        wait_for(lambda done=done: len(engine.lines("end")) >= done)
        one.kill()
        engine.check_that_nothing_runs()
    assert engine.start(sweep, "--workers=2").end() == 0
    assert engine.states() == ["COMPLETE"] * 8
    assert sorted(trial.params["x"] for trial in engine.trials()) == sorted(range(8))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "warm"), [(signal.SIGINT, "off"), (signal.SIGTERM, "on")])
def test_a_stopped_agent_lets_trials_wait_and_they_are_gone_on_with(engine, number, warm):
    parameters = {"x": [0, 1], "steps": 20, "pause": 0.1}
    command = ["${interpreter}", "-m", "logs", "${args}"]
    sweep = engine.sweep("logs.py", parameters, command=command, metric=METRIC)
    first = engine.start(sweep, f"--warm={warm}")
    wait_for(engine.runs)
    first.send(number)
    assert first.end(20) == session.INTERRUPTED
    assert "the same command goes on" in first.printed
    (waiting,) = engine.trials()
    assert waiting.state == TrialState.WAITING
    engine.check_that_nothing_runs()
    assert engine.run(sweep) == 0
    no_trial_lost_or_twice(engine, 2)
    assert engine.trials()[0].user_attrs["run_id"] == waiting.user_attrs["run_id"]
    assert engine.trials()[0].user_attrs["attempts"] == 2


@pytest.mark.slow
def test_a_second_ctrl_c_ends_a_program_that_ignores_the_first(engine):
    one = engine.start(engine.sweep("marks.py", {"how": ["ignores"]}))
    wait_for(lambda: engine.lines("begin"))
    time.sleep(0.3)
    one.send(signal.SIGINT)
    time.sleep(0.5)
    assert one.process.poll() is None
    one.send(signal.SIGINT)
    assert one.end(5) == session.INTERRUPTED
    assert engine.states() == ["WAITING"]
    engine.check_that_nothing_runs()


@pytest.mark.slow
def test_a_frozen_agent_gives_way_to_the_one_that_took_its_trial_up(engine):
    sweep = engine.sweep("marks.py", {"how": ["once-hangs"], "pause": 3})
    frozen = engine.start(sweep, "--dead-after=2")
    wait_for(lambda: engine.lines("begin"))
    frozen.send(signal.SIGSTOP)
    other = engine.start(sweep, "--dead-after=2")
    wait_for(lambda: len(engine.lines("begin")) == 2)
    frozen.send(signal.SIGCONT)
    assert other.end() == 0
    assert frozen.end() == 0
    assert "another agent has taken it" in frozen.printed
    assert engine.states() == ["COMPLETE"]
    assert engine.lines("end") == ["once-hangs"]
    engine.check_that_nothing_runs()


@pytest.mark.slow
def test_a_frozen_agents_trial_that_ended_meanwhile_counts_once(engine):
    """Its child went on to the end, and another agent began the same trial."""
    sweep = engine.sweep("marks.py", {"x": [0], "pause": 4})
    frozen = engine.start(sweep, "--dead-after=1")
    wait_for(lambda: engine.lines("begin"))
    frozen.send(signal.SIGSTOP)
    other = engine.start(sweep, "--dead-after=1")
    wait_for(lambda: engine.lines("end") and len(engine.lines("begin")) == 2)
    frozen.send(signal.SIGCONT)
    wait_for(lambda: "another agent has taken it" in frozen.printed, 4)
    trial_folder = engine.folder / "runs" / "sweeps" / "s" / "trials" / "0000"
    assert trial_folder.is_dir() or len(engine.lines("end")) == 2  # it is the other one's by now
    assert (other.end(), frozen.end()) == (0, 0)
    assert engine.states() == ["COMPLETE"]
    assert engine.trials()[0].user_attrs["attempts"] == 2


@pytest.mark.slow
def test_what_a_frozen_agents_program_logged_does_not_count_when_it_thaws(engine):
    sweep = engine.sweep("logs.py", {"x": [0], "steps": 30, "pause": 0.2}, metric=METRIC)
    frozen = engine.start(sweep, "--dead-after=1")
    wait_for(engine.runs)
    frozen.send(signal.SIGSTOP)
    assert engine.start(sweep, "--dead-after=1").end() == 0
    (done,) = engine.trials()
    assert done.state == TrialState.COMPLETE and len(done.intermediate_values) == 30
    frozen.send(signal.SIGCONT)
    assert frozen.end() == 0, frozen.printed
    assert "another agent has taken it" in frozen.printed
    assert engine.trials() == [done]
    assert engine.runs() == [done.user_attrs["run_id"]]


# How a program begins its runs.


@pytest.mark.slow
def test_every_run_of_a_trial_is_followed_and_the_last_one_decides(engine):
    sweep = engine.sweep("inits.py", {"how": ["folds"]}, metric=METRIC)
    assert engine.run(sweep) == 0
    (trial,) = engine.trials()
    assert list(trial.intermediate_values.values()) == [0.1, 0.2, 0.5, 0.4, 0.3]
    assert trial.value == 0.3


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, value, steps",
    [
        ("val.score", 0.5, [0.2, 0.9, 0.5]),
        ("val.score.max", 0.9, [0.2, 0.9, 0.9]),
        ("val.score.best", 0.9, [0.2, 0.9, 0.9]),
    ],
)
def test_a_nested_value_and_what_w_and_b_keeps_of_it_are_metrics(engine, name, value, steps):
    metric = {"name": name, "goal": "maximize"}
    assert engine.run(engine.sweep("inits.py", {"how": ["nested"]}, metric=metric)) == 0
    (trial,) = engine.trials()
    assert trial.value == value and list(trial.intermediate_values.values()) == steps


@pytest.mark.slow
@pytest.mark.parametrize(
    "how, told",
    [
        ("disabled", 'no W&B run of the trial was begun: .* `mode="disabled"`'),
        ("raises", "^exit status 1: ValueError: the reason$"),
    ],
)
def test_the_reason_of_a_failure_is_the_true_one(engine, how, told):
    sweep = engine.sweep("inits.py", {"how": [how]}, metric=METRIC)
    assert engine.run(sweep) == 1  # nothing succeeded
    (trial,) = engine.trials()
    assert re.search(told, trial.user_attrs["reason"])


def test_a_programs_last_exception_is_told_and_not_w_and_bs_farewell(tmp_path):
    log = tmp_path / "log"
    log.write_text(
        "epoch 1\nTraceback (most recent call last):\n  File 'a'\nKeyError: 'old'\n\nDuring "
        "handling of it:\n\nTraceback (most recent call last):\n  File 'x.py', line 1\n    f()\n"
        "    ^^^\nmy.Error: bad\nhint: do so\nwandb: \x1b[1mView run\x1b[0m at x\n"
        "\x1b[34mwandb\x1b[0m: bye\n"
    )
    assert reasons.last_words(log) == "my.Error: bad"
    log.write_text("Traceback (most recent call last):\nE: old\n" + "epoch\n" * 9 + "no memory\n")
    assert reasons.last_words(log) == "no memory"
    log.write_text("wandb: only\n\n")
    assert reasons.last_words(log) == "no output"


# Failures that are tried again.


@pytest.mark.slow
def test_only_what_failed_is_run_again_and_then_counts_no_more(engine, capsys):
    sweep = engine.sweep("marks.py", {"how": ["ok", "once-fails", "fails"]})
    assert engine.run(sweep) == 0
    assert engine.states() == ["COMPLETE", "FAIL", "FAIL"]
    capsys.readouterr()
    assert engine.run(sweep, "--retry-failed") == 0
    printed = capsys.readouterr().out
    assert engine.states() == ["COMPLETE", "FAIL", "FAIL", "COMPLETE", "FAIL"]
    assert Counter(engine.lines("begin")) == {"ok": 1, "once-fails": 2, "fails": 2}
    assert "2 failed trials are run again" in printed
    assert "2 finished, 0 stopped early, 1 failed" in printed


# Studies and their storage.


@pytest.mark.slow
def test_a_study_of_another_sweep_file_is_refused(engine, capsys):
    assert engine.run(engine.sweep("marks.py", {"x": [0, 1]})) == 0
    assert engine.run(engine.sweep("marks.py", {"x": [0, 2], "pause": 0.1})) == 2
    printed = capsys.readouterr().err
    assert "parameters.x.values: [0, 1] in the study, [0, 2] in the file" in printed
    assert "parameters.pause.value: nothing in the study, 0.1 in the file" in printed
    assert "--study" in printed
    assert engine.states() == ["COMPLETE"] * 2


@pytest.fixture
def pragmas():
    """Statements that each SQLite connection gets when it is used."""
    given: list[str] = []

    def tell(connection, _record, _proxy):
        for statement in given if isinstance(connection, sqlite3.Connection) else ():
            connection.execute(statement)

    sqlalchemy.event.listen(sqlalchemy.pool.Pool, "checkout", tell)
    yield given
    sqlalchemy.event.remove(sqlalchemy.pool.Pool, "checkout", tell)


def test_a_study_that_cannot_be_written_is_told_in_a_sentence(engine, pragmas, capsys):
    sweep = engine.sweep("marks.py", {"x": [0]})
    assert engine.run(sweep) == 0
    pragmas.append("PRAGMA query_only = 1")
    assert engine.run(sweep) == 2
    printed = capsys.readouterr().err
    assert (
        printed.startswith("error: ") and "readonly" in printed and len(printed.splitlines()) < 4
    )
    assert engine.states() == ["COMPLETE"]


@pytest.mark.slow
def test_a_full_disk_is_waited_out(engine, pragmas, monkeypatch):
    """Long values, so that the next trial needs another page of the file."""
    printed: list[str] = []
    monkeypatch.setattr(session.Lines, "say", lambda _self, text: printed.append(text))
    values = ["a" * 5000, "b" * 5000]
    sweep = engine.sweep("marks.py", {"x": values, "pause": 0.5})
    sentence = "waiting for the storage: database or disk is full"

    def fill() -> None:
        wait_for(lambda: engine.lines("begin"))
        pragmas.append("PRAGMA max_page_count = 1")
        try:
            wait_for(lambda: sentence in printed)  # Optuna tries some times before it says so
        finally:
            pragmas[:] = ["PRAGMA max_page_count = 100000"]

    full = threading.Thread(target=fill)
    full.start()
    assert engine.run(sweep) == 0
    full.join()
    assert sentence in printed
    assert engine.states() == ["COMPLETE"] * 2
    assert engine.lines("end") == values


# A file system of some megabytes that only the agent and its children see.
SMALL_DISK = (
    "unshare",
    "--mount",
    "--map-root-user",
    "sh",
    "-c",
    'mount -t tmpfs -o size=4m none "$ECG_RUNS" && exec "$@"',
    "sh",
)


@pytest.mark.slow
def test_a_disk_filled_by_a_trials_log_is_waited_out(engine):
    runs = engine.folder / "runs"
    runs.mkdir()
    if subprocess.run([*SMALL_DISK, "true"], capture_output=True).returncode:
        pytest.skip("mounting a small disk needs Linux and user namespaces")
    sweep = engine.sweep("marks.py", {"how": ["ok", "prints", "ok2"]})
    one = engine.start(sweep, before=SMALL_DISK)
    wait_for(lambda: "waiting for the storage: database or disk is full" in one.printed)
    assert engine.lines("begin") == ["ok", "prints"]
    seen_from_here = Path(f"/proc/{one.process.pid}/root{runs}")
    os.truncate(seen_from_here / "sweeps" / "s" / "logs" / "0001.log", 0)
    assert one.end() == 0
    assert "trial 1 failed: exit status 1" in one.printed
    assert "1 failed" in one.printed and "trial 2 finished" in one.printed
    assert engine.lines("begin") == ["ok", "prints", "ok2"]


@pytest.mark.slow
def test_a_locked_study_is_waited_for(engine):
    sweep = engine.sweep("marks.py", {"x": [0, 1], "pause": 0.5})
    one = engine.start(sweep)
    wait_for(lambda: engine.lines("begin"))
    file = engine.folder / "runs" / "sweeps" / "studies.db"
    with sqlite3.connect(file, timeout=30, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(8)
        assert one.process.poll() is None
        other.execute("ROLLBACK")
    assert one.end() == 0
    assert engine.states() == ["COMPLETE"] * 2
    assert engine.lines("end") == ["0", "1"]
