"""The real service on a real socket, once for all tests of this folder."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import httpx
import pytest
import uvicorn

from serving.app import create_app
from serving.protection import limited_protocol
from serving.settings import Limits, ServiceSettings

# With files of tests, limits are to be reached soon.
SETTINGS = ServiceSettings(
    uploads=Limits(max_beats=20_000), max_json_bytes=4_000_000, refresh_s=0.1
)


@contextmanager
def running(settings: ServiceSettings) -> Iterator[str]:
    """The address of a service that runs in a thread."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        ws="none",
        http=limited_protocol(settings.head_s, settings.idle_s),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    until = time.monotonic() + 120
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the service did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="package")
def service(tmp_path_factory) -> Iterator[str]:
    """The address of a service that has the shipped checkpoints alone."""
    runs = tmp_path_factory.mktemp("runs")
    with mock.patch.dict(os.environ, {"ECG_RUNS": str(runs)}), running(SETTINGS) as address:
        yield address


@pytest.fixture
def client(service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service, timeout=60) as own:
        yield own
