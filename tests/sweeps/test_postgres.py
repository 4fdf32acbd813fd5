"""One study, several agents and machines: on SQLite where they share one, on a real PostgreSQL."""

import time
from collections import Counter
from pathlib import Path

import pytest
from optuna.trial import TrialState

from sweeps import sweep_file
from sweeps.study import SweepStudy
from tests.sweeps.conftest import Engine, Postgres, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def database(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """A fresh storage; None is SQLite in the runs folder."""
    return None if request.param == "sqlite" else request.getfixturevalue("database")


def storage_words(url: str | None) -> list[str]:
    return ["--storage", url] if url else []


# Agents that begin at the same moment.


def test_two_agents_at_once_run_each_cell_of_a_grid_once(engine: Engine, url):
    sweep = engine.sweep("marks.py", {"x": [0, 1, 2], "y": ["a", "b"], "pause": 0.5})
    agents = [engine.start(sweep, *storage_words(url)) for _ in range(2)]
    assert [one.end() for one in agents] == [0, 0]
    trials = engine.trials(url=url)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert len({(trial.params["x"], trial.params["y"]) for trial in trials}) == 6
    assert len({trial.user_attrs["run_id"] for trial in trials}) == 6
    assert Counter(engine.lines("begin")) == {"0": 2, "1": 2, "2": 2}
    assert len({trial.user_attrs["owner"] for trial in trials}) == 2


@pytest.mark.parametrize("how", ["run_cap", "--count"])
def test_a_cap_holds_for_all_agents_together(engine: Engine, url, how):
    cap = {"run_cap": 5} if how == "run_cap" else {}
    words = [*storage_words(url), "--workers=2", *(["--count=5"] if how == "--count" else [])]
    space = {"x": {"min": 0.0, "max": 1.0}, "pause": 0.2}
    sweep = engine.sweep("marks.py", space, method="random", **cap)
    agents = [engine.start(sweep, *words) for _ in range(2)]
    assert [one.end() for one in agents] == [0, 0]
    assert engine.states(url=url) == ["COMPLETE"] * 5
    assert len(engine.lines("begin")) == len(set(engine.lines("begin"))) == 5


# Two machines.


def test_machines_share_a_study_and_one_takes_up_what_the_other_dropped(engine, database):
    words = ("--storage", database, "--dead-after=4")
    cells = [0, 1, 2, 3, 4, 5, 6]
    sweep = engine.sweep("marks.py", {"x": cells, "pause": 2})
    there = engine.start(sweep, *words, elsewhere=True)
    wait_for(lambda: engine.lines("begin"))
    there.kill()
    died = time.monotonic()
    here = engine.start(sweep, *words)
    wait_for(lambda: engine.lines("begin").count("0") == 2)
    # It can tell by the other's silence only. It goes on with new trials meanwhile.
    assert time.monotonic() - died > 3
    helper = engine.start(sweep, *words, elsewhere=True)
    assert (here.end(), helper.end()) == (0, 0)
    trials = engine.trials(url=database)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * len(cells)
    assert trials[0].user_attrs["attempts"] == 2
    assert sorted(engine.lines("end")) == [str(x) for x in cells]
    owners = {trial.user_attrs["owner"].split(":")[0] for trial in trials}
    assert "elsewhere" in owners and len(owners) == 2


def test_an_agent_of_another_machine_that_lives_keeps_its_trial(engine, database):
    words = ("--storage", database, "--dead-after=2")
    sweep = engine.sweep("marks.py", {"x": [0], "pause": 6})
    there = engine.start(sweep, *words, elsewhere=True)
    wait_for(lambda: engine.lines("begin"))
    here = engine.start(sweep, *words)
    assert (there.end(), here.end()) == (0, 0)
    assert engine.lines("begin") == ["0"]
    assert "waiting for 1 trials of other agents" in here.printed
    assert engine.trials(url=database)[0].user_attrs["attempts"] == 1


# A database that goes away.


def test_connections_cut_again_and_again_cost_nothing(engine, postgres, database):
    sweep = engine.sweep("marks.py", {"x": list(range(8)), "pause": 0.4})
    agents = [engine.start(sweep, "--storage", database) for _ in range(2)]
    wait_for(lambda: all("began" in one.printed for one in agents))
    cut = 0
    while any(one.process.poll() is None for one in agents):
        cut += postgres.cut_connections()
        time.sleep(0.3)
    assert [one.end() for one in agents] == [0, 0], [one.printed for one in agents]
    assert cut >= 4
    trials = engine.trials(url=database)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 8
    assert sorted(trial.params["x"] for trial in trials) == list(range(8))
    assert sorted(engine.lines("begin")) == [str(x) for x in range(8)]


def test_nothing_is_written_once_the_lock_is_lost(engine, postgres, database):
    """Else two agents that both believe they have the lock would begin the same cell."""
    sweep = sweep_file.read(Path(engine.sweep("marks.py", {"x": [0, 1]})))
    study = SweepStudy(sweep, url=database)
    tries = []

    def write() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            postgres.cut_connections()
        study.storage.set_study_user_attr(study.study_id, f"try{len(tries)}", True)

    study._alone(write)
    written = study.storage.get_study_user_attrs(study.study_id)
    assert len(tries) == 2
    assert "try1" not in written and "try2" in written


def test_a_restarted_server_is_waited_for(engine, postgres, database):
    parameters = {"x": [0, 1, 2], "steps": 20, "pause": 0.1}
    sweep = engine.sweep("logs.py", parameters, metric={"name": "val", "goal": "minimize"})
    one = engine.start(sweep, "--storage", database, "--workers=2", "--dead-after=2")
    wait_for(lambda: len(engine.runs()) == 2)
    postgres.stop()
    try:
        wait_for(lambda: "waiting for the storage" in one.printed, 20)
        time.sleep(5)
        assert one.process.poll() is None
    finally:
        postgres.start()
    assert one.end() == 0, one.printed
    trials = engine.trials(url=database)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 3
    assert [trial.user_attrs["attempts"] for trial in trials] == [1, 1, 1]
    assert [len(trial.intermediate_values) for trial in trials] == [20] * 3
    assert engine.runs() == sorted(trial.user_attrs["run_id"] for trial in trials)


def test_a_server_that_is_not_there_is_told_in_a_sentence(engine, postgres, database, capsys):
    sweep = engine.sweep("marks.py", {"x": [0]})
    missing = database.replace("/study", "/no_such_study")
    assert engine.run(sweep, "--storage", missing) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: the storage") and "no_such_study" in printed
    assert "Traceback" not in printed
