"""The time column of a table of samples: which one it is, and the sampling rate it tells."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecg.files.csv_layout import CsvLayout, is_clock
from ecg.files.sampling import LOWEST_HZ
from utils.errors import InputError

_TIME_NAME = re.compile(
    r"(elapsed\s*)?time|t|timestamp|elapsed|sec(ond)?s?|s|m(illi)?s(ec(ond)?s?)?|zeit"
)
_INDEX_NAME = re.compile(r"|#|n|no|index|idx|i|sample(s|\s*#|\s*number|_?index)?|unnamed: 0")
_UNIT_IN_NAME = re.compile(r"[\s_]*[(\[/_]\s*(\w+)\s*[)\]]?$")
SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "second": 1.0, "ms": 1e-3, "milliseconds": 1e-3}
# Times are often rounded, so a step may differ by this part of the usual one, not by more.
UNEVEN = 0.6
# A rate within this of a whole number is that number, written with rounded times.
ROUNDING_S = 0.002


@dataclass(frozen=True)
class TimeColumn:
    """Attributes: its position; its name or number; seconds per unit, None where unknown."""

    column: int
    name: str
    unit_s: float | None
    is_clock: bool


def time_column(layout: CsvLayout) -> TimeColumn | None:
    """The column that counts time or samples: by its name, or since it grows evenly."""
    for column, name in enumerate(layout.names):
        bare, unit = _name_and_unit(name, layout.units[column])
        texts = [row[column] for row in layout.sample]
        clock = any(is_clock(text) for text in texts)
        if clock or _TIME_NAME.fullmatch(bare):
            unit_s = 1.0 if clock else SECONDS.get(unit, _guessed_unit_s(texts))
            return TimeColumn(column, name or f"{column + 1}", unit_s, clock)
        if column == 0 and _INDEX_NAME.fullmatch(bare) and _step(texts) is not None:
            unit_s = SECONDS.get(unit, _guessed_unit_s(texts))
            return TimeColumn(column, name or f"{column + 1}", unit_s, False)
    return None


def seconds(values: pd.Series, time: TimeColumn) -> np.ndarray:
    """(samples,) float64 seconds, NaN where the cell is empty."""
    if not time.is_clock:
        return values.to_numpy(float) * (time.unit_s or 1.0)
    bare = values.str.strip(" \"'[]").str.replace(",", ".", regex=False)
    parts = bare.str.split(":", expand=True).astype(float)
    return parts.fillna(0.0).to_numpy() @ 60.0 ** np.arange(parts.shape[1] - 1, -1, -1)


def check_even(times_s: np.ndarray, step_s: float, first_row: int, where: str) -> None:
    """Raise InputError where the steps between samples are not all about `step_s`.

    Args:
        times_s: (samples,) seconds.
        step_s: the usual step.
        first_row: row of the first of them in the file, for the message.
        where: the file and the column.
    """
    uneven = np.abs(np.diff(times_s) - step_s) > UNEVEN * step_s + ROUNDING_S / 2
    if uneven.any():
        at = int(uneven.argmax())
        raise InputError(
            f"{where}, row {first_row + at + 1}: time goes from {times_s[at]:g} to "
            f"{times_s[at + 1]:g} s, a step of {step_s:g} s expected; fill gaps with empty cells, "
            "or leave the time column out and pass --sampling-hz"
        )


def rate_hz(samples: int, duration_s: float) -> float:
    """Samples per second, whole where rounded times explain the difference."""
    rate = (samples - 1) / duration_s
    whole = round(rate)
    return float(whole) if abs(rate - whole) <= rate * ROUNDING_S / duration_s else rate


def _name_and_unit(name: str, unit: str) -> tuple[str, str]:
    """A column's name in lower case without the unit in it, and that unit."""
    bare = name.strip().lower()
    if (inside := _UNIT_IN_NAME.search(bare)) and inside[1] in SECONDS:
        return bare[: inside.start()].strip(), inside[1]
    return bare, unit.strip().lower() or (bare if bare in SECONDS else "")


def _step(texts: list[str]) -> float | None:
    """By how much each number is larger than the one before, if by about the same."""
    try:
        steps = np.diff([float(text) for text in texts])
    except ValueError:
        return None
    if len(steps) < 2 or not (np.abs(steps - steps.mean()) <= UNEVEN * steps.mean()).all():
        return None
    return float(steps.mean()) or None


def _guessed_unit_s(texts: list[str]) -> float | None:
    """Seconds, where steps of any other unit would be no sampling of an ECG."""
    step = _step(texts)
    return 1.0 if step is not None and step <= 1 / LOWEST_HZ * 1.001 else None
