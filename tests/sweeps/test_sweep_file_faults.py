"""What is wrong in a sweep file is reported with its line, before anything is run."""

from pathlib import Path

import pytest

from sweeps import agent, sweep_file
from utils.errors import InputError

GOOD = """\
program: train.py
name: good
method: bayes
metric:
  name: loss
  goal: minimize
early_terminate:
  type: hyperband
  min_iter: 3
parameters:
  lr:
    distribution: log_uniform_values
    min: 0.0001
    max: 0.1
  width: {values: [8, 16]}
"""


def read(text: str):
    return sweep_file.parse(text, Path("s.yaml"))


def test_a_good_file():
    sweep = read(GOOD)
    assert (sweep.name, sweep.method, sweep.metric.goal) == ("good", "bayes", "minimize")
    assert sweep.early_terminate.brackets[:2] == (3, 9) and sweep.early_terminate.strict
    assert sweep.command == sweep_file.DEFAULT_COMMAND and sweep.run_cap is None
    assert sweep.where("metric", "name") == "s.yaml, line 5"
    assert sweep.where_parameter("lr") == "s.yaml, line 11"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("method: bayes", "method: bayesian", "line 3: 'method' is one of grid, random, bayes"),
        ("name: good", "nme: good", "line 2: unknown key 'nme'"),
        ("goal: minimize", "gaol: minimize", "line 6: unknown key 'gaol'"),
        ("goal: minimize", "goal: min", "line 6: 'goal' is one of minimize, maximize"),
        ("min: 0.0001", "min: 1e-4", "line 13: YAML reads 1e-4 as text.* write 1.0e-4"),
        ("[8, 16]", "[8, 1e2]", "line 15: YAML reads 1e2 as text.* write 1.0e\\+2"),
        ("min: 0.0001", "min: 0.5", "line 13: 'lr': 'min' 0.5 is above 'max' 0.1"),
        ("min: 0.0001", "min: 0", "line 13: 'lr': log_uniform_values needs 'min' above 0"),
        ("min: 0.0001", "min: low", "line 13: 'lr': 'min' is a number; got 'low'"),
        ("    max: 0.1\n", "", "line 11: 'lr': log_uniform_values needs `max`"),
        ("max: 0.1", "mx: 0.1", "line 14: unknown key 'mx'"),
        ("log_uniform_values", "log_unifrom", "line 12: 'lr': unknown distribution"),
        ("values: [8, 16]", "values: []", "line 15: 'width': 'values' is a list"),
        ("values: [8, 16]", "values: [8], probabilities: [2]", "line 15: .*sum to 1"),
        ("width: {values: [8, 16]}", "width: 8", "line 15: 'width' needs a mapping"),
        ("width: {", "lr: {", "line 11: 'lr' is there twice .again in line 15."),
        ("min_iter: 3", "max_iter: 27", "line 9: `max_iter` needs `s`"),
        ("min_iter: 3", "min_iter: 0", "line 9: 'min_iter' is a number at least 1"),
        ("type: hyperband", "type: median", "line 7: `early_terminate` needs `type: hyperband`"),
        ("program: train.py", "run_cap: 0", "line 1: 'run_cap' is a whole number above 0"),
        ("program: train.py\n", "", "a sweep needs a `program`"),
        ("program: train.py", "command: [python, '${progam}']", "line 1: unknown macro"),
        ("method: bayes", "method: grid", "line 11: a grid cannot list the values of 'lr'"),
        (GOOD[GOOD.index("metric") : GOOD.index("early")], "", "needs a `metric`"),
        (GOOD, "- a list", "expected a sweep"),
        ("name: good", "name: [good", "is not YAML"),
    ],
)
def test_faults_are_reported_with_their_lines(old, new, message):
    assert old in GOOD
    with pytest.raises(InputError, match=message):
        read(GOOD.replace(old, new))


def test_all_faults_are_reported_at_once():
    text = GOOD.replace("bayes", "bys").replace("minimize", "min").replace("0.1", "0.00001")
    with pytest.raises(InputError) as caught:
        read(text)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "s.yaml, line 3",
        "s.yaml, line 6",
        "s.yaml, line 13",
    ]


def test_quoted_numbers_are_text_on_purpose():
    sweep = read(GOOD.replace("[8, 16]", "['1e-4', '1e-3']"))
    assert {type(value) for value in sweep.space.stored["width"].choices} == {str}


def test_exponents_taken_for_values_are_noted():
    (note,) = read(GOOD.replace("log_uniform_values", "log_uniform")).notes
    assert "line 11" in note and "write log_uniform_values" in note


def test_a_file_that_is_not_there(capsys):
    with pytest.raises(SystemExit, match="2"):
        agent.main(["none.yaml"])
    assert "cannot read 'none.yaml': there is no such file" in capsys.readouterr().err


def test_a_sweep_without_end_asks_for_a_count(tmp_path, capsys):
    file = tmp_path / "s.yaml"
    file.write_text(GOOD)
    assert agent.main([str(file)]) == 2
    printed = capsys.readouterr().err
    assert "a bayes sweep never ends by itself" in printed and "--count 50" in printed
