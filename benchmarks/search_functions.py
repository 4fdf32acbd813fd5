"""Known test functions over mixed parameters, drawn anew from every seed."""

import math

import numpy as np

from benchmarks.search_landscape import (
    Config,
    Score,
    log_values,
    turned,
    uniform,
    unit,
    values,
    whole,
)

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
