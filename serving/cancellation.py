"""Cancellation of work whose client has disconnected.

Plain asyncio: a cancellation is raised once, so that cleanup may wait for threads. Starlette's own
streams run under anyio, whose cancellation is raised again at every such wait.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response

T = TypeVar("T")
log = logging.getLogger("beatsweep.requests")


async def while_connected(receive: Any, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled if the client disconnects.

    Args:
        receive: the request's, whose body has been read.
        work: has ended when this returns, in any case.

    Raises:
        ClientDisconnect: the client has disconnected.
    """
    job, disconnect = asyncio.create_task(work), asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait([job, disconnect], return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ClientDisconnect
        return job.result()
    finally:
        job.cancel()
        disconnect.cancel()
        await asyncio.gather(job, disconnect, return_exceptions=True)


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Stream(Response):
    """A response that is sent in pieces, and closes its resources however it ends."""

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], resources: AsyncExitStack, media_type: str
    ):
        """
        Args:
            pieces: of the body.
            resources: closed after the last piece, or when the client disconnects.
            media_type: of the body.
        """
        super().__init__(media_type=media_type)
        del self.headers["content-length"]  # of an empty body
        self._pieces, self._resources = pieces, resources

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with self._resources, aclosing(self._pieces):
            try:
                await while_connected(receive, self._send_all(send))
            except ClientDisconnect:
                log.info("%s %r: the client disconnected", scope["method"], scope["path"])

    async def _send_all(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
