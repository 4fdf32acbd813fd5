"""The search methods: which settings a sweep tries next.

All keep three promises that a resumed or parallel sweep needs: what a trial gets depends on the
seed, its number and the trials before it, so nothing is drawn twice; every value comes from W&B's
distribution of its parameter; and a setting that was tried, or is being tried, is not tried again
while there are others.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial
from scipy.stats import qmc
from threadpoolctl import ThreadpoolController

from sweeps.costs import Budget
from sweeps.gaussian_process import (
    GaussianProcess,
    candidates,
    log_expected_improvement,
    subsample,
    warped,
)
from sweeps.space import Space
from sweeps.trial_history import IMPUTE, Axes, Scores, TrialHistory
from utils.errors import InputError

REDRAWS = 50  # before the settings that are left are listed
SCORED_WHOLE = 2000  # a space of no more settings is scored as a whole
LISTABLE = 20_000  # settings that can be listed to find those that are left
MOST_TRIALS = 200  # that the Gaussian process is given: its cost grows with their cube
MOST_FITTED = 60  # that its hyperparameters are fitted to: that costs a hundred times as much


class Search(BaseSampler):
    """What the methods share: one proposal for all parameters together.

    Args:
        space: what is searched.
        seed: of this sweep.
        impute: what failed trials count as; see `TrialHistory`.
    """

    def __init__(self, space: Space, seed: int, impute: str = "worst"):
        self.space, self.seed = space, seed
        self.axes = Axes(space)
        self.budget: Budget | None = None
        self.history = TrialHistory(self.axes, impute)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Everything is proposed together."""
        return self.space.stored

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """The stored values of all parameters, constants included."""
        self.history.update(study, trial.number)
        if self.budget:
            self.budget.costs.learn(study.get_trials(deepcopy=False))
        rng = np.random.default_rng((self.seed, trial.number))
        candidates = itertools.islice(self.propose(study, trial, rng), REDRAWS)
        first: dict[str, Any] | None = None
        cheapest: tuple[float, dict[str, Any] | None] = (math.inf, None)
        for values in candidates:
            if not self.history.is_tried(values):
                excess = float(self.budget.excess([values])[0]) if self.budget else 0.0
                if excess <= 1:
                    return values
                cheapest = min(cheapest, (excess, values), key=lambda one: one[0])
            first = first or values
        return cheapest[1] or self._untried(rng) or first or self.space.draw(rng)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse a single parameter: those of the space are proposed together."""
        raise InputError(
            f"'{param_name}' is no parameter of this sweep; it has {', '.join(self.space.stored)}"
        )

    def propose(
        self, study: optuna.Study, trial: FrozenTrial, rng: np.random.Generator
    ) -> Iterator[dict[str, Any]]:
        """Stored values, the most promising first; never ends."""
        raise NotImplementedError

    def _untried(self, rng: np.random.Generator) -> dict[str, Any] | None:
        """One of the last settings of a small space; None where all are tried."""
        if self.axes.count > LISTABLE:
            return None
        every = (self.space.values(quantiles) for quantiles in self.axes.settings())
        left = [values for values in every if not self.history.is_tried(values)]
        return left[rng.integers(len(left))] if left else None


class RandomSearch(Search):
    """Independent draws from W&B's distributions."""

    def propose(self, study, trial, rng):
        while True:
            yield self.space.draw(rng)


class TreeParzenSearch(Search):
    """Optuna's TPE over all parameters together, with its pending trials as bad ones.

    Bergstra et al., Algorithms for Hyper-Parameter Optimization (2011).
    """

    def propose(self, study, trial, rng):
        varying = {one.name: one.stored for one in self.space.varying}
        while True:
            seed = int(rng.integers(2**32))
            parzen = TPESampler(seed=seed, multivariate=True, constant_liar=True)
            found = parzen.sample_relative(study, trial, varying)
            values = {**self.space.draw(rng), **found}
            if np.isfinite(self.axes.quantiles([values])).all():  # else a choice of probability 0
                yield values


class GaussianProcessSearch(Search):
    """Bayesian optimisation: the largest expected improvement under a Gaussian process.

    Trials that run count as if they had returned what the process predicts, so that parallel
    workers explore different settings: Ginsbourger et al., Kriging Is Well-Suited to Parallelize
    Optimization (2010).
    """

    def __init__(self, space: Space, seed: int, impute: str = "worst"):
        super().__init__(space, seed, impute)
        # Trials before there is something to model.
        self._first = min(10, max(5, len(space.varying) // 2 + 2))
        self._process = GaussianProcess(
            [axis.levels if axis.is_category else None for axis in self.axes.each]
        )
        self._fitted_on = 0
        self._libraries = ThreadpoolController()

    def propose(self, study, trial, rng):
        scores = self.history.scores(study.direction)
        if self.axes.each and len(scores.values) < self._first:
            yield self.space.values(self._sobol(trial.number))
        elif self.axes.each:
            # The matrices are small: a second thread costs more than it does, most of all where
            # trainings keep all cores busy.
            with self._libraries.limit(limits=1, user_api="blas"):
                promising = self._promising(subsample(scores, MOST_TRIALS), rng)
            for quantiles in promising:
                yield self.space.values(quantiles)
        while True:
            yield self.space.draw(rng)

    def _sobol(self, number: int) -> np.ndarray:
        """The point of a scrambled Sobol sequence for trial `number`."""
        sobol = qmc.Sobol(len(self.axes.each), seed=self.seed)
        if number:
            sobol.fast_forward(number)
        return sobol.random(1)[0]

    def _promising(self, scores: Scores, rng: np.random.Generator) -> np.ndarray:
        """Settings (many, parameters), the most promising first."""
        scores = replace(scores, values=warped(scores.values))
        self._fit(subsample(scores, MOST_FITTED))
        posterior = self._process.conditioned_on(scores.quantiles, scores.values)
        predicted = posterior.predict(scores.quantiles)[0]  # less noisy than the scores themselves
        if len(scores.pending):
            quantiles = np.concatenate([scores.quantiles, scores.pending])
            expected = posterior.predict(scores.pending)[0]
            posterior = self._process.conditioned_on(
                quantiles, np.concatenate([scores.values, expected])
            )

        def acquisition(quantiles: np.ndarray) -> np.ndarray:
            gains = log_expected_improvement(*posterior.predict(quantiles), predicted.min())
            return gains - self._log_costs(quantiles)

        if self.axes.count <= SCORED_WHOLE:
            every = np.array([one for one in self.axes.settings() if self._is_new(one)])
            return every[np.argsort(-acquisition(every), kind="stable")] if len(every) else every
        incumbents = scores.quantiles[np.argsort(predicted, kind="stable")]
        return candidates(self.axes, incumbents, acquisition, rng)

    def _log_costs(self, quantiles: np.ndarray) -> np.ndarray | float:
        """(settings,) what is taken off the logarithm of the improvement that is expected.

        With a budget in time, the logarithm of its cost, for as much as cost weighs at this point:
        Snoek J, Larochelle H, Adams R. Practical Bayesian Optimization of Machine Learning
        Algorithms (2012). What costs more than a trial may comes last.
        """
        if self.budget is None:
            return 0.0
        settings = [self.space.values(one) for one in quantiles]
        found = np.where(self.budget.excess(settings) > 1, np.inf, 0.0)
        weight = self.budget.weight_of_cost
        seconds = self.budget.costs.seconds(settings) if weight else None
        return found if seconds is None else found + weight * np.log(seconds)

    def _is_new(self, quantiles: np.ndarray) -> bool:
        return not self.history.is_tried(self.space.values(quantiles))

    def _fit(self, scores: Scores) -> None:
        """Fit the hyperparameters again where there are a tenth more trials than last time."""
        finished = self.history.finished_count
        if finished >= 1.1 * self._fitted_on:
            self._process.fit(scores.quantiles, scores.values)
            self._fitted_on = finished


METHODS = {"random": RandomSearch, "bayes": GaussianProcessSearch, "tpe": TreeParzenSearch}


def sampler(method: str, space: Space, seed: int, *, impute: str = "worst") -> Search:
    """The search method with this name.

    Args:
        method: random, bayes or tpe.
        space: what is searched; trials come from `study.ask(fixed_distributions=space.stored)`.
        seed: of this sweep; workers and resumed sweeps share it.
        impute: what a failed trial counts as to `bayes`: worst, best or latest, as W&B has it.

    Raises:
        InputError: no such method, or no such way to impute.
    """
    if method not in METHODS:
        raise InputError(f"'{method}' is no search method; there are {', '.join(METHODS)}")
    if impute not in IMPUTE:
        raise InputError(f"impute is one of {', '.join(IMPUTE)}; got '{impute}'")
    return METHODS[method](space, seed, impute)
