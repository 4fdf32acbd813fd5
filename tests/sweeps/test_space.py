"""Distributions and grids mean what they mean to W&B's own engine."""

import json
from pathlib import Path

import numpy as np
import pytest

from sweeps import distributions, sweep_file
from sweeps.space import Space, categorical, examples

WANDB = json.loads(Path(__file__).with_name("wandb_engine.json").read_text())


def parameter(kind: str, **options):
    return distributions.parameter("p", {"distribution": kind, **options})


@pytest.mark.parametrize("kind", WANDB["quantiles"])
def test_quantiles_are_those_of_wandbs_engine(kind):
    golden = WANDB["quantiles"][kind]
    one = parameter(kind, **golden["options"])
    for quantile, value in zip(WANDB["places"], golden["values"], strict=True):
        ours = one.real(one.value(quantile))
        assert ours == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6))
        assert type(ours) is type(value) or isinstance(ours, float)


@pytest.mark.parametrize("kind", [kind for kind in WANDB["quantiles"] if kind != "constant"])
def test_every_value_has_a_place_and_is_one_that_optuna_knows(kind):
    one = parameter(kind, **WANDB["quantiles"][kind]["options"])
    for quantile in np.linspace(0, 1, 41):
        value = one.value(quantile)
        assert one.stored._contains(one.stored.to_internal_repr(value))
        assert (
            one.value(one.quantile(value)) == pytest.approx(value)
            if not isinstance(value, str)
            else value
        )
        assert 0 <= one.quantile(value) <= 1


def test_a_grid_has_the_cells_of_wandbs_engine_in_its_order():
    content = {"program": "x.py", **WANDB["grid"]["sweep"]}
    space = sweep_file.of_content(content, "grid").space
    cells = [space.reals(cell) for cell in space.cells()]
    assert cells == WANDB["grid"]["cells"]
    assert [space.cell(index) for index in range(space.cell_count)] == list(space.cells())


def test_rounded_values_carry_no_dust():
    one = parameter("q_uniform", min=0, max=1, q=0.1)
    assert {one.value(quantile) for quantile in np.linspace(0, 1, 200)} == {
        0.0,
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
        1.0,
    }


def test_draws_follow_the_distribution():
    space = Space(
        (
            parameter("categorical", values=["a", "b"], probabilities=[0.9, 0.1]),
            distributions.parameter("n", {"min": 1, "max": 4}),
        )
    )
    rng = np.random.default_rng(0)
    draws = [space.draw(rng) for _ in range(4000)]
    assert np.mean([draw["p"] == "a" for draw in draws]) == pytest.approx(0.9, abs=0.02)
    assert np.bincount([draw["n"] for draw in draws])[1:] / 4000 == pytest.approx(0.25, abs=0.03)


def test_lists_and_look_alikes_are_stored_as_text_and_given_back_as_they_are():
    layers, mixed = categorical("layers", [[32, 64], [64]]), categorical("x", [True, 1])
    assert layers.choices == ("[32, 64]", "[64]")
    assert layers.real("[32, 64]") == [32, 64]
    assert [type(mixed.real(choice)) for choice in mixed.choices] == [bool, int]


def test_numbers_in_a_list_are_neighbours_and_words_are_not():
    widths = categorical("w", [64, 16, 32])
    assert widths.is_ordered and not categorical("b", [True, False]).is_ordered
    assert [widths.quantile(value) for value in (16, 32, 64)] == sorted(
        widths.quantile(value) for value in (16, 32, 64)
    )


def test_a_value_listed_twice_is_twice_as_likely_and_one_cell():
    one = categorical("p", ["a", "b", "a"])
    assert one.choices == ("a", "b") and one.probabilities == pytest.approx((2 / 3, 1 / 3))


def test_nested_parameters_reach_the_program_nested():
    text = "program: x.py\nmethod: random\nparameters:\n  lr: {value: 1.0}\n"
    text += (
        "  model: {parameters: {width: {values: [8, 16]}, head: {parameters: {d: {value: 2}}}}}"
    )
    space = sweep_file.parse(text, Path("nested.yaml")).space
    assert set(space.stored) == {"lr", "model.width", "model.head.d"}
    values = {"lr": 1.0, "model.width": 16, "model.head.d": 2}
    assert space.reals(values) == {"lr": 1.0, "model": {"width": 16, "head": {"d": 2}}}


def test_examples_hold_the_ends():
    space = Space(
        (distributions.parameter("u", {"min": 0.5, "max": 2.0}), categorical("c", ["a"]))
    )
    low, high = examples(space)["u"]
    assert (low, high) == (pytest.approx(0.5), pytest.approx(2.0))
    assert examples(space)["c"] == ["a"]
