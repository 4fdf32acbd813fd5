"""Objectives for the search methods: invented ones, and trials that were recorded.

Every objective is drawn anew from a seed (where its optimum lies, which category is best, which
way round each axis runs), so that no method can be fitted to one landscape or gain by preferring
the middle of the space.
"""

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).with_name("recorded_cnn_trials.csv")
RECORDED_SCORE = "best_val_macro_f1"

Config = Mapping[str, Any]
Score = Callable[[Config], float | None]  # None: the trial fails


@dataclass(frozen=True)
class Objective:
    """Something to minimise.

    Attributes:
        name: in the table.
        parameters: as in a sweep file.
        drawn: a seed's landscape: a function of a setting, without noise; None is a failure.
        noise: the standard deviation of what is added to each score that a method sees.
    """

    name: str
    parameters: dict[str, dict]
    drawn: Callable[[np.random.Generator], Score]
    noise: float = 0.0


# --- Parts of a landscape ------------------------------------------------------------------------


def log_values(low: float, high: float) -> dict:
    return {"distribution": "log_uniform_values", "min": low, "max": high}


def uniform(low: float, high: float) -> dict:
    return {"distribution": "uniform", "min": low, "max": high}


def whole(low: int, high: int) -> dict:
    return {"distribution": "int_uniform", "min": low, "max": high}


def values(*listed: Any) -> dict:
    return {"values": list(listed)}


def unit(value: float, low: float, high: float, log: bool = False) -> float:
    """Where a number lies between two others, from 0 to 1."""
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def turned(rng: np.random.Generator, count: int) -> Callable[[list[float]], np.ndarray]:
    """A function that turns some of `count` axes round and shuffles them."""
    order, flip = rng.permutation(count), rng.random(count) < 0.5
    return lambda units: np.where(flip, 1 - np.array(units), np.array(units))[order]


# --- Test functions of the literature ------------------------------------------------------------

# Dixon and Szegoe's test functions (1978), with their usual constants.
HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
HARTMANN_C = np.array([1, 1.2, 3, 3.2])
HARTMANN_BEST = -3.32237
BRANIN_BEST = 0.397887

# Six axes of four kinds, and a category that shifts the landscape as well as its height.
HARTMANN = {
    "a": uniform(0, 1),
    "b": uniform(-5, 5),
    "c": log_values(1e-5, 1e-1),
    "d": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.05},
    "e": values(8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
    "f": whole(0, 20),
    "kind": values("red", "green", "blue", "grey"),
}


def hartmann(rng: np.random.Generator) -> Score:
    turn, kinds = turned(rng, 6), rng.permutation(HARTMANN["kind"]["values"]).tolist()
    widths = HARTMANN["e"]["values"]

    def score(c: Config) -> float:
        rank = kinds.index(c["kind"])
        x = turn(
            [
                c["a"],
                unit(c["b"], -5, 5),
                unit(c["c"], 1e-5, 1e-1, True),
                c["d"],
                widths.index(c["e"]) / (len(widths) - 1),
                c["f"] / 20,
            ]
        )
        x = np.clip(x + 0.08 * rank * np.array([1, -1, 1, -1, 1, -1]), 0, 1)
        depth = HARTMANN_C @ np.exp(-(HARTMANN_A * (x - HARTMANN_P) ** 2).sum(1))
        return float(-depth + 0.15 * rank - HARTMANN_BEST)

    return score


# A narrow curved valley over four orders of magnitude, in log, whole and ordered numbers.
ROSENBROCK = {
    "x": uniform(-2, 2),
    "y": log_values(1e-4, 1),
    "z": whole(0, 40),
    "w": values(-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0),
    "form": values("p", "q", "r"),
}


def rosenbrock(rng: np.random.Generator) -> Score:
    signs = rng.choice([-1, 1], 4)
    forms = rng.permutation(ROSENBROCK["form"]["values"]).tolist()

    def score(c: Config) -> float:
        x = signs * np.array(
            [c["x"], 4 * unit(c["y"], 1e-4, 1, True) - 2, c["z"] / 10 - 2, c["w"]]
        )
        valley = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        return float(valley * (1 + 0.5 * forms.index(c["form"])) + 3 * forms.index(c["form"]))

    return score


# Branin, in which a category turns the axes: what is right for one is wrong for the next.
BRANIN = {
    "x": uniform(-5, 10),
    "y": log_values(1e-3, 1e3),
    "kind": values("relu", "gelu", "selu", "tanh", "elu"),
}


def branin(rng: np.random.Generator) -> Score:
    kinds = rng.permutation(BRANIN["kind"]["values"]).tolist()
    flips = rng.random((len(kinds), 2)) < 0.5

    def score(c: Config) -> float:
        rank = kinds.index(c["kind"])
        u, v = np.abs(
            flips[rank] - np.array([unit(c["x"], -5, 10), unit(c["y"], 1e-3, 1e3, True)])
        )
        x, y = 15 * u - 5, 15 * v
        bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
        wave = 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
        return bowl + wave - BRANIN_BEST + 2.0 * rank

    return score


# Many local minima over whole numbers and floats.
ACKLEY = {
    "i": whole(-10, 10),
    "j": whole(-10, 10),
    "k": whole(-10, 10),
    "x": uniform(-10, 10),
    "y": uniform(-10, 10),
    "switch": values(True, False),
}


def ackley(rng: np.random.Generator) -> Score:
    centre = np.r_[rng.integers(-7, 8, 3), rng.uniform(-7, 7, 2)]
    good = bool(rng.random() < 0.5)

    def score(c: Config) -> float:
        x = np.array([c[name] for name in "ijkxy"]) - centre
        far = 20 - 20 * math.exp(-0.2 * math.sqrt(float((x**2).mean())))
        waves = math.e - math.exp(float(np.cos(2 * math.pi * x).mean()))
        return far + waves + (0 if c["switch"] == good else 1.5)

    return score


# A staircase: most steps change nothing, as with rounded or thresholded scores.
STAIRS = {
    "a": uniform(0, 1),
    "b": uniform(0, 1),
    "c": log_values(1e-3, 1e3),
    "d": whole(0, 100),
    "rule": values("first", "second", "third"),
}


def stairs(rng: np.random.Generator) -> Score:
    centre, rules = rng.uniform(0.1, 0.9, 4), rng.permutation(STAIRS["rule"]["values"]).tolist()

    def score(c: Config) -> float:
        x = np.array([c["a"], c["b"], unit(c["c"], 1e-3, 1e3, True), c["d"] / 100])
        return float(np.floor(12 * np.abs(x - centre)).sum() / 4 + rules.index(c["rule"]))

    return score


# --- What sweeps look like -----------------------------------------------------------------------

# How a network's error looks: best learning rate by optimiser and batch size, a plateau where
# it diverges, returns that diminish with width, dropout that wide networks need.
OPTIMISERS = ("sgd", "adam", "adamw", "rmsprop")
NETWORK = {
    "learning_rate": log_values(1e-5, 1.0),
    "batch_size": values(16, 32, 64, 128, 256),
    "optimiser": values(*OPTIMISERS),
    "width": values(8, 16, 32, 64, 128, 256),
    "depth": whole(1, 8),
    "dropout": uniform(0.0, 0.7),
    "weight_decay": log_values(1e-6, 1e-1),
    "activation": values("relu", "gelu", "tanh"),
}


def network(rng: np.random.Generator) -> Score:
    rates = dict(zip(OPTIMISERS, rng.uniform(-4, -1, len(OPTIMISERS)), strict=True))
    costs = dict(zip(OPTIMISERS, rng.permutation([0, 0.01, 0.02, 0.04]), strict=True))
    bends = dict(
        zip(NETWORK["activation"]["values"], rng.permutation([0, 0.01, 0.03]), strict=True)
    )
    depth, decay = rng.uniform(2, 7), rng.uniform(-5, -2)

    def score(c: Config) -> float:
        best = rates[c["optimiser"]] + 0.5 * math.log10(c["batch_size"] / 64) - 0.05 * c["depth"]
        off = math.log10(c["learning_rate"]) - best
        if off > 1.0:
            return 0.8  # diverged: all beats get the commonest class
        wanted = 0.1 + 0.06 * math.log2(c["width"] / 8)
        error = 0.03 * off**2 * (1.5 if off > 0 else 1) + 0.08 * math.exp(-c["width"] / 50)
        error += 0.006 * (c["depth"] - depth) ** 2 + 0.15 * (c["dropout"] - wanted) ** 2
        error += 0.004 * (math.log10(c["weight_decay"]) - decay) ** 2
        return min(0.8, error + costs[c["optimiser"]] + bends[c["activation"]])

    return score


# Twelve dimensions, of which three numbers and a category matter, under noise.
FEW_MATTER = {
    **{name: uniform(0, 1) for name in ("a", "b", "c")},
    **{name: log_values(1e-4, 1) for name in ("d", "e", "f")},
    **{name: values(0, 1, 2, 3, 4, 5, 6, 7) for name in ("g", "h")},
    **{name: values("u", "v", "w") for name in ("k", "l")},
    "m": whole(1, 30),
    "n": values(True, False),
}


def few_matter(rng: np.random.Generator) -> Score:
    numbers = ["a", "b", "c", "d", "e", "f", "g", "h", "m"]
    weights = dict(zip(rng.permutation(numbers), [4, 3, 2] + [0.05] * 6, strict=True))
    centre = dict(zip(numbers, rng.uniform(0.1, 0.9, len(numbers)), strict=True))
    ends = {name: (0, 7) for name in "gh"} | {"m": (1, 30)} | {name: (1e-4, 1) for name in "def"}
    categories = rng.permutation(["u", "v", "w"]).tolist()

    def score(c: Config) -> float:
        total = 0.3 * categories.index(c["k"]) + 0.02 * categories.index(c["l"]) + 0.02 * c["n"]
        for name, weight in weights.items():
            distance = unit(c[name], *ends.get(name, (0, 1)), log=name in "def") - centre[name]
            total += weight * distance**2
        return float(total)

    return score


# The best settings are next to those that run out of memory, which fail.
MEMORY = {
    "width": values(32, 64, 96, 128, 192, 256, 384, 512),
    "batch_size": values(16, 32, 64, 128, 256),
    "layers": whole(1, 12),
    "learning_rate": log_values(1e-5, 1e-1),
    "cell": values("gru", "lstm", "rnn"),
    "dropout": uniform(0, 0.6),
}


def memory(rng: np.random.Generator) -> Score:
    cells = rng.permutation(MEMORY["cell"]["values"]).tolist()
    limit, rate, dropout = rng.uniform(19.5, 22), rng.uniform(-4, -2), rng.uniform(0.1, 0.5)

    def score(c: Config) -> float | None:
        need = (
            math.log2(c["width"]) * 1.3 + math.log2(c["batch_size"]) + math.log2(c["layers"]) * 1.5
        )
        if need + 0.5 * (c["cell"] == "lstm") > limit:
            return None
        error = 0.6 * 2 ** (-math.log2(c["width"]) / 3 - math.log2(c["layers"]) / 4)
        error += 0.02 * (math.log10(c["learning_rate"]) - rate) ** 2
        error += 0.1 * (c["dropout"] - dropout) ** 2 + 0.03 * cells.index(c["cell"])
        return error + 0.01 * abs(math.log2(c["batch_size"]) - 6)

    return score


# A choice decides which of the other parameters mean anything.
CONDITIONAL = {
    "model": values("forest", "boosting", "network"),
    "trees": values(50, 100, 200, 400, 800),
    "tree_depth": whole(1, 16),
    "shrinkage": log_values(1e-3, 1),
    "units": whole(4, 128),
    "rate": log_values(1e-5, 1e-1),
    "penalty": log_values(1e-6, 1),
}


def conditional(rng: np.random.Generator) -> Score:
    base = dict(zip(rng.permutation(CONDITIONAL["model"]["values"]), [0, 0.04, 0.1], strict=True))
    depth, shrink, units, rate, penalty = rng.uniform(0.15, 0.85, 5)

    def score(c: Config) -> float:
        trees = unit(c["trees"], 50, 800, True)
        off_depth = unit(c["tree_depth"], 1, 16) - depth
        error = {
            "forest": off_depth**2 + 0.1 * (1 - trees),
            "boosting": 0.5 * off_depth**2
            + 1.2 * (unit(c["shrinkage"], 1e-3, 1, True) - shrink + 0.4 * (trees - 0.5)) ** 2,
            "network": (unit(c["units"], 4, 128) - units) ** 2
            + 1.5 * (unit(c["rate"], 1e-5, 1e-1, True) - rate) ** 2
            + 0.3 * (unit(c["penalty"], 1e-6, 1, True) - penalty) ** 2,
        }[c["model"]]
        return base[c["model"]] + 0.5 * error

    return score


# The space of our own sweep of CNNs: sixteen parameters, half of them categories, under noise.
WIDE = {
    "block": values("plain", "residual"),
    "stages": whole(2, 5),
    "width": values(16, 32, 48, 64, 128, 256),
    "width_growth": values(0.5, 1.0, 1.5, 2.0),
    "kernel": values(3, 5, 7, 9),
    "squeeze_excite": values(True, False),
    "summary": values("flatten", "average", "max", "average_max"),
    "learning_rate": log_values(3e-5, 1e-2),
    "weight_decay": log_values(1e-4, 1e-1),
    "batch_size": values(32, 64, 128, 256),
    "dropout": uniform(0, 0.5),
    "dropout_kind": values("spatial", "element"),
    "augment_stretch": values(0.0, 0.04, 0.08, 0.16),
    "augment_amplitude": values(0.0, 0.2, 0.5),
    "class_weighting": values("none", "square_root", "effective_number", "balanced"),
    "epochs": {"value": 12},
}


def wide(rng: np.random.Generator) -> Score:
    names = [name for name in WIDE if name != "epochs"]
    weights = dict(zip(names, rng.permutation(0.5 ** np.arange(len(names)) + 0.01), strict=True))
    best = dict(zip(names, rng.random(len(names)), strict=True))
    orders = {
        name: rng.permutation(len(options.get("values", ()))) for name, options in WIDE.items()
    }

    def off(name: str, value: Any) -> float:
        options = WIDE[name]
        if "values" in options:
            listed = options["values"]
            if isinstance(listed[0], str | bool):
                return orders[name][listed.index(value)] / (len(listed) - 1)
            return abs(listed.index(value) / (len(listed) - 1) - best[name])
        log = options["distribution"] == "log_uniform_values"
        return abs(unit(value, options["min"], options["max"], log) - best[name])

    def score(c: Config) -> float:
        total = sum(weights[name] * off(name, c[name]) ** 2 for name in names)
        return float(
            total + 0.3 * off("learning_rate", c["learning_rate"]) * off("width", c["width"])
        )

    return score


# --- All of them, and the recorded trials --------------------------------------------------------

OBJECTIVES = (
    Objective("Hartmann 6, mixed", HARTMANN, hartmann),
    Objective("Rosenbrock, mixed", ROSENBROCK, rosenbrock),
    Objective("Branin, 5 categories", BRANIN, branin),
    Objective("Ackley, whole numbers", ACKLEY, ackley),
    Objective("network, diverges", NETWORK, network, noise=0.003),
    Objective("few of 12 matter, noise", FEW_MATTER, few_matter, noise=0.05),
    Objective("out of memory, fails", MEMORY, memory, noise=0.002),
    Objective("conditional", CONDITIONAL, conditional),
    Objective("CNN sweep, 15 axes", WIDE, wide, noise=0.02),
    Objective("staircase", STAIRS, stairs),
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
