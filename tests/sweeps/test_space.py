"""Distributions and grids mean what they mean to W&B's own engine."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps import distributions, space, sweep_file
from sweeps.space import Space, categorical, examples

WANDB = json.loads(Path(__file__).with_name("wandb_engine.json").read_text())


def parameter(kind: str, **options):
    return distributions.parameter("p", {"distribution": kind, **options})


def ranges(low: float, high: float, least: float = 1e-3):
    """Pairs of a `min` and a `max` in order, `least` or more apart."""
    ends = st.tuples(st.floats(low, high), st.floats(low, high)).map(sorted)
    return ends.filter(lambda pair: pair[1] - pair[0] >= least)


def drawn(kind: str, pairs, **more):
    """Parameters of a distribution with a `min` and a `max`."""
    options = st.fixed_dictionaries(more)
    return st.builds(
        lambda pair, rest: parameter(kind, min=pair[0], max=pair[1], **rest), pairs, options
    )


QUANTILES = st.floats(0, 1)
STEPS = st.sampled_from([0.001, 0.05, 0.1, 0.25, 1, 2, 8])
POSITIVE = ranges(1e-6, 1e4)
PLAIN = st.one_of(
    drawn("uniform", ranges(-1e4, 1e4)),
    drawn("log_uniform", ranges(-12, 6)),
    drawn("log_uniform_values", POSITIVE),
    drawn("inv_log_uniform", ranges(-6, 12)),
    drawn("inv_log_uniform_values", POSITIVE),
    st.builds(
        lambda mu, sigma: parameter("normal", mu=mu, sigma=sigma),
        st.floats(-100, 100),
        st.floats(0.01, 100),
    ),
)
STEPPED = st.one_of(
    drawn("q_uniform", ranges(-1e3, 1e3, least=10), q=STEPS),
    drawn("q_log_uniform_values", ranges(1, 1e4, least=10), q=STEPS),
)
WHOLE = st.builds(
    lambda low, more: parameter("int_uniform", min=low, max=low + more),
    st.integers(-100, 100),
    st.integers(0, 40),
)
CHOICES = st.builds(
    lambda values: parameter("categorical", values=values),
    st.lists(
        st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.integers())),
        min_size=1,
        max_size=5,
    ),
)
STEPPED_GRID = drawn("q_uniform", ranges(0, 20, least=2), q=st.sampled_from([0.5, 1, 2]))
GRIDS = st.one_of(WHOLE, CHOICES, STEPPED_GRID)
ANY = st.one_of(PLAIN, STEPPED, WHOLE, CHOICES)


@pytest.mark.parametrize("kind", WANDB["quantiles"])
def test_quantiles_are_those_of_wandbs_engine(kind):
    golden = WANDB["quantiles"][kind]
    one = parameter(kind, **golden["options"])
    for quantile, value in zip(WANDB["places"], golden["values"], strict=True):
        ours = one.real(one.value(quantile))
        assert ours == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6))
        assert type(ours) is type(value) or isinstance(ours, float)


@given(one=ANY, quantiles=st.lists(QUANTILES, min_size=2, max_size=6).map(sorted))
def test_every_quantile_has_a_value_that_optuna_knows(one, quantiles):
    values = [one.value(quantile) for quantile in quantiles]
    for value in values:
        assert one.stored._contains(one.stored.to_internal_repr(value))
        assert 0 <= one.quantile(value) <= 1
    if not isinstance(one, space.Choice):
        assert values == sorted(values)


@given(one=PLAIN, quantile=st.floats(0.001, 0.999))
def test_a_value_is_found_again_by_its_quantile(one, quantile):
    value = one.value(quantile)
    assert one.value(one.quantile(value)) == pytest.approx(value, rel=1e-6, abs=1e-9)


@given(one=STEPPED, quantile=QUANTILES)
def test_rounded_values_are_multiples_without_dust(one, quantile):
    value = one.value(quantile)
    assert value / one.step == pytest.approx(round(value / one.step), abs=1e-6)
    assert len(repr(value)) <= 17 or abs(value) > 1e9  # 0.3, not 0.30000000000000004


@given(parameters=st.lists(GRIDS, min_size=1, max_size=3))
@pytest.mark.slow
def test_the_cells_of_a_grid_are_counted_and_differ(parameters):
    named = tuple(
        dataclasses.replace(one, name=f"p{number}") for number, one in enumerate(parameters)
    )
    grid = Space(named)
    cells = list(grid.cells())
    assert len(cells) == grid.cell_count
    assert cells == [grid.cell(index) for index in range(grid.cell_count)]
    assert len({tuple(cell.items()) for cell in cells}) == len(cells)


def test_a_grid_has_the_cells_of_wandbs_engine_in_its_order():
    content = {"program": "x.py", **WANDB["grid"]["sweep"]}
    space = sweep_file.of_content(content, "grid").space
    cells = [space.reals(cell) for cell in space.cells()]
    assert cells == WANDB["grid"]["cells"]
    assert [space.cell(index) for index in range(space.cell_count)] == list(space.cells())


@given(pair=ranges(-20, 20, least=0.5), step=st.sampled_from([0.1, 0.25, 1, 2, 3]))
def test_a_stepped_grid_counts_from_its_min_as_in_wandbs_engine(pair, step):
    low, high = pair
    options = {"distribution": "q_uniform", "min": low, "max": high, "q": step}
    content = {"program": "x.py", "method": "grid", "parameters": {"p": options}}
    grid = sweep_file.of_content(content, "grid").space
    ours = [grid.reals(cell)["p"] for cell in grid.cells()]
    # That engine's own line. Where the last cell is the max but for rounding, it is left out here.
    theirs = np.arange(low, high, step)
    theirs = theirs[theirs < high - 1e-9 * step]
    assert ours == pytest.approx(theirs.tolist(), abs=1e-9)


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
