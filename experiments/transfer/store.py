"""The learning rate of each mode of a study, chosen once on the target's validation part."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.transfer.cells import Bench, Cell, Trainer, validation_macro_f1
from experiments.transfer.scores import CellResult
from training.tracked_run import clear_session
from utils.errors import InputError
from utils.files import write_json, write_whole
from utils.paths import shown

IDENTITY_FILE = "identity.json"


class Store:
    """The folder of one study: two files for each training, one for each mode's learning rate."""

    def __init__(self, folder: Path, identity: dict[str, Any]):
        """identity: JSON values that all trainings of the study share.

        Raises:
            InputError: the folder holds another study.
        """
        self.folder = folder
        self._claim(json.loads(json.dumps(identity)))

    def result(self, cell: Cell) -> CellResult | None:
        """What a finished training reached; None where it is still to be done."""
        content = self._read(self.folder / "cells" / f"{cell.name}.json")
        return CellResult.from_json(content) if content else None

    def probabilities(self, cell: Cell) -> np.ndarray:
        """(beats, classes) float32 of the test beats, of a finished training."""
        with np.load(self.folder / "cells" / f"{cell.name}.npz") as archive:
            return archive["probabilities"]

    def keep(self, cell: Cell, result: CellResult, probabilities: np.ndarray) -> None:
        """Put a training on record. The JSON comes last: where it is, all is there."""
        path = self.folder / "cells" / f"{cell.name}.npz"
        write_whole(path, lambda file: np.savez_compressed(file, probabilities=probabilities))
        write_json(path.with_suffix(".json"), dataclasses.asdict(result))

    def scores_of_rates(
        self, mode: str, measure: Callable[[], dict[float, list[float]]]
    ) -> dict[float, list[float]]:
        """Learning rate -> validation scores, measured the first time."""
        path = self.folder / "rates" / f"{mode}.json"
        if (content := self._read(path)) is None:
            content = {str(rate): scores for rate, scores in measure().items()}
            write_json(path, content)
        return {float(rate): scores for rate, scores in content.items()}

    def _claim(self, identity: dict[str, Any]) -> None:
        path = self.folder / IDENTITY_FILE
        kept = self._read(path)
        if kept is None:
            write_json(path, identity)
        elif kept != identity:
            other = [key for key in identity if kept.get(key) != identity[key]]
            raise InputError(
                f"{shown(self.folder)} holds a study with other {', '.join(other)}; choose "
                "another folder with --to, or leave --to out"
            )

    @staticmethod
    def _read(path: Path) -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise InputError(f"{shown(path)} is damaged ({error}); delete it") from error


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
