"""scikit-learn's Gaussian process over the quantiles of a sweep's parameters.

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
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

# Normal priors on natural logarithms, mean and standard deviation: of the signal's variance, of a
# parameter's length in quantiles and of the noise's variance, for objectives that have been
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
        self._prior_mean, self._prior_spread = _prior(len(levels))
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

    def fit(self, places: np.ndarray, scores: np.ndarray) -> None:
        """Climb to the most probable hyperparameters, from those that were fitted before.

        Args:
            places: (settings, parameters) in [0, 1].
            scores: (settings,) of about mean 0 and standard deviation 1.
        """
        regressor = GaussianProcessRegressor(self.kernel, optimizer=self._most_probable)
        with warnings.catch_warnings():
            # At a bound is where it may well end: the bounds only keep the matrices invertible.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.kernel = regressor.fit(self._columns(places), scores).kernel_

    def given(self, places: np.ndarray, scores: np.ndarray) -> "Posterior":
        """What is believed once these settings are known to have these scores."""
        # The noise as `alpha` and not in the kernel: predictions are of the objective without it.
        regressor = GaussianProcessRegressor(
            self.kernel.k1, alpha=self.kernel.k2.noise_level, optimizer=None
        )
        return Posterior(regressor.fit(self._columns(places), scores), self._columns)

    def _most_probable(
        self, loss: Callable, start: np.ndarray, bounds: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """scikit-learn's optimiser, with the priors added to the negative log likelihood."""

        def posterior_loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = loss(logs)
            off = (logs - self._prior_mean) / self._prior_spread
            return value + 0.5 * float(off @ off), slope + off / self._prior_spread

        found = minimize(
            posterior_loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": ITERATIONS},
        )
        return found.x, found.fun

    def _columns(self, places: np.ndarray) -> np.ndarray:
        """(settings, columns): unordered parameters one-hot, two different values 1 apart."""
        each = [
            column[:, None] if levels is None else (column[:, None] == levels) / math.sqrt(2)
            for column, levels in zip(places.T, self._levels, strict=True)
        ]
        return np.concatenate(each, axis=1)


class Posterior:
    """A Gaussian process that knows trials."""

    def __init__(
        self, regressor: GaussianProcessRegressor, columns: Callable[[np.ndarray], np.ndarray]
    ):
        self._regressor, self._columns = regressor, columns

    def predict(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, without the noise, at (settings, parameters)."""
        mean, std = self._regressor.predict(self._columns(places), return_std=True)
        return mean, np.maximum(std, 1e-6)


def _prior(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations, in the order of the kernel's logarithms."""
    length = LENGTH_PRIOR[0] + math.log(max(1, count)) / 2
    mean = np.r_[SIGNAL_PRIOR[0], np.full(count, length), NOISE_PRIOR[0]]
    return mean, np.r_[SIGNAL_PRIOR[1], np.full(count, LENGTH_PRIOR[1]), NOISE_PRIOR[1]]
