"""Uploads: files of a form, or a body, received into a folder that is removed after the request.

Forms are parsed here, since Starlette's own parser writes each file into a temporary file of its
own, from which it would be copied: an upload of half a gigabyte would be on the disk twice. It
also decodes names by any codec that a client asks for.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from serving.protection import media_type
from serving.settings import DiskSpace
from utils.errors import InputError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

CSV_TYPES = ("text/csv", "application/csv", "text/plain", "application/octet-stream")
PREFIX = "beatsweep-upload-"
# Longer than any request may take.
LEFT_BEHIND_S = 3600
MOST_FIELDS = 20
NAMELESS = "upload"


@dataclass(frozen=True)
class Received:
    """Received files.

    Attributes:
        files: the client's name and the path of each.
        folder: contains them, and the files unpacked from them.
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
        HTTPException: 400, the form cannot be read.
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
    """Remove the folders of requests whose service was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or gone already
            if time.time() - folder.stat().st_mtime > LEFT_BEHIND_S:
                shutil.rmtree(folder, ignore_errors=True)


async def _from_form(
    request: Request, folder: Path, fields: tuple[str, ...], most_files: int
) -> list[tuple[str, Path]]:
    content_type = request.headers["content-type"].encode("latin-1")
    files = await form_files(request.stream(), content_type, folder, fields, most_files)
    if not files:
        raise InputError(
            f"the form holds no file; expected one in the field {' or '.join(fields)}"
        )
    return files


async def _from_body(request: Request, folder: Path) -> tuple[str, Path]:
    path, disk = folder / "upload-0", DiskSpace(folder)
    with path.open("wb") as file:
        async for chunk in request.stream():
            disk.claim(len(chunk))
            file.write(chunk)
    return "upload.csv", path


# Multipart forms


async def form_files(
    body: AsyncIterator[bytes],
    content_type: bytes,
    folder: Path,
    fields: tuple[str, ...],
    most_files: int,
) -> list[tuple[str, Path]]:
    """Write the files of a form into a folder; fields without a file are skipped.

    Args:
        body: the request's, in chunks.
        content_type: the request's header, with the form's boundary.
        folder: an existing one, where the files are called ``upload-0`` and so on.
        fields: names of those fields whose files are kept.
        most_files: in all fields together.

    Returns:
        The client's name and the path of each file.

    Raises:
        HTTPException: 400, it is no form, or has too many parts.
        OSError: the disk is nearly full, or cannot be written.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise _broken("its header names no boundary")
    form = _Form(folder, fields, most_files)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in body:
            parser.write(chunk)
        if not form.is_complete:
            raise _broken("it ends before its last boundary")
    except FormParserError as error:
        raise _broken(str(error)) from error
    finally:
        form.close()
    return form.files


class _Form:
    """The part of a form that has been read."""

    def __init__(self, folder: Path, fields: tuple[str, ...], most_files: int):
        self._disk = DiskSpace(folder)
        self._folder, self._fields, self._most_files = folder, fields, most_files
        self._parts = {"files": 0, "fields": 0}
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._open: BinaryIO | None = None  # the file that is being written
        self.files: list[tuple[str, Path]] = []
        self.is_complete = False

    def callbacks(self) -> "MultipartCallbacks":
        """The parser's callbacks; data are a buffer, and the start and end of the valid part."""
        name, value = self._header
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._write,
            "on_part_end": self.close,
            "on_end": self._end,
        }

    def close(self) -> None:
        """Close the file that is being written, if one is."""
        if self._open:
            self._open.close()
        self._open = None

    def _begin(self) -> None:
        self._disposition = b""

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        name.clear()
        value.clear()

    def _end_headers(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"name" not in options:
            raise _broken("a part of it has no name")
        is_file = b"filename" in options
        self._count(is_file)
        if is_file and _text(options[b"name"]) in self._fields:
            path = self._folder / f"upload-{len(self.files)}"
            self._open = path.open("wb")
            self.files.append((_text(options[b"filename"]) or NAMELESS, path))

    def _count(self, is_file: bool) -> None:
        kind, most = ("files", self._most_files) if is_file else ("fields", MOST_FIELDS)
        self._parts[kind] += 1
        if self._parts[kind] > most:
            raise _broken(f"it has too many {kind}, at most {most} expected")

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._open:
            self._disk.claim(end - start)
            self._open.write(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def _text(name: bytes) -> str:
    """Browsers send names in UTF-8 without saying so."""
    return name.decode("utf-8", "replace")


def _broken(why: str) -> HTTPException:
    return HTTPException(400, f"the multipart form cannot be read: {why}")
