"""Who runs a trial: ids of runs and agents, and whether an agent of this machine still lives."""

import os
import secrets
import socket
import string
from pathlib import Path

import psutil


def token() -> str:
    """Eight letters and digits, as W&B names sweeps and runs."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def new_owner() -> str:
    """The id of an agent in this process."""
    return f"{machine()}:{os.getpid()}:{secrets.token_hex(4)}"


def machine() -> str:
    """This machine since its start, told apart from containers that share its host name."""
    try:
        since = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}|{since}|{os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return socket.gethostname()


def is_dead(owner: str | None) -> bool:
    """Whether the agent was one of this machine and is no more."""
    if owner is None:
        return True
    of, pid, _ = owner.rsplit(":", 2)
    return of == machine() and not psutil.pid_exists(int(pid))
