"""Work that ends with its client, and leaves nothing behind."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from starlette.requests import ClientDisconnect

from serving.cancellation import Stream, while_connected


class Client:
    """Its `receive` waits until the client leaves; `send` remembers what was sent."""

    def __init__(self):
        self.leaves = asyncio.Event()
        self.sent: list[bytes] = []

    async def receive(self):
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message.get("body", b""))
        if b"second" in self.sent:
            self.leaves.set()
            await asyncio.Event().wait()  # a client that takes no more


def test_work_is_cancelled_when_its_client_leaves_and_may_clean_up():
    async def scene():
        client, cleaned = Client(), []

        async def work():
            client.leaves.set()
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.to_thread(cleaned.append, "thread")
                cleaned.append("all")

        with pytest.raises(ClientDisconnect):
            await while_connected(client.receive, work())
        return cleaned

    assert asyncio.run(scene()) == ["thread", "all"]


def test_work_that_ends_or_fails_is_told():
    async def fails():
        raise ValueError("no such thing")

    async def scene():
        client = Client()
        assert await while_connected(client.receive, asyncio.sleep(0, "done")) == "done"
        with pytest.raises(ValueError, match="no such thing"):
            await while_connected(client.receive, fails())

    asyncio.run(scene())


def test_a_stream_closes_what_it_needs_when_its_client_stops_reading_and_leaves():
    async def scene():
        client, closed = Client(), []
        needs = AsyncExitStack()
        needs.push_async_callback(asyncio.to_thread, closed.append, "folder")

        async def pieces():
            try:
                yield b"first"
                yield b"second"
                yield b"third"
            finally:
                await asyncio.to_thread(closed.append, "pieces")

        stream = Stream(pieces(), needs, "text/plain")
        await stream({"method": "GET", "path": "/"}, client.receive, client.send)
        return client.sent, closed

    sent, closed = asyncio.run(scene())
    assert sent == [b"", b"first", b"second"]
    assert closed == ["pieces", "folder"]
