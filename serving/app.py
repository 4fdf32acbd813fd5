"""The routes: what can be asked, and which part of the service answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.trustedhost import TrustedHostMiddleware

from serving import answers, examples, page_answers, problems, receiving, schemas
from serving.monitoring import Monitored, Monitoring
from serving.protection import JSON, RequestLimits, SecurityHeaders, media_type
from serving.service import Service
from serving.settings import ServiceSettings, UnsupportedUpload

STATIC = Path(__file__).with_name("static")
DESCRIPTION = """Classes of heartbeats, by the networks of Beatsweep.

**Research software, not a medical device.** Nothing that is sent here is kept.

`/api/...` is the current version of the API, 1; `/api/v1/...` is the same and will stay when there
is a version 2. Beats are scaled by their own minimum and maximum to [0, 1], with zeros behind
their end; `GET /api/models` says how many values a model takes, and at which sampling rate.
"""
# The documentation page has a script of its own in it; its libraries come with fastapi-offline.
DOCS_FILES = "/docs/files"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
)
Model = Annotated[
    str, Query(description="a model's id, from /api/models; empty for the default", max_length=200)
]
Lead = Annotated[str, Query(description="lead to measure; else II, or the first", max_length=100)]
SamplingHz = Annotated[
    float | None, Query(gt=0, le=1e6, description="samples per second of a CSV recording")
]
Units = Annotated[str | None, Query(description="mV, uV or V: of a CSV recording", max_length=20)]
BINARY = {"type": "string", "format": "binary"}

PREDICT_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}}
        },
        JSON: {"schema": schemas.BeatsToPredict.model_json_schema()},
        "text/csv": {"schema": BINARY},
    },
}
RECORD_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {"files": {"type": "array", "items": BINARY, "minItems": 1}},
            }
        }
    },
}
api, health, web = APIRouter(responses=problems.PROBLEMS), APIRouter(), APIRouter()


@api.post(
    "/predict",
    summary="Classes of beats",
    response_model=schemas.Predictions,
    openapi_extra={"requestBody": PREDICT_BODY},
)
async def predict(request: Request, model: Model = "") -> Response:
    """Classify beats: a CSV file (or a zip of one) in the field `file`, or as the body, or JSON.

    A row of the CSV file is a beat: as many values as the model takes, and its label or none; with
    or without a header; commas, semicolons or tabs; Kaggle's files as they are.
    """
    service = _service(request)
    chosen = await service.model(model)
    kind = media_type(request.scope)
    if kind == JSON:
        return await answers.predict_json(service, chosen, await request.body())
    if kind != "multipart/form-data" and kind not in receiving.CSV_TYPES:
        raise UnsupportedUpload(
            "expected multipart/form-data with a CSV file in the field 'file', text/csv or "
            f"{JSON}; found {kind or 'no content type'}"
        )
    return await answers.predict_upload(service, chosen, request)


@api.post(
    "/records",
    summary="Beats, waves and rhythm of a recording",
    response_model=schemas.RecordAnalysis,
    openapi_extra={"requestBody": RECORD_BODY},
)
async def records(
    request: Request,
    model: Model = "",
    lead: Lead = "",
    sampling_hz: SamplingHz = None,
    units: Units = None,
    format: Literal["json", "html"] = "json",
) -> Response:
    """Analyse a recording: WFDB (`.hea` and `.dat`, or a zip), EDF, BDF, or CSV with a rate.

    With `format=html` the answer is one self-contained page.
    """
    asked = {"lead": lead, "sampling_hz": sampling_hz, "units": units}
    if media_type(request.scope) != "multipart/form-data":
        raise UnsupportedUpload("expected multipart/form-data with the recording in 'files'")
    return await answers.analyse_record(_service(request), request, asked, model, format)


@api.get("/models", summary="All checkpoints", response_model=schemas.Models)
async def models(request: Request) -> Any:
    """What can be asked for by `?model=`, each with its JSON."""
    store = _service(request).models
    return {
        "default": store.default_id(),
        "models": [answers.model_facts(name, entry) for name, entry in store.entries().items()],
    }


@api.get(
    "/typical_beats", summary="Beats that stand for many", response_model=schemas.TypicalBeats
)
async def typical_beats(request: Request, model: Model = "") -> Any:
    """The beats that `nearest_typical` counts, in its order."""
    return answers.typical(await _service(request).model(model))


@health.get("/healthz", summary="Whether the service lives", response_model=schemas.Health)
async def healthz() -> Any:
    """Always ok, as long as it answers."""
    return {"status": "ok"}


@health.get(
    "/readyz",
    summary="Whether it can predict",
    response_model=schemas.Health,
    responses={503: {"model": schemas.Health}},
)
async def readyz(request: Request) -> Any:
    """Ok once the default model is loaded, and until the service shuts down."""
    ready = _service(request).is_ready
    return JSONResponse({"status": "ok" if ready else "starting"}, 200 if ready else 503)


@health.get("/metrics", summary="Counters in Prometheus' form", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Requests, seconds, beats and sizes of batches."""
    return Response(
        _service(request).monitoring.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


@web.get("/")
async def index() -> Response:
    return FileResponse(STATIC / "index.html")


@web.post("/page/analyse")
async def page_analyse(
    request: Request,
    model: Model = "",
    lead: Lead = "",
    sampling_hz: SamplingHz = None,
    units: Units = None,
) -> Response:
    asked = {"lead": lead, "sampling_hz": sampling_hz, "units": units}
    return await page_answers.analyse(_service(request), request, model, asked)


@web.get("/examples/beats.csv")
async def example_beats() -> Response:
    return Response(await asyncio.to_thread(examples.beats_csv), media_type="text/csv")


@web.get("/examples/recording.zip")
async def example_recording() -> Response:
    packed = await asyncio.to_thread(examples.recording_zip)
    return Response(packed, media_type="application/zip")


def _service(request: Request) -> Service:
    return request.app.state.service


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """The whole application; it loads its models when the server starts it."""
    settings = settings or ServiceSettings()
    monitoring = Monitoring()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = service = Service(settings, monitoring)
        await service.start()
        yield
        await service.stop()

    app = FastAPIOffline(
        title="Beatsweep",
        version=schemas.API_VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        static_url=DOCS_FILES,
    )
    app.include_router(api, prefix="/api", tags=["predictions"])
    app.include_router(api, prefix="/api/v1", include_in_schema=False)
    app.include_router(health, tags=["health"])
    app.include_router(web, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC))
    problems.add_handlers(app)
    # The last one added is the first to see a request.
    app.add_middleware(RequestLimits, settings=settings)  # type: ignore[arg-type]
    if settings.allowed_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))
    app.add_middleware(SecurityHeaders, policies={"/docs": DOCS_POLICY})  # type: ignore[arg-type]
    app.add_middleware(Monitored, monitoring=monitoring)  # type: ignore[arg-type]
    return app
