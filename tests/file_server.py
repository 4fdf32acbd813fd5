"""A loopback HTTP server of files that can cut, spoil, delay or refuse its answers."""

import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer.

    Attributes:
        status: answer only this status.
        cut_after: close the connection after so many bytes of the body.
        flip: spoil the byte at this position of the file.
        pause_s: wait so long after every kilobyte.
        ignore_range: send the whole file whatever was asked for.
        wrong_range: answer a range with the one after it.
    """

    status: int | None = None
    cut_after: int | None = None
    flip: int | None = None
    pause_s: float = 0.0
    ignore_range: bool = False
    wrong_range: bool = False


NO_FAULT = Fault()


class FileServer:
    """Serves `files` (path without its first slash -> content) until its `with` block ends.

    The faults of a path are used up one per request, in order; `always` holds for the others.
    `requests` lists (path, Range header or None) in the order of their arrival.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.always: dict[str, Fault] = {}
        self.requests: list[tuple[str, str | None]] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FileServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ranges_of(self, path: str) -> list[str | None]:
        return [asked for requested, asked in self.requests if requested == path]

    def next_fault(self, path: str) -> Fault:
        waiting = self.faults[path]
        return waiting.pop(0) if waiting else self.always.get(path, NO_FAULT)


class _Handler(BaseHTTPRequestHandler):
    owner: FileServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        asked = self.headers.get("Range")
        self.owner.requests.append((path, asked))
        fault = self.owner.next_fault(path)
        content = self.owner.files.get(path)
        if fault.status is not None or content is None:
            self._refuse(fault.status or 404)
            return
        if fault.flip is not None:
            spoiled = bytearray(content)
            spoiled[fault.flip] ^= 0xFF
            content = bytes(spoiled)
        self._answer(content, None if fault.ignore_range else asked, fault)

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, content: bytes, asked: str | None, fault: Fault) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        start = int(match[1]) + fault.wrong_range if match else 0
        if match and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if match else 200)
        if match:
            span = f"{start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", f"bytes {span}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self._send(content[start:], fault)

    def _send(self, body: bytes, fault: Fault) -> None:
        if fault.cut_after is not None:
            body = body[: fault.cut_after]
            self.close_connection = True
        step = 1024 if fault.pause_s else max(len(body), 1)
        try:
            for place in range(0, len(body), step):
                self.wfile.write(body[place : place + step])
                time.sleep(fault.pause_s)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, *_words) -> None:
        """Be silent."""
