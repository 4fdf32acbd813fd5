"""Beats in, predictions out: what evaluation, the service, recordings and notebooks call.

    predictor = Predictor.load("models/pretrained/mitbih-kaggle/cnn.json")
    predictions = predictor.predict(signals)  # (beats, 187) float32, each beat scaled to [0, 1]
    predictions.names, predictions.probabilities, predictions.ood_score

Below the classes are the functions that they are made of, for networks that are no checkpoint yet.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from heartbeats.features import features
from models import calibration, checkpoints
from models.backend import keras
from models.calibration import Calibration
from models.checkpoints import Checkpoint
from models.cnn_lstm import FEATURES_INPUT
from models.facts import AutoencoderFacts
from models.lstm_autoencoder import of_each_net, scaled
from utils.errors import InputError
from utils.paths import shown

CLASSIFIER, ANOMALY_DETECTOR = "classifier", "anomaly_detector"
ANOMALY_CLASSES = ("normal", "anomalous")
PREDICTION_BATCH = 512
# Padded batches have these sizes, so that a network is compiled three times and no more. The first
# takes a request each of eight clients, the last fills both cores.
SIZES = (8, 64, 512)

Input = np.ndarray | dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts for some beats, one row a beat; what it cannot predict is None.

    Attributes:
        class_names: the classes that it tells apart.
        labels: (beats,) int, index of the predicted class.
        probabilities: (beats, classes) float32; None of an anomaly detector.
        uncertain: (beats,) bool, the top probability is below the calibration's threshold.
        ood_score: (beats,) float32, above 1 for a beat unlike the training beats.
        nearest: (beats,) int, index into the calibration's typical beats.
        anomaly_score: (beats,) float32; None of a classifier.
    """

    class_names: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray | None = None
    uncertain: np.ndarray | None = None
    ood_score: np.ndarray | None = None
    nearest: np.ndarray | None = None
    anomaly_score: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def names(self) -> np.ndarray:
        """(beats,) str, the predicted classes."""
        return np.array(self.class_names)[self.labels]

    @property
    def top_probability(self) -> np.ndarray | None:
        """(beats,) float32, of the predicted class."""
        if self.probabilities is None:
            return None
        return self.probabilities[np.arange(len(self.labels)), self.labels]

    @property
    def out_of_distribution(self) -> np.ndarray | None:
        """(beats,) bool."""
        return None if self.ood_score is None else self.ood_score > 1

    def part(self, rows: slice) -> "Predictions":
        """The predictions of some of the beats."""
        return replace(self, **{name: array[rows] for name, array in self._arrays().items()})

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """The predictions of parts that follow each other, all of one model."""
        arrays = [one._arrays() for one in parts]
        whole: dict[str, Any] = {
            name: np.concatenate([one[name] for one in arrays]) for name in arrays[0]
        }
        return replace(parts[0], **whole)

    def _arrays(self) -> dict[str, Any]:
        """Name -> array of those that there are."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: one for name, one in values.items() if isinstance(one, np.ndarray)}


class Predictor(ABC):
    """A checkpoint whose network is loaded.

    Attributes:
        checkpoint: what it was loaded from.
        network: the Keras model.
        class_names: the classes that it answers with.
        calibration: of a classifier; None where it has none.
        threshold: of an anomaly detector; larger scores are anomalies.
        low_latency: see `load`.
    """

    class_names: tuple[str, ...]

    def __init__(self, checkpoint: Checkpoint, *, low_latency: bool = False):
        self.checkpoint, self.low_latency = checkpoint, low_latency
        self.beat_format = checkpoint.beat_format
        self.network = self._prepared(checkpoint.load())

    @staticmethod
    def load(source: Checkpoint | Path | str, *, low_latency: bool = False) -> "Predictor":
        """The predictor of a checkpoint.

        Args:
            source: the checkpoint, or the path of its JSON.
            low_latency: False lets Keras loop over batches: for any number of beats, and nothing
                is compiled beforehand. True computes each call in one batch that is padded to one
                of SIZES and compiled for it: for a service, where `warm_up` compiles before the
                first beats come. The results agree to the last digits of a float32.

        Raises:
            InputError: a file is missing or damaged, or the JSON lacks what is needed.
        """
        checkpoint = source if isinstance(source, Checkpoint) else checkpoints.read(Path(source))
        kind = AnomalyDetector if checkpoint.is_anomaly_detector else Classifier
        return kind(checkpoint, low_latency=low_latency)

    @property
    def id(self) -> str:
        return self.checkpoint.id

    @property
    def kind(self) -> str:
        """CLASSIFIER or ANOMALY_DETECTOR."""
        return kind_of(self.checkpoint)

    @property
    def calibration(self) -> Calibration | None:
        return None

    @property
    def threshold(self) -> float | None:
        return None

    @abstractmethod
    def predict(self, signals: np.ndarray) -> Predictions:
        """What the model says of (beats, samples) signals, each scaled to [0, 1]."""

    def warm_up(self) -> None:
        """Let the network compile, so that whoever asks first need not wait for it."""
        for size in SIZES:
            self.predict(np.zeros((size, self.beat_format.samples), np.float32))

    @abstractmethod
    def _inputs(self, signals: np.ndarray) -> Input:
        """What the network takes."""

    def _prepared(self, network: keras.Model) -> keras.Model:
        if self.low_latency:  # compiled for each batch size: twice as fast for a few beats
            network.compile(jit_compile="auto")
        return network

    def _run(self, network: keras.Model, signals: np.ndarray) -> Any:
        """The network's output, or a list of its outputs, for the signals."""
        if not self.low_latency:
            return _in_batches(network, self._inputs(signals))
        outputs = network.predict_on_batch(self._inputs(padded(signals)))
        return keras.tree.map_structure(lambda one: np.asarray(one)[: len(signals)], outputs)


class Classifier(Predictor):
    """Gives class probabilities, and judges them where it has a calibration."""

    def __init__(self, checkpoint: Checkpoint, *, low_latency: bool = False):
        if checkpoint.is_anomaly_detector:
            raise InputError(
                f"{shown(checkpoint.path)} is a {checkpoint.architecture}, which finds anomalies "
                "and gives no classes; give the checkpoint of a classifier"
            )
        super().__init__(checkpoint, low_latency=low_latency)
        self.class_names = self.beat_format.class_names

    @cached_property
    def calibration(self) -> Calibration | None:
        """Read when it is first asked for: `probabilities` does without."""
        return calibration.load(self.checkpoint)

    def predict(self, signals: np.ndarray) -> Predictions:
        if self.calibration is None:
            probabilities = self.probabilities(signals)
            return Predictions(self.class_names, probabilities.argmax(axis=1), probabilities)
        probabilities, embeddings = self._run(self._network_with_embedding, signals)
        return Predictions(
            self.class_names,
            probabilities.argmax(axis=1),
            probabilities,
            uncertain=self.calibration.uncertain(probabilities),
            ood_score=self.calibration.ood.scores(embeddings, signals),
            nearest=self.calibration.nearest_typical(signals),
        )

    def probabilities(self, signals: np.ndarray) -> np.ndarray:
        """(beats, classes) float32 alone, for scores that need nothing else."""
        return self._run(self.network, signals)

    @cached_property
    def _network_with_embedding(self) -> keras.Model:
        return self._prepared(with_embedding(self.network))

    def _inputs(self, signals: np.ndarray) -> Input:
        return model_input(self.network, signals, self.beat_format.sampling_hz)


class AnomalyDetector(Predictor):
    """An autoencoder: beats that it reconstructs badly are anomalies."""

    class_names = ANOMALY_CLASSES

    def __init__(self, checkpoint: Checkpoint, *, low_latency: bool = False):
        checkpoint.require("threshold", "settings")
        super().__init__(checkpoint, low_latency=low_latency)
        assert isinstance(checkpoint.facts, AutoencoderFacts)  # as `load` saw
        self._threshold = checkpoint.facts.threshold
        settings = checkpoint.facts.settings
        self._scaling, self._score = settings["scaling"], settings["score"]

    def predict(self, signals: np.ndarray) -> Predictions:
        scores = self.scores(signals)
        anomalous = (scores > self._threshold).astype(int)
        return Predictions(self.class_names, anomalous, anomaly_score=scores)

    @property
    def threshold(self) -> float:
        return self._threshold

    def scores(self, signals: np.ndarray) -> np.ndarray:
        """(beats,) float32, the mean over the nets; larger for stranger beats."""
        made = self._run(self.network, signals)
        of_nets = of_each_net(scaled(signals, self._scaling), made, self._score)
        return of_nets.mean(axis=1).astype(np.float32)

    def _inputs(self, signals: np.ndarray) -> Input:
        return scaled(signals, self._scaling)[..., np.newaxis]


def kind_of(checkpoint: Checkpoint) -> str:
    """CLASSIFIER or ANOMALY_DETECTOR."""
    return ANOMALY_DETECTOR if checkpoint.is_anomaly_detector else CLASSIFIER


def class_names_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """The classes that a predictor of this checkpoint answers with."""
    return ANOMALY_CLASSES if checkpoint.is_anomaly_detector else checkpoint.facts.class_names


def padded(signals: np.ndarray) -> np.ndarray:
    """The beats, filled up with empty ones to one of SIZES, or to a multiple of the last."""
    beats, samples = signals.shape
    size = next((one for one in SIZES if one >= beats), -(-beats // SIZES[-1]) * SIZES[-1])
    empty = np.zeros((size - beats, samples), signals.dtype)
    return np.concatenate([signals, empty]) if size > beats else signals


def predict(
    model: keras.Model, signals: np.ndarray, sampling_hz: float | None = None
) -> np.ndarray:
    """(beats, classes) float32 probabilities for (beats, samples) signals scaled to [0, 1]."""
    return _in_batches(model, model_input(model, signals, sampling_hz))


def predict_with_embedding(
    model: keras.Model, signals: np.ndarray, sampling_hz: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(beats, classes) probabilities, as `predict` gives them, and (beats, values) embedding."""
    inputs = model_input(model, signals, sampling_hz)
    probabilities, embedding = _in_batches(with_embedding(model), inputs)
    return probabilities, embedding


def with_embedding(model: keras.Model) -> keras.Model:
    """A model that gives ``[probabilities, embedding]`` for the inputs of `model`, in one pass.

    The embedding, (beats, values) float32, is what the layer `logits` reads: the last description
    of a beat before its class is decided. Layers and weights are shared with `model`.

    Args:
        model: from `models.*.build`, with a layer named `logits`.
    """
    embedding = model.get_layer("logits").input
    return keras.Model(model.input, [model.output, embedding], name=f"{model.name}_embedding")


def model_input(model: keras.Model, signals: np.ndarray, sampling_hz: float | None) -> Input:
    """What `model` takes: (beats, samples, 1) float32, and the beats' features if it wants them.

    Args:
        model: from `models.*.build`.
        signals: (beats, samples), scaled to [0, 1].
        sampling_hz: samples per second of the signals; only features need it.
    """
    shaped = np.ascontiguousarray(signals, np.float32)[..., np.newaxis]
    if not wants_features(model):
        return shaped
    if sampling_hz is None:
        raise ValueError(f"{model.name} takes features, which need the sampling rate")
    return {"signal": shaped, FEATURES_INPUT: features(signals, sampling_hz)}


def wants_features(model: keras.Model) -> bool:
    """Whether the network has the second input."""
    return any(tensor.name == FEATURES_INPUT for tensor in model.inputs)


def _in_batches(network: keras.Model, inputs: Input) -> Any:
    return network.predict(inputs, batch_size=PREDICTION_BATCH, verbose=0)
