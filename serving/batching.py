"""Batching: one thread runs the networks, and beats of waiting requests share a batch.

A network takes hardly longer for eight beats than for one, so under load batches make every
request faster. No request waits for others: a batch takes what is there when the network is free.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from models.predictor import SIZES, Predictions, Predictor

# Requests of at most this many beats go first and together. Files are predicted in parts of this
# size, one after each such batch, so that neither kind waits for long.
BATCH_BEATS = SIZES[-1]

log = logging.getLogger("beatsweep.batches")


class Stopped(RuntimeError):
    """The service is shutting down."""


@dataclass
class Job:
    """Beats of one request."""

    model: Predictor
    signals: np.ndarray
    future: "Future[Predictions]" = field(default_factory=Future)


class BatchQueue:
    """Runs submitted beats in batches; results are futures."""

    def __init__(self, observe: Callable[[int], None] = lambda beats: None):
        """
        Args:
            observe: called with the number of beats of every batch.
        """
        self._observe = observe
        self._small: deque[Job] = deque()
        self._large: deque[Job] = deque()
        self._waiting = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the submitted jobs, then end the thread."""
        with self._waiting:
            self._stopped = True
            self._waiting.notify()
        self._thread.join()

    def submit(
        self, model: Predictor, signals: np.ndarray, *, in_file: bool = False
    ) -> "Future[Predictions]":
        """Predict (beats, samples) signals in [0, 1]; the future may be cancelled.

        Args:
            model: from the model store.
            signals: at most BATCH_BEATS beats where `in_file`; any number else.
            in_file: part of a file, which lets requests of a few beats go first.

        Raises:
            Stopped: the service is shutting down.
        """
        job = Job(model, signals)
        with self._waiting:
            if self._stopped:
                raise Stopped("the service is shutting down")
            (self._large if in_file else self._small).append(job)
            self._waiting.notify()
        return job.future

    def _run(self) -> None:
        while True:
            with self._waiting:
                while not (self._small or self._large or self._stopped):
                    self._waiting.wait()
                if self._stopped and not (self._small or self._large):
                    return
                small = self._together()
                large = self._large.popleft() if self._large else None
            if small:
                self._answer(small)
            if large is not None:
                self._answer([large])

    def _together(self) -> list[Job]:
        """The first small jobs that one batch of one model holds; at least one if there is any."""
        jobs: list[Job] = []
        beats = 0
        while self._small:
            job = self._small[0]
            beats += len(job.signals)
            if jobs and (job.model is not jobs[0].model or beats > BATCH_BEATS):
                break
            jobs.append(self._small.popleft())
        return jobs

    def _answer(self, jobs: list[Job]) -> None:
        jobs = [job for job in jobs if job.future.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            found = predict_in_batches(
                jobs[0].model, np.concatenate([job.signals for job in jobs]), self._observe
            )
        except Exception as error:  # the thread must survive any error of a backend
            log.exception("a batch failed")
            for job in jobs:
                job.future.set_exception(error)
            return
        start = 0
        for job in jobs:
            end = start + len(job.signals)
            job.future.set_result(found.part(slice(start, end)))
            start = end


def predict_in_batches(
    model: Predictor, signals: np.ndarray, observe: Callable[[int], None]
) -> Predictions:
    """The predictions of `model` for any number of beats."""
    parts = []
    for start in range(0, len(signals), BATCH_BEATS):
        part = signals[start : start + BATCH_BEATS]
        observe(len(part))
        parts.append(model.predict(part))
    return parts[0] if len(parts) == 1 else Predictions.joined(parts)
