"""How the scores of trainings behave, invented: divergence, failures, noise, interactions."""

import math
from typing import Any

import numpy as np

from benchmarks.search_landscape import Config, Score, log_values, uniform, unit, values, whole

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
            place = unit(c[name], *ends.get(name, (0, 1)), log=name in "def")
            total += weight * (place - centre[name]) ** 2
        return float(total)

    return score


# The best settings lie beside those that run out of memory, which fail.
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
