"""What the search methods are set to find: invented objectives, and trials that were recorded.

Every objective is drawn anew from a seed (where its optimum lies, which category is best, which
way round each axis runs), so that no method can be fitted to one landscape or gain by preferring
the middle of the space.
"""

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import search_functions as functions
from benchmarks import search_trainings as trainings
from benchmarks.search_landscape import Objective, Score, values

RECORDED = Path(__file__).with_name("recorded_cnn_trials.csv")
RECORDED_SCORE = "best_val_macro_f1"

OBJECTIVES = (
    Objective("Hartmann 6, mixed", functions.HARTMANN, functions.hartmann),
    Objective("Rosenbrock, mixed", functions.ROSENBROCK, functions.rosenbrock),
    Objective("Branin, 5 categories", functions.BRANIN, functions.branin),
    Objective("Ackley, whole numbers", functions.ACKLEY, functions.ackley),
    Objective("network, diverges", trainings.NETWORK, trainings.network, noise=0.003),
    Objective("few of 12 matter, noise", trainings.FEW_MATTER, trainings.few_matter, noise=0.05),
    Objective("out of memory, fails", trainings.MEMORY, trainings.memory, noise=0.002),
    Objective("conditional", trainings.CONDITIONAL, trainings.conditional),
    Objective("CNN sweep, 15 axes", trainings.WIDE, trainings.wide, noise=0.02),
    Objective("staircase", functions.STAIRS, functions.stairs),
)


def recorded(path: Path = RECORDED) -> Objective | None:
    """A table of real trials, one for each setting; None where there is no such file.

    Args:
        path: a CSV file: a column for each parameter, then `best_val_macro_f1`.

    Raises:
        ValueError: the table lacks a combination of its values.
    """
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != RECORDED_SCORE]
    table = {tuple(_read(row[name]) for name in names): float(row[RECORDED_SCORE]) for row in rows}
    listed = {name: sorted({key[i] for key in table}, key=_order) for i, name in enumerate(names)}
    if math.prod(len(one) for one in listed.values()) != len(table):
        raise ValueError(
            f"{path}: expected one row for every combination of the parameters' values"
        )
    best = max(table.values())

    def drawn(rng: np.random.Generator) -> Score:
        return lambda c: best - table[tuple(c[name] for name in names)]

    parameters = {name: values(*one) for name, one in listed.items()}
    return Objective("recorded CNN trials", parameters, drawn)


def _order(value: Any) -> tuple:
    return isinstance(value, str), value


def _read(text: str) -> Any:
    """A cell as the type it was written from."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
