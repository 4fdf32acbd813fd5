"""One run from its tracker's beginning to its end, whatever ends it."""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from training.forgetting import forget_networks
from training.stopping import StopRequest
from training.tracking import Tracker, open_tracker


@dataclass
class TrackedRun:
    """What a training program works under.

    Attributes:
        tracker: where its numbers go.
        stop: noted requests to end early.
        failed: told to the tracker at the end; an exception leaves it true.
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
            forget_networks()


def verbosity() -> int:
    """Keras' `verbose`: a progress bar on a terminal, else a line per epoch."""
    return 1 if sys.stdout.isatty() else 2
