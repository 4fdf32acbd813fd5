"""Ending a run in good order when a person, a scheduler or a sweep asks for it."""

import signal
from types import FrameType

import keras


class StopRequest:
    """While entered, SIGTERM and the first Ctrl-C are noted instead of ending the process.

    A stopped sweep trial hears of it twice, by SIGTERM from `wandb agent` and through `request`
    from a thread of wandb's; together they are one request. A second Ctrl-C interrupts at once.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._interrupted = False
        self._before: dict[int, object] = {}

    def request(self, reason: str = "stopped by W&B") -> None:
        """Ask for the end of the run, from any thread; the first reason stays."""
        self.reason = self.reason or reason

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True
        self.request(f"asked to stop ({signal.Signals(number).name})")


class StopWhenAsked(keras.callbacks.Callback):
    """Ends `fit` after the batch in which a stop was asked for."""

    def __init__(self, request: StopRequest):
        super().__init__()
        self.request = request

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.request.reason:
            self.model.stop_training = True
