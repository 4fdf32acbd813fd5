"""The stand-in's HTTP side: GraphQL, the stream of a running program, and files to and fro."""

import base64
import gzip
import json
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.wandb_backend.graphql import Answer
from tests.wandb_backend.mutations import Mutations
from tests.wandb_backend.state import State
from tests.wandb_backend.views import Views


class WandbBackend(State):
    """A W&B server for one user on this machine, in threads of this process.

    Its state (`runs`, `sweeps`, `agents`, `artifacts`) is there to be looked at and changed.

    Attributes:
        api_key: the only key that is let in; others are answered with 401.
        url: its address.
        problems: requests that could not be answered, with the traceback. Should stay empty.
        unknown: fields asked for and answered with null.
    """

    def __init__(self, api_key: str):
        super().__init__()
        self.api_key = api_key
        self.problems: list[str] = []
        self.unknown: set[str] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.backend = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering. From now on the address refuses connections."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one GraphQL request."""
        views = Views(self, self.url)
        root = {**views.queries(), **Mutations(self, views).by_name()}
        with self.lock:
            try:
                return {"data": Answer(request, root, self.unknown).data}
            except Exception as error:
                self.problems.append(f"{request}\n{traceback.format_exc()}")
                return {"data": None, "errors": [{"message": f"stand-in: {error!r}"}]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    backend: WandbBackend

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note what went wrong; that a client hangs up when it ends is not wrong."""
        if not isinstance(sys.exception(), ConnectionError):
            self.backend.problems.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the terminal."""

    def do_POST(self) -> None:
        body = self._body()
        if not self._knows_the_key():
            self._reply(401, {"errors": [{"message": "user is not logged in"}]})
        elif self.path == "/graphql":
            self._reply(200, self.server.backend.answer(json.loads(body)))
        elif self.path.endswith("/file_stream"):
            with self.server.backend.lock:
                run = self.server.backend.runs[self.path.split("/")[-2]]
                self._reply(200, self.server.backend.stream(run, json.loads(body)))
        else:
            self._not_found()

    def do_PUT(self) -> None:
        files, name = self._files()
        files[name] = self._body()
        self._reply(200, {})

    def do_GET(self) -> None:
        files, name = self._files()
        self._reply(200, files[name]) if name in files else self._not_found()

    def _files(self) -> tuple[dict[str, bytes], str]:
        """The files of the run or artifact that a path below /storage names, and which one."""
        parts = unquote(self.path.partition("?")[0]).split("/", 4)
        if parts[1] != "storage":
            return {}, ""
        _, _, kind, owner, name = parts
        return getattr(self.server.backend, kind)[owner]["files"], name

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _knows_the_key(self) -> bool:
        expected = base64.b64encode(f"api:{self.server.backend.api_key}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _not_found(self) -> None:
        self.server.backend.problems.append(f"no such address: {self.command} {self.path}")
        self._reply(404, {"error": "no such address"})

    def _reply(self, status: int, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
