"""Recordings are analysed in a process of their own, one at a time.

Analysing takes seconds of pure computing; in the server's own process every other request would
wait for it. A process can also be ended where a file makes it run too long or too large.
"""

import asyncio
import multiprocessing
from typing import Any

from pebble import ProcessExpired, ProcessPool

from serving import record_work
from serving.record_work import Result, Task
from serving.settings import ServiceSettings
from utils.errors import InputError


class Busy(RuntimeError):
    """Too many recordings wait already; answered with 503."""


class RecordAnalyst:
    """A queue of recordings before one process, which starts with the first of them."""

    def __init__(self, settings: ServiceSettings):
        self._settings = settings
        # Not forked: the server's threads and TensorFlow's do not survive that.
        self._pool = ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),
            initializer=record_work.end_with_server,
        )
        self._waiting = 0  # the one in work among them

    def stop(self) -> None:
        """End the process; what it was working on is lost."""
        self._pool.stop()
        self._pool.join(timeout=5)

    async def analyse(self, task: Task) -> Result:
        """Analyse one recording; where the caller is cancelled, so is the work.

        Raises:
            InputError: the recording cannot be used, or takes too long.
            Busy: too many others wait.
        """
        if self._waiting > self._settings.records_waiting:
            raise Busy(f"{self._waiting} recordings are in work or waiting; try again in a minute")
        self._waiting += 1
        try:
            return await self._result(task)
        finally:
            self._waiting -= 1

    async def _result(self, task: Task) -> Result:
        # The time limit counts from when the work begins. Cancelling the job ends the process.
        job: Any = self._pool.schedule(
            record_work.work, args=[task], timeout=self._settings.record_s
        )
        try:
            found = await asyncio.wrap_future(job)
        except TimeoutError as error:
            raise InputError(
                f"{task.name} took longer than {self._settings.record_s:g} s to analyse; send a "
                "shorter recording, or use analyse_record.py"
            ) from error
        except ProcessExpired as error:
            raise InputError(
                f"{task.name} could not be analysed: the process that read it died, most likely "
                "for want of memory; send a shorter recording, or use analyse_record.py"
            ) from error
        if isinstance(found, InputError):
            raise found
        return found
