"""Reading a recording from a table of samples: CSV, TSV, or columns separated by spaces.

How the file is written is found out by `ecg.files.csv_layout`. Here its columns become leads and
times, and the times become a sampling rate.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecg.files.csv_layout import EMPTY_CELLS, NONE, SPACES, CsvLayout, csv_layout, is_clock
from ecg.files.lead_choice import MILLIVOLTS, unique_names, unit_of
from ecg.files.plausibility import LOWEST_HZ, stated_rate
from ecg.recording import Recording
from utils.errors import InputError

PART_ROWS = 500_000
_VOLTAGE_IN_NAME = re.compile(r"[\s_]*[(\[/_]\s*([mu\u00b5\u03bc]?V)\s*[)\]]?$", re.IGNORECASE)
_TIME_NAME = re.compile(
    r"(elapsed\s*)?time|t|timestamp|elapsed|sec(ond)?s?|s|m(illi)?s(ec(ond)?s?)?|zeit"
)
_INDEX_NAME = re.compile(r"|#|n|no|index|idx|i|sample(s|\s*#|\s*number|_?index)?|unnamed: 0")
_SECONDS_IN_NAME = re.compile(r"[\s_]*[(\[/_]\s*(\w+)\s*[)\]]?$")
SECONDS_PER_UNIT = {
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "milliseconds": 1e-3,
}
# Times are often rounded, so a step may differ from the usual one by this share of it.
UNEVEN = 0.6
# A rate this close to a whole number is that number: the times were rounded.
ROUNDING_S = 0.002


@dataclass(frozen=True)
class TimeColumn:
    """The column of times.

    Attributes:
        column: its position from 0.
        name: its name, or its number from 1.
        unit_s: seconds per unit, None where unknown.
        is_clock: whether times are written as hours, minutes and seconds.
    """

    column: int
    name: str
    unit_s: float | None
    is_clock: bool


@dataclass(frozen=True)
class _Times:
    """From the time column: seconds of the first and the last sample, and of a step."""

    first_s: float
    last_s: float
    step_s: float


def read_csv(path: Path, sampling_hz: float | None, units: str | None) -> tuple[Recording, str]:
    """Read a table with a row for each sample and a column for each lead.

    A header, a line of units below it, and a column of times are recognised. Empty cells are
    samples that were not recorded.

    Args:
        path: the file.
        sampling_hz: samples per second; None to take it from the column of times.
        units: key of MILLIVOLTS that the values are in; None to take it from the header.

    Returns:
        The recording, and the units its values were taken for.

    Raises:
        InputError: the file is no such table, or its sampling rate or units are not known.
    """
    layout = csv_layout(path)
    time = time_column(layout)
    columns = _lead_columns(path, layout, time)
    unit, unit_notes = _unit(path, layout, columns, units)
    if sampling_hz is None and (time is None or time.unit_s is None):
        stated_rate(None, None, str(path))
    names, name_notes = unique_names([_bare_name(layout.names[column]) for column in columns])
    values, times = _read(path, layout, columns, time)
    values *= np.float32(MILLIVOLTS[unit])
    rate, rate_notes = _rate(path, time, times, len(values), sampling_hz)
    empty = int(np.isnan(values).sum())
    empty_notes = [f"{empty:,} empty cells are samples not recorded."] if empty else []
    notes = (*unit_notes, *rate_notes, *name_notes, *empty_notes)
    return Recording(path.stem, values, rate, names, notes), unit


def _lead_columns(path: Path, layout: CsvLayout, time: TimeColumn | None) -> list[int]:
    """All columns but the time, and those that a delimiter at the end of each line makes."""
    chosen = [
        column
        for column, name in enumerate(layout.names)
        if not (time and column == time.column)
        and (name or any(row[column] for row in layout.sample))
    ]
    if not chosen:
        raise InputError(f"{path} has a column of times but none of samples")
    return chosen


def _unit(
    path: Path, layout: CsvLayout, columns: Sequence[int], units: str | None
) -> tuple[str, tuple[str, ...]]:
    if units:
        return units, ()
    found = {unit_of(layout.units[column]) or _unit_in(layout.names[column]) for column in columns}
    known = found - {None}
    if len(found) == 1 and known:
        return str(*known), (f"Values in {str(*known)}, as the header says.",)
    raise InputError(
        f"{path} does not say what units all its values are in; pass --units, one of "
        f"{', '.join(MILLIVOLTS)}"
    )


def _unit_in(name: str) -> str | None:
    inside = _VOLTAGE_IN_NAME.search(name)
    return unit_of(inside[1]) if inside else None


def _bare_name(name: str) -> str:
    return _VOLTAGE_IN_NAME.sub("", name)


# Samples


def _read(
    path: Path, layout: CsvLayout, columns: Sequence[int], time: TimeColumn | None
) -> tuple[np.ndarray, _Times | None]:
    """(samples, leads) float32 in the file's units, NaN for empty cells; and the times."""
    parts: list[np.ndarray] = []
    times: _Times | None = None
    row = layout.first_row + 1
    try:
        for table in _tables(path, layout, columns, time):
            _check_width(path, layout, table, row)
            part = table[list(columns)].to_numpy(np.float32)
            parts.append(np.where(np.isfinite(part), part, np.float32(np.nan)))
            if len(part) and time is not None and time.unit_s is not None:
                times = _extended(times, _seconds(table[time.column], time), row, path)
            row += len(part)
        if not sum(map(len, parts)):
            raise InputError(f"{path} has no rows of numbers; is a quote not closed?")
    except InputError:
        raise
    except (ValueError, pd.errors.ParserError) as error:
        raise _located(path, layout, error) from error
    return np.concatenate(parts), times


def _tables(
    path: Path, layout: CsvLayout, columns: Sequence[int], time: TimeColumn | None
) -> Iterator[pd.DataFrame]:
    kinds: dict[int, type] = dict.fromkeys(range(len(layout.names) + 1), str)
    kinds.update(dict.fromkeys(columns, np.float64))
    if time is not None and not time.is_clock:
        kinds[time.column] = np.float64
    return _csv(path, layout, dtype=kinds)


def _check_width(path: Path, layout: CsvLayout, table: pd.DataFrame, row: int) -> None:
    """Raise InputError where a line has more cells than the others."""
    surplus = table[len(layout.names)].notna().to_numpy()
    if surplus.any():
        raise InputError(
            f"{path}, row {row + int(surplus.argmax())}: {len(layout.names)} cells expected as "
            "in the lines before, got more"
        )


def _csv(path: Path, layout: CsvLayout, **settings) -> Iterator[pd.DataFrame]:
    """The table in parts, none of its lines skipped but those above the numbers."""
    separator = {SPACES: r"\s+", NONE: "\x1f"}.get(layout.delimiter, layout.delimiter)
    return pd.read_csv(
        path,
        sep=separator,
        decimal=layout.decimal,
        encoding=layout.encoding,
        header=None,
        names=list(range(len(layout.names) + 1)),  # one more, for cells too many
        index_col=False,
        skiprows=layout.first_row,
        skip_blank_lines=False,
        skipinitialspace=True,
        na_values=[*EMPTY_CELLS, *(cell.upper() for cell in EMPTY_CELLS)],
        chunksize=PART_ROWS,
        **settings,
    )


def _extended(times: _Times | None, part_s: np.ndarray, row: int, path: Path) -> _Times:
    """The times after one more part of the table; checks its steps."""
    if times is None:
        step_s = float(np.median(np.diff(part_s))) if len(part_s) > 1 else 0.0
        first_s, joined = float(part_s[0]), part_s
    else:
        step_s, first_s, row = times.step_s, times.first_s, row - 1
        joined = np.concatenate([[times.last_s], part_s])
    _check_even(joined, step_s, row, str(path))
    return _Times(first_s, float(part_s[-1]), step_s)


def _located(path: Path, layout: CsvLayout, error: Exception) -> InputError:
    """An error that names the first cell that is no number, or what pandas says."""
    row = layout.first_row + 1
    try:
        for table in _csv(path, layout, dtype=str):
            for column in table:
                numbers = table[column].str.strip().str.replace(layout.decimal, ".")
                bad = pd.to_numeric(numbers, errors="coerce").isna() & table[column].notna()
                if bad.any():
                    at = int(bad.to_numpy().argmax())
                    return InputError(
                        f"{path}, row {row + at}, column {column + 1}: a number expected, got "
                        f"{table[column].iloc[at]!r}"
                    )
            row += len(table)
    except (ValueError, pd.errors.ParserError) as again:
        error = again
    reason = " ".join(str(error).split())
    return InputError(f"{path} cannot be read as a table of numbers: {reason}")


# Times and the sampling rate


def time_column(layout: CsvLayout) -> TimeColumn | None:
    """The column of times or sample numbers, by its name and its steps; None without one."""
    for column, name in enumerate(layout.names):
        bare, unit = _name_and_unit(name, layout.units[column])
        texts = [row[column] for row in layout.sample]
        clock = any(is_clock(text) for text in texts)
        if clock or _TIME_NAME.fullmatch(bare):
            unit_s = 1.0 if clock else SECONDS_PER_UNIT.get(unit, _guessed_unit_s(texts))
            return TimeColumn(column, name or f"{column + 1}", unit_s, clock)
        if column == 0 and _INDEX_NAME.fullmatch(bare) and _step(texts) is not None:
            unit_s = SECONDS_PER_UNIT.get(unit, _guessed_unit_s(texts))
            return TimeColumn(column, name or f"{column + 1}", unit_s, False)
    return None


def _name_and_unit(name: str, unit: str) -> tuple[str, str]:
    """A column's name in lower case without the unit in it, and that unit."""
    bare = name.strip().lower()
    if (inside := _SECONDS_IN_NAME.search(bare)) and inside[1] in SECONDS_PER_UNIT:
        return bare[: inside.start()].strip(), inside[1]
    return bare, unit.strip().lower() or (bare if bare in SECONDS_PER_UNIT else "")


def _step(texts: list[str]) -> float | None:
    """The step from number to number, None where the steps are not about equal."""
    try:
        steps = np.diff([float(text) for text in texts])
    except ValueError:
        return None
    if len(steps) < 2 or not (np.abs(steps - steps.mean()) <= UNEVEN * steps.mean()).all():
        return None
    return float(steps.mean()) or None


def _guessed_unit_s(texts: list[str]) -> float | None:
    """One second, if the steps would be no sampling of an ECG in any other unit; else None."""
    step = _step(texts)
    return 1.0 if step is not None and step <= 1 / LOWEST_HZ * 1.001 else None


def _rate(
    path: Path,
    time: TimeColumn | None,
    times: _Times | None,
    samples: int,
    sampling_hz: float | None,
) -> tuple[float, tuple[str, ...]]:
    from_times = None
    if times is not None and times.last_s > times.first_s:
        from_times = _rate_hz(samples, times.last_s - times.first_s)
    rate, notes = stated_rate(from_times, sampling_hz, str(path))
    if sampling_hz is None and time is not None:
        notes = (*notes, f"Sampling rate of {rate:g} Hz from column {time.name}.")
    return rate, notes


def _seconds(values: pd.Series, time: TimeColumn) -> np.ndarray:
    """(samples,) float64 seconds, NaN where the cell is empty."""
    if not time.is_clock:
        return values.to_numpy(float) * (time.unit_s or 1.0)
    bare = values.str.strip(" \"'[]").str.replace(",", ".", regex=False)
    parts = bare.str.split(":", expand=True).astype(float)
    return parts.fillna(0.0).to_numpy() @ 60.0 ** np.arange(parts.shape[1] - 1, -1, -1)


def _check_even(times_s: np.ndarray, step_s: float, first_row: int, where: str) -> None:
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


def _rate_hz(samples: int, duration_s: float) -> float:
    """Samples per second, whole where rounded times explain the difference."""
    rate = (samples - 1) / duration_s
    whole = round(rate)
    return float(whole) if abs(rate - whole) <= rate * ROUNDING_S / duration_s else rate
