"""What stands before the routes: limits on size and time, and headers that browsers heed.

Plain ASGI, since Starlette's own middleware base class costs each request a task of its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pydantic_core import to_json

from serving.settings import ServiceSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The page brings all it needs; the API's documentation is of FastAPI, see `DOCS_POLICY`.
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
# The names and edges of a form's parts, beside the files themselves.
FORM_BYTES = 1 << 16
JSON = "application/json"
NOT_STORED = (b"cache-control", b"no-store")


class Refused(Exception):
    """A request that is not taken further: an HTTP status and a sentence."""

    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status, self.detail = status, detail


class RequestLimits:
    """Refuses what is too large or too slow, before or while it comes in."""

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
            if guard.has_begun:  # the connection is closed, as its answer cannot be completed
                log.info("%s %r: %s", scope["method"], scope["path"], refused.detail)
                return
            await _answer(send, refused)


class _Guard:
    """One request's body and answer, counted and timed."""

    def __init__(self, receive: Receive, send: Send, settings: ServiceSettings, limit: int):
        self._receive, self._send, self._settings = receive, send, settings
        self._limit, self._came, self._ended = limit, 0, False
        self._until = asyncio.get_running_loop().time() + settings.upload_s
        self.has_begun = False

    def check_announced(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self._limit:
                raise Refused(413, self._too_large())

    async def receive(self) -> Message:
        if self._ended:  # from here on it only tells that the client has left
            return await self._receive()
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._until, now + self._settings.idle_s)):
                message = await self._receive()
        except TimeoutError as error:
            raise Refused(408, "the request came too slowly and was given up") from error
        self._came += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._came > self._limit:
            raise Refused(413, self._too_large())
        return message

    async def send(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)

    def _too_large(self) -> str:
        return (
            f"the request is larger than the {self._limit / 1e6:,.0f} MB that are taken at a "
            "time; send the beats in several files"
        )


def limit_of(scope: Scope, settings: ServiceSettings) -> int:
    """The largest body of this request, in bytes."""
    if media_type(scope) == JSON:
        return settings.max_json_bytes
    return settings.uploads.max_upload_bytes + FORM_BYTES


def media_type(scope: Scope) -> str:
    """The content type without its parameters, in lower case; empty where there is none.

    Limits and routes go by this one reading of it, so that nothing can be two things.
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
    # Else the connection stays for a while, see `connections`: who is cut off while sending may
    # never see the answer.
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class SecurityHeaders:
    """Adds to every answer what keeps a browser from being led astray."""

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
