"""Ending a run in good order when a person, a scheduler or a sweep asks for it."""

import signal
from types import FrameType

import keras


class StopRequest:
    """While entered, SIGTERM and the first Ctrl-C are noted instead of ending the process.

    W&B's early stopping arrives as SIGTERM and as KeyboardInterrupt, in either order, so one of
    each is a single request. A second Ctrl-C interrupts at once.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._interrupted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._interrupted:
            raise KeyboardInterrupt
        self._interrupted |= number == signal.SIGINT
        self.reason = self.reason or f"asked to stop ({signal.Signals(number).name})"


class StopWhenAsked(keras.callbacks.Callback):
    """Ends `fit` after the batch in which a stop was asked for."""

    def __init__(self, request: StopRequest):
        super().__init__()
        self.request = request

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.request.reason:
            self.model.stop_training = True
