"""How fast is the prediction service, compared with one `model.predict` a request?

    python -m benchmarks.service [--beats 100000] [--clients 8] [--requests 300] [--model ID]

One run starts `python -m serving` and measures

- seconds until it answers;
- single beats from several clients at once, each sending its next beat when the last one is
  answered;
- a CSV file of many beats, as Kaggle writes them, sent to the API and to the page's stream;
- the server's largest memory.

Then it starts the service that most people write, with the same network, and sends it the same
single beats. Beats are MIT-BIH's where they are found, else synthetic. The clients run on the same
cores as the server.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from heartbeats import catalog, kaggle_csv
from heartbeats.beat_set import BeatSet
from utils.command_line import Parser
from utils.paths import PROJECT_FOLDER

TIMEOUT_S = 60
PLAIN_PATH = "/api/predict"
SAMPLED_BEATS, WARM_UP_REQUESTS = 64, 30
START_S, POLL_S = 120, 0.05
BLOCK_BYTES = 1 << 18


# --- The clients ---------------------------------------------------------------------------------
#
# A client costs as little as it can, since it shares the cores with the server: requests are bytes
# made beforehand, and of an answer only its status and length are read.


@dataclass(frozen=True)
class Load:
    """The latencies that clients measured.

    Attributes:
        latencies_ms: (requests,) from the first byte sent to the last one received.
        seconds: that all of them took.
    """

    latencies_ms: np.ndarray
    seconds: float

    @property
    def requests_per_s(self) -> float:
        return len(self.latencies_ms) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds that `share` per cent of the requests stay below."""
        return float(np.percentile(self.latencies_ms, share))


def send_requests(port: int, where: str, beats: np.ndarray, clients: int, requests: int) -> Load:
    """Let clients send requests of one beat each, the next one when the last one is answered.

    Args:
        port, where: of a server on this machine, and the path with its query.
        beats: (beats, samples) float32, sent in turn.
        clients: how many at once.
        requests: how many of each client.

    Raises:
        RuntimeError: a request was answered by anything but 200.
    """
    bodies = [_request(port, where, beat) for beat in beats]
    found: list[list[float]] = [[] for _ in range(clients)]
    faults: list[Exception] = []
    threads = [
        threading.Thread(target=_client, args=(port, bodies, n, requests, found[n], faults))
        for n in range(clients)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return Load(1000 * np.concatenate(found), time.perf_counter() - started)


def _client(
    port: int,
    bodies: list[bytes],
    first: int,
    requests: int,
    latencies: list[float],
    faults: list[Exception],
) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(requests):
                body = bodies[(first + number) % len(bodies)]
                started = time.perf_counter()
                connection.sendall(body)
                _read_answer(connection)
                latencies.append(time.perf_counter() - started)
    except Exception as error:  # raised by the thread that waits for this one
        faults.append(error)


def _request(port: int, where: str, beat: np.ndarray) -> bytes:
    body = json.dumps({"beats": [[round(float(value), 6) for value in beat]]}).encode()
    head = (
        f"POST {where} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _read_answer(connection: socket.socket) -> None:
    data = connection.recv(1 << 16)
    while b"\r\n\r\n" not in data:
        more = connection.recv(1 << 16)
        if not more:
            raise RuntimeError("the server closed the connection")
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{head.splitlines()[0].decode()}: {body[:300].decode()}")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(1 << 16)


# --- The servers ---------------------------------------------------------------------------------


@dataclass
class Server:
    """A running server: its port, seconds until it answered, largest memory so far."""

    port: int
    process: subprocess.Popen
    start_s: float = 0.0
    peak_bytes: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running(words: list[str]) -> Iterator[Server]:
    """A server in a process of its own, ended by SIGTERM; the port is its last argument."""
    port = _free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words, str(port)],
        cwd=PROJECT_FOLDER,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    server = Server(port, process)
    watch = threading.Thread(target=_watch_memory, args=(server,), daemon=True)
    try:
        _wait_for(server)
        server.start_s = time.perf_counter() - started
        watch.start()
        yield server
    finally:
        server.ended.set()
        process.terminate()
        process.wait(60)


def upload(port: int, path: Path, where: str) -> tuple[float, int]:
    """Send a file as a form; seconds until the last byte of the answer, and its bytes.

    Raises:
        RuntimeError: the answer is not 200, or reports an error.
    """
    edge = "beatsweep-benchmark"
    name = "files" if where.startswith("/page") else "file"
    head = (
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{path.name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    ).encode()
    tail = f"\r\n--{edge}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    started = time.perf_counter()
    connection.putrequest("POST", where)
    connection.putheader("Content-Type", f"multipart/form-data; boundary={edge}")
    connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    connection.endheaders()
    connection.send(head)
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            connection.send(block)
    connection.send(tail)
    answer = connection.getresponse()
    size, end = 0, b""
    while block := answer.read(BLOCK_BYTES):
        size, end = size + len(block), (end + block)[-2000:]
    if answer.status != 200 or b'"type":"error"' in end:
        raise RuntimeError(f"{answer.status}: {end.decode(errors='replace')}")
    return time.perf_counter() - started, size


def model_facts(port: int, wanted: str) -> dict:
    """The service's description of a model, and the path of its JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/models")
    answer = json.load(connection.getresponse())
    name = wanted or answer["default"]
    facts = next(one for one in answer["models"] if one["id"] == name)
    folder = "models/pretrained" if facts["origin"] == "pretrained" else "runs/checkpoints"
    return {**facts, "path": str(PROJECT_FOLDER / folder / f"{name}.json")}


def _wait_for(server: Server) -> None:
    until = time.perf_counter() + START_S
    while time.perf_counter() < until:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", server.port), 1).close()
            return
        except OSError:
            time.sleep(POLL_S)
    raise RuntimeError(f"the server did not answer within {START_S} s")


def _watch_memory(server: Server) -> None:
    """Keep the largest memory of the process and its children."""
    process = psutil.Process(server.process.pid)
    while not server.ended.wait(POLL_S):
        try:
            family = [process, *process.children(recursive=True)]
            total = sum(one.memory_info().rss for one in family)
        except psutil.NoSuchProcess:
            continue
        server.peak_bytes = max(server.peak_bytes, total)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# --- The program ---------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    args = _parse(argv)
    beats = catalog.load(catalog.AUTO)
    some = np.asarray(beats.signals[:SAMPLED_BEATS])
    with running(["-m", "serving", "--port"]) as server:
        model = model_facts(server.port, args.model)
        print(f"{model['id']}, {model['parameters']:,} parameters; beats of {beats.name}")
        print(f"started in {server.start_s:.1f} s")
        path = f"/api/predict?model={model['id']}"
        ours = _measured("this service", server, path, some, args)
        before = server.peak_bytes
        _print_uploads(server, model["id"], beats, args.beats)
        print(
            f"largest memory {server.peak_bytes / 1e6:,.0f} MB "
            f"({before / 1e6:,.0f} MB before the files)"
        )
    with running(["-m", "benchmarks.plain_service", model["path"]]) as server:
        plain = _measured("one model.predict a request", server, PLAIN_PATH, some, args)
    ratio = ours.requests_per_s / plain.requests_per_s
    print(f"this service answers {ratio:.1f} times as many requests")
    return 0


def _measured(
    name: str, server: Server, path: str, beats: np.ndarray, args: argparse.Namespace
) -> Load:
    """Send single beats, first some that do not count, and print how fast they were answered."""
    send_requests(server.port, path, beats, args.clients, WARM_UP_REQUESTS)
    load = send_requests(server.port, path, beats, args.clients, args.requests)
    print_load(name, load, args.clients)
    return load


def _print_uploads(server: Server, model: str, beats: BeatSet, count: int) -> None:
    """Send a CSV file of `count` beats to the API and to the page, and print how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "beats.csv"
        rows = np.resize(np.arange(len(beats)), count)
        kaggle_csv.write(file, beats.signals[rows], beats.labels[rows])
        for path in ("/api/predict", "/page/analyse"):
            seconds, size = upload(server.port, file, f"{path}?model={model}")
            print(
                f"{count:,} beats, {file.stat().st_size / 1e6:.0f} MB, to {path}: "
                f"{seconds:.1f} s, answer {size / 1e6:.0f} MB"
            )


def print_load(name: str, load: Load, clients: int) -> None:
    print(
        f"{name}: {len(load.latencies_ms):,} single beats from {clients} clients: p50 "
        f"{load.percentile(50):.1f} ms, p99 {load.percentile(99):.1f} ms, "
        f"{load.requests_per_s:.0f} a second"
    )


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--beats", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--requests", type=int, default=300, help="of each client")
    parser.add_argument("--model", default="", metavar="ID", help="default: the service's")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
