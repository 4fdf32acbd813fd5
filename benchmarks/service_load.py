"""Clients that send one beat after another, each on a connection of its own.

A client costs as little as it can, since it shares the cores with the server: requests are bytes
made beforehand, and of an answer only its status and length are read.
"""

import json
import socket
import threading
import time
from dataclasses import dataclass

import numpy as np

TIMEOUT_S = 60


@dataclass(frozen=True)
class Load:
    """What some clients saw.

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
        """Milliseconds that so many per cent of the requests stay below."""
        return float(np.percentile(self.latencies_ms, share))


def press(port: int, where: str, beats: np.ndarray, clients: int, requests: int) -> Load:
    """Let so many clients send so many requests each, one beat a request, the next at its answer.

    Args:
        port, where: of a server on this machine, and the path with its query.
        beats: (beats, samples) float32, sent in turn.
        clients: at once.
        requests: of each client.

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
    except Exception as error:  # told by the thread that waits for this one
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
