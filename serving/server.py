"""The server process: socket, threads, shutdown."""

import asyncio
import gc
import logging
import socket
import sys

import threadpoolctl
import uvicorn

import models.backend  # noqa: F401  before anything else imports TensorFlow: it quietens it
from serving.app import create_app
from serving.protection import limited_protocol
from serving.settings import ServiceSettings

# By default Python switches between threads every 5 ms. With a thread that computes and one that
# answers, each request would wait that long several times.
SWITCH_S = 0.0005
# Requests in progress at a SIGTERM have this long to finish.
DRAIN_S = 60
MOST_CONNECTIONS = 500


def serve(
    bound: socket.socket, address: str, settings: ServiceSettings, *, access_log: bool
) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit status.

    Args:
        bound: a socket that is bound, and need not listen.
        address: to print.
        settings: limits of the service.
        access_log: a line for every request.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    sys.setswitchinterval(SWITCH_S)
    threadpoolctl.threadpool_limits(1, "blas")  # its threads would only compete with TensorFlow's
    config = uvicorn.Config(
        create_app(settings),
        log_level="info" if access_log else "warning",
        access_log=access_log,
        ws="none",
        http=limited_protocol(settings.head_s, settings.idle_s),
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_S,
        proxy_headers=False,
    )
    server = Server(config, address)
    print("loading the model ...", flush=True)
    server.run(sockets=[bound])
    return 0 if server.started else 1


class Server(uvicorn.Server):
    """uvicorn's server, which prints its address when it has started."""

    def __init__(self, config: uvicorn.Config, address: str):
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _spare_the_collector()
            print(f"Beatsweep is at {self._address} (API: {self._address}/docs); Ctrl-C ends it")
            print(
                "Research software, not a medical device. Nothing that is sent is kept.",
                flush=True,
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:  # a second Ctrl-C; uvicorn would leave the application without its end
            running = list(self.server_state.tasks)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self.lifespan.shutdown()


def _spare_the_collector() -> None:
    """Exclude the objects of the imports from garbage collection.

    A replaced network is cyclic garbage, and collecting it stops every thread: for 0.25 s with the
    half million objects of the imports, else for 0.01 to 0.02 s.
    """
    gc.collect()
    gc.freeze()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Whether a record is more than what a second Ctrl-C or the end of the drain broke off."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
