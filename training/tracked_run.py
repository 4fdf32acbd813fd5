"""One run from its tracker's beginning to its end, whatever ends it.

`tracked_run` opens the tracker, notes requests to stop, and at the end closes the one, restores
what the other changed, and frees the networks' memory.
"""

import dataclasses
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from models.backend import keras
from training.tracking import Tracker, open_tracker


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


@dataclass
class TrackedRun:
    """What a training program works under.

    Attributes:
        tracker: where its numbers go.
        stop: noted requests to end early.
        failed: what the tracker hears at the end; an exception leaves it true.
    """

    tracker: Tracker
    stop: StopRequest
    failed: bool = True


@contextmanager
def tracked_run(settings: Any, *, job: str, group: str | None = None) -> Iterator[TrackedRun]:
    """Open the tracker, note requests to stop, and end both in good order.

    Args:
        settings: a program's settings, with a field `tracking`.
        job: W&B's job type.
        group: W&B's group, for runs that belong together.

    Raises:
        InputError: the W&B key cannot be used.
    """
    with StopRequest() as stop:
        tracker = open_tracker(
            settings.tracking,
            job=job,
            group=group,
            config=dataclasses.asdict(settings),
            on_stop=stop.request,
        )
        run = TrackedRun(tracker, stop)
        try:
            yield run
        finally:
            tracker.finish(run.failed)
            clear_session()


GRADIENTS = "CustomGradient-"


def clear_session() -> None:
    """Free the memory of all networks that nothing else refers to any more.

    A process that trains one network after the other would otherwise grow by tens of megabytes
    with each: TensorFlow registers a gradient for every graph that Keras traces, under a new name,
    and keeps the graph with it for ever. Python's collector then frees the rest in its own time.
    """
    keras.backend.clear_session(free_memory=False)
    # Not part of TensorFlow's public interface: `tests/training/test_clear_session.py` fails when
    # it moves, and without it only memory is lost.
    if ops := sys.modules.get("tensorflow.python.framework.ops"):
        kept = ops.gradient_registry._registry
        for name in [name for name in kept if name.startswith(GRADIENTS)]:
            del kept[name]
