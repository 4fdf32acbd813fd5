"""How a training shows its progress: one plain line for each epoch.

    cnn (network 2 of 3), epoch 4 of 8: loss 0.123, validation macro-F1 0.912
    (best 0.915 in epoch 3), 12 s, about 1 min left

(in one line). A terminal also shows, while an epoch lasts, how far it is.
"""

import math
import shutil
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from evaluation.metrics import better
from models.backend import keras

# Metrics in words; others are shown by their names.
WORDS = {
    "val_macro_f1": "validation macro-F1",
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
    "val_auc": "validation AUC",
}
BAR_WIDTH = 24
# A terminal's bar is drawn anew at most this often.
REDRAW_SECONDS = 0.1
CLEAR_LINE = "\r\x1b[2K"


class Progress(keras.callbacks.Callback):
    """Prints a line after each epoch. It comes after the callbacks that compute the metrics."""

    def __init__(
        self, label: str, metric: str, epochs: int, out: TextIO | None = None, words: str = ""
    ):
        """Progress of one training.

        Args:
            label: what the lines call it.
            metric: the one by which epochs are compared.
            epochs: how many there are at most.
            out: where the lines go; standard output by default.
            words: what the lines call the metric; by default as in WORDS.
        """
        super().__init__()
        self.label, self.metric, self.epochs, self.out = label, metric, epochs, out
        self.words = words or WORDS.get(metric, metric)
        self.best: tuple[float, int] | None = None
        self.seconds: list[float] = []
        self.begun = self.drawn = 0.0
        self.epoch = self.batches = 0

    def replay(self, history: list[dict[str, float]]) -> None:
        """Know the best of the epochs that were done before an interruption."""
        for row in history:
            self._compare(row[self.metric], int(row["epoch"]))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.begun, self.epoch, self.batches = time.perf_counter(), epoch + 1, 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.batches += 1
        out = self._stream()
        now = time.perf_counter()
        if out.isatty() and now - self.drawn >= REDRAW_SECONDS:
            self.drawn = now
            steps = self.params["steps"] or self.batches
            text = self._head() + _bar(self.batches, steps, logs or {})
            # A line that is broken in two could not be cleared.
            out.write(CLEAR_LINE + text[: shutil.get_terminal_size().columns - 1])
            out.flush()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not logs or not math.isfinite(logs["loss"]):
            return  # the training has failed, and says so at its end
        self.seconds.append(time.perf_counter() - self.begun)
        self._compare(logs[self.metric], epoch + 1)
        out = self._stream()
        start = CLEAR_LINE if out.isatty() else ""
        print(f"{start}{self._head()}{self._course(logs)}", file=out, flush=True)

    def _stream(self) -> TextIO:
        # Asked for each time: a warm worker and a test change what standard output is.
        return self.out or sys.stdout

    def _compare(self, score: float, epoch: int) -> None:
        if better(self.metric, score, self.best and self.best[0]):
            self.best = (score, epoch)

    def _head(self) -> str:
        return f"{self.label}, epoch {self.epoch} of {self.epochs}: "

    def _course(self, logs: Mapping[str, float]) -> str:
        score = f"{self.words} {_figures(logs[self.metric])}"
        if self.best:
            best, of_epoch = self.best
            earlier = f"best {_figures(best)} in epoch {of_epoch}"
            score += " (the best)" if of_epoch == self.epoch else f" ({earlier})"
        parts = [f"loss {_figures(logs['loss'])}", score, duration(self.seconds[-1])]
        return ", ".join(parts) + time_left(self.seconds, self.epochs - self.epoch)


def _bar(done: int, steps: int, logs: Mapping[str, float]) -> str:
    """``[=====     ] 120 of 560 batches, loss 0.123``."""
    filled = round(BAR_WIDTH * done / steps)
    loss = f", loss {_figures(logs['loss'])}" if "loss" in logs else ""
    return f"[{'=' * filled}{' ' * (BAR_WIDTH - filled)}] {done} of {steps} batches{loss}"


def _figures(score: float) -> str:
    """A score with the figures that tell epochs apart."""
    return f"{score:.3f}" if abs(score) >= 0.1 else f"{score:.3g}"


def time_left(seconds: list[float], count: int) -> str:
    """``, about 3 min left``, or nothing where nothing is left.

    Args:
        seconds: that epochs or trainings took so far; the first waited for the compiler, so by it
            alone only the most can be told.
        count: how many are still to come.
    """
    if not count:
        return ""
    usual = seconds[1:] or seconds
    about = "about" if seconds[1:] else "at most"
    return f", {about} {duration(count * sum(usual) / len(usual))} left"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min`` or ``2 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
