"""Runs one program, and ends it with all its children when the agent that asked for it is gone.

    python guard.py DESCRIPTOR COMMAND...

DESCRIPTOR is the reading end of a pipe that only the agent holds open; it closes when the agent
ends, however that happens. The program gets no input, as under `wandb agent`.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any


def start(command: Sequence[str], **options: Any) -> tuple[subprocess.Popen, int]:
    """Start a command under a guard, in a process group of its own.

    Args:
        command: its words.
        options: as `subprocess.Popen` takes them.

    Returns:
        The guard's process, and the lifeline: a descriptor to close once it has ended.
    """
    reading, lifeline = os.pipe()
    # -P keeps the guard's folder off the path: its modules must not shadow installed libraries.
    words = [sys.executable, "-P", "-S", "-E", __file__, str(reading), *command]
    try:
        process = subprocess.Popen(words, pass_fds=[reading], start_new_session=True, **options)
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(reading)
    return process, lifeline


def main(argv: list[str]) -> int:
    """Start the program, wait for it, pass on its status; 128 + n where signal n ended it."""
    lifeline, command = int(argv[0]), argv[1:]
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]}: cannot be started ({error.strerror})", file=sys.stderr)
        return 127
    # As under W&B's agent a stop is meant for the program alone: its child processes, such as
    # wandb's service, must live on long enough to save what it logged.
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=_end_with_the_agent, args=(lifeline,), daemon=True).start()
    status = child.wait()
    return 128 - status if status < 0 else status


def _end_with_the_agent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
