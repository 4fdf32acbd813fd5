"""Fits a classifier: the one loop, its validation scores, its optimizer and its loss.

Every training program calls `fit` but transfer's, whose many short trainings share one compiled
network from `compiled`.
"""

import time
from collections.abc import Callable

import numpy as np

from evaluation.metrics import DIRECTIONS, score
from heartbeats.balance import class_weights
from heartbeats.beat_set import BeatSet
from models.backend import keras, ops
from models.predictor import PREDICTION_BATCH, model_input
from training.batches import Batches
from training.epochs import FitResult, Stopping, fit_epochs
from training.progress import Progress
from training.resume import StateFile
from training.settings import TrainingSettings
from training.tracked_run import StopRequest


def fit(
    model: keras.Model,
    train: BeatSet,
    validation: BeatSet,
    settings: TrainingSettings,
    *,
    on_epoch: Callable[[dict[str, float]], None] = lambda metrics: None,
    on_best: Callable[[float], None] = lambda score: None,
    stop: StopRequest | None = None,
    state_file: StateFile | None = None,
    progress: Progress | None = None,
) -> FitResult:
    """Train `model` in place and leave it with the weights that validated best.

    Args:
        model: from `models.*.build`, with a layer named `logits`.
        train: beats to learn from.
        validation: beats that stop and select.
        settings: everything else.
        on_epoch: called with the metrics of each epoch, also of those that were done before an
            interruption.
        on_best: called with the score whenever it is the best yet, while the model holds it.
        stop: noted requests to end early.
        state_file: where an interrupted training left its state; it goes on from there, and keeps
            its state there after every epoch.
        progress: shows each epoch; nothing is shown without it.
    """
    batches = Batches(train, settings, model)
    network = compiled(model, train, settings, batches)
    scores = ValidationScores(validation, batches.batch_size, model)
    best = np.empty(0, int)

    def keep(value: float) -> None:
        nonlocal best
        best = scores.predicted
        on_best(value)

    result = fit_epochs(
        network,
        batches,
        scores,
        _stopping(settings),
        on_epoch=on_epoch,
        on_best=keep,
        stop=stop,
        state_file=state_file,
        progress=progress,
    )
    if result.best_epoch and not len(best):  # the best was before an interruption
        best = scores.logits(network).argmax(axis=1)
    result.predicted = best
    return result


def _stopping(settings: TrainingSettings) -> Stopping:
    plateau = settings.plateau_patience if settings.schedule == "plateau" else None
    return Stopping(
        settings.monitor,
        DIRECTIONS[settings.monitor],
        settings.epochs,
        settings.patience,
        plateau,
    )


class ValidationScores(keras.callbacks.Callback):
    """Adds `val_macro_f1`, `val_accuracy`, `val_loss` and the pace of training to the logs."""

    def __init__(self, validation: BeatSet, batch_size: int, model: keras.Model):
        super().__init__()
        self.batch_size = batch_size
        self.inputs = model_input(model, validation.signals, validation.sampling_hz)
        self.labels = np.asarray(validation.labels)
        self.class_names = validation.class_names
        self.predicted = np.empty(0, int)  # of the last epoch
        self.started = 0.0
        self.batches = 0

    def logits(self, network: keras.Model) -> np.ndarray:
        """(beats, classes) that the network gives the validation beats now."""
        return network.predict(self.inputs, batch_size=PREDICTION_BATCH, verbose=0)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started, self.batches = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.batches += 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        assert logs is not None
        seconds = time.perf_counter() - self.started
        logs["beats_per_second"] = self.batches * self.batch_size / seconds
        logits = self.logits(self.model)
        self.predicted = logits.argmax(axis=1)
        scores = score(self.labels, self.predicted, self.class_names)
        logs["val_macro_f1"], logs["val_accuracy"] = scores.validation_macro_f1, scores.accuracy
        logs["val_loss"] = _cross_entropy(logits, self.labels)
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logs["epoch_seconds"] = time.perf_counter() - self.started


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_sums - shifted[np.arange(len(labels)), labels]))


def compiled(
    model: keras.Model, train: BeatSet, settings: TrainingSettings, batches: Batches
) -> keras.Model:
    """The network up to its logits, ready to be fitted; its weights are the model's.

    Args:
        model: from `models.*.build`, with a layer named `logits`.
        train: beats to learn from, whose class counts the loss may need.
        settings: of the optimizer and the loss.
        batches: what it will be fitted on; they say how long an epoch is.
    """
    network = logits_of(model)
    network.compile(
        optimizer=_optimizer(settings, len(batches)),
        loss=classification_loss(settings, train.class_counts(), batches.shown),
        # JAX without its compiler runs operation by operation, many times slower.
        jit_compile=settings.xla or keras.backend.backend() == "jax",
    )
    # Built inside of the first step, the optimizer would make TensorFlow trace that step twice.
    network.optimizer.build(network.trainable_variables)
    return network


def logits_of(model: keras.Model) -> keras.Model:
    """The same network, same weights, up to its `logits` layer: what the loss is computed on."""
    return keras.Model(model.inputs, model.get_layer("logits").output, name=model.name)


def _optimizer(settings: TrainingSettings, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.schedule == "cosine":
        steps = settings.epochs * steps_per_epoch
        warmup = round(settings.warmup * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate * (0.02 if warmup else 1.0),
            max(steps - warmup, 1),
            alpha=0.01,
            warmup_target=settings.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=settings.weight_decay, global_clipnorm=settings.clip_norm or None
    )
    # Loshchilov & Hutter decay weights, not the scales and shifts of normalisation.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def classification_loss(
    settings: TrainingSettings, counts: np.ndarray, shown: np.ndarray | None = None
) -> Callable:
    """A Keras loss on (labels, logits), as the settings want it.

    Focal loss is Lin et al. 2017; logit adjustment adds `logit_adjustment` times the log class
    frequency to the logits in training alone (Menon et al. 2021), which asks rare classes for a
    margin. With `prior_correction`, the log of how much more often a class is shown than it occurs
    is added to the logits in training alone too, so that the network's own logits stay those of
    the data's class frequencies (Ren et al. 2020, balanced softmax, for any two frequencies).

    Args:
        settings: loss, focal_gamma, logit_adjustment, label_smoothing, class_weighting.
        counts: (classes,) training beats of each class.
        shown: (classes,) beats of each class that an epoch shows; `counts` by default.

    Returns:
        a function of labels and logits (batch, classes), giving (batch,) losses. Labels are
        (batch, 1) or (batch,) int, or (batch, classes) float where a beat is of several classes.
    """
    weights = class_weights(counts, settings.class_weighting).astype("float32")
    frequency = np.maximum(counts, 1) / counts.sum()
    margin = settings.logit_adjustment * np.log(frequency)
    if shown is not None and settings.prior_correction:
        margin = margin + np.log(np.maximum(shown, 1) / shown.sum()) - np.log(frequency)
    margin = margin.astype("float32")
    gamma = settings.focal_gamma if settings.loss == "focal" else 0.0
    smoothing, classes = settings.label_smoothing, len(counts)

    def loss(labels, logits):
        truth = labels
        if len(labels.shape) == 1 or labels.shape[-1] == 1:
            truth = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), classes)
        log_probabilities = ops.log_softmax(logits + margin)
        weight = ops.sum(truth * weights, axis=-1)
        if gamma:
            hit = ops.exp(ops.sum(truth * log_probabilities, axis=-1))
            weight = weight * ops.power(ops.maximum(1.0 - hit, 1e-6), gamma)
        target = truth * (1 - smoothing) + smoothing / classes
        return -weight * ops.sum(target * log_probabilities, axis=-1)

    return loss
