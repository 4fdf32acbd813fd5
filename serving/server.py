"""The server's process: its socket, its threads, its end."""

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

# Python hands the interpreter to another thread every 5 ms at the latest; with a thread that
# computes and one that answers, each request would wait that long several times.
SWITCH_S = 0.0005
# What is in flight at a SIGTERM may take so long to finish.
DRAIN_S = 60
MOST_CONNECTIONS = 500


def serve(
    bound: socket.socket, address: str, settings: ServiceSettings, *, access_log: bool
) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit status.

    Args:
        bound: a socket that is bound, and need not listen.
        address: what to call it.
        settings: limits of the service.
        access_log: a line for every request.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    sys.setswitchinterval(SWITCH_S)
    threadpoolctl.threadpool_limits(1, "blas")  # its threads would only fight with TensorFlow's
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
    """uvicorn's server, which says in a sentence where it is to be found."""

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
    """Keep the garbage collector from going through all that the imports have made.

    A replaced network is garbage in cycles, and what collects it stops every thread: for a quarter
    of a second with the half a million objects of the imports, else for a hundredth or two.
    """
    gc.collect()
    gc.freeze()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Whether a record is more than what a second Ctrl-C or the end of the drain broke off."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
