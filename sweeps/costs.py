"""What trials cost before they are run, so that a sweep has a budget in hours.

A program may estimate its own trials (`sweep_costs`, asked in a process of its own); what trials
took here corrects the estimate. Where a program makes none, a model of the seconds of the trials
that are done takes its place as soon as there are some.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from sweeps import trials
from sweeps.space import Space
from sweeps.trial_history import Axes

if TYPE_CHECKING:
    from sweeps.gaussian_process import GaussianProcess

# Settings, as the program gets them -> seconds of each trial at full length; None where the
# program cannot say it any more.
Estimate = Callable[[Sequence[Mapping[str, Any]]], Sequence[float] | None]
ENOUGH_TRIALS = 5  # before their seconds are modelled
DRAWN = 200  # settings whose mean cost is foretold
# The share of a trial that early stopping lets run, before the study itself can say it.
STOPPED_SHARE = 0.45


@dataclass
class Costs:
    """The cost of the settings of a space, in seconds of a trial that runs to its end.

    Attributes:
        space: of the sweep.
        estimate: the program's own; None where it makes none, or no more.
        scale: what the trials so far took over what the estimate says of them.
        spent_s: of all trials so far.
    """

    space: Space
    estimate: Estimate | None = None
    scale: float = 1.0
    spent_s: float = 0.0
    _model: "GaussianProcess | None" = None
    _known: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)
    _learned_from: int = 0

    def learn(self, study: Sequence[FrozenTrial]) -> None:
        """Correct the estimate by what trials took."""
        self.spent_s = sum(trial.user_attrs.get("seconds") or 0.0 for trial in study)
        seen = _full_seconds(study)
        if len(seen) == self._learned_from:
            return
        self._learned_from = len(seen)
        settings = [trial.params for trial, _seconds in seen]
        seconds = np.array([of_one for _trial, of_one in seen])
        foretold = self._foretold(settings)
        if foretold is not None:
            self.scale = float(np.exp(np.median(np.log(seconds / foretold))))
        elif len(seen) >= ENOUGH_TRIALS:
            self._fit(settings, np.log(seconds))

    def seconds(self, settings: Sequence[Mapping[str, Any]]) -> np.ndarray | None:
        """(settings,) seconds; None where nothing is known yet.

        Args:
            settings: stored values.
        """
        if not len(settings):
            return np.empty(0)
        foretold = self._foretold(settings)
        if foretold is not None:
            return self.scale * foretold
        if self._model is None or self._known is None:
            return None
        mean, deviation = self._known[1].mean(), self._known[1].std() or 1.0
        posterior = self._model.conditioned_on(self._known[0], (self._known[1] - mean) / deviation)
        found, _std = posterior.predict(Axes(self.space).quantiles(settings))
        return np.exp(mean + deviation * found)

    def _foretold(self, settings: Sequence[Mapping[str, Any]]) -> np.ndarray | None:
        """(settings,) seconds by the program's own estimate."""
        if self.estimate is None:
            return None
        found = self.estimate([self.space.reals(one) for one in settings])
        if found is None:  # it is asked no more; the trials so far are to be learned from
            self.estimate, self._learned_from = None, 0
            return None
        return np.array(found)

    def _fit(self, settings: Sequence[Mapping[str, Any]], logs: np.ndarray) -> None:
        axes = Axes(self.space)
        quantiles = axes.quantiles(settings)
        fits = np.isfinite(quantiles).all(axis=1)
        if not axes.each or fits.sum() < ENOUGH_TRIALS:
            return
        # Imported late: it needs scikit-learn, which takes seconds.
        from sweeps.gaussian_process import GaussianProcess

        self._known = quantiles[fits], logs[fits]
        self._model = GaussianProcess(
            [axis.levels if axis.is_category else None for axis in axes.each]
        )
        mean, deviation = self._known[1].mean(), self._known[1].std() or 1.0
        self._model.fit(self._known[0], (self._known[1] - mean) / deviation)


@dataclass
class Budget:
    """How a search is to spend its time.

    Attributes:
        costs: of settings.
        longest_s: settings whose trials would take longer are not proposed; None for no bound.
        left_s: the seconds of trials that may still be spent; None for a budget without end.
    """

    costs: Costs
    longest_s: float | None = None
    left_s: Callable[[], float] | None = None

    @property
    def weight_of_cost(self) -> float:
        """The power of its cost that an improvement is divided by, from 1 down to 0.

        It is the share of the budget that is left. At the start cheap trials tell as much for
        less; counted by the second to the end, a search never leaves the cheapest corner of its
        space: Lee EH, Perrone V, Archambeau C, Seeger M. Cost-aware Bayesian Optimization (2020).
        """
        if self.left_s is None:
            return 0.0
        left = max(0.0, self.left_s())
        return left / (left + self.costs.spent_s) if left else 0.0

    def excess(self, settings: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """(settings,) the cost of each over that of the longest trial; up to 1 is allowed."""
        seconds = self.costs.seconds(settings)
        if seconds is None or self.longest_s is None:
            return np.zeros(len(settings))
        return seconds / self.longest_s


@dataclass(frozen=True)
class Forecast:
    """What a study is foretold to take.

    Attributes:
        low_s, median_s, high_s: of a trial at full length, 5, 50 and 95 of a hundred settings.
        refused_share: of the settings, those beyond the longest trial.
        mean_s: of the trials that are proposed, with what early stopping spares.
    """

    low_s: float
    median_s: float
    high_s: float
    refused_share: float
    mean_s: float


def forecast(budget: Budget, stops_early: bool, known: Sequence[FrozenTrial]) -> Forecast | None:
    """The cost of trials whose settings are drawn at random; None where nothing is known of it.

    Args:
        budget: of the search.
        stops_early: whether the sweep has `early_terminate`.
        known: the trials so far, whose shares of full length are taken in place of the usual one.
    """
    rng = np.random.default_rng(0)
    settings = [budget.costs.space.draw(rng) for _ in range(DRAWN)]
    seconds = budget.costs.seconds(settings)
    if seconds is None:
        return None
    allowed = budget.excess(settings) <= 1
    usual = seconds[allowed] if allowed.any() else np.array([seconds.min()])
    low, median, high = np.percentile(usual, [5, 50, 95])
    share = _run_share(known) if stops_early else 1.0
    return Forecast(low, median, high, 1 - float(allowed.mean()), float(usual.mean()) * share)


def _run_share(known: Sequence[FrozenTrial]) -> float:
    """The share of full length that trials ran before they ended or were stopped."""
    full = _full_calls(known)
    ended = [one for one in known if one.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    if len(ended) < ENOUGH_TRIALS or not full:
        return STOPPED_SHARE
    return float(np.mean([min(1.0, len(trials.curve(one)) / full) for one in ended]))


def _full_calls(known: Sequence[FrozenTrial]) -> int:
    """The log calls of a trial that ran to its end; 0 where none did."""
    whole = [len(trials.curve(one)) for one in known if one.state == TrialState.COMPLETE]
    return int(np.median(whole)) if whole else 0


def _full_seconds(known: Sequence[FrozenTrial]) -> list[tuple[FrozenTrial, float]]:
    """Ended trials, and what each took or would have taken at full length."""
    full = _full_calls(known)
    found = []
    for trial in known:
        seconds, calls = trial.user_attrs.get("seconds"), len(trials.curve(trial))
        if not seconds:
            continue
        if trial.state == TrialState.COMPLETE:
            found.append((trial, seconds))
        elif trial.state == TrialState.PRUNED and full and calls:
            found.append((trial, seconds * max(1.0, full / calls)))
    return found
