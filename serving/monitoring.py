"""Metrics of the service, in Prometheus' text format."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

Message = MutableMapping[str, Any]
LATENCY_S = (0.002, 0.005, 0.01, 0.02, 0.04, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
BATCH_BEATS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Monitoring:
    """Counters and histograms of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "beatsweep_requests", "Requests answered", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "beatsweep_request_seconds",
            "From a request's head to the end of its answer",
            ["route"],
            buckets=LATENCY_S,
            registry=self._registry,
        )
        self.running = Gauge(
            "beatsweep_requests_running", "Requests being answered", registry=self._registry
        )
        self.beats = Counter("beatsweep_beats", "Beats predicted", registry=self._registry)
        self.batches = Histogram(
            "beatsweep_batch_beats",
            "Beats that went through a network together",
            buckets=BATCH_BEATS,
            registry=self._registry,
        )

    def batch(self, beats: int) -> None:
        """Count one pass through a network."""
        self.beats.inc(beats)
        self.batches.observe(beats)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class Monitored:
    """ASGI middleware that counts and times every request."""

    def __init__(self, app: Callable[..., Awaitable[None]], monitoring: Monitoring):
        self._app, self._monitoring = app, monitoring

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 499  # nginx's status for a client that disconnected

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._monitoring.running.track_inprogress():
            try:
                await self._app(scope, receive, watched)
            finally:
                # An unknown path is no label, since clients can invent any number. Known routes
                # have no parameters, so their paths are few.
                route = scope["path"] if "route" in scope else "other"
                self._monitoring.requests.labels(route, str(status)).inc()
                self._monitoring.seconds.labels(route).observe(time.perf_counter() - started)
