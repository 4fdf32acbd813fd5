"""The top settings of a study again, with new seeds: the winner by their mean, luck taken out."""

import argparse
import copy
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from sweeps import storage, sweep_file
from sweeps.display import Display
from sweeps.runner import Options, Runner, fair_threads
from sweeps.session import INTERRUPTED, StopRequests, open_display
from sweeps.storage import study_folder
from sweeps.study import FACTS, SweepStudy
from sweeps.sweep_file import Sweep
from sweeps.trials import ranking
from utils.errors import InputError
from utils.files import write_json, write_whole

SUFFIX = "-best"  # of the study that holds the retrainings


@dataclass(frozen=True)
class Candidate:
    """One of the top settings.

    Attributes:
        number: the trial of the study that found it.
        value: what it scored there.
        values: what it scored again, one per seed that is done.
    """

    number: int
    value: float
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """The sample's standard deviation; NaN with a single seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else float("nan")

    @property
    def shown(self) -> str:
        """Mean and deviation, the mean alone where there is one seed."""
        spread = f" ± {self.deviation:.4f}" if len(self.values) > 1 else ""
        return f"{self.mean:.4f}{spread}"


@dataclass(frozen=True)
class Winner:
    """The settings to train finally.

    Attributes:
        command: of the sweep, e.g. `${env} ${interpreter} -m training.train_cnn ${args}`.
        settings: without the seed.
        summary: where they come from and what they scored, in words.
        facts: what its program records of itself; None in studies begun before programs did.
    """

    command: tuple[str, ...]
    settings: dict[str, Any]
    summary: str
    facts: Mapping[str, Any] | None


def run(args: argparse.Namespace) -> int:
    """Retrain, print the table, keep it as `best.json` in the study's folder.

    Args:
        args: as `sweeps.best` parses them.

    Returns:
        the exit status, as `session.run` has it.

    Raises:
        InputError: there is no such study, or none of its trials finished.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    first = _with_metric(args.study, args.storage)
    top = top_trials(first, args.top, args.seed_parameter)
    seeds = new_seeds(first, args.seeds, args.seed_parameter)
    sweep = _sweep_of_retrainings(first, args.seed_parameter, seeds)
    display = open_display()
    with StopRequests() as stop:
        again = SweepStudy(
            sweep,
            f"{args.study}{SUFFIX}",
            args.storage,
            notify=display.notify,
            give_up=lambda: stop.count > 0,
        )
        again.enqueue(_retrainings(sweep, top, args.seed_parameter, seeds))
        display.say(
            f"{len(top)} settings, each with {_seeds(len(seeds))}; validation scores, as in the "
            "sweep"
        )
        status = _retrain(again, args, len(top) * len(seeds), display, stop)
    if stop.count:
        display.say("interrupted; the same command goes on")
        return INTERRUPTED
    found = rank(candidates(first, again.study), again.maximize)
    _print(found, again.maximize, sweep)
    _write(args.study, found)
    return status


def winner(name: str, url: str | None = None) -> Winner:
    """The settings to train finally: by the retrainings where there are any, else the best trial.

    Args:
        name: of the study.
        url: of its storage; by default SQLite in the runs folder.

    Raises:
        InputError: there is no such study, or none of its trials finished.
    """
    first = _with_metric(name, url)
    content = first.user_attrs["sweep"]
    trial, summary = _best(first, content["metric"]["name"])
    sweep = sweep_file.of_content(content, name)
    settings = sweep.space.reals(trial.params)
    settings.pop("seed", None)
    return Winner(sweep.command, settings, summary, first.user_attrs.get(FACTS))


def top_trials(study: optuna.Study, top: int, seed_parameter: str) -> list[FrozenTrial]:
    """The best trials, one for each of `top` different settings.

    Raises:
        InputError: no trial finished.
    """
    different: dict[str, FrozenTrial] = {}
    for trial in ranking(study.trials, _is_maximised(study)):
        settings = {key: value for key, value in trial.params.items() if key != seed_parameter}
        different.setdefault(json.dumps(settings, sort_keys=True), trial)
    if not different:
        raise InputError(f"the study '{study.study_name}' has no finished trial yet")
    return list(different.values())[:top]


def new_seeds(study: optuna.Study, count: int, seed_parameter: str) -> list[int]:
    """The first `count` whole numbers that the sweep did not use as a seed."""
    used = {trial.params.get(seed_parameter, 0) for trial in study.trials}
    return [seed for seed in range(count + len(used)) if seed not in used][:count]


def candidates(first: optuna.Study, again: optuna.Study) -> list[Candidate]:
    """The settings with a finished retraining, and their scores.

    Args:
        first: the study.
        again: that of its retrainings.
    """
    values: dict[int, list[float]] = {}
    for trial in again.trials:
        if trial.state == TrialState.COMPLETE and trial.value is not None:
            values.setdefault(trial.user_attrs["candidate"], []).append(trial.value)
    trials = first.trials
    return [
        Candidate(number, trials[number].value or 0.0, tuple(of_one))
        for number, of_one in sorted(values.items())
    ]


def rank(found: Sequence[Candidate], maximize: bool) -> list[Candidate]:
    """By the mean over the new seeds, best first."""
    return sorted(found, key=lambda one: one.mean, reverse=maximize)


def verdict(ranked: Sequence[Candidate]) -> str:
    """Whether the first is ahead of the second by more than twice the standard error."""
    if len(ranked) < 2:
        return ""
    one, two = ranked[0], ranked[1]
    gap = abs(one.mean - two.mean)
    error = (one.deviation**2 / len(one.values) + two.deviation**2 / len(two.values)) ** 0.5
    if len(one.values) < 2 or len(two.values) < 2:
        return f"trial {one.number} leads by {gap:.4f}; more seeds say whether that is luck"
    if gap <= 2 * error:
        return (
            f"trials {one.number} and {two.number} lie {gap:.4f} apart, within twice the standard "
            f"error ({error:.4f}): more seeds, or take the cheaper one"
        )
    return f"trial {one.number} leads by {gap:.4f}, over twice the standard error ({error:.4f})"


def _best(study: optuna.Study, metric: str) -> tuple[FrozenTrial, str]:
    """The best trial of a study, and where it comes from."""
    name, maximize = study.study_name, _is_maximised(study)
    found = candidates(study, again) if (again := _study_of_retrainings(study)) else []
    if found:
        best = rank(found, maximize)[0]
        return study.trials[best.number], (
            f"trial {best.number} of study {name}, the best of {len(found)} settings by the mean "
            f"over {_seeds(len(best.values))}: {metric} {best.shown}"
        )
    trials = ranking(study.trials, maximize)
    if not trials:
        raise InputError(f"the study '{name}' has no finished trial yet")
    return trials[0], (
        f"trial {trials[0].number} of study {name}, the best of {len(trials)}: {metric} "
        f"{trials[0].value:.4f}, partly luck; `python -m sweeps.best {name}` checks that"
    )


def _seeds(count: int) -> str:
    return "1 new seed" if count == 1 else f"{count} new seeds"


def _study_of_retrainings(study: optuna.Study) -> optuna.Study | None:
    name = f"{study.study_name}{SUFFIX}"
    if name not in optuna.get_all_study_names(study._storage):
        return None
    return optuna.load_study(study_name=name, storage=study._storage)


def _is_maximised(study: optuna.Study) -> bool:
    return study.direction == optuna.study.StudyDirection.MAXIMIZE


def _with_metric(name: str, url: str | None) -> optuna.Study:
    study = storage.open_existing(name, url)
    if not study.user_attrs.get("sweep", {}).get("metric"):
        raise InputError(
            f"the study '{name}' is of no sweep with a `metric`: nothing is best in it"
        )
    return study


def _sweep_of_retrainings(study: optuna.Study, seed_parameter: str, seeds: list[int]) -> Sweep:
    """The sweep with the seeds in place of its own, and nothing stopped early; kept as a file."""
    content = copy.deepcopy(study.user_attrs["sweep"])
    content.pop("early_terminate", None)
    content.pop("run_cap", None)
    content["name"] = f"{study.study_name}{SUFFIX}"
    content["method"] = "random"
    content["parameters"][seed_parameter] = {"values": seeds}
    path = study_folder(study.study_name) / "best.yaml"
    text = "# Made by sweeps.best: the sweep's top settings again, with other seeds.\n"
    text += yaml.safe_dump(content, sort_keys=False)
    write_whole(path, lambda temporary: temporary.write_text(text))
    return sweep_file.read(path)


def _retrainings(
    sweep: Sweep, top: Sequence[FrozenTrial], seed_parameter: str, seeds: Sequence[int]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Parameters and attributes of the trials to run, all settings with the first seed first."""
    return [
        ({**_params(sweep, trial), seed_parameter: seed}, {"candidate": trial.number})
        for seed in seeds
        for trial in top
    ]


def _params(sweep: Sweep, trial: FrozenTrial) -> dict[str, Any]:
    return {name: trial.params[name] for name in sweep.space.stored if name in trial.params}


def _retrain(
    study: SweepStudy, args: argparse.Namespace, count: int, display: Display, stop: StopRequests
) -> int:
    options = Options(args.workers, fair_threads(args.workers), args.warm, only_retries=True)
    with display:
        return Runner(study, study_folder(study.name), options, display, stop).run(count)


def _print(ranked: Sequence[Candidate], maximize: bool, sweep: Sweep) -> None:
    console = Console()
    if not ranked:
        console.print("no retraining finished")
        return
    assert sweep.metric is not None
    console.print(_table(ranked, f"{sweep.metric.name}, {sweep.metric.goal}"))
    shift = statistics.fmean(one.mean - one.value for one in ranked)
    console.print(
        f"the sweep scored these settings {abs(shift):.4f} "
        f"{'worse' if (shift > 0) == maximize else 'better'} than the new seeds do on average; "
        f"{verdict(ranked)}",
        highlight=False,
    )


def _table(ranked: Sequence[Candidate], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("rank", "trial", "in the sweep", "mean again", "deviation", "seeds"):
        table.add_column(name, justify="right")
    for number, one in enumerate(ranked, start=1):
        table.add_row(
            str(number),
            str(one.number),
            f"{one.value:.4f}",
            f"{one.mean:.4f}",
            f"{one.deviation:.4f}" if len(one.values) > 1 else "-",
            str(len(one.values)),
        )
    return table


def _write(name: str, ranked: Sequence[Candidate]) -> None:
    """The table as JSON, in the study's folder."""
    rows = [
        {"trial": one.number, "value": one.value, "mean": one.mean, "values": one.values}
        for one in ranked
    ]
    write_json(study_folder(name) / "best.json", {"study": name, "ranking": rows})
