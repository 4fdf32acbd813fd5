"""What trainings reached: one by one, kept on disk, and over the seeds."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from evaluation.metrics import score
from evaluation.significance import Interval, interval, resample
from heartbeats.beat_set import BeatSet
from utils.errors import InputError
from utils.files import write_json
from utils.paths import shown
from utils.result_file import Identity, IncompatibleState, Result, ResultFile

# The scores that reports show, by the keys of `Scored`.
METRICS = {"macro_f1": "macro-F1", "auc": "AUC", "accuracy": "accuracy"}
BASELINE = "scratch"
HEADLINE_FRACTION = 0.1
IDENTITY_FILE = "identity.json"
PROBABILITIES = "probabilities"


# One training.


@dataclass(frozen=True)
class Cell:
    """Which training: a mode (a key of `settings.MODES`), a share of the labels, a seed."""

    mode: str
    fraction: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.mode}-{100 * self.fraction:g}-percent-seed-{self.seed}"


@dataclass(frozen=True)
class Scored:
    """Scores of one kind of unit, beats or records.

    Attributes:
        count: how many there are.
        accuracy, macro_f1: as in `evaluation.metrics`.
        auc: area under the ROC curve of the second of two classes; of more classes, the mean over
            those that occur, each against the rest.
        confusion: (classes, classes) counts, rows are the true classes.
    """

    count: int
    accuracy: float
    macro_f1: float
    auc: float
    confusion: list[list[int]]


@dataclass(frozen=True)
class CellResult:
    """One training: what it was given, and what it reached on the test beats.

    Attributes:
        mode: a key of `experiments.transfer.settings.MODES`.
        fraction: share of the target's training labels that was asked for.
        seed: of the training.
        units, of_units: patients (or beats) that were used, and all that there were.
        records, beats: recordings (None where unknown) and beats among those used.
        seconds: of the training; the first of a mode waits for the compiler.
        by_beat: on the test beats.
        by_record: on the test records, by their beats' mean probability; None where records are
            unknown or hold beats of several classes.
    """

    mode: str
    fraction: float
    seed: int
    units: int
    of_units: int
    records: int | None
    beats: int
    seconds: float
    by_beat: Scored
    by_record: Scored | None

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "CellResult":
        """From what `dataclasses.asdict` made of one."""
        by_record = content["by_record"]
        parsed = {
            "by_beat": Scored(**content["by_beat"]),
            "by_record": Scored(**by_record) if by_record else None,
        }
        return cls(**{**content, **parsed})


def score_beats(beats: BeatSet, probabilities: np.ndarray) -> Scored:
    """Scores by beat; probabilities: (beats, classes)."""
    return scored(np.asarray(beats.labels, int), probabilities, beats.class_names)


def score_records(beats: BeatSet, probabilities: np.ndarray) -> Scored | None:
    """Scores by record, each by the mean of its beats' (beats, classes) probabilities.

    Returns:
        None where records are unknown, or one holds beats of several classes.
    """
    if beats.records is None:
        return None
    names, first, owners = np.unique(beats.records, return_index=True, return_inverse=True)
    labels = np.asarray(beats.labels, int)[first]
    if (labels[owners.reshape(-1)] != beats.labels).any():
        return None
    means = np.zeros((len(names), probabilities.shape[1]))
    np.add.at(means, owners.reshape(-1), probabilities)
    means /= np.bincount(owners.reshape(-1))[:, np.newaxis]
    return scored(labels, means, beats.class_names)


def scored(labels: np.ndarray, probabilities: np.ndarray, class_names: tuple[str, ...]) -> Scored:
    """Scores of (units, classes) probabilities against (units,) int labels."""
    scores = score(labels, probabilities.argmax(axis=1), class_names)
    return Scored(
        len(labels),
        scores.accuracy,
        scores.macro_f1,
        _auc(labels, probabilities),
        scores.confusion.tolist(),
    )


def _auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    present = np.unique(labels)
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(labels == 1, probabilities[:, 1]))
    areas = [roc_auc_score(labels == label, probabilities[:, label]) for label in present]
    return float(np.mean(areas))


# Finished trainings on disk.


class CellStore:
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
        """Keep a finished training."""
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


# All trainings together.


@dataclass(frozen=True)
class Gain:
    """How much higher a mode scores than training from scratch, with the same labels.

    Attributes:
        mode, fraction: which.
        differences: (seeds,) macro-F1 by beat minus scratch's, of the same seed and labels.
        spread: the largest of three standard deviations over seeds: of the mode's scores, of
            scratch's, and of the differences.
        over_tests: the mean difference with its 95 % interval over test patients (or beats, where
            patients are unknown), the trainings kept as they are.
    """

    mode: str
    fraction: float
    differences: np.ndarray
    spread: float
    over_tests: Interval

    @property
    def mean(self) -> float:
        return float(self.differences.mean())

    @property
    def ahead(self) -> int:
        """With how many seeds the mode was better."""
        return int((self.differences > 0).sum())

    @property
    def verdict(self) -> str:
        """What may be said of the mean difference, against the spread over seeds alone."""
        if len(self.differences) < 2:
            return "one seed has no spread: nothing can be said"
        if abs(self.mean) <= self.spread:
            return "not more than the spread over seeds"
        return f"{'better' if self.mean > 0 else 'worse'} by more than the spread over seeds"

    def sentence(self) -> str:
        """The difference, its spread and the verdict."""
        low, high = self.over_tests.low, self.over_tests.high
        return (
            f"{self.mode} minus {BASELINE} at {percent(self.fraction)} of the labels: macro-F1 "
            f"{self.mean:+.4f}, spread {self.spread:.4f}, ahead with {self.ahead} of "
            f"{len(self.differences)} seeds: {self.verdict}. Over the choice of the test: 95 % "
            f"interval {low:+.4f} to {high:+.4f}."
        )


@dataclass(frozen=True)
class TransferResults:
    """All that a transfer experiment found.

    Attributes:
        facts: source, target, protocol, counts, steps, versions.
        tried: mode -> learning rate -> validation macro-F1 of each tuning seed.
        rates: mode -> the learning rate that was chosen.
        trainings: one by one.
        predicted: (test beats,) int for each of `trainings`.
        test: the test beats.
    """

    facts: dict[str, Any]
    tried: dict[str, dict[float, list[float]]]
    rates: dict[str, float]
    trainings: tuple[CellResult, ...]
    predicted: tuple[np.ndarray, ...]
    test: BeatSet

    @property
    def modes(self) -> list[str]:
        return list(self.rates)

    @property
    def fractions(self) -> list[float]:
        return sorted({one.fraction for one in self.trainings})

    @property
    def seeds(self) -> list[int]:
        return sorted({one.seed for one in self.trainings})

    @property
    def has_records(self) -> bool:
        """Whether records were scored too."""
        return all(one.by_record for one in self.trainings)

    def of(self, mode: str, fraction: float) -> list[CellResult]:
        """The trainings of a mode and a fraction, by seed."""
        found = [one for one in self.trainings if (one.mode, one.fraction) == (mode, fraction)]
        return sorted(found, key=lambda one: one.seed)

    def scores(self, mode: str, fraction: float, metric: str, unit: str = "beat") -> np.ndarray:
        """(seeds,) of one of METRICS, by ``beat`` or by ``record``."""
        scored = [getattr(one, f"by_{unit}") for one in self.of(mode, fraction)]
        return np.array([getattr(one, metric) for one in scored])

    @cached_property
    def gains(self) -> list[Gain]:
        """Every mode against scratch, at every fraction; none where scratch was left out."""
        if BASELINE not in self.modes:
            return []
        others = [mode for mode in self.modes if mode != BASELINE]
        return [self._gain(mode, fraction) for fraction in self.fractions for mode in others]

    def sentences(self) -> list[str]:
        """What is found about whole-network fine-tuning, with 10 % of the labels first."""
        of_whole = [gain for gain in self.gains if gain.mode == "whole"]
        of_whole.sort(key=lambda gain: (gain.fraction != HEADLINE_FRACTION, gain.fraction))
        return [gain.sentence() for gain in of_whole]

    def table(self) -> pd.DataFrame:
        """A row for each mode and fraction: labels used, scores' means and deviations."""
        return pd.DataFrame(
            [self._row(mode, fraction) for fraction in self.fractions for mode in self.modes]
        )

    def every_training(self) -> pd.DataFrame:
        """A row for each training."""
        return pd.DataFrame([_flat(one) for one in self.trainings])

    def _row(self, mode: str, fraction: float) -> dict[str, Any]:
        cells = self.of(mode, fraction)
        row: dict[str, Any] = {
            "mode": mode,
            "percent": round(100 * fraction, 6),
            "seeds": len(cells),
            "units": float(np.mean([one.units for one in cells])),
            "of_units": cells[0].of_units,
            "beats": float(np.mean([one.beats for one in cells])),
        }
        for unit in ("beat", "record") if self.has_records else ("beat",):
            for metric in METRICS:
                values = self.scores(mode, fraction, metric, unit)
                row[f"{unit}_{metric}"] = float(values.mean())
                row[f"{unit}_{metric}_deviation"] = deviation(values)
        return row

    def _gain(self, mode: str, fraction: float) -> Gain:
        ours, theirs = (self.scores(one, fraction, "macro_f1") for one in (mode, BASELINE))
        spread = max(deviation(one) or 0.0 for one in (ours, theirs, ours - theirs))
        over_tests = self._over_tests(mode, fraction, float((ours - theirs).mean()))
        return Gain(mode, fraction, ours - theirs, spread, over_tests)

    def _over_tests(self, mode: str, fraction: float, value: float) -> Interval:
        chosen = [
            predicted
            for wanted in (mode, BASELINE)
            for one, predicted in zip(self.trainings, self.predicted, strict=True)
            if (one.mode, one.fraction) == (wanted, fraction)
        ]
        draws = resample(
            np.asarray(self.test.labels, int),
            chosen,
            len(self.test.class_names),
            patients=self.test.patients if self.facts["unit"] == "patients" else None,
        ).macro_f1
        half = len(chosen) // 2
        return interval(value, draws[:half].mean(axis=0) - draws[half:].mean(axis=0))


def deviation(values: np.ndarray) -> float | None:
    """The standard deviation over seeds; None of a single one."""
    return float(values.std(ddof=1)) if len(values) > 1 else None


def percent(fraction: float) -> str:
    """0.1 -> ``10 %``."""
    return f"{100 * fraction:g} %"


def _flat(one: CellResult) -> dict[str, Any]:
    row = {
        "mode": one.mode,
        "percent": round(100 * one.fraction, 6),
        "seed": one.seed,
        "units": one.units,
        "of_units": one.of_units,
        "records": one.records,
        "beats": one.beats,
        "seconds": one.seconds,
    }
    for unit, scored in (("beat", one.by_beat), ("record", one.by_record)):
        if scored:
            row |= {f"{unit}_{metric}": getattr(scored, metric) for metric in METRICS}
    return row
