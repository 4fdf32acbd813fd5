"""Trials of a study: the one that an agent runs, and what a list of them amounts to."""

import collections
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial, TrialState

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass
class Trial:
    """A trial that this agent runs.

    Attributes:
        trial_id: Optuna's id.
        number: its number in the study, from 0.
        run_id: its W&B run id, kept through interruptions.
        stored: parameters as Optuna stores them.
        attempts: how often it was begun, this time included.
        seconds: what earlier attempts took.
        kills: how often its process was killed by somebody else.
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
    """How many trials are in each state.

    Attributes:
        planned: how many the study is to have; None where nothing bounds it.
        seconds_per_trial: mean of the finished ones; None where there are none.
    """

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


def count(trials: Sequence[FrozenTrial], planned: int | None) -> Counts:
    """Count the trials of each state; a failure that was tried again counts as that try."""
    retried = {trial.user_attrs.get("retry_of") for trial in trials}
    valid = [trial for trial in trials if trial.number not in retried]
    number = collections.Counter(trial.state for trial in valid)
    times = [trial.user_attrs.get("seconds") for trial in valid if trial.state in FINISHED]
    seconds = [one for one in times if one]
    return Counts(
        number[TrialState.COMPLETE],
        number[TrialState.PRUNED],
        number[TrialState.FAIL],
        number[TrialState.RUNNING],
        number[TrialState.WAITING],
        planned,
        sum(seconds) / len(seconds) if seconds else None,
    )


def to_retry(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The failed trials that were not tried again yet."""
    retried = {trial.user_attrs.get("retry_of") for trial in trials}
    return [
        trial
        for trial in trials
        if trial.state == TrialState.FAIL and trial.number not in retried and trial.params
    ]


def curve(trial: FrozenTrial) -> list[float]:
    """A trial's metric at each of its log calls."""
    return [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]


def ranking(trials: Sequence[FrozenTrial], maximize: bool) -> list[FrozenTrial]:
    """The trials that were run to their end, best first; those stopped early are left out."""
    scored = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.values]
    return sorted(scored, key=lambda trial: trial.value or 0.0, reverse=maximize)
