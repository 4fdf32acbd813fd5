"""The epochs of any fit: run, recorded, stopped early, and gone on with after an interruption."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluation.metrics import better
from models.backend import keras
from training.progress import Progress
from training.resume import KeepState, StateFile, TrainingState, take_up
from training.tracked_run import StopRequest, StopWhenAsked


@dataclass(frozen=True)
class Stopping:
    """Which epoch is the best, and when there are enough.

    Attributes:
        monitor, mode: the metric that compares epochs, ``max`` or ``min`` being better.
        epochs: how many there are at most.
        patience: epochs without a better one before the end.
        plateau_patience: epochs without a better one before the learning rate is halved; None
            leaves it to its schedule.
    """

    monitor: str
    mode: str
    epochs: int
    patience: int
    plateau_patience: int | None = None

    def callbacks(self) -> dict[str, keras.callbacks.Callback]:
        """Those whose counts a resumed training must take up, by the names of `resume`."""
        found = {
            "early": keras.callbacks.EarlyStopping(
                self.monitor, patience=self.patience, mode=self.mode, restore_best_weights=True
            )
        }
        if self.plateau_patience is not None:
            found["plateau"] = keras.callbacks.ReduceLROnPlateau(
                self.monitor, factor=0.5, patience=self.plateau_patience, mode=self.mode
            )
        return found


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

    def name_the_end(
        self, stopping: Stopping, out_of_patience: bool, stop: StopRequest | None = None
    ) -> None:
        """Say in `ended_by` why training ended, unless a loss that was not finite said so."""
        if self.failed:
            return
        if stop and stop.reason:
            self.ended_by, self.stopped = stop.reason, True
        elif out_of_patience:
            self.ended_by = f"{stopping.monitor} did not improve for {stopping.patience} epochs"


def fit_epochs(
    network: keras.Model,
    batches: Any,
    scores: keras.callbacks.Callback,
    stopping: Stopping,
    *,
    on_epoch: Callable[[dict[str, float]], None] = lambda metrics: None,
    on_best: Callable[[float], None] = lambda score: None,
    stop: StopRequest | None = None,
    state_file: StateFile | None = None,
    progress: Progress | None = None,
    shuffle: bool = True,
) -> FitResult:
    """Fit a compiled network and leave it with the weights of its best epoch.

    Args:
        network: compiled, its optimizer built.
        batches: what it is fitted on; `go_on_after(epoch)` makes them those of a later epoch.
        scores: adds validation scores, and the pace, to the logs of an epoch.
        stopping: which epoch is the best, and when there are enough.
        on_epoch: called with the metrics of each epoch, also of those that were done before an
            interruption.
        on_best: called with the score whenever it is the best yet, while the network holds it.
        stop: noted requests to end early.
        state_file: where an interrupted training left its state; it goes on from there, and keeps
            its state there after every epoch.
        progress: shows each epoch; nothing is shown without it.
        shuffle: whether Keras orders the batches anew each epoch.
    """
    result = FitResult()
    history = HistoryRecorder(result, stopping.monitor, on_epoch, on_best)
    state = take_up(state_file, network, stopping.epochs)
    if state:
        history.replay(state)
        batches.go_on_after(len(state.history))
        if progress:
            progress.replay(state.history)
    if state and state.finished(stopping.epochs):
        network.set_weights(state.best_weights or network.get_weights())
        result.name_the_end(stopping, state.stopped_by_patience)
        return result
    counting = stopping.callbacks()
    callbacks = [FiniteLoss(result), scores, history, *counting.values()]
    callbacks += [StopWhenAsked(stop)] if stop else []
    callbacks += [progress] if progress else []
    if state_file:  # last, when all others have counted the epoch
        callbacks.append(KeepState(state_file, state, result, len(batches), counting))
    network.fit(
        batches,
        epochs=stopping.epochs,
        initial_epoch=len(result.history),
        callbacks=callbacks,
        shuffle=shuffle,
        verbose=0,
    )
    result.name_the_end(stopping, counting["early"].stopped_epoch > 0, stop)
    return result


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


class HistoryRecorder(keras.callbacks.Callback):
    """Records every epoch, and reports each that scored better than all before."""

    def __init__(
        self,
        result: FitResult,
        monitor: str,
        on_epoch: Callable[[dict[str, float]], None],
        on_best: Callable[[float], None] = lambda score: None,
    ):
        """`on_best` is called while the model holds the weights that scored best."""
        super().__init__()
        self.result, self.monitor = result, monitor
        self.on_epoch, self.on_best = on_epoch, on_best

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.result.failed:
            return
        numbers = {name: float(value) for name, value in (logs or {}).items()}
        if self._record({"epoch": epoch + 1, **numbers}):
            self.on_best(numbers[self.monitor])

    def replay(self, state: TrainingState) -> None:
        """Record the epochs done before an interruption; their best was reported back then."""
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
