"""Fits a classifier: the loop behind every training program but transfer's many short ones."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from evaluation.metrics import DIRECTIONS, better, score
from heartbeats.beat_set import BeatSet
from models.inference import PREDICTION_BATCH, model_input
from training.batches import Batches
from training.losses import classification_loss, logits_of
from training.resume import KeepState, StateFile, TrainingState, take_up
from training.settings import TrainingSettings
from training.stopping import StopRequest, StopWhenAsked


@dataclass
class FitResult:
    """What training reached.

    Attributes:
        best_score: the monitored score of the weights that the model holds now; None where no
            epoch was finished.
        best_epoch: the epoch, from 1, that reached it.
        history: one dictionary of metrics per finished epoch.
        ended_by: why training ended, in words.
        failed: whether the loss became NaN or infinite.
        stopped: whether a person or a sweep asked for the end.
        resumed_after: how many of the epochs were done before an interruption.
        predicted: (validation beats,) int, the classes that the best weights give them; empty
            where no epoch was finished.
    """

    best_score: float | None = None
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    ended_by: str = "all epochs done"
    failed: bool = False
    stopped: bool = False
    resumed_after: int = 0
    predicted: np.ndarray = field(default_factory=lambda: np.empty(0, int), compare=False)


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
    verbose: int = 1,
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
        verbose: as in Keras' fit.
    """
    batches = Batches(train, settings, model)
    network = compiled(model, train, settings, batches)
    result = FitResult()
    scores = ValidationScores(validation, batches.batch_size, model)
    book = KeepBest(settings.monitor, result, scores, on_epoch, on_best)
    state = take_up(state_file, network, settings.epochs)
    if state:
        book.replay(state)
        batches.go_on_after(len(state.history))
    if state and state.finished(settings.epochs):
        network.set_weights(state.best_weights or network.get_weights())
        _name_the_end(result, state.stopped_by_patience, None, settings)
    else:
        counting = _counting_callbacks(settings)
        callbacks = [FiniteLoss(result), scores, book, *counting.values()]
        callbacks += [StopWhenAsked(stop)] if stop else []
        if state_file:  # last, when all others have counted the epoch
            callbacks.append(KeepState(state_file, state, result, len(batches), counting))
        network.fit(
            batches, epochs=settings.epochs, initial_epoch=len(result.history),
            callbacks=callbacks, verbose=verbose,
        )  # fmt: skip
        _name_the_end(result, counting["early"].stopped_epoch > 0, stop, settings)
    if result.best_epoch and not len(result.predicted):  # the best was before an interruption
        result.predicted = scores.logits(network).argmax(axis=1)
    return result


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


class FiniteLoss(keras.callbacks.Callback):
    """Ends training at the first batch whose loss is NaN or infinite."""

    def __init__(self, result: FitResult):
        super().__init__()
        self.result = result
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            self.result.failed = True
            self.result.ended_by = (
                f"the loss became {loss} in epoch {self.epoch}, batch {batch + 1}"
            )
            self.model.stop_training = True


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
        logs["val_macro_f1"], logs["val_accuracy"] = scores.macro_f1, scores.accuracy
        logs["val_loss"] = _cross_entropy(logits, self.labels)
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logs["epoch_seconds"] = time.perf_counter() - self.started


class KeepBest(keras.callbacks.Callback):
    """Records every epoch, and tells of each that scored better than all before."""

    def __init__(
        self,
        monitor: str,
        result: FitResult,
        scores: ValidationScores,
        on_epoch: Callable[[dict[str, float]], None],
        on_best: Callable[[float], None],
    ):
        super().__init__()
        self.monitor, self.result, self.scores = monitor, result, scores
        self.on_epoch, self.on_best = on_epoch, on_best

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.result.failed:
            return
        metrics = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        if self._record(metrics):
            self.result.predicted = self.scores.predicted
            self.on_best(metrics[self.monitor])

    def replay(self, state: TrainingState) -> None:
        """Record the epochs done before an interruption; their best was told of back then."""
        for metrics in state.history:
            self._record(metrics)
        self.result.resumed_after = len(state.history)
        if state.failure:
            self.result.failed, self.result.ended_by = True, state.failure

    def _record(self, metrics: dict[str, float]) -> bool:
        """Whether the epoch is the best yet."""
        self.result.history.append(metrics)
        self.on_epoch(metrics)
        is_best = better(self.monitor, metrics[self.monitor], self.result.best_score)
        if is_best:
            self.result.best_score = metrics[self.monitor]
            self.result.best_epoch = int(metrics["epoch"])
        return is_best


def _counting_callbacks(settings: TrainingSettings) -> dict[str, keras.callbacks.Callback]:
    """Those whose counts a resumed training must take up, by the names of `training.resume`."""
    monitor, mode = settings.monitor, DIRECTIONS[settings.monitor]
    callbacks = {
        "early": keras.callbacks.EarlyStopping(
            monitor, patience=settings.patience, mode=mode, restore_best_weights=True
        )
    }
    if settings.schedule == "plateau":
        callbacks["plateau"] = keras.callbacks.ReduceLROnPlateau(
            monitor, factor=0.5, patience=settings.plateau_patience, mode=mode
        )
    return callbacks


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


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_sums - shifted[np.arange(len(labels)), labels]))


def _name_the_end(
    result: FitResult,
    out_of_patience: bool,
    stop: StopRequest | None,
    settings: TrainingSettings,
) -> None:
    if result.failed:
        return
    if stop and stop.reason:
        result.ended_by, result.stopped = stop.reason, True
    elif out_of_patience:
        result.ended_by = f"{settings.monitor} did not improve for {settings.patience} epochs"
