"""The top settings of a study again, on new seeds and new draws of validation beats.

All settings get the same seeds and draws, so that two of them differ by a mean of paired
differences, in which the luck of a draw is taken out.
"""

import argparse
import copy
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from sweeps import results, storage, sweep_file
from sweeps.confirmation import Candidate, rank, verdict
from sweeps.display import Display
from sweeps.runner import Options, Runner, fair_threads
from sweeps.session import INTERRUPTED, StopRequests, open_display
from sweeps.storage import study_folder
from sweeps.study import FACTS, SweepStudy
from sweeps.sweep_file import Sweep
from sweeps.trials import ranking
from utils.errors import InputError
from utils.files import write_json, write_whole
from utils.paths import command

SUFFIX = "-best"  # of the study that holds the retrainings
# What a program of ours says of itself: the parameter that draws validation beats, and the values
# of others while a setting is repeated.
DRAW, REPEATED_WITH = "draw_parameter", "repeated_with"


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
    """Retrain, print the table, keep it as `best.json`, and all trainings as `best.csv`, in the
    study's folder.

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
    repeated = repetitions(first, args)
    sweep = _sweep_of_retrainings(first, repeated)
    display = open_display()
    with StopRequests() as stop:
        again = SweepStudy(
            sweep,
            f"{args.study}{SUFFIX}",
            args.storage,
            notify=display.notify,
            give_up=lambda: stop.count > 0,
        )
        if args.begin_with:
            again.take_over(results.read(args.begin_with, sweep.space))
        again.enqueue(_retrainings(sweep, top, repeated))
        display.say(
            f"{len(top)} settings, each with {_seeds(args.seeds)}"
            + (" and as many new draws of validation beats" if repeated.draw_parameter else "")
            + "; validation scores, as in the sweep"
        )
        status = _retrain(again, args, len(top) * args.seeds, display, stop)
    if stop.count:
        display.say("interrupted; the same command goes on")
        return INTERRUPTED
    found = rank(candidates(first, again.study), again.maximize)
    _print(found, again.maximize, sweep)
    _write(args.study, found)
    results.write(again.trials(), sweep.space, study_folder(args.study) / "best.csv")
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


@dataclass(frozen=True)
class Repetitions:
    """What changes when a setting is trained again, and what is fixed for that.

    Attributes:
        varied: parameter -> its value in each repetition.
        fixed: parameter -> its value in all of them, in place of the sweep's.
        draw_parameter: which of the varied ones draws validation beats; None where none does.
    """

    varied: dict[str, list[int]]
    fixed: dict[str, Any]
    draw_parameter: str | None = None


def repetitions(study: optuna.Study, args: argparse.Namespace) -> Repetitions:
    """The seeds and draws on which settings are trained again.

    Args:
        study: whose settings they are; its program may say how it names its draws.
        args: as `sweeps.best` parses them.
    """
    facts = study.user_attrs.get(FACTS) or {}
    draw = args.draw_parameter or facts.get(DRAW)
    # A run of the sweep may have used some seeds from its own on.
    used_at_once = max([1, *(trial.params.get("draws", 1) for trial in study.trials)])
    names = [args.seed_parameter, *([draw] if draw else [])]
    varied = {name: new_seeds(study, args.seeds, name, used_at_once) for name in names}
    return Repetitions(varied, {**facts.get(REPEATED_WITH, {}), **dict(args.set)}, draw)


def new_seeds(
    study: optuna.Study, count: int, seed_parameter: str, used_at_once: int = 1
) -> list[int]:
    """The first `count` whole numbers that the sweep did not use as a seed.

    Args:
        study: of the sweep.
        count: how many.
        seed_parameter: the parameter's name.
        used_at_once: how many seeds a trial used, from its own on.
    """
    begun = {trial.params.get(seed_parameter, 0) for trial in study.trials} or {0}
    used = {first + more for first in begun for more in range(used_at_once)}
    return [seed for seed in range(count + len(used)) if seed not in used][:count]


def candidates(first: optuna.Study, again: optuna.Study) -> list[Candidate]:
    """The settings with a finished repetition, and their scores.

    Args:
        first: the study.
        again: that of its retrainings.
    """
    found: dict[int, list[FrozenTrial]] = {}
    for trial in again.trials:
        if trial.state == TrialState.COMPLETE and trial.value is not None:
            found.setdefault(trial.user_attrs["candidate"], []).append(trial)
    trials = first.trials
    return [
        Candidate(
            number,
            trials[number].value or 0.0,
            tuple(one.value for one in of_one if one.value is not None),
            tuple(one.user_attrs.get("repetition", place) for place, one in enumerate(of_one)),
            float(np.mean([one.user_attrs.get("seconds", np.nan) for one in of_one])),
        )
        for number, of_one in sorted(found.items())
    ]


def confirmed(study: optuna.Study) -> list[Candidate]:
    """The settings of a study that were trained again, best first; none where none were."""
    again = _study_of_retrainings(study)
    return rank(candidates(study, again), _is_maximised(study)) if again else []


def _best(study: optuna.Study, metric: str) -> tuple[FrozenTrial, str]:
    """The best trial of a study, and where it comes from."""
    name, maximize = study.study_name, _is_maximised(study)
    if found := confirmed(study):
        best = found[0]
        return study.trials[best.number], (
            f"trial {best.number} of study {name}, the best of {len(found)} settings by the mean "
            f"over {_seeds(len(best.values))}: {metric} {best.shown}"
        )
    trials = ranking(study.trials, maximize)
    if not trials:
        raise InputError(f"the study '{name}' has no finished trial yet")
    check = f"{command('best', 'sweeps.best')} {name}"
    return trials[0], (
        f"trial {trials[0].number} of study {name}, the best of {len(trials)}: {metric} "
        f"{trials[0].value:.4f}, partly luck; `{check}` checks that"
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


def _sweep_of_retrainings(study: optuna.Study, repeated: Repetitions) -> Sweep:
    """The sweep with the repetitions' seeds, and nothing stopped early; kept as a file."""
    content = copy.deepcopy(study.user_attrs["sweep"])
    content.pop("early_terminate", None)
    content.pop("run_cap", None)
    content["name"] = f"{study.study_name}{SUFFIX}"
    content["method"] = "random"
    own = sweep_file.of_content(content, study.study_name)
    for name, values in repeated.varied.items():
        own.replace_parameter(content, name, {"values": values})
    for name, value in repeated.fixed.items():
        own.replace_parameter(content, name, {"value": value})
    path = study_folder(study.study_name) / "best.yaml"
    text = "# Made by sweeps.best: the sweep's top settings again, with other seeds and draws.\n"
    text += yaml.safe_dump(content, sort_keys=False)
    write_whole(path, lambda temporary: temporary.write_text(text))
    return sweep_file.read(path)


def _retrainings(
    sweep: Sweep, top: Sequence[FrozenTrial], repeated: Repetitions
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Parameters and attributes of the trials to run, all settings once before any twice."""
    count = min(len(values) for values in repeated.varied.values())
    return [
        (
            {
                **_params(sweep, trial),
                **repeated.fixed,
                **{name: values[number] for name, values in repeated.varied.items()},
            },
            {"candidate": trial.number, "repetition": number},
        )
        for number in range(count)
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
        f"{'worse' if (shift > 0) == maximize else 'better'} than the repetitions do on average",
        *verdict(ranked),
        sep="\n",
        highlight=False,
    )


def _table(ranked: Sequence[Candidate], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("rank", "trial", "in the sweep", "mean again", "deviation", "seeds", "seconds"):
        table.add_column(name, justify="right")
    for number, one in enumerate(ranked, start=1):
        table.add_row(
            str(number),
            str(one.number),
            f"{one.value:.4f}",
            f"{one.mean:.4f}",
            f"{one.deviation:.4f}" if len(one.values) > 1 else "-",
            str(len(one.values)),
            f"{one.seconds:.0f}" if one.seconds == one.seconds else "-",
        )
    return table


def _write(name: str, ranked: Sequence[Candidate]) -> None:
    """The table as JSON, in the study's folder."""
    rows = [
        {
            "trial": one.number,
            "value": one.value,
            "mean": one.mean,
            "values": one.values,
            "repetitions": one.numbered,
            "seconds": one.seconds if one.seconds == one.seconds else None,
        }
        for one in ranked
    ]
    content = {"study": name, "ranking": rows, "verdict": verdict(ranked)}
    write_json(study_folder(name) / "best.json", content)
