"""Which settings of a study are best, when luck is taken out?

    python -m sweeps.best STUDY --top 5 --seeds 3
    python main.py --study STUDY                   # trains the winner finally

The best of 50 noisy trials is partly luck. This trains the top settings again with seeds that
the sweep did not use, and names the winner by the mean of those alone. It goes on where it was cut
off.
"""

import argparse
import copy
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from sweeps import storage, sweep_file
from sweeps.agent import INTERRUPTED, StopAsked
from sweeps.display import Display, Lines, Screen
from sweeps.runner import Options, Runner, fair_threads
from sweeps.storage import study_folder
from sweeps.study import FACTS, SweepStudy, ranking
from sweeps.sweep_file import Sweep
from utils.errors import InputError, exit_plainly
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
        return statistics.stdev(self.values) if len(self.values) > 1 else float("nan")


@dataclass(frozen=True)
class Winner:
    """The settings to train finally.

    Attributes:
        command: of the sweep, e.g. `${env} ${interpreter} -m training.train_cnn ${args}`.
        settings: without the seed.
        summary: where they come from and what they scored, in words.
        facts: what the program said of itself; None in studies begun before it was asked.
    """

    command: tuple[str, ...]
    settings: dict[str, Any]
    summary: str
    facts: Mapping[str, Any] | None


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Retrain the top settings, show the table, name the winner."""
    asked = _parse(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    first = _with_metric(asked.study, asked.storage)
    display: Display = Screen() if sys.stdout.isatty() else Lines()
    top = top_trials(first, asked.top, asked.seed_parameter)
    seeds = new_seeds(first, asked.seeds, asked.seed_parameter)
    sweep = _again(first, asked.seed_parameter, seeds)
    with StopAsked() as stop:
        study = SweepStudy(
            sweep,
            f"{asked.study}{SUFFIX}",
            asked.storage,
            on_trouble=display.trouble,
            give_up=lambda: stop.count > 0,
        )
        study.enqueue(_retrainings(sweep, top, asked.seed_parameter, seeds))
        display.say(
            f"{len(top)} settings with {len(seeds)} seeds each; validation scores, as in the sweep"
        )
        options = Options(
            asked.workers, fair_threads(asked.workers), asked.warm, only_retries=True
        )
        with display:
            runner = Runner(study, study_folder(study.name), options, display, stop)
            status = runner.run(len(top) * len(seeds))
    if stop.count:
        display.say("interrupted; the same command goes on")
        return INTERRUPTED
    found = candidates(first, study.study)
    _show(found, study.maximize, sweep)
    _keep(asked.study, found, study.maximize)
    return status


def winner(name: str, url: str | None = None) -> Winner:
    """The settings to train finally: by the retrainings where there are any, else the best trial.

    Raises:
        InputError: there is no such study, or none of its trials finished.
    """
    first = _with_metric(name, url)
    content = first.user_attrs["sweep"]
    known = optuna.get_all_study_names(first._storage)
    again = (
        optuna.load_study(study_name=f"{name}{SUFFIX}", storage=first._storage)
        if (f"{name}{SUFFIX}" in known)
        else None
    )
    maximize = first.direction == optuna.study.StudyDirection.MAXIMIZE
    found = candidates(first, again) if again else []
    metric = content["metric"]["name"]
    if found:
        best = rank(found, maximize)[0]
        trial = first.trials[best.number]
        summary = (
            f"trial {best.number} of study {name}, the best of {len(found)} settings by the mean "
            f"over {len(best.values)} new seeds: {metric} {best.mean:.4f} ± {best.deviation:.4f}"
        )
    else:
        trials = ranking(first.trials, maximize)
        if not trials:
            raise InputError(f"the study '{name}' has no finished trial yet")
        trial = trials[0]
        summary = (
            f"trial {trial.number} of study {name}, the best of {len(trials)}: {metric} "
            f"{trial.value:.4f}, partly luck; `python -m sweeps.best {name}` tells"
        )
    sweep = sweep_file.of_content(content, name)
    settings = sweep.space.reals(trial.params)
    settings.pop("seed", None)
    return Winner(sweep.command, settings, summary, first.user_attrs.get(FACTS))


def top_trials(study: optuna.Study, top: int, seed_parameter: str) -> list[FrozenTrial]:
    """The best trials, one for each of `top` different settings.

    Raises:
        InputError: no trial finished.
    """
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    different: dict[str, FrozenTrial] = {}
    for trial in ranking(study.trials, maximize):
        settings = {key: value for key, value in trial.params.items() if key != seed_parameter}
        different.setdefault(json.dumps(settings, sort_keys=True), trial)
    if not different:
        raise InputError(f"the study '{study.study_name}' has no finished trial yet")
    return list(different.values())[:top]


def new_seeds(study: optuna.Study, count: int, seed_parameter: str) -> list[int]:
    """The first whole numbers that the sweep did not use as a seed."""
    used = {trial.params.get(seed_parameter, 0) for trial in study.trials}
    return [seed for seed in range(count + len(used)) if seed not in used][:count]


def candidates(first: optuna.Study, again: optuna.Study) -> list[Candidate]:
    """What the retrainings that are finished say of each setting."""
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
    """Whether the first is more than luck ahead of the second."""
    if len(ranked) < 2:
        return ""
    one, two = ranked[0], ranked[1]
    gap = abs(one.mean - two.mean)
    error = (one.deviation**2 / len(one.values) + two.deviation**2 / len(two.values)) ** 0.5
    if not gap > 2 * error:  # NaN with a single seed
        return (
            f"trials {one.number} and {two.number} lie {gap:.4f} apart, within twice the standard "
            f"error ({error:.4f}): more seeds, or take the cheaper one"
        )
    return f"trial {one.number} leads by {gap:.4f}, over twice the standard error ({error:.4f})"


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("study")
    parser.add_argument("--top", type=int, default=5, help="so many different settings")
    parser.add_argument("--seeds", type=int, default=3, help="so many new seeds each")
    parser.add_argument("--seed-parameter", default="seed", help="how the program names its seed")
    parser.add_argument("--workers", type=int, default=1, help="trainings at a time")
    parser.add_argument("--storage", help="SQLAlchemy URL; default: SQLite in the runs folder")
    parser.add_argument("--warm", choices=("auto", "on", "off"), default="auto")
    return parser.parse_args(argv)


def _with_metric(name: str, url: str | None) -> optuna.Study:
    study = storage.open_existing(name, url)
    if not study.user_attrs.get("sweep", {}).get("metric"):
        raise InputError(
            f"the study '{name}' is of no sweep with a `metric`: nothing is best in it"
        )
    return study


def _again(study: optuna.Study, seed_parameter: str, seeds: list[int]) -> Sweep:
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


def _show(found: Sequence[Candidate], maximize: bool, sweep: Sweep) -> None:
    console = Console()
    if not found:
        console.print("no retraining finished")
        return
    assert sweep.metric is not None
    ranked = rank(found, maximize)
    table = Table(title=f"{sweep.metric.name}, {sweep.metric.goal}", title_justify="left")
    for name in ("rank", "trial", "in the sweep", "mean again", "deviation", "seeds"):
        table.add_column(name, justify="right")
    for place, one in enumerate(ranked, start=1):
        table.add_row(
            str(place),
            str(one.number),
            f"{one.value:.4f}",
            f"{one.mean:.4f}",
            f"{one.deviation:.4f}",
            str(len(one.values)),
        )
    console.print(table)
    shift = statistics.fmean(one.mean - one.value for one in ranked)
    console.print(
        f"the sweep read these {len(ranked)} settings {abs(shift):.4f} too "
        f"{'low' if (shift > 0) == maximize else 'well'} on average; {verdict(ranked)}",
        highlight=False,
    )


def _keep(name: str, found: Sequence[Candidate], maximize: bool) -> None:
    """The table as JSON, in the study's folder."""
    rows: list[Mapping[str, Any]] = [
        {"trial": one.number, "value": one.value, "mean": one.mean, "values": one.values}
        for one in rank(found, maximize)
    ]
    path: Path = study_folder(name) / "best.json"
    write_json(path, {"study": name, "ranking": rows})


if __name__ == "__main__":
    raise SystemExit(main())
