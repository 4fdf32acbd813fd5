"""Where studies are kept: SQLite in the runs folder, or a database that several machines share.

Optuna reads and writes the studies. Here is what it lacks for sweeps that many agents share: one
agent at a time decides, an agent waits while the database is away, and an agent that is gone is
known by its owner id.
"""

import hashlib
import os
import secrets
import socket
import string
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import filelock
import optuna
import psutil
import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage

from utils.errors import InputError
from utils.paths import runs_folder

T = TypeVar("T")

# How often an agent reports that a trial is alive, and the silence after which it counts as dead.
HEARTBEAT_SECONDS = 10
DEAD_AFTER_SECONDS = 60
# How long SQLite waits for another writer, and an agent for the lock that another one holds.
BUSY_SECONDS = 60
LOCK_SECONDS = 300
# How long an agent waits for a database that does not answer, and between two tries.
RETRY_SECONDS = 600
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
DATABASE_ERRORS = (
    optuna.exceptions.StorageInternalError,
    sqlalchemy.exc.DBAPIError,
    sqlalchemy.exc.TimeoutError,
)
PLAIN_POSTGRES = ("postgresql://", "postgres://")
HOW_TO_BEGIN = "`python -m sweeps.agent sweeps/smoke.yaml` makes one"


# --- Folders and connections -------------------------------------------------------------------


def default_url() -> str:
    """SQLite in the runs folder."""
    return f"sqlite:///{(runs_folder() / 'sweeps' / 'studies.db').resolve()}"


def study_folder(name: str) -> Path:
    """The folder of a study's W&B runs, logs and reports."""
    return runs_folder() / "sweeps" / name


def connect(url: str | None = None, dead_after: int = DEAD_AFTER_SECONDS) -> BaseStorage:
    """Optuna's storage at an SQLAlchemy URL, its tables made where they are missing.

    Args:
        url: e.g. ``sqlite:///runs/sweeps/studies.db`` or ``postgresql://user@host/name``.
        dead_after: seconds without a heartbeat after which another agent may take a trial.

    Raises:
        InputError: the URL is none, its driver is missing, or nothing answers there.
    """
    address = _parsed(url or default_url())
    if file := _sqlite_file(address):
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Optuna makes its tables without a lock, so two agents that start at once would collide.
        with exclusive(url, "tables"), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats
            return optuna.storages.get_storage(
                RDBStorage(
                    address.render_as_string(hide_password=False),
                    engine_kwargs=_engine_options(address),
                    heartbeat_interval=min(HEARTBEAT_SECONDS, max(1, dead_after // 4)),
                    grace_period=dead_after,
                )
            )
    except ImportError as error:
        raise InputError(f"{_shown(address)}: its driver is missing ({error})") from error
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise InputError(f"the storage {_shown(address)} cannot be used: {error}") from error


def open_existing(name: str, url: str | None = None) -> optuna.Study:
    """The study with this name.

    Raises:
        InputError: there is no such study; the message lists those that there are.
    """
    if (file := _sqlite_file(_parsed(url or default_url()))) and not file.is_file():
        raise InputError(f"no study '{name}': there is no storage {file} yet; {HOW_TO_BEGIN}")
    storage = connect(url)
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        known = ", ".join(optuna.get_all_study_names(storage)) or f"none; {HOW_TO_BEGIN}"
        raise InputError(f"no study '{name}' in the storage; it has: {known}") from None


def _parsed(url: str) -> sqlalchemy.URL:
    try:
        address = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError:
        raise InputError(
            f"'{url}' is no storage; expected e.g. sqlite:///runs/studies.db or "
            "postgresql://user:password@host/database"
        ) from None
    # Plain postgresql:// means psycopg2 to SQLAlchemy; ours is psycopg 3.
    is_plain = url.startswith(PLAIN_POSTGRES)
    return address.set(drivername="postgresql+psycopg") if is_plain else address


def _sqlite_file(address: sqlalchemy.URL) -> Path | None:
    if address.get_backend_name() != "sqlite" or address.database in (None, ":memory:"):
        return None
    return Path(str(address.database))


def _engine_options(address: sqlalchemy.URL) -> dict:
    if address.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_pre_ping": True}  # a restarted server's old connections are replaced


def _shown(address: sqlalchemy.URL) -> str:
    return address.render_as_string(hide_password=True)


# --- The lock: one agent at a time -------------------------------------------------------------


@contextmanager
def exclusive(url: str | None, name: str, writer: BaseStorage | None = None) -> Iterator[None]:
    """Hold the lock of a study, which one agent at a time has, on whatever machine it runs.

    A lock file beside SQLite's, an advisory lock in PostgreSQL or MySQL: each is freed by the
    system when its holder dies.

    Args:
        url: of the storage.
        name: of the study.
        writer: the storage that is written to meanwhile. It commits nothing once the database has
            taken the lock away, as it does when the lock's connection breaks.

    Raises:
        InputError: another agent holds it for minutes, or the database has no such locks.
    """
    address = _parsed(url or default_url())
    if file := _sqlite_file(address):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
                yield
        except filelock.Timeout as error:
            raise InputError(f"another agent has held {file}.lock for minutes") from error
        return
    take, give = _lock_statements(address, name)
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(take)
        try:
            with _commits_while(connection, writer):
                yield
        finally:
            # A connection that is gone has given it back. What was done is done: no error.
            with suppress(sqlalchemy.exc.SQLAlchemyError):
                connection.execute(give)


@contextmanager
def _commits_while(
    connection: sqlalchemy.Connection, writer: BaseStorage | None
) -> Iterator[None]:
    """Let `writer` commit only while a connection lives."""
    engine = writer._backend.engine if writer else None  # type: ignore[attr-defined]

    def check(_committing: sqlalchemy.Connection) -> None:
        connection.execute(sqlalchemy.text("SELECT 1"))

    if engine:
        sqlalchemy.event.listen(engine, "commit", check)
    try:
        yield
    finally:
        if engine:
            sqlalchemy.event.remove(engine, "commit", check)


def _lock_statements(address: sqlalchemy.URL, name: str) -> tuple:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    backend = address.get_backend_name()
    if backend == "postgresql":
        statements = f"SELECT pg_advisory_lock({key})", f"SELECT pg_advisory_unlock({key})"
    elif backend in ("mysql", "mariadb"):
        statements = f"SELECT GET_LOCK('{key}', {LOCK_SECONDS})", f"SELECT RELEASE_LOCK('{key}')"
    else:
        raise InputError(f"'{backend}' is not supported; use sqlite, postgresql or mysql")
    return tuple(sqlalchemy.text(statement) for statement in statements)


# --- Retry: a database that is locked, full, restarted or cut off ------------------------------


class StorageLost(InputError):
    """The database did not come back."""


class Retry:
    """Repeats an action until the storage answers.

    Attributes:
        answered_again: the monotonic time at which it last did, after it had not.
    """

    def __init__(self, notify: Callable[[str], None], give_up: Callable[[], bool]):
        """Prepare to retry.

        Args:
            notify: gets a sentence when the storage does not answer, and "" when it does again.
            give_up: asked between two tries whether to stop trying.
        """
        self.notify, self.give_up = notify, give_up
        self.answered_again = float("-inf")

    def call(self, action: Callable[[], T]) -> T:
        """The result of `action`, which must be safe to repeat.

        Raises:
            StorageLost: the storage did not answer for RETRY_SECONDS, or `give_up` said so.
        """
        until = time.monotonic() + RETRY_SECONDS
        pause, failed = FIRST_PAUSE_SECONDS, False
        while True:
            try:
                result = action()
            except DATABASE_ERRORS as error:
                failed = True
                if time.monotonic() > until or self.give_up():
                    raise StorageLost(
                        f"the storage did not answer for long: {cause(error)}. Nothing is lost "
                        "that was saved; the same command goes on"
                    ) from error
                self.notify(f"waiting for the storage: {cause(error)}")
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                if failed:
                    self.answered_again = time.monotonic()
                    self.notify("")
                return result


def cause(error: BaseException) -> str:
    """The first line of the database's own message, which SQLAlchemy and Optuna wrap."""
    while error.__cause__:
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]


# --- Owners: which agent has a trial -----------------------------------------------------------


def token() -> str:
    """Eight random letters and digits, as W&B names sweeps and runs."""
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
    """Whether the agent ran on this machine and its process is gone."""
    if owner is None:
        return True
    of, pid, _ = owner.rsplit(":", 2)
    return of == machine() and not psutil.pid_exists(int(pid))
