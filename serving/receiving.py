"""Uploads from the network to files in a folder of the request's own, gone when it is answered."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request

from serving.protection import media_type
from utils.errors import InputError

MOST_FIELDS = 20
_CHARSET = re.compile(rb";\s*charset", re.IGNORECASE)
CSV_TYPES = ("text/csv", "application/csv", "text/plain", "application/octet-stream")


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
    """
    folder = Path(tempfile.mkdtemp(prefix="beatsweep-"))
    try:
        if media_type(request.scope) == "multipart/form-data":
            files = await _from_form(request, folder, fields, most_files)
        else:
            files = [await _from_body(request, folder)]
        yield Received(files, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _from_form(
    request: Request, folder: Path, fields: tuple[str, ...], most_files: int
) -> list[tuple[str, Path]]:
    # What is no form is answered by Starlette with 400.
    plain = Request({**request.scope, "headers": _without_charset(request)}, request.receive)
    async with plain.form(max_files=most_files, max_fields=MOST_FIELDS) as form:
        uploads = [
            value
            for name, value in form.multi_items()
            if name in fields and isinstance(value, UploadFile)
        ]
        if not uploads:
            raise InputError(
                f"the form holds no file; expected one in the field {' or '.join(fields)}"
            )
        return [
            (one.filename or "upload", await asyncio.to_thread(_keep, one, folder, number))
            for number, one in enumerate(uploads)
        ]


def _without_charset(request: Request) -> list[tuple[bytes, bytes]]:
    """The headers, the content type of which names no encoding of names.

    Browsers send names in UTF-8 and never say so. Starlette would decode by any codec of Python
    that a client names, and some fail or take for ever.
    """
    return [
        (name, _CHARSET.sub(b"; ignored", value) if name == b"content-type" else value)
        for name, value in request.scope["headers"]
    ]


def _keep(upload: UploadFile, folder: Path, number: int) -> Path:
    path = folder / f"upload-{number}"
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, 1 << 20)
    return path


async def _from_body(request: Request, folder: Path) -> tuple[str, Path]:
    path = folder / "upload-0"
    with path.open("wb") as file:
        async for chunk in request.stream():
            file.write(chunk)
    return "upload.csv", path
