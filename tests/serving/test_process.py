"""`python -m serving` as a process: its first words, its last, and what is in flight between."""

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from ecg.synthetic.record import generate_record
from serving import examples
from serving.__main__ import _parse, settings_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@contextmanager
def process(tmp_path, *words, **variables):
    """The service in a process of its own, and its address once it has told it."""
    environment = {
        **os.environ,
        **variables,
        "ECG_RUNS": str(tmp_path / "runs"),
        "HOME": str(tmp_path),
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "serving", "--port", "0", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("w"),
        text=True,
    )
    try:
        address = ""
        for line in started.stdout:
            if "http://" in line:
                address = line.split("at ")[1].split()[0]
                break
        assert address, (tmp_path / "log").read_text()
        yield started, address
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()
        started.stdout.close()


def test_it_starts_within_ten_seconds_and_ends_at_ctrl_c(tmp_path):
    started = time.monotonic()
    with process(tmp_path) as (own, address):
        # The goal is ten seconds; a machine that runs other tests beside may be slower.
        assert time.monotonic() - started < 30
        assert httpx.get(f"{address}/readyz").json() == {"status": "ok"}
        assert "Beatsweep" in httpx.get(address).text
        own.send_signal(signal.SIGINT)
        assert own.wait(30) in (0, 130, -signal.SIGINT)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_commands_of_its_page_are_answered(tmp_path):
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    commands = re.findall(r"^curl .*$", page, re.MULTILINE)
    (client,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "beats.csv").write_bytes(examples.beats_csv())
    with zipfile.ZipFile(io.BytesIO(examples.recording_zip())) as archive:
        for name in archive.namelist():
            text = archive.read(name).replace(b"synthetic", b"203")
            (tmp_path / name.replace("synthetic", "203")).write_bytes(text)
    with process(tmp_path) as (_own, address):
        answers = []
        for command in commands:
            words = command.replace("http://127.0.0.1:8000", address).split()
            done = subprocess.run(
                [*words, "--silent"], cwd=tmp_path, capture_output=True, check=True
            )
            answers.append(json.loads(done.stdout))
        beats = np.random.default_rng(0).random((3, 187))
        exec(client.replace("http://127.0.0.1:8000", address), {"beats": beats})
    assert answers[0]["count"] == 200 and answers[1]["name"] == "203"


def test_sigterm_finishes_what_is_in_flight(tmp_path):
    rows = examples.beats_csv() * 60
    files = {"file": ("beats.csv", rows)}
    with process(tmp_path) as (own, address):
        found: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: found.append(
                httpx.post(f"{address}/api/predict", files=files, timeout=120)
            )
        )
        asking.start()
        while "beatsweep_requests_running 2.0" not in httpx.get(f"{address}/metrics").text:
            time.sleep(0.01)
        own.send_signal(signal.SIGTERM)
        asking.join()
        assert found[0].status_code == 200
        assert found[0].json()["count"] == rows.count(b"\n")
        assert own.wait(60) in (0, -signal.SIGTERM)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ([], ("127.0.0.1", "localhost", "::1", "[::1]")),
        (["--host", "0.0.0.0"], ()),
        (["--host", "10.0.0.1", "--allow-host", "ecg.example"], ("10.0.0.1", "ecg.example")),
        (["--allow-host", "*"], ()),
    ],
)
def test_who_may_call_the_server_how(words, allowed):
    hosts = settings_of(_parse(words)).allowed_hosts
    assert set(allowed) <= set(hosts) and bool(hosts) == bool(allowed)


def test_clients_that_vanish_leave_no_trace(tmp_path):
    with process(tmp_path) as (own, address):
        port = int(address.rsplit(":", 1)[1])
        for body in (b"", b"x" * 100_000):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                head = (
                    "POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\n"
                    "Content-Length: 1000000\r\n\r\n"
                )
                connection.sendall(head.encode() + body)
                time.sleep(0.2)
        answer = httpx.post(f"{address}/api/predict", json={"beats": [[0.5] * 187]})
        assert answer.status_code == 200
        own.send_signal(signal.SIGTERM)
        own.wait(60)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_taken_port_is_told_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "serving", "--port", str(taken.getsockname()[1])],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr and "--port" in done.stderr
    assert "starting" not in done.stdout, "before anything slow is imported"


def test_the_command_line_needs_no_slow_library():
    program = (
        "import sys, serving.__main__\n"
        "print({'tensorflow', 'keras', 'fastapi', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.parametrize("words", [["--port", "99999"], ["--port", "-1"], ["--max-beats", "0"]])
def test_flags_that_cannot_be_are_told(words):
    done = subprocess.run(
        [sys.executable, "-m", "serving", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "expected" in done.stderr and words[1] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_is_none_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "serving", "--host", "a" * 100 + ".b"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C goes to a whole console there")
def test_a_second_ctrl_c_breaks_off_without_tracebacks(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with process(tmp_path, TMPDIR=str(folder)) as (own, address):
        rows = examples.beats_csv() * 200
        asking = threading.Thread(target=broken_off, args=(address, rows))
        asking.start()
        until(lambda: list(folder.glob("beatsweep-*/upload-0")))
        own.send_signal(signal.SIGINT)
        time.sleep(0.5)
        own.send_signal(signal.SIGINT)
        assert own.wait(30) in (130, -signal.SIGINT)
        asking.join()
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert not list(folder.glob("beatsweep-*"))


def broken_off(address: str, rows: bytes) -> None:
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{address}/page/analyse", files={"files": ("a.csv", rows)}, timeout=60)


@pytest.mark.parametrize("path", ["/page/analyse", "/api/records"])
def test_a_recording_ends_when_its_sender_leaves(tmp_path, path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    long = long_recording()
    with process(tmp_path, TMPDIR=str(folder)) as (own, address):
        short = {"files": ("recording.zip", examples.recording_zip())}
        assert httpx.post(f"{address}/api/records", files=short, timeout=120).status_code == 200
        server = psutil.Process(own.pid)
        before = {one.pid for one in server.children()}
        head, body = as_form(long)
        with socket.create_connection(server_of(address)) as leaving:
            leaving.sendall(f"POST {path}?sampling_hz=250&units=mV HTTP/1.1\r\n{head}".encode())
            leaving.sendall(body)
            time.sleep(3)
        until(lambda: not list(folder.glob("beatsweep-*")))
        until(lambda: before - {one.pid for one in server.children()})
        assert httpx.post(f"{address}/api/records", files=short, timeout=120).status_code == 200
    assert "Traceback" not in (tmp_path / "log").read_text()


def as_form(content: bytes) -> tuple[str, bytes]:
    """The headers and the body of a form that sends a CSV file."""
    edge = "edge"
    part = 'Content-Disposition: form-data; name="files"; filename="long.csv"'
    body = f"--{edge}\r\n{part}\r\n\r\n".encode() + content + f"\r\n--{edge}--\r\n".encode()
    kind = f"Content-Type: multipart/form-data; boundary={edge}"
    return f"Host: 127.0.0.1\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n", body


def server_of(address: str) -> tuple[str, int]:
    return "127.0.0.1", int(address.rsplit(":", 1)[1])


def long_recording() -> bytes:
    """A recording that takes half a minute."""
    made = generate_record(np.random.default_rng(0), 6 * 3600.0, 250.0)
    text = io.StringIO("II_mV\n")
    text.seek(0, io.SEEK_END)
    np.savetxt(text, np.ravel(made.signal_mv), fmt="%.3f")
    return text.getvalue().encode()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with process(tmp_path, TMPDIR=str(folder)) as (_own, address):
        files = {"file": ("a.csv", examples.beats_csv())}
        assert httpx.post(f"{address}/api/predict", files=files, timeout=60).status_code == 200
        folder.rmdir()
        answer = httpx.post(f"{address}/api/predict", files=files, timeout=60)
        assert answer.status_code == 507 and "TMPDIR" in answer.json()["detail"]
        folder.mkdir()
        assert httpx.post(f"{address}/api/predict", files=files, timeout=60).status_code == 200


def until(true, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def test_uploads_leave_no_files_behind(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with process(tmp_path, TMPDIR=str(folder)) as (_own, address):
        files = {"files": ("recording.zip", examples.recording_zip())}
        answer = httpx.post(f"{address}/page/analyse", files=files, timeout=120)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [lines[0]["type"], lines[-1]["type"]] == ["start", "end"]
        httpx.post(f"{address}/api/predict", files={"file": ("a.csv", b"1,2\n")})
        assert not list(folder.glob("beatsweep-*"))
