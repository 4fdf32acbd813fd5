"""A cross-validation's beats: for each fold what trains, validates and is held out."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from experiments.cross_validation.settings import ALL, CrossValidationSettings
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.validation import digest_of
from utils.errors import InputError


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
        return digest_of(self.held_out)


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
