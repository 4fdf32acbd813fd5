"""The stand-in's search and early stopping."""

from tests.wandb_backend.search import suggest, to_stop
from tests.wandb_backend.state import State

GRID = """
method: grid
parameters:
  depth: {values: [2, 3]}
  head: {parameters: {width: {min: 4, max: 6}}}
  seed: {value: 0}
"""
RULE = {"type": "hyperband", "min_iter": 2, "eta": 3}


def test_a_grid_visits_every_cell_once_and_ends():
    state = State()
    agent = {"sweep": state.upsert_sweep({"config": GRID})["id"], "running": []}
    tried = []
    while (command := state.heartbeat(agent, [])[0])["type"] == "run":
        tried.append((command["args"]["depth"]["value"], command["args"]["head"]["value"]))
    assert tried == [(depth, {"width": width}) for depth in (2, 3) for width in (4, 5, 6)]


def test_run_cap_ends_a_random_sweep():
    state = State()
    config = "{method: random, run_cap: 2, parameters: {rate: {min: 0.1, max: 0.9}}}"
    agent = {"sweep": state.upsert_sweep({"config": config})["id"], "running": []}
    assert [state.heartbeat(agent, [])[0]["type"] for _ in range(3)] == ["run", "run", "exit"]


def test_random_values_keep_to_their_distributions():
    config = {
        "method": "bayes",
        "parameters": {
            "rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
            "width": {"distribution": "q_uniform", "min": 16, "max": 64, "q": 16},
            "depth": {"min": 1, "max": 3},
            "loss": {"values": ["focal", "plain"], "probabilities": [0, 1]},
        },
    }
    drawn = [suggest(config, tried) for tried in range(50)]
    assert all(1e-4 <= one["rate"] <= 1e-2 for one in drawn)
    assert sum(one["rate"] < 1e-3 for one in drawn) > 10
    assert {one["width"] for one in drawn} == {16, 32, 48, 64}
    assert {one["depth"] for one in drawn} == {1, 2, 3}
    assert {one["loss"] for one in drawn} == {"plain"}


def test_hyperband_keeps_the_best_third_of_each_bracket():
    config = {"metric": {"name": "f1", "goal": "maximize"}, "early_terminate": RULE}
    curves = {"best": [0.1, 0.9], "middle": [0.5, 0.5], "worst": [0.9, 0.1], "young": [0.0]}
    assert to_stop(config, curves) == ["worst"]
    # At the next bracket, the sixth value, only the runs that got so far are compared.
    curves = {"late": [0.1, 0.9, 0.9, 0.9, 0.9, 0.2], "long": [0.1, 0.5, 0.5, 0.5, 0.5, 0.3]}
    assert to_stop(config, curves) == ["late"]
    assert to_stop(config, {"alone": [0.1, 0.1]}) == []


def test_without_early_terminate_nothing_is_stopped():
    assert to_stop({"metric": {"name": "f1"}}, {"a": [1.0, 1.0], "b": [0.0, 0.0]}) == []
