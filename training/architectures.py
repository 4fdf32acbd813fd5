"""The one table of classifier architectures: name -> its settings and its builder."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.settings import CnnLstmSettings, CnnSettings, RnnSettings, TrainingSettings
from utils.errors import InputError
from utils.settings import S, from_mapping, read_yaml

if TYPE_CHECKING:
    import keras

BEST_SETTINGS_FOLDER = Path(__file__).with_name("best_settings")


@dataclass(frozen=True)
class Architecture:
    """A settings class, and the module in `models` whose `build` makes the network."""

    settings: type[TrainingSettings]
    module: str

    def build(self, settings: TrainingSettings, samples: int, classes: int) -> "keras.Model":
        """The uncompiled network."""
        # Imported late: it needs Keras, which takes seconds that a command line does not have.
        return importlib.import_module(self.module).build(settings, samples, classes)


ARCHITECTURES = {
    "cnn": Architecture(CnnSettings, "models.cnn"),
    "cnn_lstm": Architecture(CnnLstmSettings, "models.cnn_lstm"),
    "rnn": Architecture(RnnSettings, "models.rnn"),
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
