"""A study: the trials of one sweep in an Optuna storage, shared by any number of agents.

Optuna keeps the trials. What it lacks for sweeps is here: one agent at a time decides what comes
next, so that caps and grids are exact; a trial whose worker died waits for another one, under its
own number and run id, instead of being failed and copied.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweeps import storage, trials
from sweeps.opening import open_study
from sweeps.storage import DATABASE_ERRORS, Retry, cause, is_dead, new_owner, token
from sweeps.sweep_file import Sweep
from sweeps.trials import Counts, Trial
from utils.errors import InputError

if TYPE_CHECKING:
    from sweeps.costs import Budget
    from sweeps.search import Search

T = TypeVar("T")
# The study's attribute for what its program records of itself; older studies have none.
FACTS = "program_facts"


class SweepStudy:
    """The trials of one sweep.

    Attributes:
        maximize: whether larger is better.
        sweep_id: under which W&B groups the runs.
        held: ids of the trials that this agent runs now.
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
        notify: Callable[[str], None] = lambda text: None,
        give_up: Callable[[], bool] = lambda: False,
    ):
        """Open the study, or create it.

        Args:
            sweep: what to search.
            name: of the study; by default the sweep's.
            url: of the storage; by default SQLite in the runs folder.
            seed: of the search.
            method: a search method in place of the sweep's own.
            dead_after: seconds without a heartbeat after which another agent takes a trial.
            notify, give_up: as `storage.Retry` has them.

        Raises:
            InputError: the storage cannot be used, or its study is of another sweep.
        """
        self.sweep, self.name, self.url = sweep, name or sweep.name, url
        self.dead_after = dead_after
        self.retry = Retry(notify, give_up)
        self.owner = new_owner()
        self.held: set[int] = set()
        self.storage = storage.connect(url, dead_after)
        try:
            with storage.exclusive(url, self.name):
                self.study = open_study(self.storage, self.name, sweep)
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

    def _sampler(self, method: str, seed: int) -> "Search | None":
        if method == "grid":
            return None
        # Imported late: a grid needs no scikit-learn.
        from sweeps import search

        impute = self.sweep.metric.impute if self.sweep.metric else "worst"
        return search.sampler(method, self.sweep.space, seed, impute=impute)

    def spend_by(self, budget: "Budget") -> None:
        """Let the search heed what trials cost; a grid does not."""
        if self.sampler is not None:
            self.sampler.budget = budget

    # --- What comes next -----------------------------------------------------------------------

    def take(self, count: int | None) -> Trial | None:
        """The next trial to run: an interrupted or enqueued one first, else a new one.

        Args:
            count: the most trials in the whole study; None for no bound beyond the sweep's own.

        Returns:
            None where there is nothing to begin (now).
        """
        trial = self._alone(lambda: self._take(count))
        if trial:
            self.held.add(trial.trial_id)
        return trial

    def planned(self, count: int | None) -> int | None:
        """How many trials the study is to have; None where nothing bounds it."""
        bounds = [bound for bound in (count, self.sweep.run_cap) if bound is not None]
        if self.sweep.method == "grid":
            bounds.append(self.sweep.space.cell_count)
        return min(bounds, default=None)

    def retry_failed(self) -> int:
        """Let every failed trial wait for another try; how many. The failures stay on record."""

        def enqueue() -> int:
            failed = trials.to_retry(self._all())
            for trial in failed:
                self._enqueue(trial.params, {"retry_of": trial.number})
            return len(failed)

        return self._alone(enqueue)

    def enqueue(self, wanted: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Let trials wait that are not in the study yet.

        Args:
            wanted: parameters as Optuna stores them, and user attributes, of each.
        """

        def enqueue_new() -> None:
            known = [trial.params for trial in self._all()]
            for params, attributes in wanted:
                if params not in known:
                    self._enqueue(params, attributes)

        self._alone(enqueue_new)

    def take_over(self, ended: Sequence[FrozenTrial]) -> bool:
        """Put trials that another study ran into this one; not where it has trials of its own."""

        def add() -> bool:
            if self._all():
                return False
            for number, trial in enumerate(ended):
                trial.user_attrs.update(proposal=number, run_id=token())
                self.storage.create_new_trial(self.study_id, trial)
            return True

        return self._alone(add)

    def _enqueue(self, params: dict[str, Any], attributes: dict[str, Any]) -> None:
        trial = create_trial(
            state=TrialState.WAITING,
            params=params,
            distributions=self.sweep.space.stored,
            user_attrs=attributes,
        )
        self.storage.create_new_trial(self.study_id, trial)

    def _take(self, count: int | None) -> Trial | None:
        known = self._all()
        if self._requeue_dead(known):
            known = self._all()
        if any(trial.state == TrialState.WAITING for trial in known):
            return self._take_waiting()
        # Retries and trials that somebody enqueued are beyond the cap, and are no cells of a grid.
        proposals = {trial.user_attrs.get("proposal") for trial in known}
        proposal = next(index for index in itertools.count() if index not in proposals)
        planned = self.planned(count)
        if (planned is not None and proposal >= planned) or self._target_is_reached(known):
            return None
        if self.method == "tpe":
            return self._ask(proposal)
        return self._create(proposal, self._propose(known, proposal))

    def _requeue_dead(self, known: Sequence[FrozenTrial]) -> bool:
        """Let trials wait again whose worker is gone; whether there were any.

        A worker of this machine is known to be gone at once, another one by its silence.
        """
        running = [trial for trial in known if trial.state == TrialState.RUNNING]
        if not running:
            return False
        silent: set[int] = set()
        # While the storage was away the others could not record a heartbeat either.
        if time.monotonic() >= self.retry.answered_again + self.dead_after:
            silent |= set(self.storage._get_stale_trial_ids(self.study_id))  # type: ignore[attr-defined]
        dead = []
        for trial in running:
            if trial._trial_id in self.held:
                continue
            owner = trial.user_attrs.get("owner")
            # One of our own that we do not hold was created when the connection broke.
            if owner == self.owner or trial._trial_id in silent or is_dead(owner):
                dead.append(trial._trial_id)
        for trial_id in dead:
            self.storage.set_trial_user_attr(trial_id, "owner", None)
            self.storage.set_trial_state_values(trial_id, TrialState.WAITING)
        return bool(dead)

    def _target_is_reached(self, known: Sequence[FrozenTrial]) -> bool:
        metric = self.sweep.metric
        if metric is None or metric.target is None:
            return False
        return any(metric.reached(value) for trial in known for value in trials.curve(trial))

    def _propose(self, known: Sequence[FrozenTrial], proposal: int) -> dict[str, Any]:
        if self.sampler is None:
            return self.sweep.space.cell(proposal)
        stub = create_trial(state=TrialState.RUNNING)
        stub.number = len(known)
        return self.sampler.sample_relative(self.study, stub, self.sweep.space.stored)

    def _create(self, proposal: int, values: dict[str, Any]) -> Trial:
        run_id = token()
        attributes = {"owner": self.owner, "run_id": run_id, "attempts": 1, "proposal": proposal}
        trial_id = self.storage.create_new_trial(
            self.study_id,
            create_trial(
                state=TrialState.RUNNING,
                params=values,
                distributions=self.sweep.space.stored,
                user_attrs=attributes,
            ),
        )
        self.storage.record_heartbeat(trial_id)  # type: ignore[attr-defined]
        return Trial(trial_id, self.storage.get_trial(trial_id).number, run_id, values)

    def _ask(self, proposal: int) -> Trial:
        """Let Optuna's own sampler create the trial; it keeps notes with it."""
        trial = self._take_waiting()
        self.storage.set_trial_user_attr(trial.trial_id, "proposal", proposal)
        return trial

    def _take_waiting(self) -> Trial:
        with warnings.catch_warnings():
            # Optuna expects `Study.optimize` to record heartbeats; ours does.
            warnings.simplefilter("ignore", UserWarning)
            trial = self.study.ask(fixed_distributions=self.sweep.space.stored)
        attributes = trial.user_attrs
        run_id = attributes.get("run_id") or token()
        attempts = attributes.get("attempts", 0) + 1
        for key, value in (("owner", self.owner), ("run_id", run_id), ("attempts", attempts)):
            self.storage.set_trial_user_attr(trial._trial_id, key, value)
        self.storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
        return Trial(
            trial._trial_id,
            trial.number,
            run_id,
            dict(trial.params),
            attempts,
            attributes.get("seconds", 0.0),
            attributes.get("kills", 0),
        )

    # --- While a trial runs, and when it ends --------------------------------------------------

    def report(self, trial: Trial, value: float) -> bool:
        """Keep the metric of the trial's next log call; whether it is still this agent's."""
        step = len(trial.values) + 1

        def record() -> bool:
            if self.storage.get_trial(trial.trial_id).user_attrs.get("owner") != self.owner:
                return False
            try:
                self.storage.set_trial_intermediate_value(trial.trial_id, step, value)
            except UpdateFinishedTrialError:  # by another agent, just now
                return False
            return True

        if not self.retry.call(record):
            return False
        trial.values.append(value)
        return True

    def others(self, trial: Trial) -> list[list[float]]:
        """The metric at each log call of all trials but this one."""
        return [trials.curve(one) for one in self.trials() if one.number != trial.number]

    def record_heartbeat(self, trial: Trial) -> bool:
        """Record that the trial is alive; whether it is still this agent's."""

        def record() -> bool:
            if self.storage.get_trial(trial.trial_id).user_attrs.get("owner") != self.owner:
                return False
            self.storage.record_heartbeat(trial.trial_id)  # type: ignore[attr-defined]
            return True

        return self.retry.call(record)

    def finish(
        self,
        trial: Trial,
        state: TrialState,
        value: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> bool:
        """Close a trial; False where another agent has taken it meanwhile.

        Args:
            trial: the trial.
            state: COMPLETE, PRUNED (stopped early), FAIL, or WAITING: to be gone on with later.
            value: the metric of a trial that is complete or was stopped early.
            facts: user attributes to keep, e.g. `seconds`, `reason`, `summary`.
        """

        def close() -> bool:
            known = self.storage.get_trial(trial.trial_id)
            if known.state == state:
                return True  # the database kept it before its connection broke
            if known.user_attrs.get("owner") != self.owner:
                return False
            for key, fact in (facts or {}).items():
                self.storage.set_trial_user_attr(trial.trial_id, key, fact)
            if state == TrialState.WAITING:
                self.storage.set_trial_user_attr(trial.trial_id, "owner", None)
            values = None if value is None else [value]
            self.storage.set_trial_state_values(trial.trial_id, state, values)
            return True

        closed = self._alone(close)
        self.held.discard(trial.trial_id)
        return closed

    # --- What the study holds ------------------------------------------------------------------

    def keep_facts(self, facts: Mapping[str, Any]) -> None:
        """Record with the study what its program says of itself, e.g. its architecture."""
        self.retry.call(lambda: self.study.set_user_attr(FACTS, dict(facts)))

    def trials(self) -> list[FrozenTrial]:
        """All trials; not copies, so not to be changed."""
        return self.retry.call(self._all)

    def counts(self, count: int | None) -> Counts:
        """How many trials are in each state, of those planned with a bound of `count`."""
        return trials.count(self.trials(), self.planned(count))

    def best(self) -> FrozenTrial | None:
        """The best finished trial."""
        ranked = trials.ranking(self.trials(), self.maximize)
        return ranked[0] if ranked else None

    def _all(self) -> list[FrozenTrial]:
        return self.storage.get_all_trials(self.study_id, deepcopy=False)

    def _alone(self, action: Callable[[], T]) -> T:
        """Do something while no other agent decides anything in this study."""

        def locked() -> T:
            with storage.exclusive(self.url, self.name, self.storage):
                return action()

        return self.retry.call(locked)
