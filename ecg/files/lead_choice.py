"""Choice of the ECG leads among a file's channels, their names, and units of voltage."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from utils.errors import InputError

MILLIVOLTS = {"mV": 1.0, "uV": 0.001, "V": 1000.0}
# How files spell them, in lower case, so that "MV" is millivolts; no heart has megavolts.
_SPELLINGS = {
    "mv": "mV",
    "millivolt": "mV",
    "millivolts": "mV",
    "uv": "uV",
    "\u00b5v": "uV",
    "\u03bcv": "uV",
    "microvolt": "uV",
    "microvolts": "uV",
    "v": "V",
    "volt": "V",
    "volts": "V",
}
# What files write where the values were never calibrated.
_NO_UNIT = {"", "nu", "nd", "adu", "adc", "none", "a.u.", "au", "-"}
# Other signals of a sleep laboratory or an intensive care unit, some of them in volts as well:
# their words, the places of EEG electrodes (10-20 system), and the eyes.
_OTHER_SIGNALS = re.compile(
    r"eeg|eog|emg|resp|pleth|ppg|spo2|sao2|abp|\bart\b|\bbp\b|cvp|pap\b|icp|co2|acc|temp|flow"
    r"|chin|\bleg|thor|abd|snor|pos(ition)?\b|puls|marker|trigger|status|event"
    r"|^(fp?[1-8z]|c[34z]|o[12z]|p[3478z]|t[3-8]|[lr]oc|e[12])(\s*-\s*\w+)?$",
    re.IGNORECASE,
)
_SAYS_ECG = re.compile(r"ecg|ekg", re.IGNORECASE)
_LEAD_NAME = re.compile(
    r"(lead\s*)?(i{1,3}|av[rlf]|m?v[1-9]r?|ml?i{1,3}|mcl\d|v[xyz]|[xyz]|d[1-5])"
)


@dataclass(frozen=True)
class Channel:
    """A channel as a file describes it."""

    name: str
    unit: str
    sampling_hz: float


@dataclass(frozen=True)
class Choice:
    """The channels to read.

    Attributes:
        columns: (leads,) their positions among the file's channels.
        names: (leads,) each name once.
        units: (leads,) keys of MILLIVOLTS.
        sampling_hz: of all of them.
        notes: sentences that tell what was left out, and why.
    """

    columns: tuple[int, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    sampling_hz: float
    notes: tuple[str, ...]


def unit_of(text: str) -> str | None:
    """The key of MILLIVOLTS that a file's spelling means, None where it is no voltage."""
    return _SPELLINGS.get(text.strip().lower())


def choose(channels: Sequence[Channel], units: str | None, where: str) -> Choice:
    """Choose the ECG leads among a file's channels.

    Left out are channels that are in no unit of voltage, those whose name says that they are
    something else (EEG, respiration ...), and those with a lower sampling rate than the best.

    Args:
        channels: all of the file's.
        units: a key of MILLIVOLTS that the values are in, whatever the file says; None for the
            file's own.
        where: the file, for messages.

    Raises:
        InputError: no channel is an ECG lead.
    """
    found = [_unit(channel, units) for channel in channels]
    in_volts = [i for i, unit in enumerate(found) if unit]
    named = _named_as_ecg(channels, in_volts)
    best_hz = max((channels[i].sampling_hz for i in named), default=0.0)
    chosen = [i for i in named if channels[i].sampling_hz == best_hz]
    if not chosen:
        raise InputError(_no_lead(channels, in_volts, where))
    names, renamed = unique_names([channels[i].name for i in chosen])
    return Choice(
        columns=tuple(chosen),
        names=names,
        units=tuple(found[i] or "" for i in chosen),
        sampling_hz=best_hz,
        notes=(
            *_left_out(channels, set(range(len(channels))) - set(in_volts), "in no voltage"),
            *_left_out(channels, set(in_volts) - set(named), "no ECG by their names"),
            *_left_out(channels, set(named) - set(chosen), f"sampled below {best_hz:g} Hz"),
            *renamed,
        ),
    )


def unique_names(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names, numbered where one repeats or is empty; and sentences that tell so."""
    filled = [name.strip() or f"lead {number}" for number, name in enumerate(names, 1)]
    unique: list[str] = []
    taken: set[str] = set()
    for name in filled:
        number, free = 1, name
        while free.lower() in taken:
            number += 1
            free = f"{name} ({number})"
        taken.add(free.lower())
        unique.append(free)
    twice = sorted({name for name, free in zip(filled, unique, strict=True) if name != free})
    notes = tuple(f"Several leads are called {name}; they are numbered." for name in twice)
    return tuple(unique), notes


def _unit(channel: Channel, units: str | None) -> str | None:
    own = unit_of(channel.unit)
    uncalibrated = channel.unit.strip().lower() in _NO_UNIT
    return units if units and (own or uncalibrated) else own


def _named_as_ecg(channels: Sequence[Channel], columns: Sequence[int]) -> list[int]:
    """The columns that may be ECG; if some are named ECG, only these and known leads."""
    possible = [i for i in columns if not _OTHER_SIGNALS.search(channels[i].name)]
    if not any(_SAYS_ECG.search(channels[i].name) for i in possible):
        return possible
    return [
        i
        for i in possible
        if _SAYS_ECG.search(channels[i].name)
        or _LEAD_NAME.fullmatch(channels[i].name.strip().lower())
    ]


def _left_out(channels: Sequence[Channel], columns: set[int], why: str) -> tuple[str, ...]:
    if not columns:
        return ()
    listed = ", ".join(f"{channels[i].name} [{channels[i].unit}]" for i in sorted(columns))
    return (f"Left out, {why}: {listed}.",)


def _no_lead(channels: Sequence[Channel], in_volts: Sequence[int], where: str) -> str:
    listed = ", ".join(f"{channel.name} [{channel.unit}]" for channel in channels) or "none"
    way_out = (
        "choose a file that holds an ECG"
        if in_volts
        else f"if they are an ECG, pass --units, one of {', '.join(MILLIVOLTS)}"
    )
    return f"{where} has no ECG lead in volts; its channels: {listed}; {way_out}"
