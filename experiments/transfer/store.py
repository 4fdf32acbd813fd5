"""Finished trainings on disk, and the learning rate of each mode, chosen once on validation."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.transfer.cells import Bench, Cell, Trainer, validation_macro_f1
from experiments.transfer.scores import CellResult
from training.tracked_run import clear_session
from utils.errors import InputError
from utils.files import write_json
from utils.paths import shown
from utils.result_file import Identity, IncompatibleState, Result, ResultFile

IDENTITY_FILE = "identity.json"
PROBABILITIES = "probabilities"


class Store:
    """The folder of one experiment: a file for each training, one for each mode's learning rate.

    Attributes:
        folder: its `identity.json` says of what experiment it is.
    """

    def __init__(self, folder: Path, identity: Identity):
        """identity: what all trainings of the experiment share.

        Raises:
            InputError: the folder holds another experiment.
        """
        self.folder, self.identity = folder, identity
        self._claim()

    def read(self, cell: Cell) -> tuple[CellResult, np.ndarray] | None:
        """What a training reached, and the (beats, classes) probabilities of the test beats.

        None where it is still to be done, or where its file cannot be used, which is reported.
        """
        kept = self._cell(cell).read_or_report(f"{cell.name} is trained again")
        if kept is None:
            return None
        return CellResult.from_json(kept.facts), kept.arrays[PROBABILITIES]

    def write(self, cell: Cell, result: CellResult, probabilities: np.ndarray) -> None:
        """Put a training on record."""
        kept = Result(dataclasses.asdict(result), {PROBABILITIES: probabilities})
        self._cell(cell).write(kept)

    def scores_of_rates(
        self, mode: str, measure: Callable[[], dict[float, list[float]]]
    ) -> dict[float, list[float]]:
        """Learning rate -> validation scores, measured the first time."""
        file = self._file("rates", mode)
        kept = file.read_or_report(f"the learning rate of {mode} is chosen again")
        if kept is None:
            kept = Result({str(rate): scores for rate, scores in measure().items()})
            file.write(kept)
        return {float(rate): scores for rate, scores in kept.facts.items()}

    def _claim(self) -> None:
        """Say in the folder of what experiment it is, unless it says so."""
        path = self.folder / IDENTITY_FILE
        try:
            self.identity.check(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            write_json(path, self.identity.values)
        except ValueError as error:
            raise InputError(f"{shown(path)} is damaged ({error}); delete it") from error
        except IncompatibleState as problem:
            raise InputError(
                f"{shown(self.folder)} holds another experiment ({problem}); choose another "
                "folder with --to, or leave --to out"
            ) from problem

    def _cell(self, cell: Cell) -> ResultFile:
        return self._file("cells", cell.name, (PROBABILITIES,))

    def _file(self, folder: str, name: str, arrays: tuple[str, ...] = ()) -> ResultFile:
        path = self.folder / folder / f"{name}.result"
        return ResultFile(path, self.identity, arrays=arrays, former=path.with_suffix(".json"))


LEARNING_RATES = (3e-4, 1e-3, 3e-3)
# Seeds far from those reported, so that the rates were not chosen on the runs they serve.
TUNING_SEEDS = (1000, 1001)
TUNING_FRACTION = 0.1


def tried_rates(bench: Bench, mode: str, store: Store) -> dict[float, list[float]]:
    """Learning rate -> validation macro-F1 of each tuning seed; kept in the store once measured.

    Raises:
        InputError, Stopped: as `Trainer.train`.
    """

    def measure() -> dict[float, list[float]]:
        print(f"choosing the learning rate of {mode} on validation", flush=True)
        return {rate: _validated(Trainer(bench, mode, rate)) for rate in LEARNING_RATES}

    return store.scores_of_rates(mode, measure)


def best_rate(tried: dict[float, list[float]]) -> float:
    """The learning rate with the best mean."""
    return max(tried, key=lambda rate: np.mean(tried[rate]))


def _validated(trainer: Trainer) -> list[float]:
    cells = [Cell(trainer.mode, TUNING_FRACTION, seed) for seed in TUNING_SEEDS]
    scores = [validation_macro_f1(trainer, cell) for cell in cells]
    clear_session()
    return scores
