"""Connections that are held without need are closed, and heads without end.

uvicorn limits how long a connection may idle between requests, but neither how long a request's
head may take and how large it may grow, nor how long a client may leave its answer unread:
anybody could hold connections, or fill the memory.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Browsers send a few hundred bytes.
MOST_HEAD_BYTES = 1 << 16


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections that wait for nothing; `limited_protocol` gives it its times."""

    head_s: float
    idle_s: float
    _awaits_head = True  # else a body is coming, or is left over from an early answer
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _head_bytes = 0  # or of trailers, or of whatever else is no body

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        if self._awaits_head and self._deadline is None:
            self._start_clock()
        before, self._head_bytes = self._head_bytes, -1
        super().data_received(data)
        # The callbacks below set it to 0 where the data held more than a part of a head.
        self._head_bytes = before + len(data) if self._head_bytes < 0 else 0
        if self._head_bytes > MOST_HEAD_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._awaits_head, self._head_bytes = False, 0
        self._stop_clock()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._awaits_head, self._head_bytes = True, 0
        self._stop_clock()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._awaits_head:
            self._start_clock()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.idle_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_unread()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._forget_unread()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(self.head_s, self.transport.close)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def limited_protocol(head_s: float, idle_s: float) -> type[asyncio.Protocol]:
    """The protocol with its times, as a class, since uvicorn makes one for each connection.

    Args:
        head_s: seconds for the first line and all headers, from the connection's beginning or
            from the request's first byte; and for the rest of a body whose request was answered
            before it had come.
        idle_s: a client that takes nothing of its answer for so many seconds is cut off.
    """
    return type("Limited", (LimitedProtocol,), {"head_s": head_s, "idle_s": idle_s})
