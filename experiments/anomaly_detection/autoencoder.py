"""The only `model.fit` for autoencoders."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from models.lstm_autoencoder import (
    SCALINGS,
    SCORES,
    LstmAutoencoderArchitecture,
    held_back,
    of_each_net,
    reconstruct,
)
from models.options import option
from training.fit_history import Book, FiniteLoss, FitResult
from training.resume import KeepState, StateFile, take_up
from training.tracked_run import StopRequest, StopWhenAsked

MONITORS = {"val_auc": "max", "val_loss": "min"}


@dataclass(frozen=True)
class AutoencoderSettings(LstmAutoencoderArchitecture):
    """Fields are flags, YAML keys and run.config keys."""

    data: str = option("ecg5000", "data set")
    protocol: str = option("", "how the data is split; empty: the data set's customary protocol")
    seed: int = option(0, "seed of the initial weights, the batches and the noise")
    split_seed: int = option(0, "seed that draws the folds of the normal beats")
    train_limit: int = option(0, "use only so many normal training beats; 0: all")
    epochs: int = option(150, "most passes over the normal beats", low=1)
    patience: int = option(40, "epochs without a better val_loss before stopping", low=1)
    monitor: str = option(
        "val_auc",
        "score by which trainings are compared; val_loss looks at normal beats alone, "
        "val_auc at the labelled anomalies among the training beats too",
        choices=tuple(MONITORS),
    )
    batch_size: int = option(32, "beats in a batch", low=1)
    learning_rate: float = option(5e-3, "largest learning rate", low=1e-7, high=1)
    clip_norm: float = option(1.0, "largest norm of the gradient; 0: any")
    loss: str = option("l1", "error of the reconstruction", choices=("l1", "l2"))
    denoising: float = option(
        0.0, "deviation of the white noise that inputs get in training, in scaled units", high=5
    )
    scaling: str = option("minmax", "how each beat is scaled", choices=SCALINGS)
    score: str = option("smoothed_l2", "what makes a beat an anomaly", choices=tuple(SCORES))
    false_alarm_share: float = option(
        0.05, "share of held-back normal beats above the threshold", low=0.001, high=0.5
    )
    xla: bool = option(True, "compile the training step with XLA; a recurrent net gains by it")
    tracking: str = option(
        "auto",
        "W&B: auto is online with a key, else offline",
        choices=("auto", "online", "offline", "silent"),
    )


HELD_BACK_ERROR = "val_loss"  # what stops and selects
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


def fit(
    model: keras.Model,
    beats: NormalBeats,
    settings: AutoencoderSettings,
    *,
    on_epoch: Callable[[dict[str, float]], None] = lambda metrics: None,
    stop: StopRequest | None = None,
    state_file: StateFile | None = None,
    verbose: int = 1,
) -> FitResult:
    """Train `model` in place and leave it with the weights of the least held-back error.

    Args:
        model: from `models.lstm_autoencoder.build`.
        beats: normal beats, and anomalies to watch.
        settings: everything else.
        on_epoch: called with the metrics of each epoch, also of those done before an interruption.
        stop: noted requests to end early.
        state_file: where an interrupted training left its state, and this one keeps it.
        verbose: as in Keras' fit.
    """
    batches = NormalBatches(beats, settings)
    _compile(model, settings, len(batches))
    result = FitResult()
    book = Book(result, HELD_BACK_ERROR, on_epoch)
    state = take_up(state_file, model, settings.epochs)
    if state:
        book.replay(state)
        batches.epoch = len(state.history)
    if state and state.finished(settings.epochs):
        model.set_weights(state.best_weights or model.get_weights())
        result.name_the_end(HELD_BACK_ERROR, settings.patience, state.stopped_by_patience)
        return result
    early = keras.callbacks.EarlyStopping(
        HELD_BACK_ERROR, mode="min", patience=settings.patience, restore_best_weights=True
    )
    callbacks = [FiniteLoss(result), HeldBackScores(beats, settings), book, early]
    callbacks += [StopWhenAsked(stop)] if stop else []
    if state_file:  # last, when all others have counted the epoch
        callbacks.append(KeepState(state_file, state, result, len(batches), {"early": early}))
    model.fit(
        batches,
        epochs=settings.epochs,
        initial_epoch=len(result.history),
        callbacks=callbacks,
        shuffle=False,
        verbose=verbose,  # the batches are shuffled already
    )
    result.name_the_end(HELD_BACK_ERROR, settings.patience, early.stopped_epoch > 0, stop)
    return result


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
