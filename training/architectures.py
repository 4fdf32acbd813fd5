"""The one table of classifier architectures: name -> its settings and its builder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from models import cnn, cnn_lstm, rnn
from training.settings import (
    CnnLstmSettings,
    CnnSettings,
    RnnSettings,
    S,
    TrainingSettings,
    from_mapping,
    read_yaml,
)
from utils.errors import InputError

BEST_SETTINGS_FOLDER = Path(__file__).with_name("best_settings")


@dataclass(frozen=True)
class Architecture:
    """A settings class, and (settings, samples, classes) -> uncompiled model."""

    settings: type[TrainingSettings]
    build: Callable[..., keras.Model]


ARCHITECTURES = {
    "cnn": Architecture(CnnSettings, cnn.build),
    "cnn_lstm": Architecture(CnnLstmSettings, cnn_lstm.build),
    "rnn": Architecture(RnnSettings, rnn.build),
}


def find(name: str) -> Architecture:
    """The architecture called `name`; raises InputError where there is none."""
    if name not in ARCHITECTURES:
        raise InputError(f"unknown architecture '{name}'; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def best_settings(name: str, data: str) -> TrainingSettings:
    """The shipped best settings of an architecture on a data set, or its defaults."""
    return shipped(find(name).settings, name, data)


def shipped(kind: type[S], name: str, data: str) -> S:
    """The settings shipped for a network on a data set, or the defaults where there are none."""
    file = BEST_SETTINGS_FOLDER / f"{name}-{data}.yaml"
    return from_mapping(kind, read_yaml(file), file.name) if file.is_file() else kind()
