"""The pytest fixtures: a stand-in for W&B, and the environment in which programs find it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wandb_backend.server import WandbBackend

API_KEY = "local-" + 40 * "0"
WRONG_KEY = "local-" + 40 * "1"


@pytest.fixture
def wandb_backend() -> Iterator[WandbBackend]:
    """A fresh stand-in on a free port of this machine; it must understand all it is asked."""
    backend = WandbBackend(API_KEY)
    yield backend
    backend.close()
    assert not backend.problems, backend.problems[0]


@pytest.fixture
def wandb_environment(wandb_backend: WandbBackend, tmp_path: Path) -> dict[str, str]:
    """The environment for programs that are to use the stand-in, and nothing of the user's.

    The folder of this Python comes first in PATH, since `wandb agent` starts `python`.
    """
    home = tmp_path / "home"
    home.mkdir()
    of_the_user = ("WANDB_", "NETRC")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(of_the_user)}
    return {
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "WANDB_BASE_URL": wandb_backend.url,
        "WANDB_API_KEY": wandb_backend.api_key,
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",  # send history every second, not every 15
    }


def output(command: list[str], environment: dict[str, str], folder: Path, status: int = 0) -> str:
    """What a program prints to both streams; fails where its exit status is not `status`."""
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        timeout=540,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == status, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout
