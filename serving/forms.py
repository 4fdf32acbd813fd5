"""Files of a multipart form, written where they stay while they come in.

Starlette's own parser puts each file into one of its own first, from which it would be copied: an
upload of half a gigabyte would lie on the disk twice. It also decodes names by any codec that a
client asks for.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from serving.room import Room

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS = 20
NAMELESS = "upload"


async def files_of(
    body: AsyncIterator[bytes],
    content_type: bytes,
    folder: Path,
    fields: tuple[str, ...],
    most_files: int,
) -> list[tuple[str, Path]]:
    """Write the files of a form into a folder; fields without a file are passed over.

    Args:
        body: the request's, in pieces.
        content_type: the request's header, with the form's boundary.
        folder: an existing one, where the files are called ``upload-0`` and so on.
        fields: names of those fields whose files are kept.
        most_files: in all fields together.

    Returns:
        The name that the client gave, and where the file lies, of each.

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
    """What has been read of a form."""

    def __init__(self, folder: Path, fields: tuple[str, ...], most_files: int):
        self._room = Room(folder)
        self._folder, self._fields, self._most_files = folder, fields, most_files
        self._parts = {"files": 0, "fields": 0}
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._open: BinaryIO | None = None  # the file that is being written
        self.files: list[tuple[str, Path]] = []
        self.is_complete = False

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls; data come as a buffer and the part of it that counts."""
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
            self._room.take(end - start)
            self._open.write(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def _text(name: bytes) -> str:
    """Browsers send names in UTF-8, and never say so."""
    return name.decode("utf-8", "replace")


def _broken(why: str) -> HTTPException:
    return HTTPException(400, f"the multipart form cannot be read: {why}")
