"""A Gaussian process over the quantiles of a sweep's parameters.

Matern 5/2 with one relevance per parameter; in an unordered parameter two settings are 0 or 1
apart. Its hyperparameters are maximum a posteriori: sweeps have few trials in many dimensions,
where plain maximum likelihood finds relevance in noise. Rasmussen and Williams, Gaussian Processes
for Machine Learning (2006), algorithm 2.1 and equation 5.9. It is written out, and not
scikit-learn's, because that knows no one length for the columns of a category, and takes several
times as long; a test holds the two against each other.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize

# Normal priors on natural logarithms, mean and standard deviation: of a parameter's relevance
# (inverse squared length in quantiles), of the signal's variance and of the noise's variance, for
# objectives that have been standardised. The spread of a relevance over all parameters stays the
# same however many there are: Hvarfner et al., Vanilla Bayesian Optimization Performs Great in
# High Dimensions (2024).
RELEVANCE_PRIOR = (math.log(4.0), 2.0)
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(1e-3), 2.0)
BOUNDS = {"relevance": (1e-4, 1e4), "signal": (1e-2, 1e2), "noise": (1e-6, 1.0)}
ITERATIONS = 40


def distances(one: np.ndarray, other: np.ndarray, is_category: np.ndarray) -> np.ndarray:
    """Squared distances by parameter: (parameters, settings of `one`, settings of `other`)."""
    apart = one.T[:, :, None] - other.T[:, None, :]
    return np.where(is_category[:, None, None], apart != 0, apart**2)


@dataclass(frozen=True)
class Hyperparameters:
    """Natural logarithms of each parameter's relevance, then of signal and noise variance."""

    logs: np.ndarray

    @classmethod
    def expected(cls, count: int) -> "Hyperparameters":
        """The means of the priors, for `count` parameters."""
        return cls(_prior(count)[0])

    @property
    def relevance(self) -> np.ndarray:
        return np.exp(self.logs[:-2])

    @property
    def signal(self) -> float:
        return float(np.exp(self.logs[-2]))

    @property
    def noise(self) -> float:
        return float(np.exp(self.logs[-1]))


def fit(
    places: np.ndarray, scores: np.ndarray, is_category: np.ndarray, start: Hyperparameters
) -> Hyperparameters:
    """The most probable hyperparameters that a climb from `start` finds.

    Args:
        places: (settings, parameters) in [0, 1].
        scores: (settings,) of mean 0 and standard deviation 1.
        is_category: (parameters,) whether a parameter is unordered.
        start: where the climb starts.
    """
    apart = distances(places, places, is_category).reshape(places.shape[1], -1)
    mean, spread = _prior(places.shape[1])

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _negative_log_likelihood(logs, apart, scores)
        off = (logs - mean) / spread
        return value + 0.5 * float(off @ off), slope + off / spread

    found = minimize(
        loss, start.logs, jac=True, method="L-BFGS-B", bounds=_bounds(places.shape[1]),
        options={"maxiter": ITERATIONS},
    )  # fmt: skip
    return Hyperparameters(found.x)


class GaussianProcess:
    """A Gaussian process conditioned on trials."""

    def __init__(
        self,
        places: np.ndarray,
        scores: np.ndarray,
        is_category: np.ndarray,
        hyperparameters: Hyperparameters,
    ):
        self.places, self.is_category = places, is_category
        self.hyperparameters = hyperparameters
        covariance = self._covariance(places)
        covariance[np.diag_indices_from(covariance)] += hyperparameters.noise + 1e-9
        self._factor = np.linalg.cholesky(covariance)
        self._weights = cho_solve((self._factor, True), scores)

    def predict(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, without the noise, at (settings, parameters)."""
        across = self._covariance(places)
        explained = solve_triangular(self._factor, across.T, lower=True, check_finite=False)
        left = self.hyperparameters.signal - np.einsum("ij,ij->j", explained, explained)
        return across @ self._weights, np.sqrt(np.maximum(left, 1e-12))

    def _covariance(self, places: np.ndarray) -> np.ndarray:
        own, categories = self.hyperparameters, self.is_category
        scale = np.sqrt(own.relevance[~categories])
        one, other = places[:, ~categories] * scale, self.places[:, ~categories] * scale
        squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
        for column in np.flatnonzero(categories):
            differ = places[:, column, None] != self.places[None, :, column]
            squared += own.relevance[column] * differ
        return own.signal * matern(np.maximum(squared, 0))[0]


def matern(squared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matern 5/2 of squared distances, and its derivative by them."""
    reach = np.sqrt(5 * squared)
    decay = np.exp(-reach)
    return (1 + reach + reach**2 / 3) * decay, -5 / 6 * (1 + reach) * decay


def _negative_log_likelihood(
    logs: np.ndarray, apart: np.ndarray, scores: np.ndarray
) -> tuple[float, np.ndarray]:
    """Without its constant, and the slope by `logs`; apart: (parameters, settings squared)."""
    count = len(scores)
    own = Hyperparameters(logs)
    shape, by_distance = matern((own.relevance @ apart).reshape(count, count))
    covariance = own.signal * shape
    covariance[np.diag_indices(count)] += own.noise + 1e-9
    factor, fault = dpotrf(covariance, lower=True)
    if fault:
        return 1e10, np.zeros_like(logs)
    inverse = dpotri(factor, lower=True)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse @ scores
    value = 0.5 * float(scores @ weights) + float(np.log(np.diag(factor)).sum())
    pull = 0.5 * (inverse - np.outer(weights, weights))
    slope = np.empty_like(logs)
    slope[:-2] = own.signal * own.relevance * (apart @ (pull * by_distance).ravel())
    slope[-2] = own.signal * float((pull * shape).sum())
    slope[-1] = own.noise * float(np.trace(pull))
    return value, slope


def _prior(count: int) -> tuple[np.ndarray, np.ndarray]:
    relevance = RELEVANCE_PRIOR[0] - math.log(count)
    mean = np.r_[np.full(count, relevance), SIGNAL_PRIOR[0], NOISE_PRIOR[0]]
    return mean, np.r_[np.full(count, RELEVANCE_PRIOR[1]), SIGNAL_PRIOR[1], NOISE_PRIOR[1]]


def _bounds(count: int) -> list[tuple[float, float]]:
    names = ["relevance"] * count + ["signal", "noise"]
    return [(math.log(BOUNDS[name][0]), math.log(BOUNDS[name][1])) for name in names]
