"""A study: the trials of one sweep in an Optuna storage, shared by any number of agents.

Optuna keeps the trials. What it lacks for sweeps is here: one agent at a time decides what comes
next, so that caps and grids are exact; a trial whose worker died waits for another one, under its
own number and run id, instead of being failed and copied.
"""

import collections
import itertools
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweeps import storage
from sweeps.same_sweep import keep_or_compare
from sweeps.storage import DATABASE_ERRORS, Patience, cause, is_dead, new_owner, token
from sweeps.sweep_file import Sweep
from utils.errors import InputError


def curve(trial: FrozenTrial) -> list[float]:
    """A trial's metric at each of its log calls."""
    return [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]


def ranking(trials: list[FrozenTrial], maximize: bool) -> list[FrozenTrial]:
    """The finished trials, best first; one that was stopped early ranks by its last value."""
    scored = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.values]
    return sorted(scored, key=lambda trial: trial.value or 0.0, reverse=maximize)


T = TypeVar("T")
# The study's attribute for what its program says of itself; studies begun before have none.
FACTS = "program_facts"
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass
class Assignment:
    """A trial that this agent runs.

    Attributes:
        trial_id: Optuna's id.
        number: its number in the study, from 0.
        run_id: its W&B run id, kept through interruptions.
        stored: parameters as Optuna stores them.
        attempts: how often it was begun, this time included.
        kills: how often its process was killed by somebody else.
        seconds: what earlier attempts took.
        values: the metric at each log call so far.
    """

    trial_id: int
    number: int
    run_id: str
    stored: dict[str, Any]
    attempts: int = 1
    seconds: float = 0.0
    kills: int = 0
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Counts:
    """How many trials stand where; `planned` is None where nothing bounds them."""

    complete: int
    stopped: int
    failed: int
    running: int
    waiting: int
    planned: int | None
    seconds_per_trial: float | None = None

    @property
    def done(self) -> int:
        return self.complete + self.stopped + self.failed


class SweepStudy:
    """The trials of one sweep.

    Attributes:
        maximize: whether larger is better.
        sweep_id: under which W&B groups the runs.
    """

    def __init__(
        self,
        sweep: Sweep,
        name: str | None = None,
        url: str | None = None,
        *,
        seed: int = 0,
        method: str | None = None,
        dead_after: int = storage.DEAD_AFTER_SECONDS,
        on_trouble: Callable[[str], None] = lambda told: None,
        give_up: Callable[[], bool] = lambda: False,
    ):
        """Open the study, or create it.

        Args:
            sweep: what to search.
            name: of the study; by default the sweep's.
            url: of the storage; by default SQLite in the runs folder.
            seed: of the search.
            method: a search method in place of the sweep's own.
            dead_after: seconds without a sign of life after which a trial is taken up again.
            on_trouble: told when the database does not answer, and when it does again.
            give_up: asked while waiting for the database.

        Raises:
            InputError: the storage cannot be used, or its study is of another sweep.
        """
        self.sweep, self.name, self.url = sweep, name or sweep.name, url
        self.dead_after = dead_after
        self.patience = Patience(on_trouble, give_up)
        self.owner = new_owner()
        self.held: set[int] = set()
        self.storage = storage.connect(url, dead_after)
        try:
            with storage.exclusive(url, self.name):
                self.study = self._open()
            # Asked once: from here on the database may go away for a while.
            self.study_id = self.storage.get_study_id_from_name(self.name)
            self.maximize = self.study.direction == StudyDirection.MAXIMIZE
            self.sweep_id: str = self.study.user_attrs["sweep_id"]
        except DATABASE_ERRORS as error:
            raise InputError(f"the study '{self.name}' cannot be used: {cause(error)}") from error
        self.method = method or sweep.method
        self.sampler = self._sampler(self.method, seed)
        if self.sampler:
            self.study.sampler = self.sampler

    def _sampler(self, method: str, seed: int) -> optuna.samplers.BaseSampler | None:
        if method == "grid":
            return None
        # Imported late: a grid needs no scikit-learn.
        from sweeps import search

        impute = self.sweep.metric.impute if self.sweep.metric else "worst"
        return search.sampler(method, self.sweep.space, seed, impute=impute)

    def take(self, count: int | None) -> Assignment | None:
        """The next trial to run: an interrupted or enqueued one first, else a new one.

        Args:
            count: the most trials in the whole study; None for no bound beyond the sweep's own.

        Returns:
            None where there is nothing to begin (now).
        """
        own = self._turn(lambda: self._take(count))
        if own:
            self.held.add(own.trial_id)
        return own

    def _take(self, count: int | None) -> Assignment | None:
        trials = self._all()
        if self._requeue_dead(trials):
            trials = self._all()
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if waiting:
            return self._take_waiting()
        # Retries and trials that somebody enqueued are beyond the cap, and are no cells of a grid.
        proposals = {trial.user_attrs.get("proposal") for trial in trials}
        proposed = next(index for index in itertools.count() if index not in proposals)
        planned = self.planned(count)
        if (planned is not None and proposed >= planned) or self._target_is_reached(trials):
            return None
        run_id = token()
        if self.method == "tpe":
            return self._ask(proposed)
        values = self._propose(trials, proposed)
        trial_id = self.storage.create_new_trial(
            self.study_id,
            create_trial(
                state=TrialState.RUNNING,
                params=values,
                distributions=self.sweep.space.stored,
                user_attrs={
                    "owner": self.owner,
                    "run_id": run_id,
                    "attempts": 1,
                    "proposal": proposed,
                },
            ),
        )
        self.storage.record_heartbeat(trial_id)  # type: ignore[attr-defined]
        number = self.storage.get_trial(trial_id).number
        return Assignment(trial_id, number, run_id, values)

    def _ask(self, proposed: int) -> Assignment:
        """Let Optuna's own sampler create the trial; it keeps notes with it."""
        own = self._take_waiting()
        self.storage.set_trial_user_attr(own.trial_id, "proposal", proposed)
        return own

    def _take_waiting(self) -> Assignment:
        with warnings.catch_warnings():
            # Heartbeats need no `Study.optimize`: `beat` gives them.
            warnings.simplefilter("ignore", UserWarning)
            trial = self.study.ask(fixed_distributions=self.sweep.space.stored)
        attributes = trial.user_attrs
        run_id = attributes.get("run_id") or token()
        attempts = attributes.get("attempts", 0) + 1
        for key, value in (("owner", self.owner), ("run_id", run_id), ("attempts", attempts)):
            self.storage.set_trial_user_attr(trial._trial_id, key, value)
        self.storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
        return Assignment(
            trial._trial_id,
            trial.number,
            run_id,
            dict(trial.params),
            attempts,
            attributes.get("seconds", 0.0),
            attributes.get("kills", 0),
        )

    def _target_is_reached(self, trials: list[FrozenTrial]) -> bool:
        metric = self.sweep.metric
        if metric is None or metric.target is None:
            return False
        return any(metric.reached(value) for trial in trials for value in curve(trial))

    def _propose(self, trials: list[FrozenTrial], proposed: int) -> dict[str, Any]:
        if self.sampler is None:
            return self.sweep.space.cell(proposed)
        stub = create_trial(state=TrialState.RUNNING)
        stub.number = len(trials)
        return self.sampler.sample_relative(self.study, stub, self.sweep.space.stored)

    def planned(self, count: int | None) -> int | None:
        """How many trials the study is to have; None where nothing bounds it."""
        bounds = [bound for bound in (count, self.sweep.run_cap) if bound is not None]
        if self.sweep.method == "grid":
            bounds.append(self.sweep.space.cell_count)
        return min(bounds, default=None)

    def retry_failed(self) -> int:
        """Let every failed trial wait for another try; how many. The failures stay on record."""
        return self._turn(self._retry_failed)

    def enqueue(self, asked: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Let trials wait that are not in the study yet.

        Args:
            asked: parameters as Optuna stores them, and user attributes, of each.
        """

        def add() -> None:
            there = [trial.params for trial in self._all()]
            for params, attributes in asked:
                if params not in there:
                    self._wait(params, attributes)

        self._turn(add)

    def keep_facts(self, facts: Mapping[str, Any]) -> None:
        """Keep with the study what its program says of itself, e.g. its architecture."""
        self.patience.persist(lambda: self.study.set_user_attr(FACTS, dict(facts)))

    def _wait(self, params: dict[str, Any], attributes: dict[str, Any]) -> None:
        trial = create_trial(
            state=TrialState.WAITING,
            params=params,
            distributions=self.sweep.space.stored,
            user_attrs=attributes,
        )
        self.storage.create_new_trial(self.study_id, trial)

    def _retry_failed(self) -> int:
        trials = self._all()
        retried = {trial.user_attrs.get("retry_of") for trial in trials}
        failed = [
            trial
            for trial in trials
            if trial.state == TrialState.FAIL and trial.number not in retried and trial.params
        ]
        for trial in failed:
            self._wait(trial.params, {"retry_of": trial.number})
        return len(failed)

    def report(self, own: Assignment, value: float) -> None:
        """Keep the metric of the trial's next log call."""
        own.values.append(value)
        self.patience.persist(
            lambda: self.storage.set_trial_intermediate_value(own.trial_id, len(own.values), value)
        )

    def others(self, own: Assignment) -> list[list[float]]:
        """The metric at each log call of all trials but `own`."""
        return [curve(trial) for trial in self.trials() if trial.number != own.number]

    def beat(self, own: Assignment) -> bool:
        """Say that the trial lives; whether it is still this agent's."""

        def say() -> bool:
            if self.storage.get_trial(own.trial_id).user_attrs.get("owner") != self.owner:
                return False
            self.storage.record_heartbeat(own.trial_id)  # type: ignore[attr-defined]
            return True

        return self.patience.persist(say)

    def finish(
        self,
        own: Assignment,
        state: TrialState,
        value: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> bool:
        """Close a trial; False where another agent has taken it up meanwhile.

        Args:
            own: the trial.
            state: COMPLETE, PRUNED (stopped early), FAIL, or WAITING: to be gone on with later.
            value: the metric of a trial that is complete or was stopped early.
            facts: user attributes to keep, e.g. `seconds`, `reason`, `summary`.
        """

        def close() -> bool:
            trial = self.storage.get_trial(own.trial_id)
            if trial.state == state:
                return True  # the database kept it before its connection broke
            if trial.user_attrs.get("owner") != self.owner:
                return False
            for key, fact in (facts or {}).items():
                self.storage.set_trial_user_attr(own.trial_id, key, fact)
            values = None if value is None else [value]
            if state == TrialState.WAITING:
                self.storage.set_trial_user_attr(own.trial_id, "owner", None)
            self.storage.set_trial_state_values(own.trial_id, state, values)
            return True

        closed = self._turn(close)
        self.held.discard(own.trial_id)
        return closed

    def trials(self) -> list[FrozenTrial]:
        """All trials; not copies, so not to be changed."""
        return self.patience.persist(self._all)

    def _all(self) -> list[FrozenTrial]:
        return self.storage.get_all_trials(self.study_id, deepcopy=False)

    def counts(self, count: int | None) -> Counts:
        """How many trials stand where; a failure that was tried again counts as that try."""
        trials = self.trials()
        retried = {trial.user_attrs.get("retry_of") for trial in trials}
        standing = [trial for trial in trials if trial.number not in retried]
        number = collections.Counter(trial.state for trial in standing)
        done = [trial.user_attrs.get("seconds") for trial in standing if trial.state in FINISHED]
        seconds = [one for one in done if one]
        return Counts(
            number[TrialState.COMPLETE],
            number[TrialState.PRUNED],
            number[TrialState.FAIL],
            number[TrialState.RUNNING],
            number[TrialState.WAITING],
            self.planned(count),
            sum(seconds) / len(seconds) if seconds else None,
        )

    def best(self) -> FrozenTrial | None:
        """The best finished trial."""
        ranked = ranking(self.trials(), self.maximize)
        return ranked[0] if ranked else None

    def _requeue_dead(self, trials: list[FrozenTrial]) -> bool:
        """Let trials wait again whose worker is gone; whether there were any.

        A worker of this machine is known to be gone at once, another one by its silence.
        """
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        if not running:
            return False
        stale = set()
        # While the storage was away the others could not say that they live either.
        if time.monotonic() >= self.patience.answered_again + self.dead_after:
            stale = set(self.storage._get_stale_trial_ids(self.study_id))  # type: ignore[attr-defined]
        dead = []
        for trial in running:
            if trial._trial_id in self.held:
                continue
            owner = trial.user_attrs.get("owner")
            # One of our own that we do not hold was created when the connection broke.
            if owner == self.owner or trial._trial_id in stale or is_dead(owner):
                dead.append(trial._trial_id)
        for trial_id in dead:
            self.storage.set_trial_user_attr(trial_id, "owner", None)
            self.storage.set_trial_state_values(trial_id, TrialState.WAITING)
        return bool(dead)

    def _turn(self, action: Callable[[], T]) -> T:
        """Do something while no other agent decides anything in this study."""

        def alone() -> T:
            with storage.exclusive(self.url, self.name, self.storage):
                return action()

        return self.patience.persist(alone)

    def _open(self) -> optuna.Study:
        maximize = self.sweep.metric is not None and self.sweep.metric.goal == "maximize"
        study = optuna.create_study(
            study_name=self.name,
            storage=self.storage,
            load_if_exists=True,
            direction="maximize" if maximize else "minimize",
        )
        keep_or_compare(study, self.sweep)
        return study
