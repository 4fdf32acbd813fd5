"""Responses for the page: a stream of lines while beats are predicted."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import numpy as np
from starlette.requests import Request

from heartbeats.beat_set import AAMI_CLASSES
from models.predictor import Predictor
from serving import answers, page_stream
from serving.batching import BATCH_BEATS
from serving.beat_predictions import Judged, Tally, recorded
from serving.cancellation import Stream
from serving.problems import UNFORESEEN, status_and_detail
from serving.receiving import received
from serving.records import Result
from serving.service import Part, Service
from serving.uploads import Upload

# A line is sent at least this often, so that the page sees progress.
PROGRESS_S = 1.0
log = logging.getLogger("beatsweep.page")


async def analyse(
    service: Service, request: Request, model_id: str, asked: dict[str, Any]
) -> Stream:
    """Recognise an upload and stream its results.

    Errors at the file's beginning give the response's status, later ones a line of the stream.
    """
    async with AsyncExitStack() as stack:
        most = service.settings.uploads.max_files
        came = await stack.enter_async_context(received(request, "files", most_files=most))
        upload = await answers.unpacked(service, came, as_recording=bool(asked["sampling_hz"]))
        size = sum(path.stat().st_size for _name, path in came.files)
        if upload.kind == "beats":
            lines = beat_lines(service, await service.model(model_id), upload, size)
        else:
            model = await answers.record_model(service, model_id)
            lines = record_lines(service, model, upload, size, asked)
        await stack.enter_async_context(aclosing(lines))
        first = await anext(lines)
        return Stream(_whole(first, lines), stack.pop_all(), page_stream.MEDIA_TYPE)


async def _whole(first: bytes, lines: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """All lines; the last one describes the error, if there was one."""
    try:
        yield first
        async for one in lines:
            yield one
    except Exception as error:
        status, detail = status_and_detail(error)
        if status == UNFORESEEN:
            log.exception("a page's stream broke off")
        yield page_stream.line({"type": "error", "status": status, "detail": detail})


async def beat_lines(
    service: Service, model: Predictor, upload: Upload, size: int
) -> AsyncGenerator[bytes, None]:
    """Start, parts of the beats, end."""
    started = time.perf_counter()
    tally = Tally(model.class_names)
    async with aclosing(service.predict_file(model, upload.path, upload.name)) as parts:
        async for part in parts:
            if not tally.count:
                labelled = part.judged.labels is not None
                yield page_stream.start(model, "beats", upload.name, size, labelled)
            first = tally.count
            tally.add(part.judged)
            yield await asyncio.to_thread(_line_of, part, first)
    yield _end(tally, started, answers.upload_notes(upload, model, tally))


def _line_of(part: Part, first: int) -> bytes:
    return page_stream.beats(part.judged, part.signals, first, part.bytes_read)


def _end(tally: Tally, started: float, notes: list[str]) -> bytes:
    return page_stream.line(
        {
            "type": "end",
            "count": tally.count,
            "summary": tally.summary(),
            "seconds": time.perf_counter() - started,
            "scores": tally.scores(),
            "notes": notes,
        }
    )


async def record_lines(
    service: Service, model: Predictor, upload: Upload, size: int, asked: dict[str, Any]
) -> AsyncGenerator[bytes, None]:
    """Start, progress, the recording, its beats, end."""
    started = time.perf_counter()
    task = answers.record_task(upload, model, "page", asked)
    yield page_stream.start(model, "recording", upload.name, size, False)
    job = asyncio.create_task(service.records.analyse(task))
    try:
        while not (await asyncio.wait([job], timeout=PROGRESS_S))[0]:
            seconds = time.perf_counter() - started
            yield page_stream.line(
                {"type": "progress", "seconds": seconds, "text": "finding and judging its beats"}
            )
        result = job.result()
    finally:
        job.cancel()  # ends the work if the client has disconnected
    yield page_stream.recording(result, answers.record_head(model))
    tally = Tally(AAMI_CLASSES)
    async for one in _recorded_beats(service, model, result, tally):
        yield one
    yield _end(tally, started, [*upload.notes, *result.answer["notes"]])


async def _recorded_beats(
    service: Service, model: Predictor, result: Result, tally: Tally
) -> AsyncIterator[bytes]:
    """The beats with the recording's own probabilities."""
    signals, probabilities = result.signals, result.probabilities
    assert signals is not None and probabilities is not None
    for first in range(0, len(signals), BATCH_BEATS):
        own = slice(first, first + BATCH_BEATS)
        job = service.batches.submit(model, signals[own], in_file=True)
        predictions = recorded(await asyncio.wrap_future(job), probabilities[own])
        rows = np.arange(first, first + len(signals[own])) + 1
        judged = Judged(rows, predictions)
        tally.add(judged)
        yield page_stream.beats(judged, signals[own], first, 0)
