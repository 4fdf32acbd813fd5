"""A study's trials as a CSV file, and a study that goes on from one."""

from pathlib import Path

import pytest
from optuna.trial import TrialState

from sweeps import results, sweep_file, trials
from sweeps.study import SweepStudy
from utils.errors import InputError

TEXT = """\
program: p.py
name: tabled
method: bayes
metric: {name: score, goal: maximize}
run_cap: 30
parameters:
  epochs: {value: 3}
  width: {values: [8, 16, 32]}
  block: {values: [plain, "residual, both"]}
  excite: {values: [true, false]}
  layers: {values: [[1], [1, 2]]}
  stages: {distribution: int_uniform, min: 2, max: 5}
  growth: {distribution: q_uniform, min: 1.0, max: 2.0, q: 0.1}
  rate: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
"""
SWEEP = sweep_file.parse(TEXT, Path("t.yaml"))


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture
def table(url, tmp_path):
    """Of a study with a trial of each kind."""
    made = SweepStudy(SWEEP, url=url)
    ends = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE]
    for number, state in enumerate(ends):
        trial = made.take(None)
        for value in (0.1, 0.25 + number / 3):
            made.report(trial, value)
        facts = {"seconds": 12.5, **({"reason": 'a "reason", so'} if number else {})}
        value = 0.5 + number / 7 if state == TrialState.COMPLETE else None
        made.finish(trial, state, value, facts)
    made.take(None)  # one that runs is left out
    path = tmp_path / "trials.csv"
    results.write(made.trials(), SWEEP.space, path)
    return path, made


def known(trial):
    kept = {name: trial.user_attrs[name] for name in results.KEPT if name in trial.user_attrs}
    return trial.state, trial.value, trial.params, kept


def test_what_is_read_is_what_was_written(table):
    path, made = table
    found = results.read(path, SWEEP.space)
    assert [known(one) for one in found] == [known(one) for one in made.trials()[:4]]
    for one, other in zip(found, made.trials(), strict=False):
        assert trials.curve(one) == pytest.approx(trials.curve(other), rel=1e-5)


def test_a_new_study_goes_on_from_a_table(table, url):
    path, made = table
    other = SweepStudy(SWEEP, "other", url)
    assert other.take_over(results.read(path, SWEEP.space))
    assert other.counts(None).done == 4 and other.best().value == made.best().value
    trial = other.take(None)
    assert trial.number == 4
    assert trial.stored not in [one.params for one in made.trials()[:4]]
    assert not other.take_over(results.read(path, SWEEP.space))  # it has trials of its own


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("finished", "done", "line 2, column state: one of finished, stopped early, failed"),
        ("0.1 0.25", "0.1 x", "line 2, column curve: a number is expected, got 'x'"),
        (",width,", ",breadth,", "the columns width are missing"),
        ("12.5", "NaN", "line 2, column seconds: a number is expected, got 'NaN'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(table, old, new, told):
    path, _made = table
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        results.read(path, SWEEP.space)


def test_a_value_outside_of_the_space_is_told(table):
    path, _made = table
    header, first, *_rest = path.read_text().splitlines()
    cells = first.split(",")
    place = header.split(",").index("width")
    rest = [*cells[:place], "99", *cells[place + 1 :]]
    path.write_text("\n".join([header, ",".join(rest)]))
    with pytest.raises(InputError, match="line 2, column width: one of 8, 16, 32 expected"):
        results.read(path, SWEEP.space)
