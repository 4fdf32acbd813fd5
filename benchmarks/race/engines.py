"""Search engines on a course: each goes on until its time is over."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from benchmarks.race.course import Course
from benchmarks.search_quality import WandbEngine
from sweeps.costs import Budget, Costs
from sweeps.early_stopping import Hyperband
from sweeps.search import sampler

Engine = Callable[[Course, int], None]
ETA = 3
# As in our sweep files: compared after a third of the epochs.
SHORTEST_SHARE = 3


def ours(method: str, *, counts_cost: bool = False, stops: str = "by epochs") -> Engine:
    """Our search methods with W&B's hyperband.

    Args:
        method: as `sweeps.search.sampler` has it.
        counts_cost: whether an improvement counts by its cost, as with `--hours`.
        stops: ``by epochs`` as W&B does, ``by seconds``, or ``never``.
    """

    def search(course: Course, seed: int) -> None:
        space, study = course.table.space, optuna.create_study(direction="maximize")
        found = sampler(method, space, seed)
        if counts_cost:
            found.budget = Budget(Costs(space), left_s=course.left_s)
        stopping = _Stopping(course, stops)
        while True:
            next_one = create_trial(state=TrialState.RUNNING)
            next_one.number = len(study.trials)
            place = course.nearest(found.sample_relative(study, next_one, space.stored))
            curve, is_whole = stopping.train(place)
            study.add_trial(_ended(course, place, curve, is_whole))

    return search


def optuna_tpe(course: Course, seed: int) -> None:
    """Optuna's TPE with its Hyperband, defaults throughout."""
    epochs, space = course.table.epochs, course.table.space
    study = optuna.create_study(
        study_name="race",  # the pruner draws by it
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(1, epochs, ETA),
    )
    while True:
        asked = study.ask(fixed_distributions=space.stored)
        place = course.nearest(asked.params)
        # What was proposed gives way to the setting of the table; TPE passes over failed trials.
        study.tell(asked, state=TrialState.FAIL)
        study.enqueue_trial(course.table.settings[place])
        trial = study.ask(fixed_distributions=space.stored)
        for epoch, value in enumerate(course.train(place), start=1):
            trial.report(value, epoch)
            if epoch < epochs and trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, value)


def keras_tuner(kind: str) -> Engine:
    """KerasTuner's ``BayesianOptimization``, which stops nothing early, or its ``Hyperband``."""

    def search(course: Course, seed: int) -> None:
        import keras_tuner  # imported late: optional

        objective = keras_tuner.Objective("score", "max")
        common = {
            "objective": objective,
            "seed": seed + 1,  # it takes 0 for none
            "hyperparameters": _hyperparameters(course),
        }
        if kind == "Hyperband":
            rounds = {"max_epochs": course.table.epochs, "factor": ETA, "hyperband_iterations": 99}
            oracle = keras_tuner.oracles.HyperbandOracle(**common, **rounds)
        else:
            many = len(course.table.settings)
            oracle = keras_tuner.oracles.BayesianOptimizationOracle(**common, max_trials=many)
        oracle.verbose = 0
        with tempfile.TemporaryDirectory() as folder:
            oracle._set_project_dir(folder, "race")
            _drive(oracle, course)

    return search


def _drive(oracle: Any, course: Course) -> None:
    places: dict[tuple, int] = {}  # a setting that goes on has the values that it began with
    names = [one.name for one in course.table.space.varying]
    while True:
        trial = oracle.create_trial("tuner0")
        if trial.status == "STOPPED":
            return
        values = trial.hyperparameters.values
        key = tuple(values[name] for name in names)
        if key not in places:
            place = course.nearest({**course.table.settings[0], **values})
            values.update({name: course.table.settings[place][name] for name in names})
            key = tuple(values[name] for name in names)
            places[key] = place
        first, last = values.get("tuner/initial_epoch", 0), values.get("tuner/epochs")
        for epoch, value in enumerate(course.train(places[key], first, last), start=first):
            oracle.update_trial(trial.trial_id, {"score": value}, step=epoch)
        trial.status = "COMPLETED"
        oracle.end_trial(trial)


def _hyperparameters(course: Course) -> Any:
    import keras_tuner

    found = keras_tuner.HyperParameters()
    for one in course.table.space.varying:
        stored = one.stored
        if isinstance(stored, CategoricalDistribution):
            found.Choice(one.name, list(stored.choices))
        elif isinstance(stored, FloatDistribution):
            scale = "log" if stored.log else "linear"
            found.Float(one.name, stored.low, stored.high, step=stored.step, sampling=scale)
        else:
            found.Int(one.name, stored.low, stored.high)
    return found


def wandb_bayes(engine: WandbEngine, sweep: Mapping[str, Any]) -> Engine:
    """W&B's own engine with its hyperband.

    Args:
        engine: in another Python.
        sweep: the content of the sweep file.
    """
    content = {name: sweep[name] for name in ("metric", "parameters")} | {"method": "bayes"}
    metric = sweep["metric"]["name"]

    def search(course: Course, seed: int) -> None:
        engine.ask({"seed": seed})
        runs: list[dict] = []
        stopping = _Stopping(course, "by epochs")
        while True:
            config = engine.ask({"sweep": content, "runs": runs})["config"]
            place = course.nearest({**course.table.settings[0], **config})
            curve, _is_whole = stopping.train(place)
            settings = course.table.space.reals(course.table.settings[place])
            runs.append(
                {
                    "config": {name: {"value": value} for name, value in settings.items()},
                    "state": "finished",
                    "summary_metrics": {metric: max(curve)},
                    "history": [{metric: value} for value in curve],
                }
            )

    return search


class _Stopping:
    """Trains settings of a course and stops the worse of them early."""

    def __init__(self, course: Course, how: str):
        self.course, self.how = course, how
        self._curves: list[list[float]] = []
        self._paces: list[float] = []  # seconds of an epoch
        self._hyperband = Hyperband.of(min_iter=course.table.epochs // SHORTEST_SHARE, eta=ETA)

    def train(self, place: int) -> tuple[list[float], bool]:
        """The curve of a setting, and whether it was trained to its end."""
        curve: list[float] = []
        pace = float(self.course.table.seconds[place]) / self.course.table.epochs
        self._paces.append(pace)
        self._curves.append(curve)
        for value in self.course.train(place):
            curve.append(value)
            if len(curve) < self.course.table.epochs and self._is_to_stop(curve, pace):
                return curve, False
        return curve, True

    def _is_to_stop(self, curve: Sequence[float], pace: float) -> bool:
        others = self._curves[:-1]
        if self.how == "by epochs":
            return self._hyperband.judge(curve, others, maximize=True) is not None
        return self.how == "by seconds" and self._is_behind(curve, pace)

    def _is_behind(self, curve: Sequence[float], pace: float) -> bool:
        """The same rule with rungs in seconds: of those that took as long, the best third goes on.

        The first rung is the usual seconds of a third of a training. A training that ended before
        a rung has its last value there.
        """
        usual = float(np.median(self._paces))
        rung = usual * self.course.table.epochs / SHORTEST_SHARE
        while rung * ETA <= len(curve) * pace:
            rung *= ETA
        if not (len(curve) - 1) * pace < rung <= len(curve) * pace:
            return False  # it is compared once at each rung
        there = [
            self._at(one, rung, its) for one, its in zip(self._curves, self._paces, strict=True)
        ]
        known = sorted((one for one in there if one is not None), reverse=True)
        return curve[-1] < known[int(len(known) / ETA)]

    def _at(self, curve: Sequence[float], seconds: float, pace: float) -> float | None:
        calls = max(1, int(np.ceil(seconds / pace)))
        if len(curve) >= calls:
            return curve[calls - 1]
        return curve[-1] if len(curve) == self.course.table.epochs else None


def _ended(course: Course, place: int, curve: Sequence[float], is_whole: bool) -> FrozenTrial:
    seconds = float(course.table.seconds[place]) * len(curve) / course.table.epochs
    return create_trial(
        state=TrialState.COMPLETE if is_whole else TrialState.PRUNED,
        value=curve[-1],
        params=course.table.settings[place],
        distributions=course.table.space.stored,
        intermediate_values=dict(enumerate(curve, start=1)),
        user_attrs={"seconds": seconds},
    )
