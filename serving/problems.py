"""Errors as responses: an HTTP status and a sentence, never a traceback."""

import errno
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from heartbeats.csv_beats.beats_file import TooManyBeats
from serving import schemas
from serving.batching import Stopped
from serving.model_store import UnknownModel
from serving.records import Busy
from serving.settings import TooLarge, UnsupportedUpload
from utils.errors import InputError

# Descriptions of the statuses in the documentation.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": schemas.Problem, "description": "The request itself is broken."},
    404: {"model": schemas.Problem, "description": "There is no such model."},
    408: {"model": schemas.Problem, "description": "The request was too slow."},
    413: {"model": schemas.Problem, "description": "It is too large."},
    415: {"model": schemas.Problem, "description": "Files of this kind are not read."},
    422: {"model": schemas.Problem, "description": "What is wrong, with row and column."},
    503: {"model": schemas.Problem, "description": "Busy, starting or shutting down."},
    507: {"model": schemas.Problem, "description": "The server has no space for the upload."},
}
# The first matching type gives the status.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (UnknownModel, 404),
    (TooLarge, 413),
    (TooManyBeats, 413),
    (UnsupportedUpload, 415),
    (InputError, 422),
    (Busy, 503),
    (Stopped, 503),
)
# ENOENT: somebody has removed the folder for temporary files.
NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
UNFORESEEN, BROKEN = 500, "something went wrong in the service; its log has the details"
RETRY_S = "30"
log = logging.getLogger("beatsweep.requests")


def status_and_detail(error: Exception) -> tuple[int, str]:
    """The HTTP status of an error, and its message."""
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return 507, (
            f"the server cannot keep uploads while it works on them ({error.strerror}); its "
            "operator should check the folder for temporary files (TMPDIR)"
        )
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), UNFORESEEN)
    return status, BROKEN if status == UNFORESEEN else str(error)


def add_handlers(app: FastAPI) -> None:
    """Register these responses in an application."""
    for kind, _status in STATUSES:
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(OSError, _answer_system_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(Exception, _answer)  # Starlette logs the traceback itself


async def _answer(request: Request, error: Exception) -> Response:
    status, detail = status_and_detail(error)
    headers = {"retry-after": RETRY_S} if status == 503 else None
    return JSONResponse({"detail": detail}, status, headers)


async def _answer_system_error(request: Request, error: OSError) -> Response:
    log.error("%s %r: %s", request.method, request.url.path, error, exc_info=error)
    return await _answer(request, error)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    fault = error.errors()[0]
    name = ".".join(str(part) for part in fault["loc"][1:])
    return JSONResponse({"detail": f"{name}: {fault['msg']}"}, 422)


async def _disconnected(request: Request, error: Exception) -> Response:
    log.info("%s %r: the client disconnected", request.method, request.url.path)
    return JSONResponse({"detail": "the client disconnected"}, 400)
