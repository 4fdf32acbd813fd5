"""Downloads over HTTP: resumed, retried, verified by checksum, and put in place complete.

wfdb's `dl_database` verifies no checksums and writes into the final file, so an interrupted
download leaves half a record under the name of a whole one. That is why it is not used.
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

# As many as wfdb opens; more would burden PhysioNet's server.
CONNECTIONS = 2
# The most that an interruption loses: requests drops a chunk that is not complete.
CHUNK_BYTES = 8 * 1024
# To connect, and between two chunks of a response.
TIMEOUT_S = (10, 30)
# Before each retry that follows a try without progress; one more failure ends the download.
WAITS_S = (0.5, 1.0, 2.0, 4.0)
TEMPORARY_STATUS = {408, 425, 429, 500, 502, 503, 504}
KEPT = "What was received is kept: repeat the command to continue"


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch: its address, its place, and its SHA-256 (None where none is published)."""

    url: str
    target: Path
    sha256: str | None = None


# Called with a file, the bytes just received, and the share of the file that is there now.
Reporter = Callable[[RemoteFile, int, float], None]


class _Temporary(Exception):
    """A temporary fault."""


class _Stopped(Exception):
    """Another file failed, or the user stopped the program."""


def fetch_all(files: Iterable[RemoteFile], report: Reporter) -> int:
    """Fetch the files that are not there yet; returns how many were fetched.

    A file with the right checksum is kept. An incomplete one is stored beside its place with the
    suffix `.part` and is continued, by this call or a later one.

    Raises:
        InputError: a file could not be fetched, or its checksum is wrong. The first such fault
            stops the other downloads.
    """
    files = list(files)
    waiting: queue.SimpleQueue[RemoteFile] = queue.SimpleQueue()
    for file in files:
        waiting.put(file)
    ended: queue.SimpleQueue[bool | BaseException] = queue.SimpleQueue()
    stop = threading.Event()
    # Daemons, so that Ctrl-C need not wait for a server that does not respond.
    for _ in range(min(CONNECTIONS, len(files))):
        threading.Thread(target=_work, args=(waiting, ended, report, stop), daemon=True).start()
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
    report: Reporter,
    stop: threading.Event,
) -> None:
    with requests.Session() as session:
        while not stop.is_set():
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put(_fetch(file, session, report, stop))
            except BaseException as error:  # the main thread raises it
                ended.put(error)


def _fetch(
    file: RemoteFile, session: requests.Session, report: Reporter, stop: threading.Event
) -> bool:
    """Fetch one file unless it is there; whether it was fetched."""
    if file.target.is_file() and _is_right(file, file.target):
        report(file, 0, 1.0)
        return False
    part = file.target.with_name(file.target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    continued = _size(part) > 0
    _receive_with_retries(file, part, session, report, stop)
    if not _is_right(file, part):
        part.unlink()
        if continued:  # an earlier run may have left a part of another version: once more, whole
            return _fetch(file, session, report, stop)
        raise InputError(
            f"{file.url} is not what was published: its SHA-256 differs, so it was removed. "
            "Repeat the command, or fetch from a mirror (--from)"
        )
    os.replace(part, file.target)
    report(file, 0, 1.0)
    return True


def _receive_with_retries(
    file: RemoteFile,
    part: Path,
    session: requests.Session,
    report: Reporter,
    stop: threading.Event,
) -> None:
    """Receive, and retry after temporary faults, as long as there is progress between them."""
    failures, most = 0, _size(part)
    while True:
        try:
            return _receive(file, part, session, report, stop)
        except (_Temporary, requests.RequestException) as error:
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
    file: RemoteFile,
    part: Path,
    session: requests.Session,
    report: Reporter,
    stop: threading.Event,
) -> None:
    """Send one request for what `part` lacks, and save the response to the end."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"}  # a compressed response has other byte positions
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(file.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == 416 and _whole_length(answer) == have:
            return  # an earlier run was stopped after the last byte
        start, length = _start_and_length(file.url, answer, have, part)
        report(file, 0, 0.0)
        _save(file, part, answer, start, length, report, stop)
    if length is not None and _size(part) != length:
        raise _Temporary(f"the connection ended after {_size(part):,} of {length:,} bytes")


def _start_and_length(
    url: str, answer: requests.Response, have: int, part: Path
) -> tuple[int, int | None]:
    """Where in the file the response begins, and the length of the whole file if it is given."""
    status = answer.status_code
    if status in TEMPORARY_STATUS:
        raise _Temporary(f"the server answers {status} ({answer.reason})")
    content_length = answer.headers.get("Content-Length", "")
    if status == 200:  # also from servers that do not know Range
        return 0, int(content_length) if content_length.isdecimal() else None
    if status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        return have, _whole_length(answer)
    if status in (206, 416):  # not the rest of what is here: begin anew
        part.unlink(missing_ok=True)
        raise _Temporary("the server does not have the rest of the file that was begun")
    raise InputError(
        f"{url} cannot be fetched: the server answers {status} ({answer.reason}). It may have "
        f"moved; see `python -m heartbeats.download --help` for --from. {KEPT}"
    )


def _save(
    file: RemoteFile,
    part: Path,
    answer: requests.Response,
    start: int,
    length: int | None,
    report: Reporter,
    stop: threading.Event,
) -> None:
    try:
        have = start
        with part.open("ab" if start else "wb") as out:
            for chunk in answer.iter_content(CHUNK_BYTES):
                out.write(chunk)
                out.flush()
                have += len(chunk)
                report(file, len(chunk), have / length if length else 0.0)
                if stop.is_set():
                    raise _Stopped
    except requests.RequestException:  # an OSError too, but of the line and not of the disk
        raise
    except OSError as error:
        raise InputError(
            f"{shown(part)} could not be written ({error.strerror}). {KEPT} when there is space"
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
            return "the configured proxy refuses or cannot be reached"
        case requests.exceptions.Timeout():
            return "the server does not respond"
        case requests.exceptions.ConnectionError():
            return "there is no connection to the server"
        case requests.exceptions.ChunkedEncodingError():
            return "the connection was cut"
        case _:
            return str(error)
