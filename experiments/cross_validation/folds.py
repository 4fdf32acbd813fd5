"""A cross-validation's beats: for each fold what trains, validates and is held out."""

import argparse
import dataclasses
import functools
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from experiments.cross_validation.scores import DIVISIONS
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from training import architectures
from training.settings import TrainingSettings
from utils.errors import InputError
from utils.settings import from_command_line as settings_from_flags
from utils.settings import from_mapping, option, read_yaml

DEFAULT_ARCHITECTURE = "cnn"
EXPERIMENT = "cross_validation"  # as studies record it
DEVELOPMENT, ALL = "development", "all"
# A sweep that looked at the test beats would choose its settings by them.
NOT_IN_SWEEPS = (
    f"'{ALL}' has the test beats in it, by which no sweep may choose; use '{DEVELOPMENT}'"
)


@dataclass(frozen=True)
class CrossValidationSettings(TrainingSettings):
    """What is asked of every cross-validation; `settings_kind` adds the architecture's own."""

    arch: str = option(DEFAULT_ARCHITECTURE, "architecture")
    folds: int = option(5, "parts, each held out once", low=2)
    by: str = option(
        "beats", "what is divided: single beats or whole patients", choices=tuple(DIVISIONS)
    )
    beats: str = option(
        DEVELOPMENT,
        "the protocol's training part alone, or the test set's beats as well",
        choices=(DEVELOPMENT, ALL),
    )
    start: str = option(
        "best",
        "what the flags change: the shipped best settings, or the defaults",
        choices=("best", "defaults"),
    )


@functools.cache
def settings_kind(arch: str) -> type[CrossValidationSettings]:
    """The settings class for an architecture; raises InputError where there is none."""
    own = architectures.find(arch).settings
    names = tuple(architectures.ARCHITECTURES)
    return dataclasses.make_dataclass(
        "CrossValidationSettings",
        [("arch", str, option(arch, "architecture", choices=names))],
        bases=(own, CrossValidationSettings),
        frozen=True,
    )


def from_command_line(argv: Sequence[str] | None, about: str = "") -> CrossValidationSettings:
    """Flags over `--settings FILE`, or else over the shipped best settings or the defaults.

    Raises:
        InputError: a value, or a name in the file, is not allowed.
    """
    flags = list(sys.argv[1:] if argv is None else argv)
    early = _early(flags)
    of_file = read_yaml(Path(early["settings"])) if early.get("settings") else {}
    arch = str(early.get("arch") or of_file.get("arch") or DEFAULT_ARCHITECTURE)
    kind = settings_kind(arch)
    base = None
    if not early.get("settings") and early.get("start") != "defaults":
        best = architectures.best_settings(
            arch, catalog.resolve(early.get("data") or catalog.AUTO)
        )
        base = kind(**dataclasses.asdict(best))
    return settings_from_flags(kind, flags, about, base)


def of_sweep(swept: Mapping[str, Any], base: CrossValidationSettings) -> CrossValidationSettings:
    """`base` with what W&B's sweep chose."""
    kind = settings_kind(str(swept.get("arch", base.arch)))
    same = base if isinstance(base, kind) else None
    return from_mapping(kind, swept, "the sweep's parameters", same)


def refuse_test_beats(chosen: CrossValidationSettings) -> None:
    """Raise InputError where a sweep's trial asks for the test beats."""
    if chosen.beats == ALL:
        raise InputError(f"setting 'beats': {NOT_IN_SWEEPS}")


def trained_by(values: Mapping[str, Any]) -> tuple[str, TrainingSettings]:
    """The architecture that a trial's values name, and the settings that they change."""
    arch = str(values.get("arch", DEFAULT_ARCHITECTURE))
    if values.get("start") == "defaults":
        return arch, architectures.find(arch).settings()
    data = catalog.resolve(str(values.get("data", catalog.AUTO)))
    return arch, architectures.best_settings(arch, data)


def without_folds(values: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's values without those that only a cross-validation knows."""
    own = {field.name for field in dataclasses.fields(CrossValidationSettings)}
    known = {field.name for field in dataclasses.fields(TrainingSettings)}
    return {name: value for name, value in values.items() if name not in own - known}


def _early(flags: Sequence[str]) -> dict[str, str]:
    """The flags that decide which settings there are, and what the others change."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("arch", "data", "settings", "start"):
        parser.add_argument(f"--{name}")
    return vars(parser.parse_known_args(flags)[0])


@dataclass(frozen=True, eq=False)
class Part:
    """Positions of the beats that one fold's model learns from, is selected by, and is scored on.

    The three have no beat in common, and no patient either where folds are made by patient.
    """

    number: int
    train: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray


@dataclass(frozen=True, eq=False)
class Division:
    """A data set in folds.

    Attributes:
        beats: the whole data set.
        protocol: whose training part is divided; empty where every beat is.
        held_out: positions of each fold.
        digest: changes with any beat's fold.
    """

    beats: BeatSet
    protocol: str
    held_out: tuple[np.ndarray, ...]

    @property
    def digest(self) -> str:
        whole = hashlib.blake2b(digest_size=8)
        for fold in self.held_out:
            whole.update(np.asarray(fold, "<i8").tobytes() + b"|")
        return whole.hexdigest()


def divide(settings: CrossValidationSettings) -> Division:
    """Load the data set and divide it.

    Raises:
        InputError: the data set is not there, or has too few beats or patients for the folds.
    """
    beats = catalog.load(settings.data)
    if settings.beats == ALL:
        protocol, pool = "", np.arange(len(beats))
    else:
        protocol = settings.protocol or splits.allowed(beats)[0]
        both = splits.development(
            beats, protocol, seed=settings.split_seed, validation_share=settings.validation_share
        )
        pool = np.sort(np.concatenate(both))
    found = splits.folds(beats, pool, settings.folds, by=_unit(settings), seed=settings.split_seed)
    return Division(beats, protocol, tuple(found))


def part(division: Division, number: int, settings: CrossValidationSettings) -> Part:
    """The beats of fold `number`, counted from 1.

    Raises:
        InputError: the other folds are too small to train and to validate.
    """
    held_out = division.held_out[number - 1]
    others = [fold for place, fold in enumerate(division.held_out, start=1) if place != number]
    train, validation = splits.development_of(
        division.beats,
        np.sort(np.concatenate(others)),
        by=_unit(settings),
        validation_share=settings.validation_share,
        seed=settings.split_seed,
    )
    if settings.train_limit and settings.train_limit < len(train):
        train = _few(division.beats, train, settings)
    return Part(number, train, validation, held_out)


def _unit(settings: CrossValidationSettings) -> Literal["beats", "patients"]:
    return cast(Literal["beats", "patients"], settings.by)


def _few(beats: BeatSet, positions: np.ndarray, settings: CrossValidationSettings) -> np.ndarray:
    try:
        return splits.subsample(beats, positions, settings.train_limit, seed=settings.split_seed)
    except ValueError as problem:  # scikit-learn's: a class is too rare to be drawn by class
        raise InputError(
            f"'train_limit' of {settings.train_limit} beats cannot be drawn by class from "
            f"{len(positions):,} training beats: {problem}"
        ) from problem
