"""Doing something in a database again and again while it does not answer."""

import time
from collections.abc import Callable
from typing import TypeVar

import optuna
import sqlalchemy

from utils.errors import InputError

T = TypeVar("T")
DATABASE_ERRORS = (
    optuna.exceptions.StorageInternalError,
    sqlalchemy.exc.DBAPIError,
    sqlalchemy.exc.TimeoutError,
)
PATIENCE_SECONDS = 600
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0


class StorageLost(InputError):
    """The database did not come back."""


class Patience:
    """Waits for a storage that is locked, full, restarted or cut off.

    Attributes:
        answered_again: the monotonic time at which it last did, after it had not.
    """

    def __init__(self, on_trouble: Callable[[str], None], give_up: Callable[[], bool]):
        """Args: told when the storage does not answer, and by "" when it does; asked meanwhile."""
        self.on_trouble, self.give_up = on_trouble, give_up
        self.answered_again = float("-inf")

    def persist(self, action: Callable[[], T]) -> T:
        """The result of `action`, which must be safe to repeat.

        Raises:
            StorageLost: the storage did not answer for ten minutes, or `give_up` said so.
        """
        until = time.monotonic() + PATIENCE_SECONDS
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
                self.on_trouble(f"waiting for the storage: {cause(error)}")
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                if failed:
                    self.answered_again = time.monotonic()
                    self.on_trouble("")
                return result


def cause(error: BaseException) -> str:
    """The database's own words, which SQLAlchemy and Optuna wrap."""
    while error.__cause__:
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]
