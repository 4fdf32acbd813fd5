"""Uploads from the network to files in a folder of the request's own, gone when it is answered."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from serving.forms import files_of
from serving.protection import media_type
from serving.room import Room
from utils.errors import InputError

CSV_TYPES = ("text/csv", "application/csv", "text/plain", "application/octet-stream")
PREFIX = "beatsweep-upload-"
# Longer than any request may take.
LEFT_BEHIND_S = 3600


@dataclass(frozen=True)
class Received:
    """What came.

    Attributes:
        files: (the name that the client gave, where it lies now) of each.
        folder: holds them, and whatever is unpacked from them.
    """

    files: list[tuple[str, Path]]
    folder: Path


@asynccontextmanager
async def received(request: Request, *fields: str, most_files: int) -> AsyncIterator[Received]:
    """The files of a multipart form, or the body itself where it is a CSV file.

    Args:
        request: not read yet.
        fields: names of form fields that may hold files.
        most_files: in the form.

    Raises:
        InputError: there is no file.
        HTTPException: 400, what should be a form is none.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        if media_type(request.scope) == "multipart/form-data":
            files = await _from_form(request, folder, fields, most_files)
        else:
            files = [await _from_body(request, folder)]
        yield Received(files, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def remove_left_behind() -> None:
    """Remove the folders of requests that nobody could remove: their service was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or gone already
            if time.time() - folder.stat().st_mtime > LEFT_BEHIND_S:
                shutil.rmtree(folder, ignore_errors=True)


async def _from_form(
    request: Request, folder: Path, fields: tuple[str, ...], most_files: int
) -> list[tuple[str, Path]]:
    content_type = request.headers["content-type"].encode("latin-1")
    files = await files_of(request.stream(), content_type, folder, fields, most_files)
    if not files:
        raise InputError(
            f"the form holds no file; expected one in the field {' or '.join(fields)}"
        )
    return files


async def _from_body(request: Request, folder: Path) -> tuple[str, Path]:
    path, room = folder / "upload-0", Room(folder)
    with path.open("wb") as file:
        async for chunk in request.stream():
            room.take(len(chunk))
            file.write(chunk)
    return "upload.csv", path
