"""Sweeps are code: their keys are settings, their metric is logged, their program exists."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments.anomaly_detection.settings import AutoencoderSettings
from sweeps import sweep_file
from sweeps.space import examples
from training.architectures import ARCHITECTURES
from utils.settings import from_mapping

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "sweeps").glob("*.yaml"))
METRICS = {
    ("mean_best_val_macro_f1", "maximize"),
    ("best_val_macro_f1", "maximize"),
    ("best_val_loss", "minimize"),
    ("cv_macro_f1", "maximize"),
    ("best_val_auc", "maximize"),
}
ALLOWED = {
    "program",
    "name",
    "description",
    "method",
    "metric",
    "run_cap",
    "early_terminate",
    "command",
    "parameters",
    "project",
}


def read(file: Path) -> dict:
    return yaml.safe_load(file.read_text())


def program_of(sweep: dict):
    """The module that the sweep launches."""
    return importlib.import_module(sweep["program"].removesuffix(".py").replace("/", "."))


def test_there_are_sweeps():
    assert {file.stem for file in FILES} >= {"cnn_bayes", "rnn_bayes", "imbalance_grid"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
class TestEverySweep:
    def test_it_begins_with_its_question(self, file):
        text = file.read_text()
        assert text.startswith("# Question: ")
        assert f"python -m sweeps.agent sweeps/{file.name}" in text
        assert f"wandb sweep sweeps/{file.name}" in text
        for part in ("Scientific", "Nuisance", "Fixed", "Budget", "Result"):
            assert re.search(rf"^# ([^:]*, )?{part}\b.*:", text, re.MULTILINE | re.IGNORECASE)

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

    def test_its_metric_is_the_best_so_far(self, file):
        """W&B reads the last value: it must be that of the best epoch, or of all folds."""
        name, goal = read(file)["metric"]["name"], read(file)["metric"]["goal"]
        assert (name, goal) in METRICS

    def test_its_program_takes_every_value_it_may_draw_and_logs_its_metric(self, file):
        sweep, rng = sweep_file.read(file), np.random.default_rng(0)
        check = program_of(sweep.content).check_sweep
        assert check(examples(sweep.space), sweep.content["metric"]["name"]) == []
        for _ in range(50):
            values = sweep.space.reals(sweep.space.draw(rng))
            assert check({name: [value] for name, value in values.items()}, None) == []

    def test_its_data_and_test_set_are_not_swept(self, file):
        parameters = read(file)["parameters"]
        for name in ("data", "protocol", "split_seed"):
            assert "values" not in parameters.get(name, {})


def test_the_grid_is_a_real_one():
    grid = read(ROOT / "sweeps" / "imbalance_grid.yaml")
    cells = sweep_file.read(ROOT / "sweeps" / "imbalance_grid.yaml").space.cell_count
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
    kinds = {name: one.settings for name, one in ARCHITECTURES.items()}
    assert {file.stem for file in files} >= {
        f"{name}-{data}" for name in kinds for data in ("mitbih", "synthetic")
    }
    kinds["lstm_autoencoder"] = AutoencoderSettings
    for file in files:
        from_mapping(kinds[file.stem.split("-")[0]], read(file), file.name)
        assert re.match("# .+", file.read_text())
