"""Running trials: in a fresh process each, or one after the other in a warm one."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sweeps import guard, launch, warm_worker
from sweeps.launch import Launch
from sweeps.sweep_file import Sweep
from utils.paths import PROJECT_FOLDER

# Where `main(argv)` may be called again and again in one process.
WARM_PACKAGES = ("training",)
KILLED = 128 + signal.SIGKILL


class Program(Protocol):
    """A trial's running program."""

    @property
    def pid(self) -> int: ...
    def status(self) -> int | None:
        """None while it runs, then its exit status; 128 + n where signal n ended it."""

    def stop(self) -> None:
        """Ask it to end, as W&B's agent does: by SIGTERM."""

    def kill(self) -> None:
        """End it and all that it started."""


class FreshProgram:
    """A program in a process of its own, in a process group of its own."""

    def __init__(self, launch: Launch):
        with launch.log.open("ab") as log:
            self._process, self._lifeline = guard.start(
                launch.command,
                env=launch.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self) -> int | None:
        status = self._process.poll()
        if status is None:
            return None
        if self._lifeline >= 0:
            _kill_group(self._process.pid)  # processes that the program left running
            os.close(self._lifeline)
            self._lifeline = -1
        return 128 - status if status < 0 else status

    def stop(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        _kill_group(self._process.pid)
        self._process.wait()


class WarmWorker:
    """A process that keeps its libraries loaded and runs one trial after the other.

    Attributes:
        module: the program, e.g. ``training.train_cnn``.
        trials: how many it has run.
        memory_mb: its resident memory after the last one.
        first_memory_mb: after the first one.
    """

    def __init__(self, module: str, environment: Mapping[str, str], log: Path):
        """Start it; `log` gets what it prints between trials."""
        self.module = module
        self.memory_mb = self.first_memory_mb = 0.0
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                # -P keeps the worker's own folder off the path.
                [sys.executable, "-P", warm_worker.__file__, str(_folder_of(module)), module],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        self._answers: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, order: Mapping[str, Any]) -> None:
        """Send an order; a worker that is gone is noticed when its answer is read."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def answer(self, wait: float = 0) -> dict[str, Any] | None:
        """Its next answer, `{"died": status}` where there will be none, None where none is yet."""
        with self._arrived:
            if not self._answers and self.is_alive and wait:
                self._arrived.wait(wait)
            if self._answers:
                answer = self._answers.pop(0)
                self.memory_mb = answer.get("memory_mb", self.memory_mb)
                return answer
        status = self._process.poll()
        if status is None:
            return None
        return {"died": 128 - status if status < 0 else status}

    def stop_trial(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End it, whatever it does."""
        _kill_group(self._process.pid)
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._arrived:
                self._answers.append(json.loads(line))
                self._arrived.notify_all()
        self._process.wait()
        with self._arrived:
            self._arrived.notify_all()


class WarmProgram:
    """A trial in a warm worker."""

    def __init__(self, worker: WarmWorker, launch: Launch, arguments: list[str]):
        self._worker, self._status = worker, None
        worker.send({"run": arguments, "environment": launch.added, "log": str(launch.log)})

    @property
    def pid(self) -> int:
        return self._worker.pid

    def status(self) -> int | None:
        if self._status is None and (answer := self._worker.answer()):
            self._status = answer.get("status", answer.get("died"))
            self._worker.first_memory_mb = self._worker.first_memory_mb or self._worker.memory_mb
        return self._status

    def stop(self) -> None:
        self._worker.stop_trial()

    def kill(self) -> None:
        self._worker.close()


def warm_call(words: tuple[str, ...], anywhere: bool = False) -> tuple[str, list[str]] | None:
    """The module and arguments of `python -m MODULE ...`, where that may run in a warm worker.

    `python training/train_cnn.py ...`, W&B's default command, is taken for the module that it is.

    Args:
        words: the filled command.
        anywhere: whether modules outside of this project may, too.
    """
    plain = list(words[1:]) if words and words[0].endswith("/env") else list(words)
    match plain:
        case ["python", "-m", module, *arguments]:
            is_allowed = anywhere or _is_ours(module)
            return (module, arguments) if is_allowed else None
        case ["python", file, *arguments] if module := _module_of_ours(Path(file)):
            return module, arguments
    return None


def own_module(sweep: Sweep) -> str | None:
    """The module of ours that a sweep's trials run; None where the program is somebody else's."""
    call = warm_call(tuple(launch.words(sweep, {}, Path("none"))))
    return call[0] if call else None


def _is_ours(module: str) -> bool:
    """Whether a module is one of ours that may run warm, and not the working folder's own."""
    parts = module.split(".")
    file = Path(*parts).with_suffix(".py")
    own, here = PROJECT_FOLDER / file, Path.cwd() / file
    if parts[0] not in WARM_PACKAGES or not own.is_file():
        return False
    return not here.exists() or here.samefile(own)


def _folder_of(module: str) -> Path:
    """What goes first on the path of a program: our folder for ours, else the working folder."""
    return PROJECT_FOLDER if _is_ours(module) else Path.cwd()


def _module_of_ours(file: Path) -> str:
    """The module that a file of ours is, where it may run warm; else an empty text."""
    path = file.resolve()
    if file.suffix != ".py" or not path.is_relative_to(PROJECT_FOLDER):
        return ""
    parts = path.relative_to(PROJECT_FOLDER).with_suffix("").parts
    return ".".join(parts) if parts[0] in WARM_PACKAGES else ""


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has ended already
