"""What a fit reached, and the callbacks that record it epoch by epoch."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from evaluation.metrics import better
from models.backend import keras
from training.resume import TrainingState
from training.tracked_run import StopRequest


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
        self, monitor: str, patience: int, out_of_patience: bool, stop: StopRequest | None = None
    ) -> None:
        """Say in `ended_by` why training ended, unless a loss that was not finite said so."""
        if self.failed:
            return
        if stop and stop.reason:
            self.ended_by, self.stopped = stop.reason, True
        elif out_of_patience:
            self.ended_by = f"{monitor} did not improve for {patience} epochs"


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
