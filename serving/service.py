"""The service behind the routes: models, batches, recordings, monitoring and limits."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heartbeats.csv_beats import beats_file
from models.predictor import Predictions, Predictor
from serving.batching import BATCH_BEATS, BatchQueue
from serving.beat_predictions import Judged, labels_for
from serving.model_store import ModelStore
from serving.monitoring import Monitoring
from serving.receiving import remove_left_behind
from serving.records import RecordAnalyst
from serving.settings import ServiceSettings
from utils.errors import InputError

# This many beats of a file are read, predicted and sent at a time.
PART_BEATS = 4096
# This many files are predicted at a time if their response is sent at the end: two keep both cores
# busy, and each takes about 35 MB. A page's stream waits for its reader, so it takes no turn,
# which a slow reader would keep from others.
FILES_AT_ONCE = 3


@dataclass(frozen=True)
class Part:
    """Judged beats of a file, with their signals, and how far the file has been read."""

    judged: Judged
    signals: np.ndarray
    bytes_read: int


class Service:
    """Starts, stops and shares the parts of the service, and predicts."""

    def __init__(self, settings: ServiceSettings, monitoring: Monitoring):
        self.settings, self.monitoring = settings, monitoring
        self.models = ModelStore(settings)
        self.batches = BatchQueue(monitoring.batch)
        self.records = RecordAnalyst(settings)
        self.file_turn = asyncio.Semaphore(FILES_AT_ONCE)
        self.is_ready = False

    async def start(self) -> None:
        """Load the default model; raises InputError where there is none."""
        self.batches.start()
        await asyncio.to_thread(remove_left_behind)
        await asyncio.to_thread(self.models.start)
        self.is_ready = True

    async def stop(self) -> None:
        """Finish the work in progress, and end threads and processes."""
        self.is_ready = False
        self.models.stop()
        await asyncio.to_thread(self.batches.stop)
        await asyncio.to_thread(self.records.stop)

    async def model(self, model_id: str) -> Predictor:
        """The model with this id, loaded if necessary."""
        loaded = self.models.loaded(model_id)
        if loaded is not None:
            return loaded
        return await asyncio.to_thread(self.models.get, model_id)

    async def predict(
        self, model: Predictor, signals: np.ndarray, labels: np.ndarray | None
    ) -> Judged:
        """Judge (beats, samples) float32 signals in [0, 1] that came as JSON."""
        predictions = await asyncio.wrap_future(self.batches.submit(model, signals))
        rows = np.arange(1, len(signals) + 1)
        return Judged(rows, predictions, labels_for(model, labels))

    async def predict_file(
        self, model: Predictor, path: Path, name: str
    ) -> AsyncGenerator[Part, None]:
        """Judge the beats of a CSV file, in parts: the next is read while one is predicted.

        Raises:
            InputError: the file cannot be read (the message names row and column), or it takes too
                long.
        """
        beat_format = model.checkpoint.beat_format
        until = asyncio.get_running_loop().time() + self.settings.predict_s
        reading = beats_file.parts(
            path,
            beat_format.samples,
            beat_format.class_names,
            name=name,
            beats_at_once=PART_BEATS,
            limit=self.settings.uploads.max_beats,
        )
        following, count = _next(reading), 0
        try:
            while (part := await following) is not None:
                following = _next(reading)
                yield await self._judged(model, part, count)
                count += len(part.signals)
                if asyncio.get_running_loop().time() > until:
                    raise InputError(
                        f"{name} took longer than {self.settings.predict_s:g} s to predict; send "
                        "the beats in several files, or use eval.py --predict"
                    )
        finally:
            # The thread may still be reading, so the file must not be removed yet.
            await asyncio.gather(following, return_exceptions=True)

    async def predict_many(
        self, model: Predictor, signals: np.ndarray, labels: np.ndarray | None
    ) -> AsyncGenerator[Part, None]:
        """Judge as `predict` does, part by part, and so that others need not wait for all."""
        for first in range(0, len(signals), PART_BEATS):
            own = slice(first, first + PART_BEATS)
            chosen = None if labels is None else labels[own]
            yield await self._judged(model, beats_file.Part(signals[own], chosen, 0), first)

    async def _judged(self, model: Predictor, part: beats_file.Part, before: int) -> Part:
        """Judge a part of a file that follows `before` other beats."""
        jobs = [
            self.batches.submit(model, part.signals[first : first + BATCH_BEATS], in_file=True)
            for first in range(0, len(part.signals), BATCH_BEATS)
        ]
        try:
            found = [await asyncio.wrap_future(job) for job in jobs]
        finally:
            for job in jobs:
                job.cancel()
        rows = np.arange(before + 1, before + 1 + len(part.signals))
        judged = Judged(rows, Predictions.joined(found), labels_for(model, part.labels))
        return Part(judged, part.signals, part.bytes_read)


def _next(reading: Iterator[beats_file.Part]) -> "asyncio.Task[beats_file.Part | None]":
    """The next part, read in a thread; None behind the last."""
    return asyncio.create_task(asyncio.to_thread(next, reading, None))
