"""The training of an autoencoder: what the phases of `training.run` are for it, and its fit."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.metrics import roc_auc_score

from evaluation.significance import Interval, mean_interval, paired_auc_gain
from experiments.anomaly_detection.settings import (
    HELD_BACK_ERROR,
    MONITORS,
    AutoencoderSettings,
)
from heartbeats import catalog, splits
from heartbeats.names import PROTOCOLS
from heartbeats.validation import Validation
from models.backend import keras
from models.checkpoints import Checkpoint
from models.facts import AutoencoderFacts, CheckpointFacts
from models.lstm_autoencoder import (
    NAME,
    build,
    held_back,
    of_each_net,
    reconstruct,
    scaled,
    threshold_of,
)
from training.epochs import FitResult, Stopping, fit_epochs
from training.progress import Progress
from training.recorder import Comparison
from training.resume import StateFile
from training.run import Evaluation, Run, Task, TrainingData
from training.tracked_run import StopRequest
from utils.errors import InputError
from utils.paths import shown
from utils.settings import from_mapping

NORMAL = 0  # the label of normal beats in all data sets
# What two trainings share, beside their settings, if one may go on from the other's state.
IDENTIFYING_FACTS = (
    "architecture",
    "data",
    "fingerprint",
    "protocol",
    "training_beats",
    "backend",
)
# The held-back error is the score of the same name.
KERAS_LOSSES = {"l1": "mean_absolute_error", "l2": "mean_squared_error"}


@dataclass(frozen=True)
class NormalBeats:
    """What an autoencoder trains on.

    Attributes:
        inputs: (beats, samples) float32, normal beats as the nets read them.
        fold_of: (beats,) int, the net that is trained without the beat.
        anomalies: (others, samples) float32, labelled anomalies of the development beats; they
            enter `val_auc` alone, no weight and no threshold.
    """

    inputs: np.ndarray
    fold_of: np.ndarray
    anomalies: np.ndarray


@dataclass(frozen=True)
class NormalTrainingData(TrainingData):
    """The normal development beats in folds, and the labelled anomalies beside them."""

    normal: NormalBeats


def prepare(settings: AutoencoderSettings) -> NormalTrainingData:
    """The beats that the settings ask for.

    Raises:
        InputError: the data set is missing, or has too few normal beats for the folds, or no
            anomaly where the monitored score needs them.
    """
    beats = catalog.load(settings.data)
    protocol = settings.protocol or splits.allowed(beats)[0]
    rows = np.sort(np.concatenate(splits.development(beats, protocol, seed=settings.split_seed)))
    is_normal = np.asarray(beats.labels[rows]) == NORMAL
    normal, others = rows[is_normal], rows[~is_normal]
    rng = np.random.default_rng(settings.split_seed)
    if settings.train_limit and settings.train_limit < len(normal):
        normal = np.sort(rng.choice(normal, settings.train_limit, replace=False))
    # More anomalies than normal beats would only make every epoch slower.
    others = np.sort(rng.choice(others, min(len(others), len(normal)), replace=False))
    if settings.monitor == "val_auc" and not len(others):
        raise InputError(
            f"{beats.name} has no labelled anomaly to compare by; use --monitor=val_loss"
        )
    by: Literal["beats", "patients"] = "patients" if protocol == "patients" else "beats"
    parts = splits.folds(beats, normal, settings.folds, by=by, seed=settings.split_seed)
    fold_of = np.empty(len(normal), int)
    for number, part in enumerate(parts):
        fold_of[np.isin(normal, part)] = number
    inputs, anomalies = (scaled(beats.signals[one], settings.scaling) for one in (normal, others))
    chosen_on = Validation.of(beats, protocol, settings.split_seed, 1.0, *parts, others)
    return NormalTrainingData(beats, protocol, chosen_on, NormalBeats(inputs, fold_of, anomalies))


class Autoencoder(Task):
    """LSTM autoencoders side by side, each trained without one part of the normal beats."""

    name = NAME
    facts_type = AutoencoderFacts

    def prepare(self, settings: AutoencoderSettings) -> NormalTrainingData:
        return prepare(settings)

    def build(self, settings: AutoencoderSettings, data: NormalTrainingData) -> keras.Model:
        return build(settings, data.beats.signals.shape[1])

    def facts(self, settings: AutoencoderSettings, data: NormalTrainingData) -> dict[str, Any]:
        return {
            "normal_class": data.beats.class_names[NORMAL],
            "scaling": settings.scaling,
            "training_beats": len(data.normal.inputs),
            "anomalies_watched": len(data.normal.anomalies),
        }

    def announcement(self, facts: CheckpointFacts, data: NormalTrainingData) -> str:
        return (
            f"{NAME}, {facts.settings['folds']} nets with {facts.parameters:,} parameters "
            f"together, on {data.beats.name}: {len(data.normal.inputs):,} normal training beats, "
            f"{PROTOCOLS[data.protocol]}"
        )

    def comparison(self, settings: AutoencoderSettings) -> Comparison:
        return Comparison(HELD_BACK_ERROR, MONITORS[settings.monitor], IDENTIFYING_FACTS)

    def fit(self, run: Run) -> FitResult:
        return fit(
            run.model,
            run.data.normal,
            run.settings,
            on_epoch=run.recorder.epoch,
            stop=run.stop,
            state_file=run.state_file,
            progress=run.progress,
        )

    def evaluate(self, run: Run, result: FitResult) -> Evaluation:
        """The threshold, and the checkpoint that needs it.

        The threshold comes from normal training beats alone, each scored by the net that was
        trained without it.
        """
        settings, beats, best = run.settings, run.data.normal, run.recorder.best_metrics
        scores = of_each_net(beats.inputs, reconstruct(run.model, beats.inputs), settings.score)
        threshold = threshold_of(held_back(scores, beats.fold_of), settings.false_alarm_share)
        run.tracker.summarise({"threshold": threshold})
        reached = {name: best[f"best_{name}"] for name in MONITORS}
        run.recorder.offer(reached[settings.monitor], **reached, threshold=threshold)
        return Evaluation(
            f"least val_loss {reached['val_loss']:.4f} in epoch {result.best_epoch}, val_auc "
            f"there {reached['val_auc']:.4f}, threshold {threshold:.4g}"
        )

    def gain(self, run: Run, candidate: Checkpoint, standing: Checkpoint) -> Interval:
        return gain(candidate, standing)


def gain(one: Checkpoint, other: Checkpoint) -> Interval:
    """How much better the first autoencoder is, with a paired bootstrap over the beats.

    Args:
        one, other: autoencoders that were chosen by the same score on the same beats.

    Raises:
        InputError: the scores are errors in different units.
    """
    settings = [settings_of(each) for each in (one, other)]
    units = [(each.scaling, each.loss) for each in settings]
    watches_anomalies = one.facts.monitor == "val_auc"
    if not watches_anomalies and units[0] != units[1]:
        raise InputError(
            f"its errors are those of scaling and loss {', '.join(units[0])} and not of "
            f"{', '.join(units[1])}"
        )
    first, second = map(_held_back_scores, (one, other), settings)
    if not watches_anomalies:
        return mean_interval(second[0] - first[0])
    return paired_auc_gain(first, second)


def facts_of(checkpoint: Checkpoint) -> AutoencoderFacts:
    """The facts of an autoencoder; raises InputError where the checkpoint is another network's."""
    if not isinstance(checkpoint.facts, AutoencoderFacts):
        raise InputError(f"{shown(checkpoint.path)} is a {checkpoint.architecture}, not a {NAME}")
    return checkpoint.facts


def settings_of(checkpoint: Checkpoint) -> AutoencoderSettings:
    """The settings that an autoencoder was trained with, its data and protocol by their names."""
    facts = facts_of(checkpoint)
    named = {"data": facts.data, "protocol": facts.protocol}
    return from_mapping(AutoencoderSettings, {**facts.settings, **named}, shown(checkpoint.path))


def _held_back_scores(
    checkpoint: Checkpoint, settings: AutoencoderSettings
) -> tuple[np.ndarray, np.ndarray]:
    """(beats,) scores of the normal beats, by nets that never saw them, and of the anomalies."""
    beats = prepare(settings).normal
    kind = settings.score if settings.monitor == "val_auc" else settings.loss
    network = checkpoint.load()
    of_normal = of_each_net(beats.inputs, reconstruct(network, beats.inputs), kind)
    of_anomalies = np.empty(0)
    if len(beats.anomalies):
        made = reconstruct(network, beats.anomalies)
        of_anomalies = of_each_net(beats.anomalies, made, kind).mean(axis=1)
    return held_back(of_normal, beats.fold_of), of_anomalies


def fit(
    model: keras.Model,
    beats: NormalBeats,
    settings: AutoencoderSettings,
    *,
    on_epoch: Callable[[dict[str, float]], None] = lambda metrics: None,
    stop: StopRequest | None = None,
    state_file: StateFile | None = None,
    progress: Progress | None = None,
) -> FitResult:
    """Train `model` in place and leave it with the weights of the least held-back error.

    Args:
        model: from `models.lstm_autoencoder.build`.
        beats: normal beats, and anomalies to watch.
        settings: everything else.
        on_epoch: called with the metrics of each epoch, also of those done before an interruption.
        stop: noted requests to end early.
        state_file: where an interrupted training left its state, and this one keeps it.
        progress: shows each epoch; nothing is shown without it.
    """
    batches = NormalBatches(beats, settings)
    _compile(model, settings, len(batches))
    return fit_epochs(
        model,
        batches,
        HeldBackScores(beats, settings),
        Stopping(HELD_BACK_ERROR, "min", settings.epochs, settings.patience),
        on_epoch=on_epoch,
        stop=stop,
        state_file=state_file,
        progress=progress,
        shuffle=False,  # the batches are shuffled already
    )


class NormalBatches(keras.utils.PyDataset):
    """Normal beats with noise, the same without as targets, and for each beat the nets that learn.

    A batch depends on the seed, the epoch and its index alone, so a run can be repeated.
    """

    def __init__(self, beats: NormalBeats, settings: AutoencoderSettings):
        super().__init__()
        self.beats, self.settings = beats, settings
        self.batch_size = min(settings.batch_size, len(beats.inputs))
        folds = np.arange(settings.folds)
        # Scaled so that the loss is the mean error of the nets that learn from a beat.
        learns = (beats.fold_of[:, np.newaxis] != folds) * settings.folds / (settings.folds - 1)
        self.weights = learns.astype(np.float32)
        self.epoch = 0
        self._shuffle()

    def __len__(self) -> int:
        return len(self.beats.inputs) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        clean, noisy = self.beats.inputs[rows], self.beats.inputs[rows]
        if self.settings.denoising:
            rng = np.random.default_rng([self.settings.seed, self.epoch, index])
            noise = rng.standard_normal(clean.shape, np.float32)
            noisy = clean + np.float32(self.settings.denoising) * noise
        targets = np.repeat(clean[:, np.newaxis], self.settings.folds, axis=1)
        return noisy[..., np.newaxis], targets, self.weights[rows]

    def go_on_after(self, epoch: int) -> None:
        """Let `fit` go on behind an epoch; it calls `on_epoch_end` before its first one too."""
        self.epoch = epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng([self.settings.seed, self.epoch])
        self.order = rng.permutation(len(self.beats.inputs))


class HeldBackScores(keras.callbacks.Callback):
    """Adds `val_loss`, the error on beats by nets that never saw them, and `val_auc` to the logs.

    `val_auc` is how well the held-back scores tell normal beats from the labelled anomalies of the
    development beats; 0.5 where there are none.
    """

    def __init__(self, beats: NormalBeats, settings: AutoencoderSettings):
        super().__init__()
        self.beats, self.settings = beats, settings
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        assert logs is not None
        seconds = time.perf_counter() - self.started
        logs["beats_per_second"] = len(self.beats.inputs) / seconds
        # One call for both kinds: most of its time goes by before the first beat.
        made = reconstruct(self.model, np.concatenate([self.beats.inputs, self.beats.anomalies]))
        of_normal, of_anomalies = np.split(made, [len(self.beats.inputs)])
        errors = of_each_net(self.beats.inputs, of_normal, self.settings.loss)
        logs[HELD_BACK_ERROR] = float(held_back(errors, self.beats.fold_of).mean())
        logs["val_auc"] = self._auc(of_normal, of_anomalies)
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logs["epoch_seconds"] = time.perf_counter() - self.started

    def _auc(self, of_normal: np.ndarray, of_anomalies: np.ndarray) -> float:
        beats, kind = self.beats, self.settings.score
        if not len(of_anomalies) or not np.isfinite(of_normal).all():
            return 0.5  # nothing to tell apart, or a loss that is not finite and ends the training
        normal = held_back(of_each_net(beats.inputs, of_normal, kind), beats.fold_of)
        strange = of_each_net(beats.anomalies, of_anomalies, kind).mean(axis=1)
        truth = np.repeat([0, 1], [len(normal), len(strange)])
        return float(roc_auc_score(truth, np.concatenate([normal, np.nan_to_num(strange)])))


def _compile(model: keras.Model, settings: AutoencoderSettings, steps_per_epoch: int) -> None:
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, settings.epochs * steps_per_epoch, alpha=0.01
    )
    model.compile(
        optimizer=keras.optimizers.Adam(rate, global_clipnorm=settings.clip_norm or None),
        loss=KERAS_LOSSES[settings.loss],
        # JAX without its compiler runs operation by operation, many times slower.
        jit_compile=settings.xla or keras.backend.backend() == "jax",
    )
    # Built inside of the first step, the optimizer would make TensorFlow trace that step twice.
    model.optimizer.build(model.trainable_variables)
