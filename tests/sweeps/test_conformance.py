"""What is launched is what the installed wandb launches: words, parameters, environment.

For each file of `conformance.yaml` the real agent of wandb builds its command, its file of
parameters and its environment, with only the process left out; ours are compared with them. What
W&B's server would send is taken from the file itself: its top-level names, nested by `parameters:`
alone, whole floats as whole numbers, since the server keeps JSON that Go wrote.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml
from wandb import wandb_agent
from wandb.sdk.lib import config_util

from sweeps import launch, sweep_file
from utils import yaml_text

FILES = Path(__file__).with_name("conformance.yaml").read_text(encoding="utf-8").split("\n---\n")
CASES = {text.splitlines()[0].removeprefix("# "): text for text in FILES[1:]}
ID, RUN = "sweepid1", "runid123"
COMPARED = ("WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_DIR", "WANDB_SWEEP_PARAM_PATH")


class Started(Exception):
    """Carries what wandb's agent would have started."""

    def __init__(self, command: list[str], env: Mapping[str, str]):
        super().__init__()
        self.command, self.environment = command, dict(env)


def wandbs(content: Mapping[str, Any], args: Mapping[str, Any], folder: Path, monkeypatch):
    """The words, the file of parameters and the environment of wandb's own agent."""

    def start(command, env, **_more):
        raise Started(command, env)

    agent = wandb_agent.Agent.__new__(wandb_agent.Agent)
    agent._sweep_command = list(content["command"]) if content.get("command") else None
    agent._function, agent._in_jupyter, agent._forward_signals = None, False, False
    with monkeypatch.context() as own:
        own.setattr(wandb_agent, "AgentProcess", start)
        own.setenv("WANDB_SWEEP_ID", ID)
        own.setenv("WANDB_DIR", str(folder))
        own.setenv("WANDB_RUN_ID", "")
        own.setenv("WANDB_SWEEP_PARAM_PATH", "")
        with pytest.raises(Started) as caught:
            agent._command_run(
                {
                    "run_id": RUN,
                    "program": content.get("program"),
                    "args": {name: {"value": value} for name, value in args.items()},
                }
            )
    started = caught.value
    file = started.environment["WANDB_SWEEP_PARAM_PATH"]
    return started.command, config_util.dict_from_config_file(file), started.environment


def served(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What W&B's server sends, by the file's own nesting; fails where `values` are nested else."""
    assert set(parameters) == set(values)
    found = {}
    for name, options in parameters.items():
        if set(options) == {"parameters"}:
            found[name] = served(options["parameters"], values[name])
        else:
            check(options, values[name])
            found[name] = as_go_writes(values[name])
    return found


def check(options: Mapping[str, Any], value: Any) -> None:
    """A value is one of those that the file names."""
    if "value" in options:
        assert value == options["value"] and isinstance(value, type(options["value"]))
    elif "values" in options:
        assert value in options["values"]
    elif {"min", "max"} <= set(options) and not options.get("distribution", "").endswith(
        "uniform"
    ):
        assert float(options["min"]) <= value <= float(options["max"])


def as_go_writes(value: Any) -> Any:
    """Whole floats lose their point in JSON that Go writes, below 1e21."""
    if isinstance(value, dict):
        return {name: as_go_writes(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_go_writes(one) for one in value]
    return int(value) if isinstance(value, float) and value == int(value) < 1e21 else value


@pytest.mark.parametrize("name", CASES)
def test_what_is_launched_is_what_wandb_launches(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CONFORMANCE_USER", "somebody")
    monkeypatch.delenv("CONFORMANCE_UNSET", raising=False)
    sweep = sweep_file.parse(CASES[name], Path("sweep.yaml"))
    content = yaml_text.parse(CASES[name], "sweep.yaml").content
    for seed in range(3):
        if sweep.method == "grid":
            stored = sweep.space.cell(seed % sweep.space.cell_count)
        else:
            stored = sweep.space.draw(np.random.default_rng(seed))
        args = served(content["parameters"], sweep.space.reals(stored))
        words, parameters, environment = wandbs(content, args, tmp_path / "theirs", monkeypatch)
        own = launch.prepare(
            sweep, tmp_path / "theirs", ID, RUN, 0, sweep.space.reals(stored), "group", threads=1
        )
        assert list(own.command) == words
        assert {key: own.environment[key] for key in COMPARED} == {
            key: environment[key] for key in COMPARED
        }
        file = own.environment["WANDB_SWEEP_PARAM_PATH"]
        assert config_util.dict_from_config_file(file) == parameters
        for key in ("project", "entity"):
            assert own.environment.get(f"WANDB_{key.upper()}") == content.get(key)
        if "${args_json_file}" in sweep.command:
            written = Path(file).with_suffix(".json").read_text()
            assert json.loads(written) == args


def test_the_suite_is_large_enough():
    assert len(CASES) >= 80


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Hydra: a group and its option", "nested: one level"])
def test_the_config_of_a_run_is_what_the_file_says(name, tmp_path, monkeypatch):
    sweep = sweep_file.parse(CASES[name], Path("sweep.yaml"))
    values = sweep.space.reals(sweep.space.draw(np.random.default_rng(0)))
    prepared = launch.prepare(sweep, tmp_path, ID, RUN, 0, values, "group", threads=1)
    for key, value in prepared.environment.items():
        if key.startswith("WANDB_"):
            monkeypatch.setenv(key, value)
    wandb.teardown()
    with wandb.init(settings=wandb.Settings(silent=True)) as run:
        assert dict(run.config) == values
    wandb.teardown()
    assert os.listdir(tmp_path / "wandb")


def test_every_file_is_one_that_a_yaml_reader_takes():
    for text in CASES.values():
        assert isinstance(yaml.safe_load(text.replace("2021-99-99", "2021-09-09")), dict)
