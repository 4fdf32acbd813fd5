"""Sweeps are code: their keys are settings, their metric is logged, their program exists."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from sweeps import sweep_file
from sweeps.space import examples
from training.architectures import ARCHITECTURES
from training.settings import from_mapping

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "sweeps").glob("*.yaml"))
ALLOWED = {
    "program", "name", "description", "method", "metric", "run_cap", "early_terminate", "command",
    "parameters", "project",
}  # fmt: skip


def read(file: Path) -> dict:
    return yaml.safe_load(file.read_text())


def kind_of(sweep: dict):
    return ARCHITECTURES[Path(sweep["program"]).stem.removeprefix("train_")].settings


def test_there_are_sweeps():
    assert {file.stem for file in FILES} >= {"cnn_bayes", "rnn_bayes", "grid", "smoke"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
class TestEverySweep:
    def test_it_begins_with_its_question(self, file):
        text = file.read_text()
        assert text.startswith("# Question: ")
        assert f"python -m sweeps.agent sweeps/{file.name}" in text
        assert f"wandb sweep sweeps/{file.name}" in text

    def test_its_keys_are_those_of_wandb(self, file):
        assert set(read(file)) <= ALLOWED

    def test_its_program_is_there_and_is_what_its_command_runs(self, file):
        sweep = read(file)
        module = sweep["program"].removesuffix(".py").replace("/", ".")
        assert (ROOT / sweep["program"]).is_file()
        assert sweep["command"] == ["${env}", "${interpreter}", "-m", module, "${args}"]
        assert callable(importlib.import_module(module).main)

    def test_its_end_is_certain(self, file):
        assert read(file)["run_cap"] > 0

    def test_its_metric_is_one_that_is_logged(self, file):
        metric = read(file)["metric"]
        assert metric in (
            {"name": "best_val_macro_f1", "goal": "maximize"},
            {"name": "best_val_loss", "goal": "minimize"},
        )

    def test_every_value_it_may_draw_is_a_setting(self, file):
        sweep, rng = sweep_file.read(file), np.random.default_rng(0)
        kind = kind_of(sweep.content)
        for _ in range(50):
            values = sweep.space.reals(sweep.space.draw(rng))
            assert isinstance(from_mapping(kind, values, file.name), kind)
        for name, values in examples(sweep.space).items():
            for value in values:
                from_mapping(kind, {name: value}, file.name)

    def test_its_data_and_test_set_are_not_swept(self, file):
        parameters = read(file)["parameters"]
        for name in ("data", "protocol", "split_seed"):
            assert "values" not in parameters.get(name, {})


def test_the_grid_is_a_real_one():
    grid = read(ROOT / "sweeps" / "grid.yaml")
    cells = sweep_file.read(ROOT / "sweeps" / "grid.yaml").space.cell_count
    assert grid["method"] == "grid" and cells == grid["run_cap"] > 8


def test_the_ranges_hold_the_best_settings_of_earlier_work_well_inside():
    """They lay at the border of the space published: no dropout, 256 wide, rates 1e-4 to 3e-4."""
    parameters = read(ROOT / "sweeps" / "cnn_bayes.yaml")["parameters"]
    assert parameters["learning_rate"]["min"] < 1e-4 < 3e-4 < parameters["learning_rate"]["max"]
    assert parameters["dropout"]["min"] == 0
    assert 256 in parameters["width"]["values"]


def test_shipped_best_settings_are_valid_and_say_where_they_come_from():
    folder = ROOT / "training" / "best_settings"
    files = sorted(folder.glob("*.yaml"))
    assert {file.stem for file in files} == {
        f"{name}-{data}" for name in ARCHITECTURES for data in ("mitbih", "synthetic")
    }
    for file in files:
        name = file.stem.split("-")[0]
        from_mapping(ARCHITECTURES[name].settings, read(file), file.name)
        assert re.match("# .+", file.read_text())
