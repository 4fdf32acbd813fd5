"""Finished folds on disk, so that an interrupted cross-validation goes on with the next one.

Each is two files: `fold1.npz` with its predictions, and `fold1.json`, put in place last, with what
it was trained by. While a fold trains, `fold1.state` holds its training (`training.resume`).
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.cross_validation.scores import FoldResult
from training.resume import FOLDER_VARIABLE, StateFile
from utils.files import write_json, write_whole
from utils.paths import runs_folder, shown

ARRAYS = ("positions", "labels", "probabilities")


@dataclass(frozen=True, eq=False)
class KeptFold:
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

    def __init__(self, identity: dict[str, Any]):
        """identity: JSON values that must be the same for a cross-validation to go on.

        Among them `data`, `protocol` and `architecture`.
        """
        self.identity = json.loads(json.dumps(identity))
        text = json.dumps(self.identity, sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        names = [identity["data"], identity["protocol"] or "all", identity["architecture"]]
        own = runs_folder() / "cross_validation" / "-".join([*names, self.digest])
        self.folder = Path(os.environ[FOLDER_VARIABLE]) if in_a_trial() else own

    def state_file(self, number: int) -> StateFile:
        """Where the training of a fold keeps its state after each epoch."""
        return StateFile(self.folder / f"fold{number}.state", {**self.identity, "fold": number})

    def write(self, fold: KeptFold) -> None:
        """Keep a finished fold; the state of its training is not needed any more."""
        number = fold.result.number
        arrays = {name: getattr(fold.result, name) for name in ARRAYS}
        write_whole(self._file(number, "npz"), lambda path: np.savez_compressed(path, **arrays))
        facts = {
            "identity": self.identity,
            "fold": number,
            "class_names": list(fold.result.class_names),
            "scores": fold.result.scores.as_dict(),
            "facts": fold.result.facts,
            "history": fold.history,
            "arrays_digest": _digest(self._file(number, "npz")),
        }
        write_json(self._file(number, "json"), facts)
        self._file(number, "state").unlink(missing_ok=True)

    def read(self, number: int) -> KeptFold | None:
        """A finished fold; None where it is not there, or is damaged, which is told."""
        path = self._file(number, "json")
        if not path.is_file():
            return None
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts["identity"] != self.identity:
                raise ValueError("it is of other settings or data")
            if _digest(self._file(number, "npz")) != facts["arrays_digest"]:
                raise ValueError("its predictions are not the ones that it describes")
            with np.load(self._file(number, "npz"), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in ARRAYS}
        except (OSError, ValueError, KeyError) as problem:
            print(f"{shown(path)} is not used: {problem}; fold {number} is trained again")
            return None
        result = FoldResult(number, tuple(facts["class_names"]), facts=facts["facts"], **arrays)
        return KeptFold(result, facts["history"])

    def _file(self, number: int, suffix: str) -> Path:
        return self.folder / f"fold{number}.{suffix}"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
