"""Stand-ins for what takes long to load."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from models.predictor import CLASSIFIER, Predictions

SAMPLES, CLASSES = 187, ("N", "S", "V", "F", "Q")


@dataclass(eq=False)
class FakeModel:
    """Says that beats whose first value is k / 10 are of class k; remembers its batches."""

    id: str = "fake/cnn"
    kind: str = CLASSIFIER
    class_names: tuple[str, ...] = CLASSES
    calibration: Any = None
    threshold: float | None = None
    batches: list[int] = field(default_factory=list)

    @property
    def checkpoint(self) -> Checkpoint:
        facts = CheckpointFacts(
            architecture="cnn",
            class_names=CLASSES,
            samples=SAMPLES,
            sampling_hz=120.0,
            weights_digest="0" * 64,
            data="mitbih",
        )
        return Checkpoint(Path("fake/cnn.json"), facts)

    def predict(self, signals: np.ndarray) -> Predictions:
        self.batches.append(len(signals))
        labels = np.rint(10 * signals[:, 0]).astype(int)
        probabilities = np.full((len(signals), len(CLASSES)), 0.05, np.float32)
        probabilities[np.arange(len(signals)), labels] = 0.8
        return Predictions(CLASSES, labels, probabilities)


def beats_of(*labels: int) -> np.ndarray:
    """(labels, 187) float32 that `FakeModel` gives these labels."""
    beats = np.zeros((len(labels), SAMPLES), np.float32)
    beats[:, 0] = np.array(labels) / 10
    beats[:, 1] = 1
    return beats
