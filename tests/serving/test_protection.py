"""Limits, headers and connections, before a small application on a real socket."""

import asyncio
import contextlib
import dataclasses
import http.client
import socket
import threading
import time

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from serving.protection import (
    MOST_HEAD_BYTES,
    RequestLimits,
    SecurityHeaders,
    limit_of,
    limited_protocol,
    media_type,
)
from serving.settings import Limits, ServiceSettings

SETTINGS = ServiceSettings(
    uploads=Limits(max_upload_bytes=150_000), max_json_bytes=1000, idle_s=0.4, upload_s=1.0
)
HEAD_S = 0.4
LARGE = 20_000_000  # more than sockets hold


def application(settings: ServiceSettings = SETTINGS) -> FastAPI:
    app = FastAPI()

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(1.0)
        return "done"

    @app.get("/large")
    async def large() -> Response:
        return Response(b"x" * LARGE)

    app.add_middleware(RequestLimits, settings=settings)
    app.add_middleware(SecurityHeaders, policies={"/slow": "default-src 'none'"})
    return app


@contextlib.contextmanager
def served(app, settings=SETTINGS, head_s=HEAD_S):
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="critical", ws="none", http=limited_protocol(head_s, settings.idle_s)
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def port():
    with served(application()) as own:
        yield own


@pytest.fixture(scope="module")
def patient_port():
    """Of a server whose clocks let a minute go by: what it ends sooner has another reason."""
    patient = dataclasses.replace(SETTINGS, idle_s=60, upload_s=60)
    with served(application(patient), patient, head_s=60) as own:
        yield own


def flood(connection) -> int:
    """Send header lines until the other side closes, or more than sockets hold has gone.

    Returns:
        the bytes sent.
    """
    line, sent = b"X-A: " + b"a" * 1000 + b"\r\n", 0
    connection.settimeout(30)
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while sent < LARGE:
            sent += connection.send(line)
    return sent


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def until_closed(connection: socket.socket) -> float:
    """Seconds until the other side closes."""
    connection.settimeout(10)
    started = time.monotonic()
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - started


def test_a_body_within_the_limit_arrives_whole(port):
    assert ask(port, "POST", "/size", b"x" * 150_000)[:2] == (200, "150000")


def test_an_announced_body_that_is_too_large_is_refused_at_once(port):
    status, text, headers = ask(port, "POST", "/size", b"x" * 250_000)
    assert status == 413 and "send the beats in several files" in text
    assert headers["x-content-type-options"] == "nosniff"


def test_json_has_a_limit_of_its_own(port):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert ask(port, "POST", "/size", b"[" + b"1," * 600 + b"1]", headers)[0] == 413


def test_a_body_that_nobody_announced_is_counted(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def endless():
        for _ in range(100):
            yield b"x" * 10_000

    try:
        connection.request("POST", "/size", endless(), encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        return  # refused while it was still sent
    assert connection.getresponse().status == 413


def test_a_body_that_stops_coming_is_given_up(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        connection.settimeout(10)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")


def test_a_body_that_trickles_is_given_up(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        started = time.monotonic()
        connection.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - started < 10:
            try:
                connection.sendall(b"a")
                answer = connection.recv(1000)
            except TimeoutError:
                pass
        assert answer.startswith(b"HTTP/1.1 408")
        assert 0.9 < time.monotonic() - started < 5


@pytest.mark.parametrize("sent", [b"", b"POST /size HTTP/1.1\r\nX-Slow: "])
def test_a_head_that_does_not_come_closes_the_connection(port, sent):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        assert until_closed(connection) < 5


def test_trailers_without_end_close_the_connection(patient_port):
    with socket.create_connection(("127.0.0.1", patient_port)) as connection:
        connection.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"1\r\na\r\n0\r\n")
        assert MOST_HEAD_BYTES <= flood(connection) < LARGE


def test_a_client_that_reads_nothing_is_cut_off(port):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(3 * SETTINGS.idle_s)
        connection.settimeout(10)
        came = 0
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(1 << 20):
                came += len(chunk)
        assert came < LARGE


def test_who_sends_too_much_sees_the_answer(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
        for _ in range(3):
            connection.sendall(b"x" * 1_000_000)
            time.sleep(0.05)
        connection.settimeout(10)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_body_that_is_left_over_and_trickles_is_given_up(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
        started = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() - started < 10:
                connection.sendall(b"a")
                time.sleep(0.02)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "kind", ["application/json\xa0", "application/json\x0b;", "Application/JSON"]
)
def test_nothing_is_json_for_the_routes_alone(kind):
    scope = {"headers": [(b"content-type", kind.encode("latin-1"))]}
    is_json = media_type(scope) == "application/json"
    assert is_json == (limit_of(scope, SETTINGS) == SETTINGS.max_json_bytes)


def test_a_head_without_end_closes_the_connection(patient_port):
    with socket.create_connection(("127.0.0.1", patient_port)) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\n")
        assert MOST_HEAD_BYTES <= flood(connection) < LARGE


def test_an_answer_may_take_longer_than_a_head(port):
    assert ask(port, "GET", "/slow")[:2] == (200, '"done"')


def test_connections_serve_many_requests(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for size in (10, 20_000, 0):
        connection.request("POST", "/size", b"y" * size)
        assert connection.getresponse().read() == str(size).encode()


def test_a_body_that_is_left_over_from_an_early_answer_is_no_head(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(3):
        connection.request("POST", "/slow", b"z" * 140_000)  # answered unread: it takes no POST
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (405, b'{"detail":"Method Not Allowed"}')


def test_slow_clients_do_not_hold_others_back(patient_port):
    held = [socket.create_connection(("127.0.0.1", patient_port)) for _ in range(50)]
    for connection in held:
        connection.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na")
    started = time.monotonic()
    assert ask(patient_port, "POST", "/size", b"quick")[:2] == (200, "5")
    assert time.monotonic() - started < 3  # of the minute that the others have
    for connection in held:
        connection.close()


def test_browsers_are_told_what_to_allow(port):
    _status, _text, headers = ask(port, "POST", "/size", b"")
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY" and headers["cache-control"] == "no-store"
    assert ask(port, "GET", "/slow")[2]["content-security-policy"] == "default-src 'none'"
