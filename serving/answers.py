"""From what was received to the API's answers."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import Any

import numpy as np
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.requests import Request

from heartbeats.csv_beats.layout import label_notes
from models.predictor import CLASSIFIER, Predictor, class_names_of, kind_of
from recordings import classify
from serving.batching import BATCH_BEATS
from serving.beat_predictions import Judged, Tally, as_objects
from serving.cancellation import while_connected
from serving.model_store import Entry, meanings_of
from serving.page_stream import typical_beats
from serving.protection import JSON
from serving.receiving import Received, received
from serving.records import Form, Task
from serving.schemas import API_VERSION, BeatsToPredict
from serving.service import Part, Service
from serving.settings import TooLarge
from serving.uploads import Upload, recognise
from utils.errors import InputError

# Larger bodies are parsed in a thread, so that other requests need not wait for it.
PARSED_AT_ONCE_BYTES = 1 << 17
WEIGHTS_DIGITS = 16
# What `/api/models` says of a checkpoint as its JSON does.
COPIED_FACTS = (
    "data",
    "protocol",
    "samples",
    "sampling_hz",
    "scaling",
    "monitor",
    "score",
    "parameters",
)
MOST_SHOWN = 60


async def predict_json(service: Service, model: Predictor, body: bytes) -> Response:
    """Judge the beats of a JSON body."""
    if len(body) > PARSED_AT_ONCE_BYTES:
        signals, labels = await asyncio.to_thread(parse, body, model)
    else:
        signals, labels = parse(body, model)
    if len(signals) > (most := service.settings.uploads.max_beats):
        raise TooLarge(f"{len(signals):,} beats came; at most {most:,} are taken at a time")
    if len(signals) > BATCH_BEATS:
        tally, rows = await _of_parts(service.predict_many(model, signals, labels), model)
        return StreamingResponse(predictions(model, tally, rows, ()), media_type=JSON)
    judged = await service.predict(model, signals, labels)
    tally = Tally(model.class_names)
    tally.add(judged)
    rows = [encoded(judged, model.class_names)]
    return Response(b"".join(predictions(model, tally, rows, ())), media_type=JSON)


def parse(body: bytes, model: Predictor) -> tuple[np.ndarray, np.ndarray | None]:
    """(beats, samples) float32 signals and (beats,) labels or None from a JSON body.

    Raises:
        InputError: it is not as `BeatsToPredict` describes, or of another length than the model's.
    """
    try:
        given = BeatsToPredict.model_validate_json(body)
    except ValidationError as error:
        raise InputError(first_fault(error)) from None
    samples = model.checkpoint.beat_format.samples
    for row, beat in enumerate(given.beats, start=1):
        if len(beat) != samples:
            raise InputError(
                f"beat {row}: expected {samples} values, as model {model.id} takes them, found "
                f"{len(beat)}"
            )
    return np.array(given.beats, np.float32), _labels(given.labels, len(given.beats), model)


def _labels(labels: list[int] | None, beats: int, model: Predictor) -> np.ndarray | None:
    if labels is None:
        return None
    if len(labels) != beats:
        raise InputError(f"expected one label a beat, found {len(labels)} for {beats} beats")
    classes = len(model.checkpoint.beat_format.class_names)
    for row, label in enumerate(labels, start=1):
        if label >= classes:
            raise InputError(f"label {row}: expected 0 to {classes - 1}, found {label}")
    return np.array(labels, np.uint8)


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a body, with beat and value counted from 1."""
    fault = error.errors(include_url=False, include_context=False)[0]
    text = fault["msg"][0].lower() + fault["msg"][1:]
    found = fault["input"]
    # Whole lists and bodies are no help in a sentence.
    seen = f", found {found!r}" if isinstance(found, int | float | bool) else ""
    return f"{_place(fault['loc'])}: {text}{seen}"


def _place(path: tuple[int | str, ...]) -> str:
    """Where in the body: ("beats", 3, 17) is beat 4, value 18."""
    match path:
        case ("beats", int(beat), int(value)):
            return f"beat {beat + 1}, value {value + 1}"
        case ("beats", int(beat)):
            return f"beat {beat + 1}"
        case ("labels", int(place)):
            return f"label {place + 1}"
        case (field, *_):
            return f"field {str(field)[:MOST_SHOWN]!r}"
    return "the body"


async def predict_upload(service: Service, model: Predictor, request: Request) -> Response:
    """Judge the beats of an uploaded CSV file; the answer is sent once all of them are known."""
    async with received(request, "file", most_files=1) as came:
        upload = await unpacked(service, came)
        if upload.kind != "beats":
            raise InputError(f"{upload.name} is a recording; send it to /api/records")
        tally, rows = await while_connected(request.receive, _of_file(service, model, upload))
        notes = upload_notes(upload, model, tally)
    return StreamingResponse(predictions(model, tally, rows, notes), media_type=JSON)


async def _of_file(
    service: Service, model: Predictor, upload: Upload
) -> tuple[Tally, list[bytes]]:
    async with service.file_turn:
        return await _of_parts(service.predict_file(model, upload.path, upload.name), model)


async def _of_parts(
    judged: AsyncGenerator[Part, None], model: Predictor
) -> tuple[Tally, list[bytes]]:
    """The counts of all parts, and the predictions of each as JSON."""
    tally, rows = Tally(model.class_names), []
    async with aclosing(judged) as parts:
        async for part in parts:
            tally.add(part.judged)
            rows.append(await asyncio.to_thread(encoded, part.judged, model.class_names))
    return tally, rows


def upload_notes(upload: Upload, model: Predictor, tally: Tally) -> list[str]:
    """What must be read before the numbers of an upload."""
    labels = label_notes(upload.name, model.class_names) if tally.has_labels else ()
    return [*upload.notes, *labels]


def encoded(judged: Judged, class_names: tuple[str, ...]) -> bytes:
    """The predictions of a part, as JSON without the list's brackets."""
    return to_json(list(as_objects(judged, class_names)))[1:-1]


def predictions(
    model: Predictor, tally: Tally, rows: Iterable[bytes], notes: Iterable[str]
) -> Iterator[bytes]:
    """The answer in pieces, since that of 100,000 beats is 30 MB."""
    head = {
        "api_version": API_VERSION,
        "model": model.id,
        "weights": model.checkpoint.facts.weights_digest[:WEIGHTS_DIGITS],
        "class_names": model.class_names,
        "count": tally.count,
        "summary": tally.summary(),
        "scores": tally.scores(),
        "notes": list(notes),
    }
    yield to_json(head)[:-1] + b',"predictions":['
    for place, part in enumerate(rows):
        yield b"," + part if place else part
    yield b"]}"


async def unpacked(service: Service, came: Received, as_recording: bool = False) -> Upload:
    """What was uploaded, recognised, unpacked and checked in a thread."""
    return await asyncio.to_thread(
        recognise, came.files, came.folder, service.settings.uploads, as_recording=as_recording
    )


async def analyse_record(
    service: Service, request: Request, task: dict[str, Any], model_id: str, form: Form
) -> Response:
    """Analyse an uploaded recording.

    Args:
        task: `lead`, `sampling_hz` and `units` as `Task` has them.
        model_id: of the classifier; empty for the best CNN.
        form: ``json``, or ``html`` for a page of it all.
    """
    model = await record_model(service, model_id)
    async with received(
        request, "files", "file", most_files=service.settings.uploads.max_files
    ) as came:
        upload = await unpacked(service, came, as_recording=True)
        asked = record_task(upload, model, form, task)
        result = await while_connected(request.receive, service.records.analyse(asked))
    if form == "html":
        named = {"content-disposition": f'attachment; filename="{_ascii(upload.name)}.html"'}
        return HTMLResponse(result.html, headers=named)
    body = await asyncio.to_thread(to_json, {**record_head(model), **result.answer})
    return Response(body, media_type=JSON)


def record_task(upload: Upload, model: Predictor, form: Form, asked: dict[str, Any]) -> Task:
    """The work that an uploaded recording makes."""
    if upload.kind != "recording":
        raise InputError(f"{upload.name} holds single beats; send it to /api/predict")
    return Task(upload.path, upload.name, model.checkpoint.path, form=form, **asked)


async def record_model(service: Service, model_id: str) -> Predictor:
    """The classifier that was asked for; where none was, the one that `analyse_record.py` takes.

    Raises:
        InputError: the model cannot classify the beats of a recording.
    """
    if not model_id:
        usual = classify.best_checkpoint()
        return await service.model(usual.id)
    model = await service.model(model_id)
    if model.kind != CLASSIFIER:
        raise InputError(f"model {model_id} gives no classes of beats; choose a classifier")
    return model


def record_head(model: Predictor) -> dict[str, Any]:
    """What stands before an analysis."""
    return {"api_version": API_VERSION, "model": model.id}


def model_facts(model_id: str, entry: Entry) -> dict[str, Any]:
    """What `/api/models` says of one checkpoint."""
    checkpoint = entry.checkpoint
    said = checkpoint.facts.to_json()
    return {
        "id": model_id,
        "kind": kind_of(checkpoint),
        "origin": entry.origin,
        "architecture": checkpoint.architecture,
        "class_names": list(class_names_of(checkpoint)),
        "class_meanings": meanings_of(checkpoint),
        **{key: said.get(key) for key in COPIED_FACTS},
        "how_chosen": checkpoint.facts.how_chosen,
        "uncertain_below": checkpoint.facts.uncertain_below,
        "facts": said,
    }


def typical(model: Predictor) -> dict[str, Any]:
    """What `/api/typical_beats` says."""
    return {"api_version": API_VERSION, "model": model.id, "beats": typical_beats(model)}


def _ascii(name: str) -> str:
    """A name that can stand in a header."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)[:60] or "recording"
