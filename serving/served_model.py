"""A checkpoint ready to answer: its network, and what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from heartbeats import catalog
from models import calibration
from models.backend import keras
from models.calibration import Calibration
from models.checkpoints import Checkpoint
from models.facts import AutoencoderFacts
from models.inference import model_input, with_embedding
from models.lstm_autoencoder import of_each_net, scaled

CLASSIFIER, ANOMALY_DETECTOR = "classifier", "anomaly_detector"
ANOMALY_CLASSES = ("normal", "anomalous")
ANOMALY_MEANINGS = {
    "normal": "like the normal beats that it was trained on",
    "anomalous": "unlike the normal beats that it was trained on",
}
# Batches have these sizes, so that a network is compiled three times and no more. The first takes
# a request each of eight clients, the last fills both cores.
SIZES = (8, 64, 512)
WANTED = ("class_names", "samples", "sampling_hz", "scaling", "data", "protocol")


@dataclass(frozen=True)
class Outputs:
    """What a network says of some beats; each has one row a beat, or is None.

    Attributes:
        probabilities: (beats, classes) float32; None of an anomaly detector.
        ood_score: (beats,) float32, and
        nearest: (beats,) int, by the classifier's calibration; None where it has none.
        anomaly_score: (beats,) float32; None of a classifier.
    """

    probabilities: np.ndarray | None = None
    ood_score: np.ndarray | None = None
    nearest: np.ndarray | None = None
    anomaly_score: np.ndarray | None = None

    def part(self, rows: slice) -> "Outputs":
        """The outputs for some of the beats."""
        return Outputs(*(None if one is None else one[rows] for one in self._arrays()))

    @classmethod
    def joined(cls, parts: "Sequence[Outputs]") -> "Outputs":
        """The outputs of parts that follow each other."""
        columns = zip(*(one._arrays() for one in parts), strict=True)
        return cls(*(None if column[0] is None else np.concatenate(column) for column in columns))

    def _arrays(self) -> tuple[np.ndarray | None, ...]:
        return self.probabilities, self.ood_score, self.nearest, self.anomaly_score


class ServedModel(Protocol):
    """What all kinds of models offer."""

    @property
    def id(self) -> str: ...
    @property
    def checkpoint(self) -> Checkpoint: ...
    @property
    def kind(self) -> str: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def calibration(self) -> Calibration | None: ...
    @property
    def threshold(self) -> float | None: ...

    def run(self, signals: np.ndarray) -> Outputs:
        """What the network says of (beats, samples) signals in [0, 1]."""


@dataclass(frozen=True)
class Classifier:
    """A network that gives class probabilities."""

    id: str
    checkpoint: Checkpoint
    network: keras.Model
    calibration: Calibration | None
    kind: str = CLASSIFIER
    threshold: float | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.checkpoint.beat_format.class_names

    def run(self, signals: np.ndarray) -> Outputs:
        sampling_hz = self.checkpoint.beat_format.sampling_hz
        inputs = model_input(self.network, padded(signals), sampling_hz)
        probabilities, embedding = self.network.predict_on_batch(inputs)
        own = slice(0, len(signals))
        probabilities, embedding = np.asarray(probabilities)[own], np.asarray(embedding)[own]
        if self.calibration is None:
            return Outputs(probabilities)
        # Here, for a whole batch, since it hardly costs more than for one beat.
        scores = self.calibration.ood.scores(embedding, signals)
        return Outputs(probabilities, scores, self.calibration.nearest_typical(signals))


@dataclass(frozen=True)
class AnomalyDetector:
    """An autoencoder and the score above which a beat is called an anomaly."""

    id: str
    checkpoint: Checkpoint
    network: keras.Model
    threshold: float
    kind: str = ANOMALY_DETECTOR
    calibration: Calibration | None = None
    class_names: tuple[str, ...] = ANOMALY_CLASSES

    def run(self, signals: np.ndarray) -> Outputs:
        settings = self.checkpoint.facts.settings
        inputs = scaled(padded(signals), settings["scaling"])
        made = np.asarray(self.network.predict_on_batch(inputs[..., np.newaxis]))
        scores = of_each_net(inputs, made, settings["score"]).mean(axis=1)[: len(signals)]
        return Outputs(anomaly_score=scores.astype(np.float32))


def load(model_id: str, checkpoint: Checkpoint) -> ServedModel:
    """Load a checkpoint's network and what stands beside it, and let it compile.

    Raises:
        InputError: a file is damaged, or the JSON lacks what is needed to use the network.
    """
    check(checkpoint)
    network = checkpoint.load()
    served: ServedModel
    if isinstance(checkpoint.facts, AutoencoderFacts):
        served = AnomalyDetector(
            model_id, checkpoint, compiled(network), checkpoint.facts.threshold
        )
    else:
        served = Classifier(
            model_id, checkpoint, compiled(with_embedding(network)), calibration.load(checkpoint)
        )
    for size in SIZES:  # whoever asks first should not wait for it
        served.run(np.zeros((size, checkpoint.beat_format.samples), np.float32))
    return served


def compiled(network: keras.Model) -> keras.Model:
    """The network, to be compiled for each batch size, which is twice as fast for a few beats."""
    network.compile(jit_compile="auto")
    return network


def padded(signals: np.ndarray) -> np.ndarray:
    """The beats, and so many empty ones that their number is one of SIZES, or a multiple."""
    beats, samples = signals.shape
    size = next((one for one in SIZES if one >= beats), -(-beats // SIZES[-1]) * SIZES[-1])
    empty = np.zeros((size - beats, samples), signals.dtype)
    return np.concatenate([signals, empty]) if size > beats else signals


def check(checkpoint: Checkpoint) -> None:
    """Raise InputError where the JSON lacks what is needed to use the network."""
    checkpoint.require(*WANTED, *(("threshold",) if checkpoint.is_anomaly_detector else ()))


def kind_of(checkpoint: Checkpoint) -> str:
    """``classifier`` or ``anomaly_detector``."""
    return ANOMALY_DETECTOR if checkpoint.is_anomaly_detector else CLASSIFIER


def class_names_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """The classes that a model of this checkpoint answers with."""
    if checkpoint.is_anomaly_detector:
        return ANOMALY_CLASSES
    return checkpoint.beat_format.class_names


def meanings_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the classes mean, where that is known."""
    if checkpoint.is_anomaly_detector:
        return dict(ANOMALY_MEANINGS)
    return dict(catalog.class_meanings(checkpoint.facts.data))
