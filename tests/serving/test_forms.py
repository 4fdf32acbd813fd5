"""Forms are read in whatever pieces they come, never fill the disk, and leave nothing there."""

import asyncio
import collections
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from serving import receiving, settings
from serving.receiving import MOST_FIELDS, form_files

EDGE = "edge"
KIND = f"multipart/form-data; boundary={EDGE}".encode()


def part(disposition: str, content: bytes) -> bytes:
    head = f"--{EDGE}\r\nContent-Disposition: form-data; {disposition}\r\n"
    return f"{head}Content-Type: text/csv\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{EDGE}--\r\n".encode()


def read(body: bytes, folder, *, piece: int = 1 << 16, most_files: int = 3, kind: bytes = KIND):
    async def pieces():
        for start in range(0, len(body), piece):
            yield body[start : start + piece]

    return asyncio.run(form_files(pieces(), kind, folder, ("file", "files"), most_files))


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 100_000])
def test_pieces_of_any_size_give_the_same_files(tmp_path, piece):
    content = bytes(range(256)) * 4 + b"\r\n--edg\r\n--"
    body = form(
        part('name="files"; filename="ä b.csv"', content),
        part('name="note"', b"x" * 5000),
        part('name="file"; filename=""', b""),
    )
    files = read(body, tmp_path, piece=piece)
    assert [name for name, _path in files] == ["ä b.csv", "upload"]
    assert [path.read_bytes() for _name, path in files] == [content, b""]
    assert sorted(tmp_path.iterdir()) == [path for _name, path in files]


def test_files_of_other_fields_are_not_written(tmp_path):
    assert read(form(part('name="other"; filename="a"', b"1")), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body, kind, words",
    [
        (part('name="file"; filename="a"', b"1"), KIND, "before its last boundary"),
        (part('name="file"; filename="a"', b"1,2")[:-7], KIND, "before its last boundary"),
        (form(part('filename="a"', b"1")), KIND, "no name"),
        (form(part('name="file"; filename="a"', b"1")), b"multipart/form-data", "no boundary"),
        (b"--other\r\n", KIND, "boundary"),
        (form(*[part('name="file"; filename="a"', b"1")] * 4), KIND, "too many files, at most 3"),
        (form(*[part('name="x"', b"1")] * (MOST_FIELDS + 1)), KIND, "too many fields, at most 20"),
        (form(part('name="file"; filename="a"' + "x" * 9000, b"1")), KIND, "header size"),
    ],
)
def test_what_is_no_form_is_told(tmp_path, body, kind, words):
    with pytest.raises(HTTPException, match=words) as told:
        read(body, tmp_path, kind=kind)
    assert told.value.status_code == 400


def test_a_disk_that_gets_full_ends_the_upload(tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    free = iter([10 * settings.SPARE_BYTES, settings.SPARE_BYTES])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, next(free)))
    large = form(part('name="file"; filename="a"', b"1" * (settings.CHECKED_BYTES + (1 << 20))))
    with pytest.raises(OSError, match="nearly full"):
        read(large, tmp_path)
    written = (tmp_path / "upload-0").stat().st_size
    assert settings.CHECKED_BYTES * 0.9 < written < len(large)


def test_what_a_killed_service_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, new = (Path(tempfile.mkdtemp(prefix=receiving.PREFIX)) for _ in range(2))
    (old / "upload-0").write_bytes(b"1,2")
    other = tmp_path / "another-program"
    other.mkdir()
    long_ago = time.time() - receiving.LEFT_BEHIND_S - 60
    for folder in (old, other):
        os.utime(folder, (long_ago, long_ago))
    receiving.remove_left_behind()
    assert sorted(tmp_path.iterdir()) == sorted([new, other])
