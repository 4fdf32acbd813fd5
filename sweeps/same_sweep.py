"""Whether two sweep files mean the same study, and if not, where they differ."""

import json
from collections.abc import Mapping
from typing import Any

# A cap, a name or a description may change.
ESSENTIAL = ("method", "metric", "early_terminate", "program", "command", "parameters")


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
