"""The benchmark of search methods: its landscapes, its table of recorded trials, its tables."""

import csv
import itertools
import math
import re
from pathlib import Path

import numpy as np
import optuna
import pytest

from benchmarks import search_quality
from benchmarks.search_objectives import OBJECTIVES, RECORDED_SCORE, Objective, recorded

optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def small_table(tmp_path: Path) -> Path:
    """Twelve invented trials; the best is a width of 64 with a block named `residual`."""
    path = tmp_path / "trials.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["width", "block", "gate", RECORDED_SCORE])
        for width, block, gate in itertools.product(
            [16, 32, 64], ["plain", "residual"], [True, False]
        ):
            writer.writerow([width, block, gate, width / 100 + 0.2 * (block == "residual")])
    return path


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.name)
@pytest.mark.slow
def test_regrets_are_finite_and_not_below_zero(objective: Objective):
    space = search_quality.space_of(objective)
    for seed in range(3):
        score = objective.drawn(np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        found = [score(space.reals(space.draw(rng))) for _ in range(300)]
        kept = [one for one in found if one is not None]
        assert len(kept) > 100
        assert all(math.isfinite(one) and one >= -1e-5 for one in kept)
        assert len(set(kept)) > 3


def test_some_settings_fail():
    (objective,) = (one for one in OBJECTIVES if "fails" in one.name)
    space, rng = search_quality.space_of(objective), np.random.default_rng(0)
    score = objective.drawn(rng)
    assert None in [score(space.reals(space.draw(rng))) for _ in range(200)]


def test_recorded_trials_are_searched_by_looking_them_up(small_table: Path):
    objective = recorded(small_table)
    assert objective is not None
    assert objective.parameters["width"] == {"values": [16, 32, 64]}
    score = objective.drawn(np.random.default_rng(0))
    assert score({"width": 64, "block": "residual", "gate": False}) == 0
    assert score({"width": 32, "block": "plain", "gate": True}) == pytest.approx(0.52)
    for name, engine in search_quality.engines([*search_quality.OURS, "Optuna TPE"], None).items():
        outcome = search_quality.run(engine, objective, 0, 12)
        if name in search_quality.OURS:
            assert outcome.regret == 0  # twelve different settings are all there are


def test_no_table_no_objective_and_a_hole_is_reported(small_table: Path, tmp_path: Path):
    assert recorded(tmp_path / "none.csv") is None
    lines = small_table.read_text().splitlines()
    small_table.write_text("\n".join(lines[:-1]))
    with pytest.raises(ValueError, match="every combination"):
        recorded(small_table)


def test_the_program_prints_both_tables(capsys: pytest.CaptureFixture):
    arguments = ["--seeds", "1", "--trials", "3", "--objectives", "staircase", "Branin"]
    search_quality.main([*arguments, "--engines", "ours bayes", "ours random"])
    shown = capsys.readouterr().out
    assert re.search(r"staircase.*\d", shown)
    assert "rank of medians" in shown
