"""Where the Gaussian process of a Bayesian search looks next, and what it is shown."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import log_ndtr, ndtri
from scipy.stats import rankdata

from sweeps.trial_history import Axes, Scores

# How many settings are scored: drawn at random, beside each of the best trials so far, and in each
# round of the climb from the most promising ones.
RANDOM, LEADERS, BESIDE_LEADER = 1000, 5, 100
ROUNDS, CLIMBERS, BESIDE_CLIMBER = 5, 10, 20
KEPT = 100
REDRAWN = 0.1  # share of a neighbour's changed numbers that are drawn anew instead of moved
STEPS = (-2.5, -0.5)  # decimal logarithms of the shortest and longest usual move, in quantiles

Worth = Callable[[np.ndarray], np.ndarray]


def representative(scores: Scores, count: int) -> Scores:
    """At most `count` trials: half the best ones, half spread over the ranks of the rest."""
    if len(scores.values) <= count:
        return scores
    order = np.argsort(scores.values, kind="stable")
    rest = order[count // 2 :]
    spread = rest[np.linspace(0, len(rest) - 1, count - count // 2).astype(int)]
    chosen = np.concatenate([order[: count // 2], spread])
    return Scores(scores.places[chosen], scores.values[chosen], scores.pending)


def levelled(values: np.ndarray) -> np.ndarray:
    """Scores of mean 0 and deviation 1 in which diverged trials do not flatten the others.

    The better half keeps its distances, the worse half becomes the normal quantiles of its ranks:
    the half-rank warping of Song et al., The Vizier Gaussian Process Bandit Algorithm (2024).
    """
    middle = np.median(values)
    is_better = values <= middle
    spread = math.sqrt(float(np.mean((values[is_better] - middle) ** 2))) or 1.0
    of_ranks = ndtri((rankdata(values) - 0.5) / len(values))
    levels = np.where(is_better, (values - middle) / spread, np.maximum(of_ranks, 0))
    centred = levels - levels.mean()
    return centred / (centred.std() or 1.0)


def log_expected_improvement(mean: np.ndarray, std: np.ndarray, best: float) -> np.ndarray:
    """The logarithm of the expected improvement on `best`, also where it is tiny.

    Ament et al., Unexpected Improvements to Expected Improvement for Bayesian Optimization (2023).
    """
    z = (best - mean) / std
    log_density = -0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    mills = np.exp(np.minimum(log_ndtr(z) - log_density, 700))
    near = np.log(np.maximum(1 + z * mills, 1e-300))
    far = -2 * np.log(np.maximum(-z, 1))  # its limit, where `near` is lost in rounding
    return log_density + np.where(z > -1000, near, far) + np.log(std)


def candidates(
    axes: Axes, leaders: np.ndarray, worth: Worth, rng: np.random.Generator
) -> np.ndarray:
    """Settings (some, parameters) worth trying, the best first.

    Random ones, neighbours of the best trials so far, and what a climb from the best of these
    finds. All are snapped to real values before they are scored.

    Args:
        axes: of the space.
        leaders: (some, parameters), the best trials so far.
        worth: of settings; larger is better.
        rng: for everything that is drawn.
    """
    pool = axes.snap(rng.random((RANDOM, len(axes.each))))
    pool = np.concatenate([pool, neighbours(axes, leaders[:LEADERS], BESIDE_LEADER, rng)])
    value = worth(pool)
    for _ in range(ROUNDS):
        climbers = pool[np.argsort(-value, kind="stable")[:CLIMBERS]]
        found = neighbours(axes, climbers, BESIDE_CLIMBER, rng)
        pool, value = np.concatenate([pool, found]), np.concatenate([value, worth(found)])
    return pool[np.argsort(-value, kind="stable")[:KEPT]]


def neighbours(axes: Axes, parents: np.ndarray, each: int, rng: np.random.Generator) -> np.ndarray:
    """`each` changed copies of every parent: some numbers moved, some values drawn anew."""
    children = np.repeat(parents, each, axis=0)
    count, width = children.shape
    length = 10 ** rng.uniform(*STEPS, (count, 1))
    moved = children + length * rng.standard_normal((count, width))
    moved = np.clip(1 - np.abs(1 - np.abs(moved)), 0, 1)  # reflected at the ends
    is_redrawn = axes.is_category | (rng.random((count, width)) < REDRAWN)
    moved = np.where(is_redrawn, rng.random((count, width)), moved)
    share = rng.choice([1, 2, 4, width], (count, 1)) / width
    is_changed = rng.random((count, width)) < share
    is_changed[np.arange(count), rng.integers(width, size=count)] = True
    return axes.snap(np.where(is_changed, moved, children))
