"""The queue before the recordings' process, and what ends it."""

import asyncio
import dataclasses
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from ecg.files.writing import write_wfdb
from ecg.recording import Recording
from ecg.synthetic.record import generate_record
from models.checkpoints import PRETRAINED_FOLDER
from serving.records import Busy, RecordAnalyst, Result, Task
from serving.settings import ServiceSettings
from utils.errors import InputError

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
HZ = 250.0
CNN = PRETRAINED_FOLDER / "mitbih-kaggle" / "cnn.json"


def task(folder: Path, seconds: float) -> Task:
    made = generate_record(np.random.default_rng(0), seconds, HZ)
    name = f"of{seconds:.0f}"
    write_wfdb(Recording(name, made.signal_mv, HZ, ("II",)), folder)
    return Task(folder / name, name, CNN, "", None, None, "json")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return task(tmp_path_factory.mktemp("short"), 30)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return task(tmp_path_factory.mktemp("long"), 3600)


@pytest.fixture
def analyst():
    made = []

    def make(**limits) -> RecordAnalyst:
        made.append(RecordAnalyst(dataclasses.replace(ServiceSettings(), **limits)))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_one_that_takes_too_long_is_ended_and_the_next_is_analysed(analyst, short, long):
    own = analyst()
    assert isinstance(asyncio.run(own.analyse(short)), Result)  # the process has started
    own._settings = dataclasses.replace(own._settings, record_s=0.1)
    with pytest.raises(InputError, match=r"took longer than 0\.1 s"):
        asyncio.run(own.analyse(long))
    own._settings = ServiceSettings()
    assert asyncio.run(own.analyse(short)).answer["name"] == short.name


def test_one_is_in_work_and_so_many_wait(analyst, short):
    own = analyst(records_waiting=2)

    async def scene():
        return await asyncio.gather(
            *(own.analyse(short) for _ in range(5)), return_exceptions=True
        )

    found = asyncio.run(scene())
    assert [type(one) for one in found] == [Result, Result, Result, Busy, Busy]


def test_the_process_ends_with_a_server_that_was_killed(tmp_path):
    program = (
        "import multiprocessing, time\n"
        "from tests.serving.test_records import stay\n"
        "if __name__ == '__main__':\n"
        "    own = multiprocessing.get_context('spawn').Process(target=stay)\n"
        "    own.start()\n"
        "    print(own.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = tmp_path / "server.py"
    path.write_text(program)
    server = subprocess.Popen(
        [sys.executable, str(path)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    child = psutil.Process(int(server.stdout.readline()))
    server.kill()
    server.wait()
    server.stdout.close()
    try:
        child.wait(30)
    except psutil.TimeoutExpired:
        child.kill()
        raise


def stay() -> None:
    """What the recordings' process does while it computes for ever."""
    from serving.records import end_with_server

    assert multiprocessing.parent_process() is not None
    end_with_server()
    while True:
        time.sleep(0.01)
