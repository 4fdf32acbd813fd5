"""Connections on which no request comes, or one with an endless head, are closed.

uvicorn limits how long a connection may idle between requests, but neither how long a request's
head may take nor how large it may grow: anybody could hold connections, or fill the memory.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Browsers send a few hundred bytes.
MOST_HEAD_BYTES = 1 << 16


def protocol_with_head_limit(head_s: float) -> type[asyncio.Protocol]:
    """A uvicorn protocol that closes a connection whose request's head is not there in time.

    Args:
        head_s: seconds for the first line and all headers, from the connection's beginning or
            from the request's first byte.
    """

    class HeadLimited(HttpToolsProtocol):
        _awaits_head = True  # else a body is coming, or is left over from an early answer
        _deadline: asyncio.TimerHandle | None = None
        _head_bytes = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._expect_head()

        def data_received(self, data: bytes) -> None:
            if self._awaits_head and self._deadline is None:
                self._expect_head()
            super().data_received(data)
            if self._deadline is not None:
                self._head_bytes += len(data)
                if self._head_bytes > MOST_HEAD_BYTES:
                    self.transport.abort()

        def on_headers_complete(self) -> None:
            self._awaits_head = False
            self._stop_clock()
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._awaits_head = True

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def _expect_head(self) -> None:
            self._head_bytes = 0
            self._deadline = self.loop.call_later(head_s, self.transport.close)

        def _stop_clock(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return HeadLimited
