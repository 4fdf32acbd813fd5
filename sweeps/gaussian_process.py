"""Bayesian optimisation's model of a sweep, and the choice of what to try by it.

The model is scikit-learn's Gaussian process over the quantiles of the parameters, each in [0, 1].
Matern 5/2 with one length per parameter; in an unordered parameter two settings are 0 or 1 apart.
Its hyperparameters are maximum a posteriori: sweeps have few trials in many dimensions, where
plain maximum likelihood finds relevance in noise. Rasmussen and Williams, Gaussian Processes for
Machine Learning (2006), chapters 2 and 5.
"""

import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtri
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from sweeps.trial_history import Axes, Scores

# Normal priors on natural logarithms, mean and standard deviation: of the signal's variance, of a
# parameter's length scale in quantiles and of the noise's variance, for objectives that have been
# standardised. Lengths grow with the root of the number of parameters, so that objectives vary as
# much over the space however many there are: Hvarfner et al., Vanilla Bayesian Optimization
# Performs Great in High Dimensions (2024).
SIGNAL_PRIOR = (0.0, 1.0)
LENGTH_PRIOR = (math.log(0.5), 1.0)  # for a single parameter
NOISE_PRIOR = (math.log(1e-3), 2.0)
SIGNAL_BOUNDS, LENGTH_BOUNDS, NOISE_BOUNDS = (1e-2, 1e2), (1e-2, 1e2), (1e-6, 1.0)
ITERATIONS = 40


class MaternOfParameters(Matern):
    """Matern 5/2 in which all columns of a parameter have the same length.

    Args:
        parameter_of: (columns,) the number of each column's parameter, rising from 0.
        length_scale: (parameters,) or, of a single parameter, a number.
        length_scale_bounds: of every length.
    """

    def __init__(self, parameter_of, length_scale=1.0, length_scale_bounds=LENGTH_BOUNDS):
        super().__init__(length_scale, length_scale_bounds, nu=2.5)
        self.parameter_of = parameter_of

    def __call__(self, X, Y=None, eval_gradient=False):
        """As scikit-learn's kernels: the covariance, and on request its slope by log lengths."""
        of_columns = Matern(np.atleast_1d(self.length_scale)[self.parameter_of], nu=2.5)
        if not eval_gradient:
            return of_columns(X, Y)
        covariance, slopes = of_columns(X, Y, eval_gradient=True)
        starts = np.flatnonzero(np.diff(self.parameter_of, prepend=-1))
        return covariance, np.add.reduceat(slopes, starts, axis=2)


class GaussianProcess:
    """A Gaussian process over a space, with the hyperparameters that were last fitted.

    Args:
        levels: for every parameter the quantiles of its values where these have no order, or None.
    """

    def __init__(self, levels: Sequence[np.ndarray | None]):
        self._levels = levels
        self._prior_mean, self._prior_deviation = _log_prior(len(levels))
        signal, *lengths, noise = np.exp(self._prior_mean)
        widths = [1 if each is None else len(each) for each in levels]
        parameter_of = np.repeat(np.arange(len(levels)), widths)
        self.kernel = ConstantKernel(signal, SIGNAL_BOUNDS) * MaternOfParameters(
            parameter_of, np.array(lengths)
        ) + WhiteKernel(noise, NOISE_BOUNDS)

    @property
    def lengths(self) -> np.ndarray:
        """(parameters,) in quantiles; along a long one the objective hardly changes."""
        return np.atleast_1d(self.kernel.k1.k2.length_scale)

    def fit(self, quantiles: np.ndarray, scores: np.ndarray) -> None:
        """Climb to the most probable hyperparameters, from those that were fitted before.

        Args:
            quantiles: (settings, parameters) in [0, 1].
            scores: (settings,) of about mean 0 and standard deviation 1.
        """
        regressor = GaussianProcessRegressor(self.kernel, optimizer=self._most_probable)
        with warnings.catch_warnings():
            # At a bound is where it may well end: the bounds only keep the matrices invertible.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.kernel = regressor.fit(self._columns(quantiles), scores).kernel_

    def conditioned_on(self, quantiles: np.ndarray, scores: np.ndarray) -> "Posterior":
        """The process once these settings are known to have these scores; as in `fit`."""
        # The noise as `alpha` and not in the kernel: predictions are of the objective without it.
        regressor = GaussianProcessRegressor(
            self.kernel.k1, alpha=self.kernel.k2.noise_level, optimizer=None
        )
        return Posterior(regressor.fit(self._columns(quantiles), scores), self._columns)

    def _most_probable(
        self, loss: Callable, start: np.ndarray, bounds: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """scikit-learn's optimiser, with the priors added to the negative log likelihood."""

        def posterior_loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = loss(logs)
            off = (logs - self._prior_mean) / self._prior_deviation
            return value + 0.5 * float(off @ off), slope + off / self._prior_deviation

        found = minimize(
            posterior_loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": ITERATIONS},
        )
        return found.x, found.fun

    def _columns(self, quantiles: np.ndarray) -> np.ndarray:
        """(settings, columns): unordered parameters one-hot, two different values 1 apart."""
        each = [
            column[:, None] if levels is None else (column[:, None] == levels) / math.sqrt(2)
            for column, levels in zip(quantiles.T, self._levels, strict=True)
        ]
        return np.concatenate(each, axis=1)


class Posterior:
    """A Gaussian process conditioned on trials."""

    def __init__(
        self, regressor: GaussianProcessRegressor, columns: Callable[[np.ndarray], np.ndarray]
    ):
        self._regressor, self._columns = regressor, columns

    def predict(self, quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, without the noise, at (settings, parameters)."""
        mean, std = self._regressor.predict(self._columns(quantiles), return_std=True)
        return mean, np.maximum(std, 1e-6)


def _log_prior(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations, in the order of the kernel's logarithms."""
    length = LENGTH_PRIOR[0] + math.log(max(1, count)) / 2
    mean = np.r_[SIGNAL_PRIOR[0], np.full(count, length), NOISE_PRIOR[0]]
    return mean, np.r_[SIGNAL_PRIOR[1], np.full(count, LENGTH_PRIOR[1]), NOISE_PRIOR[1]]


# --- Acquisition: which settings to try next ---------------------------------------------------

# How many settings are scored: drawn at random, beside each of the best trials so far, and in each
# round of the local search from the most promising ones.
RANDOM, INCUMBENTS, PER_INCUMBENT = 1000, 5, 100
ROUNDS, PARENTS, PER_PARENT = 5, 10, 20
KEPT = 100
REDRAWN = 0.1  # share of a neighbour's changed numbers that are drawn anew instead of moved
STEPS = (-2.5, -0.5)  # decimal logarithms of the shortest and longest usual move, in quantiles

Acquisition = Callable[[np.ndarray], np.ndarray]


def subsample(scores: Scores, count: int) -> Scores:
    """At most `count` trials: half the best ones, half spread over the ranks of the rest."""
    if len(scores.values) <= count:
        return scores
    order = np.argsort(scores.values, kind="stable")
    rest = order[count // 2 :]
    spread = rest[np.linspace(0, len(rest) - 1, count - count // 2).astype(int)]
    chosen = np.concatenate([order[: count // 2], spread])
    return Scores(scores.quantiles[chosen], scores.values[chosen], scores.pending)


def warped(values: np.ndarray) -> np.ndarray:
    """Scores of mean 0 and deviation 1 in which diverged trials do not flatten the others.

    The better half keeps its distances, the worse half becomes the normal quantiles of its ranks:
    the half-rank warping of Song et al., The Vizier Gaussian Process Bandit Algorithm (2024).
    """
    middle = np.median(values)
    is_better = values <= middle
    spread = math.sqrt(float(np.mean((values[is_better] - middle) ** 2))) or 1.0
    of_ranks = ndtri((rankdata(values) - 0.5) / len(values))
    both = np.where(is_better, (values - middle) / spread, np.maximum(of_ranks, 0))
    centred = both - both.mean()
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
    axes: Axes, incumbents: np.ndarray, acquisition: Acquisition, rng: np.random.Generator
) -> np.ndarray:
    """Settings (some, parameters) to try, those of the largest acquisition first.

    Random ones, neighbours of the best trials so far, and what a local search from the best of
    these finds. All are snapped to real values before they are scored.

    Args:
        axes: of the space.
        incumbents: (some, parameters), the best trials so far.
        acquisition: of settings; larger is better.
        rng: for everything that is drawn.
    """
    pool = axes.snap(rng.random((RANDOM, len(axes.each))))
    pool = np.concatenate([pool, neighbours(axes, incumbents[:INCUMBENTS], PER_INCUMBENT, rng)])
    value = acquisition(pool)
    for _ in range(ROUNDS):
        parents = pool[np.argsort(-value, kind="stable")[:PARENTS]]
        found = neighbours(axes, parents, PER_PARENT, rng)
        pool, value = np.concatenate([pool, found]), np.concatenate([value, acquisition(found)])
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
