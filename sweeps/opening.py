"""Opening a study: a new one keeps its sweep, an older one must have been begun with the same."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import BaseStorage

from sweeps.storage import token
from sweeps.sweep_file import Sweep
from utils.errors import InputError

# A cap, a name or a description may change.
ESSENTIAL = ("method", "metric", "early_terminate", "program", "command", "parameters")
MOST_BRACKETS = 12  # that are kept for the report


def open_study(storage: BaseStorage, name: str, sweep: Sweep) -> optuna.Study:
    """The study with this name, made where there is none.

    Raises:
        InputError: the study is of another sweep, or of none.
    """
    maximize = sweep.metric is not None and sweep.metric.goal == "maximize"
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        load_if_exists=True,
        direction="maximize" if maximize else "minimize",
    )
    kept = study.user_attrs.get("sweep")
    if kept is None and study.trials:
        raise InputError(f"the study '{name}' was not made by a sweep; use --study NAME")
    if kept is None or study.user_attrs.get("sweep_id") is None:
        _keep(study, sweep)
    elif found := differences(kept, sweep.content):
        raise InputError(
            f"the study '{name}' was begun with another sweep file; it differs in\n"
            + "\n".join(f"  {one}" for one in found)
            + f"\nGive {sweep.path} a study of its own with --study NAME"
        )
    return study


def _keep(study: optuna.Study, sweep: Sweep) -> None:
    """Write the sweep down, its content last: it says that all the rest is there."""
    study.set_user_attr("sweep_id", token())
    if sweep.metric:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([sweep.metric.name])  # dashboards show it
    brackets = sweep.early_terminate.brackets if sweep.early_terminate else ()
    study.set_user_attr("bands", list(brackets[:MOST_BRACKETS]))
    study.set_user_attr("sweep", sweep.content)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Where two sweeps differ: `parameters.epochs.value: 5 in the study, 9 in the file`."""
    before = _flat({key: old.get(key) for key in ESSENTIAL if old.get(key) is not None})
    now = _flat({key: new.get(key) for key in ESSENTIAL if new.get(key) is not None})
    return [
        f"{'.'.join(keys)}: {_shown(before, keys)} in the study, {_shown(now, keys)} in the file"
        for keys in sorted(set(before) | set(now))
        if json.dumps(before.get(keys)) != json.dumps(now.get(keys))
    ]


def _shown(content: Mapping[tuple, Any], keys: tuple) -> str:
    return repr(content[keys]) if keys in content else "nothing"


def _flat(content: Mapping[str, Any], outer: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """The values by their keys, which may have dots of their own."""
    flat: dict[tuple[str, ...], Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, (*outer, key))
        else:
            flat[(*outer, key)] = value
    return flat
