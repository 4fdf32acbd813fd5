"""What the folds reached: one by one, kept on disk, and all together."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evaluation import metrics
from evaluation.assessment import TITLES
from evaluation.metrics import ClassScore, Scores
from training.resume import FOLDER_VARIABLE, StateFile
from utils.paths import runs_folder
from utils.result_file import Identity, Result, ResultFile

ARRAYS = ("positions", "labels", "probabilities")


# One fold.


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class FoldResult:
    """The predictions for the beats of one fold, by a model that learnt from the others.

    Attributes:
        number: from 1.
        class_names: names in the order of the labels.
        positions: (beats,) int, where the fold's beats are in the data set.
        labels: (beats,) int.
        probabilities: (beats, classes) float.
        facts: how the model was trained; among it `training_beats`, `validation_beats`,
            `patients` (held out; None where unknown), `seed`, `epochs`, `best_epoch`,
            `validation_score` and `seconds`.
    """

    number: int
    class_names: tuple[str, ...]
    positions: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        beats = len(self.labels)
        if len(self.positions) != beats or self.probabilities.shape != (
            beats,
            len(self.class_names),
        ):
            raise ValueError(f"fold {self.number}: arrays of different lengths")

    @cached_property
    def predicted(self) -> np.ndarray:
        """(beats,) int: the class of the largest probability."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def scores(self) -> Scores:
        return metrics.score(self.labels, self.predicted, self.class_names)


# Finished folds on disk.


@dataclass(frozen=True, eq=False)
class FinishedFold:
    """A finished fold, and the metrics of each of its epochs, to be logged again."""

    result: FoldResult
    history: list[dict[str, float]]


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


def in_a_trial() -> bool:
    """Whether a sweep's agent runs this process' trial."""
    return bool(os.environ.get(FOLDER_VARIABLE))


# All folds together.


@dataclass(frozen=True)
class Spread:
    """A score over the folds: its mean and standard deviation (n - 1); None where undefined."""

    mean: float | None
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(
            statistics.fmean(values) if values else None,
            statistics.stdev(values) if len(values) > 1 else None,
        )


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The finished folds of one cross-validation.

    Attributes:
        architecture: e.g. ``cnn``.
        data, fingerprint: the data set.
        protocol: whose training part was divided; empty where every beat was.
        by: a key of DIVISIONS.
        planned: folds asked for; more than `folds` holds where it was interrupted.
        settings: of all trainings.
        folds: at least one, in their order.
    """

    architecture: str
    data: str
    fingerprint: str
    protocol: str
    by: str
    planned: int
    settings: dict[str, Any]
    folds: tuple[FoldResult, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.folds[0].class_names

    @property
    def is_synthetic(self) -> bool:
        return self.data == "synthetic"

    @property
    def title(self) -> str:
        """E.g. ``cnn, MIT-BIH, 5 folds by patient``."""
        unit = {"beats": "beat", "patients": "patient"}[self.by]
        done = "" if len(self.folds) == self.planned else f"{len(self.folds)} of "
        name = TITLES.get(self.data, self.data)
        return f"{self.architecture}, {name}, {done}{self.planned} folds by {unit}"

    @property
    def accuracy(self) -> Spread:
        return Spread.of([fold.scores.accuracy for fold in self.folds])

    @property
    def macro_f1(self) -> Spread:
        return Spread.of([fold.scores.macro_f1 for fold in self.folds])

    def of_class(self, index: int, score: str = "f1") -> Spread:
        """`precision`, `recall` or `f1` of one class, over the folds that have such beats."""
        return Spread.of([getattr(one, score) for one in self.class_scores(index) if one.support])

    def class_scores(self, index: int) -> list[ClassScore]:
        """One class, fold by fold."""
        return [fold.scores.classes[index] for fold in self.folds]

    def joined(self, name: str) -> np.ndarray:
        """An array of all folds, such as ``labels`` or ``predicted``, end to end."""
        return np.concatenate([getattr(fold, name) for fold in self.folds])

    @cached_property
    def pooled(self) -> Scores:
        """Scores of all held-out predictions together.

        F1 from pooled counts is the estimate with the least bias where a class is rare in a fold:
        Forman G, Scholz M. Apples-to-apples in cross-validation studies. ACM SIGKDD Explorations
        12(1), 49-57 (2010).
        """
        return metrics.score(self.joined("labels"), self.joined("predicted"), self.class_names)

    def as_metrics(self) -> dict[str, float]:
        """The running means for W&B; deviations from the second fold on."""
        found: dict[str, float | None] = {
            "cv_folds": len(self.folds),
            "cv_pooled_macro_f1": self.pooled.macro_f1,
        }
        spreads = {"cv_accuracy": self.accuracy, "cv_macro_f1": self.macro_f1}
        for name, spread in spreads.items():
            found[name] = spread.mean
            found[f"{name}_deviation"] = spread.deviation
        return {name: value for name, value in found.items() if value is not None}
