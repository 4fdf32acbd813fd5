"""Options: dataclass fields that know what they mean and what values they may take."""

from dataclasses import field
from typing import Any


def option(
    default: Any,
    meaning: str,
    *,
    choices: tuple | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A dataclass field with a default, a meaning for `--help`, and its allowed values.

    Numbers may not be negative unless `low` says so.
    """
    if low is None and isinstance(default, (int, float)) and not isinstance(default, bool):
        low = 0
    facts = {"meaning": meaning, "choices": choices, "low": low, "high": high}
    return field(default=default, metadata=facts)
