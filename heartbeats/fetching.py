"""Files over HTTP: resumed after a cut, tried again after a fault, checked, put in place whole.

wfdb's own `dl_database` knows no checksums and writes into the final file, so a cut leaves half a
record under the name of a whole one; that is why this is not left to it.
"""

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import requests

from utils.errors import InputError
from utils.paths import shown

# As many as wfdb opens; PhysioNet asks for patience, not for parallel streams.
CONNECTIONS = 2
# What a cut loses at most: requests drops a piece that has not come whole.
CHUNK_BYTES = 8 * 1024
# To connect, and between two pieces of an answer.
TIMEOUT_S = (10, 30)
# Before each new try in a row that brought nothing; one more failure ends it.
WAITS_S = (0.5, 1.0, 2.0, 4.0)
PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}
KEPT = "What has come is kept: repeat the command to go on"


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch: where it is, where it goes, and what it must be (None: not published)."""

    url: str
    target: Path
    sha256: str | None = None


# Told of a file, the bytes that have just come, and the share of the file that is there now.
Listener = Callable[[RemoteFile, int, float], None]


class _TryAgain(Exception):
    """A fault that may pass."""


class _Stopped(Exception):
    """Another file failed, or the user wants no more."""


def fetch_all(files: Iterable[RemoteFile], told: Listener) -> int:
    """Fetch what is not there yet; the number of files fetched now.

    A file that is there with the right checksum is left alone. An unfinished one lies beside its
    place under `.part` and is gone on with, by this call or a later one.

    Raises:
        InputError: a file could not be fetched, or is not what was published. The first such fault
            stops the others.
    """
    files = list(files)
    waiting: queue.SimpleQueue[RemoteFile] = queue.SimpleQueue()
    for file in files:
        waiting.put(file)
    ended: queue.SimpleQueue[bool | BaseException] = queue.SimpleQueue()
    stop = threading.Event()
    # Daemons, so that Ctrl-C need not wait for a server that has gone silent.
    for _ in range(min(CONNECTIONS, len(files))):
        threading.Thread(target=_work, args=(waiting, ended, told, stop), daemon=True).start()
    try:
        return sum(_raised(ended.get()) for _file in files)
    finally:
        stop.set()


def _raised(result: bool | BaseException) -> bool:
    if isinstance(result, BaseException):
        raise result
    return result


def _work(
    waiting: "queue.SimpleQueue[RemoteFile]",
    ended: "queue.SimpleQueue[bool | BaseException]",
    told: Listener,
    stop: threading.Event,
) -> None:
    with requests.Session() as session:
        while not stop.is_set():
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put(_fetch(file, session, told, stop))
            except BaseException as error:  # the main thread raises it
                ended.put(error)


def _fetch(
    file: RemoteFile, session: requests.Session, told: Listener, stop: threading.Event
) -> bool:
    """Fetch one file unless it is there; whether it was fetched."""
    if file.target.is_file() and _is_right(file, file.target):
        told(file, 0, 1.0)
        return False
    part = file.target.with_name(file.target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    went_on = _size(part) > 0
    _receive_patiently(file, part, session, told, stop)
    if not _is_right(file, part):
        part.unlink()
        if went_on:  # what an earlier run left may have been of another version: once more, whole
            return _fetch(file, session, told, stop)
        raise InputError(
            f"{file.url} is not what was published: its SHA-256 differs, so it was removed. "
            "Repeat the command, or fetch from a mirror (--from)"
        )
    os.replace(part, file.target)
    told(file, 0, 1.0)
    return True


def _receive_patiently(
    file: RemoteFile, part: Path, session: requests.Session, told: Listener, stop: threading.Event
) -> None:
    """Receive, and try again after faults that may pass, as long as more comes now and then."""
    failures, most = 0, _size(part)
    while True:
        try:
            return _receive(file, part, session, told, stop)
        except (_TryAgain, requests.RequestException) as error:
            reason = _reason(error)
        size = _size(part)
        failures, most = (1, size) if size > most else (failures + 1, most)
        if failures > len(WAITS_S):
            raise InputError(
                f"{file.url} could not be fetched: {reason} ({failures} tries in a row). {KEPT}, "
                "or fetch from a mirror (--from)"
            )
        if stop.wait(WAITS_S[failures - 1]):
            raise _Stopped


def _receive(
    file: RemoteFile, part: Path, session: requests.Session, told: Listener, stop: threading.Event
) -> None:
    """One request for what `part` lacks, and its answer to the end."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"}  # a compressed answer has other byte positions
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(file.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == 416 and _whole_length(answer) == have:
            return  # an earlier run was stopped after the last byte
        start, length = _start_and_length(file.url, answer, have, part)
        told(file, 0, 0.0)
        _save(file, part, answer, start, length, told, stop)
    if length is not None and _size(part) != length:
        raise _TryAgain(f"the connection ended after {_size(part):,} of {length:,} bytes")


def _start_and_length(
    url: str, answer: requests.Response, have: int, part: Path
) -> tuple[int, int | None]:
    """Where in the file the answer begins, and the length of the whole file if it is said."""
    status = answer.status_code
    if status in PASSING_STATUS:
        raise _TryAgain(f"the server answers {status} ({answer.reason})")
    content_length = answer.headers.get("Content-Length", "")
    if status == 200:  # also from servers that do not know Range
        return 0, int(content_length) if content_length.isdecimal() else None
    if status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        return have, _whole_length(answer)
    if status in (206, 416):  # not the rest of what is here: begin anew
        part.unlink(missing_ok=True)
        raise _TryAgain("the server does not have the rest of the file that was begun")
    raise InputError(
        f"{url} cannot be had: the server answers {status} ({answer.reason}). It may have moved; "
        f"see `python -m heartbeats.download --help` for --from. {KEPT}"
    )


def _save(
    file: RemoteFile,
    part: Path,
    answer: requests.Response,
    start: int,
    length: int | None,
    told: Listener,
    stop: threading.Event,
) -> None:
    try:
        have = start
        with part.open("ab" if start else "wb") as out:
            for chunk in answer.iter_content(CHUNK_BYTES):
                out.write(chunk)
                out.flush()
                have += len(chunk)
                told(file, len(chunk), have / length if length else 0.0)
                if stop.is_set():
                    raise _Stopped
    except requests.RequestException:  # an OSError too, but of the line and not of the disk
        raise
    except OSError as error:
        raise InputError(
            f"{shown(part)} could not be written ({error.strerror}). {KEPT} when there is room"
        ) from None


def _is_right(file: RemoteFile, path: Path) -> bool:
    if file.sha256 is None:
        return True
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def _whole_length(answer: requests.Response) -> int | None:
    """The length behind the slash of `Content-Range: bytes 5-9/10` or `bytes */10`."""
    length = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(length) if length.isdecimal() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "its certificate could not be verified"
        case requests.exceptions.ProxyError():
            return "the proxy that is set refuses or is not there"
        case requests.exceptions.Timeout():
            return "the server is silent"
        case requests.exceptions.ConnectionError():
            return "there is no connection to the server"
        case requests.exceptions.ChunkedEncodingError():
            return "the connection was cut"
        case _:
            return str(error)
