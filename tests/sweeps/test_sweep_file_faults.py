"""What is wrong in a sweep file is reported with its line, before anything is run."""

import copy
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps import agent, distributions, sweep_file
from sweeps.distributions import NUMBERS as NUMBER_KEYS
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
        ("log_uniform_values", "[normal]", "line 12: 'lr': unknown distribution"),
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
        ("method: bayes", "method: grid", "line 11: a grid cannot list the values of 'lr'"),
        (GOOD[GOOD.index("metric") : GOOD.index("early")], "", "needs a `metric`"),
        (GOOD, "- a list", "expected a sweep"),
        ("program: train.py", "job: a/b/c:v0", "line 1: `job` names a job of W&B Launch"),
        ("program: train.py", "image_uri: x", "line 1: `image_uri` is for W&B Launch"),
        ("name: good", "metrics: []", "line 2: `metrics` weighs several goals"),
        ("name: good", "scheduler: {engine: optuna}", "line 2: `scheduler` runs Optuna or Ax"),
        ("width: {", "3: {", "line 15: 3 is no parameter name: put it in quotes"),
        ("name: good", "name: !foo good", "line 2: the tag !foo"),
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


def test_numbers_that_yaml_takes_for_text_are_read_where_numbers_are_meant():
    sweep = read(GOOD.replace("min: 0.0001", "min: 1e-4").replace("min_iter: 3", "min_iter: 3e0"))
    assert sweep.space.stored["lr"].low == 1e-4
    assert sweep.early_terminate.brackets[:2] == (3, 9)
    least, rate = sweep.notes
    assert "line 9: YAML reads 3e0 as text, and W&B refuses the file" in rate
    assert "line 13: YAML reads 1e-4 as text" in least and "write 1.0e-4" in least


def test_numbers_that_yaml_takes_for_text_are_passed_on_so_where_a_text_may_be_meant():
    sweep = read(GOOD.replace("[8, 16]", "[8, 1e2]"))
    assert sweep.space.stored["width"].choices == (8, "1e2")
    (note,) = sweep.notes
    assert "line 15: YAML reads 1e2 as text, and W&B passes it on so: write 1.0e+2" in note


def test_an_unknown_macro_is_noted():
    (note,) = read(GOOD + "command: [python, '${progam}']\n").notes
    assert "line 16: unknown macro ${progam}, which W&B leaves out; known: env," in note


def test_a_job_beside_a_program_is_passed_over():
    (note,) = read(GOOD + "job: a/b/c:v0\nscheduler: {engine: wandb}\n").notes
    assert "'job' is passed over" in note


def test_a_name_with_a_dot_is_a_name_and_a_group_is_a_group():
    text = (
        GOOD[: GOOD.index("parameters")]
        + """\
parameters:
  optimizer: {values: [adam, sgd]}
  optimizer.lr: {value: 0.1}
  a.b: {value: 1}
  a: {parameters: {b: {value: 2}, c.d: {value: 3}}}
  numbers[0]: {value: 4}
  +experiment: {value: 5}
  data/size: {value: 6}
"""
    )
    space = read(text).space
    stored = space.draw(np.random.default_rng(0)) | {"optimizer": "sgd"}
    assert space.reals(stored) == {
        "optimizer": "sgd",
        "optimizer.lr": 0.1,
        "a.b": 1,
        "a": {"b": 2, "c.d": 3},
        "numbers[0]": 4,
        "+experiment": 5,
        "data/size": 6,
    }
    assert [one.name for one in space.parameters][2:5] == ["a.b", "a > b", "a.c.d"]
    assert read(text).where_parameter("a > b") == "s.yaml, line 14"


def test_a_parameter_is_replaced_where_it_is():
    sweep = read(GOOD.replace("width: {values: [8, 16]}", "m: {parameters: {s: {value: 8}}}"))
    content = copy.deepcopy(sweep.content)
    sweep.replace_parameter(content, "m.s", {"values": [1, 2]})
    sweep.replace_parameter(content, "new.one", {"value": 3})
    parameters = content["parameters"]
    assert parameters["m"] == {"parameters": {"s": {"values": [1, 2]}}}
    assert parameters["new.one"] == {"value": 3}


def test_studies_of_nested_parameters_keep_their_names():
    text = GOOD.replace("width: {values: [8, 16]}", "model: {parameters: {width: {value: 8}}}")
    assert list(read(text).space.stored) == ["lr", "model.width"]


@pytest.mark.parametrize(
    "options, told",
    [
        (
            "log_uniform, min: 0.0001, max: 1000",
            "for values from 0.0001 to 1000 write log_uniform",
        ),
        ("log_normal, mu: 800", "log_normal takes natural exponents, and e^800"),
        ("q_uniform, min: 0, max: 1, q: 1.0e-60", "no numbers can be drawn from q_uniform with"),
        ("int_uniform, min: 0, max: 99999999999999999999", "whole numbers are kept exactly up to"),
    ],
)
def test_ranges_beyond_all_numbers_are_refused(options, told):
    with pytest.raises(InputError, match=re.escape(told)):
        read(GOOD.replace("width: {values: [8, 16]}", f"x: {{distribution: {options}}}"))


def test_brackets_end_where_no_trial_gets():
    text = GOOD.replace("min_iter: 3", "min_iter: 3, eta: 1.0e+30".replace(", ", "\n  "))
    assert read(text).early_terminate.brackets == (3,)
    text = GOOD.replace("min_iter: 3", "max_iter: 27\n  s: 3000")
    assert read(text).early_terminate.brackets == (1, 3, 9)


NUMBERS = (
    st.integers(-10, 10)
    | st.integers()
    | st.floats()
    | st.sampled_from(
        [0.1, 1e-5, 5e-324, 1e300, 800, -800, "1e-5", "x", None, True, [1], {"a": 1}]
    )
)
KEYS = st.sampled_from([*NUMBER_KEYS, "value", "values", "probabilities", "parameters", "foo"])


@settings(max_examples=500, deadline=None)
@given(
    kind=st.sampled_from([*distributions.DISTRIBUTIONS, "nope", ["x"], None]),
    numbers=st.fixed_dictionaries({}, optional={key: NUMBERS for key in NUMBER_KEYS}),
    more=st.dictionaries(KEYS, NUMBERS, max_size=2),
    method=st.sampled_from(sweep_file.METHODS),
)
def test_any_options_are_refused_in_a_sentence_or_can_be_drawn_and_stored(
    kind, numbers, more, method
):
    required, optional = distributions.DISTRIBUTIONS.get(str(kind), ((), {}))
    options = {key: one for key, one in numbers.items() if key in (*required, *optional)} | more
    content = {"program": "a.py", "method": method, "metric": {"name": "x"}}
    content["parameters"] = {"p": options if kind is None else {**options, "distribution": kind}}
    try:
        sweep = sweep_file.parse(yaml.safe_dump(content), Path("s.yaml"))
    except InputError as error:
        assert all(line.startswith("s.yaml") for line in str(error).splitlines())
        return
    for one in sweep.space.parameters:
        for quantile in (0.0, 1e-12, 0.5, 1.0):
            value = one.value(quantile)
            assert one.stored._contains(one.stored.to_internal_repr(value))
            assert 0 <= one.quantile(value) <= 1


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
