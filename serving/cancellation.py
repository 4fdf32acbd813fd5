"""Work that ends where nobody waits for it any more.

Plain asyncio: a cancellation comes once, so that what cleans up may wait for threads. Starlette's
own streams run under anyio, whose cancellation comes again at every such wait.
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
    """What `work` gives; it is cancelled where the client leaves.

    Args:
        receive: the request's, whose body has been read.
        work: is over when this returns, whatever happens.

    Raises:
        ClientDisconnect: the client has left.
    """
    job, leaving = asyncio.create_task(work), asyncio.create_task(_left(receive))
    try:
        await asyncio.wait([job, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ClientDisconnect
        return job.result()
    finally:
        job.cancel()
        leaving.cancel()
        await asyncio.gather(job, leaving, return_exceptions=True)


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Stream(Response):
    """An answer that is sent as it comes, and closes what it needs however it ends."""

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], needs: AsyncExitStack, media_type: str
    ):
        """
        Args:
            pieces: of the body.
            needs: closed behind the last piece, or when the client leaves.
            media_type: of the body.
        """
        super().__init__(media_type=media_type)
        del self.headers["content-length"]  # of an empty body
        self._pieces, self._needs = pieces, needs

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with self._needs, aclosing(self._pieces):
            try:
                await while_connected(receive, self._send_all(send))
            except ClientDisconnect:
                log.info("%s %r: the client left", scope["method"], scope["path"])

    async def _send_all(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
