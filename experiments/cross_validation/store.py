"""Finished folds on disk, so that an interrupted cross-validation goes on with the next one.

A finished fold is `fold1.result`: its predictions, and how its model was trained. While a fold
trains, `fold1.state` holds its training (`training.resume`).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from experiments.cross_validation.scores import FoldResult
from training.resume import FOLDER_VARIABLE, StateFile
from utils.paths import runs_folder
from utils.result_file import Identity, Result, ResultFile

ARRAYS = ("positions", "labels", "probabilities")


@dataclass(frozen=True, eq=False)
class FinishedFold:
    """A finished fold, and the metrics of each of its epochs, to be logged again."""

    result: FoldResult
    history: list[dict[str, float]]


def in_a_trial() -> bool:
    """Whether a sweep's agent runs this process' trial."""
    return bool(os.environ.get(FOLDER_VARIABLE))


class FoldStore:
    """The folds of one cross-validation.

    Attributes:
        folder: the trial's own in a sweep, else one in the runs folder, named by the identity.
    """

    def __init__(self, identity: Identity):
        """identity: what must be the same for a cross-validation to go on.

        Among it `data`, `protocol` and `architecture`.
        """
        self.identity = identity
        values = identity.values
        names = [values["data"], values["protocol"] or "all", values["architecture"]]
        own = runs_folder() / "cross_validation" / "-".join([*names, identity.digest])
        self.folder = Path(os.environ[FOLDER_VARIABLE]) if in_a_trial() else own

    def training(self, number: int) -> StateFile:
        """Where the training of a fold keeps its state after each epoch."""
        return StateFile(self.folder / f"fold{number}.state", self.identity.extended(fold=number))

    def write(self, fold: FinishedFold) -> None:
        """Keep a finished fold; the state of its training is not needed any more."""
        result = fold.result
        facts = {
            "class_names": result.class_names,
            "facts": result.facts,
            "history": fold.history,
        }
        arrays = {name: getattr(result, name) for name in ARRAYS}
        self._file(result.number).write(Result(facts, arrays))
        self.training(result.number).remove()

    def read(self, number: int) -> FinishedFold | None:
        """A finished fold; None where it is not there, or cannot be used, which is reported."""
        kept = self._file(number).read_or_report(f"fold {number} is trained again")
        if kept is None:
            return None
        names, facts = tuple(kept.facts["class_names"]), kept.facts["facts"]
        result = FoldResult(number, names, facts=facts, **kept.arrays)
        return FinishedFold(result, kept.facts["history"])

    def _file(self, number: int) -> ResultFile:
        path = self.folder / f"fold{number}.result"
        return ResultFile(path, self.identity, arrays=ARRAYS, former=path.with_suffix(".json"))
