"""What one training of a transfer study reached on the target's test beats."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from evaluation.metrics import score
from heartbeats import splits
from heartbeats.beat_set import BeatSet
from utils.errors import InputError

# The scores that reports show, by the keys of `Scored`.
METRICS = {"macro_f1": "macro-F1", "auc": "AUC", "accuracy": "accuracy"}


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


def held_out_beats(target: BeatSet, protocol: str) -> BeatSet:
    """The target's test beats, to score networks whose training is over.

    Raises:
        InputError: the data set has no such protocol, or its test part has one class alone.
    """
    test = target.select(splits.held_out(target, protocol))
    check_classes(test, "test")
    return test


def check_classes(beats: BeatSet, part: str) -> None:
    """Raise InputError unless two classes occur at least: no score would mean anything.

    Args:
        beats: a part of a data set.
        part: its name for the message.
    """
    present = np.unique(beats.labels)
    if len(present) < 2:
        found = ", ".join(beats.class_names[label] for label in present) or "no beat at all"
        raise InputError(
            f"the {part} part of '{beats.name}' must have beats of two classes at least, found: "
            f"{found}; check the data set's labels, or choose another target"
        )


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
