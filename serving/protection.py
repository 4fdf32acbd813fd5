"""Protection of the service: limits on size and time of requests, and security headers.

`RequestLimits` and `SecurityHeaders` are plain ASGI middleware, since Starlette's base class for
middleware costs a task per request.

`limited_protocol` closes idle connections and ends endless headers. uvicorn limits how long a
connection may idle between requests, but not the time and the size of a request's header, nor how
long a client may leave its response unread. Without these limits a client could hold connections,
or fill the memory.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.settings import ServiceSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The page loads nothing from elsewhere. The API's documentation has its own policy, DOCS_POLICY.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
log = logging.getLogger("beatsweep.requests")
# Names and boundaries of a form's parts, in addition to its files.
FORM_BYTES = 1 << 16
JSON = "application/json"
NOT_STORED = (b"cache-control", b"no-store")
# Largest header of a request; browsers send a few hundred bytes.
MOST_HEAD_BYTES = 1 << 16


class Refused(Exception):
    """A refused request: an HTTP status and a message."""

    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status, self.detail = status, detail


class RequestLimits:
    """Refuses requests that are too large or too slow, before or while they are received."""

    def __init__(self, app: App, settings: ServiceSettings):
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guard = _Guard(receive, send, self._settings, limit_of(scope, self._settings))
        try:
            guard.check_announced(scope)
            await self._app(scope, guard.receive, guard.send)
        except Refused as refused:
            if guard.has_begun:  # the connection is closed: its response cannot be completed
                log.info("%s %r: %s", scope["method"], scope["path"], refused.detail)
                return
            await _answer(send, refused)


class _Guard:
    """Counts and times one request's body and response."""

    def __init__(self, receive: Receive, send: Send, settings: ServiceSettings, limit: int):
        self._receive, self._send, self._settings = receive, send, settings
        self._limit, self._received, self._ended = limit, 0, False
        self._until = asyncio.get_running_loop().time() + settings.upload_s
        self.has_begun = False

    def check_announced(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self._limit:
                raise Refused(413, self._too_large())

    async def receive(self) -> Message:
        if self._ended:  # now it only reports that the client has disconnected
            return await self._receive()
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._until, now + self._settings.idle_s)):
                message = await self._receive()
        except TimeoutError as error:
            raise Refused(408, "the request was too slow and was stopped") from error
        self._received += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._received > self._limit:
            raise Refused(413, self._too_large())
        return message

    async def send(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)

    def _too_large(self) -> str:
        return (
            f"the request is larger than the {self._limit / 1e6:,.0f} MB that are accepted "
            "at a time; send the beats in several files"
        )


def limit_of(scope: Scope, settings: ServiceSettings) -> int:
    """The largest body of this request, in bytes."""
    if media_type(scope) == JSON:
        return settings.max_json_bytes
    return settings.uploads.max_upload_bytes + FORM_BYTES


def media_type(scope: Scope) -> str:
    """The content type without its parameters, in lower case; empty where there is none.

    Limits and routes use this one interpretation, so that they cannot disagree.
    """
    for name, value in scope["headers"]:
        if name == b"content-type":
            return value.split(b";")[0].strip().lower().decode("latin-1")
    return ""


async def _answer(send: Send, refused: Refused) -> None:
    body = to_json({"detail": refused.detail})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *HEADERS,
        NOT_STORED,
    ]
    if refused.status == 408:
        headers.append((b"connection", b"close"))
    # Otherwise the connection stays open for a while (see `LimitedProtocol`): a client that is cut
    # off while it sends may never see the response.
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class SecurityHeaders:
    """Adds security headers for browsers to every response."""

    def __init__(self, app: App, policies: dict[str, str]):
        """
        Args:
            policies: path -> content security policy where it is not `POLICY`.
        """
        self._app, self._policies = app, policies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = self._policies.get(scope["path"], POLICY).encode()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _value in message["headers"]}
                added = [*HEADERS, (b"content-security-policy", policy)]
                if b"cache-control" not in own:
                    added.append(NOT_STORED)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


# Connections


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections that exceed the time limits, which `limited_protocol` sets."""

    head_s: float
    idle_s: float
    _awaits_head = True  # else a body is being received, or left over after an early response
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _head_bytes = 0  # of a header, of trailers, or of anything else that is not a body

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
        self._cancel_unread()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._cancel_unread()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(self.head_s, self.transport.close)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def limited_protocol(head_s: float, idle_s: float) -> type[asyncio.Protocol]:
    """The protocol with these limits, as a class: uvicorn creates one object per connection.

    Args:
        head_s: seconds for the first line and all headers, from the start of the connection or
            the request's first byte; and for the rest of a body whose request was answered
            before it was complete.
        idle_s: a client that reads nothing of its response for this long is disconnected.
    """
    return type("Limited", (LimitedProtocol,), {"head_s": head_s, "idle_s": idle_s})
