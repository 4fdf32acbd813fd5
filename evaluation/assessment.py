"""Assessment: what one checkpoint did on one test set, all that a report needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evaluation import metrics
from evaluation.variants import numbered, variants
from heartbeats.splits import PROTOCOLS

TITLES = {
    "mitbih": "MIT-BIH",
    "ptb": "PTB Diagnostic",
    "ptbxl": "PTB-XL",
    "ecg5000": "ECG5000",
    "synthetic": "Synthetic beats",
}


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Assessment:
    """A checkpoint's predictions for the test beats of a data set.

    Attributes:
        architecture: e.g. ``cnn``.
        checkpoint: the checkpoint's JSON file.
        facts: what stands in it.
        data, fingerprint, protocol: the data set that was tested on, and how it was split.
        class_names: names in the order of the labels.
        labels: (beats,) int.
        probabilities: (beats, classes) float.
        records, patients, times_s: (beats,) where each beat is from; None where unknown.
        warnings: sentences that must stand beside every score of this assessment.
    """

    architecture: str
    checkpoint: Path
    facts: dict[str, Any]
    data: str
    fingerprint: str
    protocol: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    records: np.ndarray | None = None
    patients: np.ndarray | None = None
    times_s: np.ndarray | None = None
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        expected = (len(self.labels), len(self.class_names))
        if self.probabilities.shape != expected:
            raise ValueError(f"probabilities of shape {self.probabilities.shape} for {expected}")

    @property
    def is_baseline(self) -> bool:
        return bool(self.facts.get("baseline"))

    @property
    def seed(self) -> int | None:
        return self.facts.get("seed")

    @cached_property
    def predicted(self) -> np.ndarray:
        """(beats,) int: the class of the largest probability."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def scores(self) -> metrics.Scores:
        return metrics.score(self.labels, self.predicted, self.class_names)

    @property
    def is_synthetic(self) -> bool:
        return self.data == "synthetic"

    @property
    def test_title(self) -> str:
        """The test set in a line, e.g. ``MIT-BIH, protocol kaggle, 21,892 test beats``."""
        kind = "synthetic test beats" if self.is_synthetic else "test beats"
        name = TITLES.get(self.data, self.data)
        return f"{name}, protocol {self.protocol}, {len(self.labels):,} {kind}"

    @property
    def protocol_meaning(self) -> str:
        return PROTOCOLS.get(self.protocol, "")


def names(assessments: Sequence[Assessment]) -> list[str]:
    """A short name for each: its variant, with the seed or a number where that is not unique.

    >>> names([cnn_of_seed_0, cnn_of_seed_1, rnn_of_seed_0])  # doctest: +SKIP
    ['cnn seed 0', 'cnn seed 1', 'rnn']
    """
    plain = variants_of(assessments)
    seeded = [
        name if plain.count(name) == 1 else f"{name} seed {one.seed}"
        for name, one in zip(plain, assessments, strict=True)
    ]
    return numbered(seeded)


def variants_of(assessments: Sequence[Assessment]) -> list[str]:
    """A name for each, the same for those that differ in their seed alone."""
    return variants([(one.architecture, one.facts) for one in assessments])


def representatives(assessments: Sequence[Assessment]) -> list[Assessment]:
    """One for each variant, and one baseline: those with the best validation score.

    Test scores have no say.
    """
    chosen: dict[str, Assessment] = {}
    for name, one in zip(variants_of(assessments), assessments, strict=True):
        family = "baseline" if one.is_baseline else name
        standing = chosen.get(family)
        monitor = one.facts.get("monitor", "val_macro_f1")
        standing_score = standing.facts.get("score") if standing else None
        if standing is None or metrics.better(monitor, one.facts["score"], standing_score):
            chosen[family] = one
    return list(chosen.values())
