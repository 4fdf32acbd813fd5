"""`python -m serving` as a process: its first words, its last, and what is in flight between."""

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
import pytest

from serving import examples

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@contextmanager
def process(tmp_path, *words):
    """The service in a process of its own, and its address once it has told it."""
    environment = {**os.environ, "ECG_RUNS": str(tmp_path / "runs"), "HOME": str(tmp_path)}
    started = subprocess.Popen(
        [sys.executable, "-m", "serving", "--port", "0", *words], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=(tmp_path / "log").open("w"), text=True,
    )  # fmt: skip
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


def test_the_commands_of_the_readme_are_answered(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^curl .*$", readme, re.MULTILINE)
    (client,) = [
        one for one in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "/api" in one
    ]
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
            [sys.executable, "-m", "serving", "--port", str(taken.getsockname()[1])], cwd=ROOT,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert "cannot listen" in done.stderr and "--port" in done.stderr


def test_uploads_leave_no_files_behind(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    os.environ["TMPDIR"], before = str(folder), os.environ.get("TMPDIR")
    try:
        with process(tmp_path) as (_own, address):
            files = {"files": ("recording.zip", examples.recording_zip())}
            answer = httpx.post(f"{address}/page/analyse", files=files, timeout=120)
            lines = [json.loads(line) for line in answer.text.splitlines()]
            assert [lines[0]["type"], lines[-1]["type"]] == ["start", "end"]
            httpx.post(f"{address}/api/predict", files={"file": ("a.csv", b"1,2\n")})
            assert not list(folder.glob("beatsweep-*"))
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
