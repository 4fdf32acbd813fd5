"""Whether two sweep files mean the same study, and if not, where they differ."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import optuna

from sweeps.storage import token
from sweeps.sweep_file import Sweep
from utils.errors import InputError

# A cap, a name or a description may change.
ESSENTIAL = ("method", "metric", "early_terminate", "program", "command", "parameters")


def keep_or_compare(study: optuna.Study, sweep: Sweep) -> None:
    """Keep the sweep with a new study; hold it against the one that an older study was begun with.

    Raises:
        InputError: the study is of another sweep, or of none.
    """
    kept = study.user_attrs.get("sweep")
    if kept is None and study.trials:
        raise InputError(
            f"the study '{study.study_name}' was not made by a sweep; use --study NAME"
        )
    if kept is None or study.user_attrs.get("sweep_id") is None:
        study.set_user_attr("sweep_id", token())
        if sweep.metric:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([sweep.metric.name])  # dashboards show it
        brackets = sweep.early_terminate.brackets if sweep.early_terminate else ()
        study.set_user_attr("bands", list(brackets[:12]))
        study.set_user_attr("sweep", sweep.content)
    elif found := differences(kept, sweep.content):
        raise InputError(
            f"the study '{study.study_name}' was begun with another sweep file; it differs in\n"
            + "\n".join(f"  {one}" for one in found)
            + f"\nGive {sweep.path} a study of its own with --study NAME"
        )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Where two sweeps differ, as `parameters.width.values: [16, 32] before, [16] now`."""
    before = _flat({key: old.get(key) for key in ESSENTIAL if old.get(key) is not None})
    now = _flat({key: new.get(key) for key in ESSENTIAL if new.get(key) is not None})
    return [
        f"{key}: {_told(before, key)} in the study, {_told(now, key)} in the file"
        for key in sorted(set(before) | set(now))
        if json.dumps(before.get(key)) != json.dumps(now.get(key))
    ]


def _told(content: Mapping[str, Any], key: str) -> str:
    return repr(content[key]) if key in content else "nothing"


def _flat(content: Mapping[str, Any], outer: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{outer}{key}.")
        else:
            flat[f"{outer}{key}"] = value
    return flat
