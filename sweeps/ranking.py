"""Trials in order, and as curves."""

from optuna.trial import FrozenTrial, TrialState


def curve(trial: FrozenTrial) -> list[float]:
    """A trial's metric at each of its log calls."""
    return [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]


def ranking(trials: list[FrozenTrial], maximize: bool) -> list[FrozenTrial]:
    """The finished trials, best first; one that was stopped early ranks by its last value."""
    scored = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.values]
    return sorted(scored, key=lambda trial: trial.value or 0.0, reverse=maximize)
