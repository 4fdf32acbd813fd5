"""The race of search engines over a table of trainings."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from benchmarks.race import replay
from benchmarks.race.course import BudgetSpent, Course, Table
from sweeps import results, sweep_file
from utils.errors import InputError

EPOCHS = 3
TEXT = """\
program: p.py
method: random
metric: {name: best_val_macro_f1, goal: maximize}
parameters:
  kind: {values: [a, b]}
  width: {values: [8, 16, 32]}
  rate: {distribution: log_uniform_values, min: 0.0001, max: 0.01}
"""
SWEEP = sweep_file.parse(TEXT, Path("t.yaml"))


def trials(count=40, **changes):
    rng = np.random.default_rng(0)
    for _ in range(count):
        values = SWEEP.space.draw(rng)
        good = 0.9 - 0.1 * abs(np.log10(values["rate"]) + 3) - 0.05 * (values["kind"] == "b")
        curve = [good * share for share in (0.5, 0.8, 1.0)]
        of_both = [*curve, *(one - 0.01 for one in curve)]
        yield create_trial(
            state=changes.get("state", TrialState.COMPLETE),
            value=of_both[-1],
            params=values,
            distributions=SWEEP.space.stored,
            intermediate_values=dict(enumerate(of_both, start=1)),
            user_attrs={"seconds": 2.0 * values["width"]},
        )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("race") / "table.csv"
    results.write(list(trials()), SWEEP.space, found)
    return found


@pytest.fixture(scope="module")
def table(path):
    return Table.read(path, SWEEP.space)


def test_what_engines_see_is_one_training_and_what_counts_is_the_other(table):
    assert table.curves.shape == (40, EPOCHS)
    assert table.held_out == pytest.approx(table.curves[:, -1] - 0.01, abs=1e-5)
    assert table.seconds == pytest.approx([one["width"] for one in table.settings])


def test_trainings_that_did_not_end_are_no_table(tmp_path):
    results.write(list(trials(4, state=TrialState.PRUNED)), SWEEP.space, tmp_path / "t.csv")
    with pytest.raises(InputError, match="expected finished trials"):
        Table.read(tmp_path / "t.csv", SWEEP.space)


def test_a_proposal_is_given_the_nearest_setting_that_it_has_not_had(table):
    course = Course(table, 100.0)
    wanted = table.settings[7]
    assert course.nearest(wanted) == 7
    second = course.nearest(wanted)
    assert second != 7 and table.settings[second]["kind"] == wanted["kind"]
    for _ in range(38):
        course.nearest(wanted)
    with pytest.raises(BudgetSpent):
        course.nearest(wanted)


def test_seconds_pass_and_regret_falls(table):
    worst, best = (int(order(table.held_out)) for order in (np.argmin, np.argmax))
    course = Course(table, 1000.0)
    list(course.train(worst))
    then = course.spent_s
    list(course.train(best, 0, 2))
    assert then == pytest.approx(table.seconds[worst])
    assert course.spent_s == pytest.approx(then + table.seconds[best] * 2 / 3)
    list(course.train(best, 2))
    before, after = course.regret(np.array([then, 1000.0]))
    assert before == pytest.approx(np.ptp(table.held_out)) and after == 0


@pytest.mark.parametrize("name", replay._engines(SWEEP.content, None, None))
def test_every_engine_goes_on_until_its_time_is_over(name, table):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    engine = replay._engines(SWEEP.content, None, None)[name]
    one, again, other = (replay.race(engine, table, 200.0, seed) for seed in (0, 0, 1))
    assert one.spent_s == 200.0 or len(one._begun) == 40
    assert one.incumbents == again.incumbents
    assert (one._begun, one.incumbents) != (other._begun, other.incumbents)
    assert one.regret(np.array([200.0]))[0] < 0.1


def test_the_race_is_told_and_drawn(path, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep_file, "read", lambda _path: SWEEP)
    arguments = ["--seeds", "2", "--table", str(path), "--to", str(tmp_path), "--engines"]
    assert replay.main([*arguments, "ours", "random"]) == 0
    assert "random + hyperband" in capsys.readouterr().out
    assert (tmp_path / "race.png").stat().st_size > 10_000
    lines = (tmp_path / "race.csv").read_text().splitlines()
    assert len(lines) == 1 + replay.POINTS * 6
