"""What an objective of the search benchmark is made of; parameters as in a W&B sweep file."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    return lambda places: np.where(flip, 1 - np.array(places), np.array(places))[order]
