"""What a transfer study has done already, kept so that the same command goes on."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.transfer.scores import CellResult
from training.transfer_cells import Cell
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
