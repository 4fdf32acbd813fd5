"""The settings of `training.transfer`. Nothing here needs Keras."""

from dataclasses import dataclass
from typing import ClassVar

from training import architectures
from training.settings import Tracking
from utils.errors import InputError
from utils.settings import option

# What each mode trains, in the words that reports print.
MODES = {
    "scratch": "the whole network, from new weights",
    "frozen": "a new head on the frozen body",
    "last_block": "a new head and the body's last block",
    "whole": "a new head and the whole body",
}


@dataclass(frozen=True)
class DataSettings:
    """From which data set to which."""

    GROUP: ClassVar[str] = "data"

    source: str = option("mitbih", "data set that the network was, or is, trained on")
    target: str = option("ptb", "data set that it is transferred to")
    source_protocol: str = option("", "how the source is split; empty: that of its checkpoint")
    protocol: str = option("", "how the target is split; empty: by patient where they are known")
    split_seed: int = option(0, "seed that draws the target's validation part")


@dataclass(frozen=True)
class NetworkSettings:
    """What is transferred."""

    GROUP: ClassVar[str] = "network"

    arch: str = option("cnn", "architecture", choices=tuple(architectures.ARCHITECTURES))
    source_epochs: int = option(10, "epochs of the source's training, where it has none", low=1)


@dataclass(frozen=True)
class ComparedSettings:
    """Which trainings are compared."""

    GROUP: ClassVar[str] = "what is compared"

    modes: str = option(
        ",".join(MODES), f"ways to start, with commas between, of {', '.join(MODES)}"
    )
    percents: str = option("1,5,10,25,100", "fractions of the labels, with commas between")
    seeds: int = option(5, "trainings of each mode and fraction", low=1)


@dataclass(frozen=True)
class OptimisationSettings:
    """The course of a training."""

    GROUP: ClassVar[str] = "optimisation"

    steps: int = option(300, "optimiser steps of every training", low=1)
    batch_size: int = option(32, "beats in a batch", low=1)
    learning_rate: float = option(
        0.0, "largest learning rate; 0: chosen for each mode on validation", high=1
    )


@dataclass(frozen=True)
class OutputSettings(Tracking):
    """Where the results go."""

    GROUP: ClassVar[str] = "output"

    to: str = option("", "folder of the results; empty: one of its own in runs/transfer")


@dataclass(frozen=True)
class TransferSettings(
    OutputSettings, OptimisationSettings, ComparedSettings, NetworkSettings, DataSettings
):
    """Fields are flags and YAML keys. Python takes the last base's fields first."""

    def check(self) -> None:
        """Raise InputError for a wrong mode or fraction, before hours of work."""
        self.mode_names(), self.fractions()

    def mode_names(self) -> list[str]:
        """The modes asked for, in the order of MODES; raises InputError for an unknown one."""
        names = [name.strip() for name in self.modes.split(",")]
        for name in names:
            if name not in MODES:
                raise InputError(f"unknown mode '{name}' in --modes; known: {', '.join(MODES)}")
        return [name for name in MODES if name in names]

    def fractions(self) -> list[float]:
        """The fractions asked for, ascending; raises InputError for one out of range."""
        try:
            found = sorted({float(text) / 100 for text in self.percents.split(",")})
        except ValueError:
            found = []
        if not found or not all(0 < one <= 1 for one in found):
            raise InputError(
                "--percents takes numbers above 0 and at most 100 with commas between, such as "
                f"1,10,100; got '{self.percents}'"
            )
        return found
