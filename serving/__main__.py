"""The prediction service: a page and an API on http://127.0.0.1:8000.

python -m serving                              # the best checkpoint, or the pretrained one
python -m serving --port 9000
python -m serving --host 0.0.0.0 --allow-host ecg.example.org    # reachable from elsewhere
"""

import argparse
import asyncio
import dataclasses
import logging
import os
import socket
import sys

import threadpoolctl
import uvicorn

import models  # noqa: F401  before anything else imports TensorFlow: it quietens it
from serving.app import create_app
from serving.connections import limited_protocol
from serving.limits import MEBIBYTE
from serving.settings import ServiceSettings
from utils.errors import InputError, exit_plainly

HOST, PORT = "127.0.0.1", 8000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Python hands the interpreter to another thread every 5 ms at the latest; with a thread that
# computes and one that answers, each request would wait that long several times.
SWITCH_S = 0.0005
# What is in flight at a SIGTERM may take so long to finish.
DRAIN_S = 60
MOST_CONNECTIONS = 500
MOST_PORT = 65535


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit status."""
    asked = _parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    sys.setswitchinterval(SWITCH_S)
    threadpoolctl.threadpool_limits(1, "blas")  # its threads would only fight with TensorFlow's
    bound = _bind(asked.host, asked.port)
    settings = settings_of(asked)
    config = uvicorn.Config(
        create_app(settings), log_level="info" if asked.access_log else "warning",
        access_log=asked.access_log, ws="none",
        http=limited_protocol(settings.head_s, settings.idle_s), server_header=False,
        limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=DRAIN_S, proxy_headers=False,
    )  # fmt: skip
    server = Server(config, f"http://{_shown(asked.host)}:{bound.getsockname()[1]}")
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


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Whether a record is more than what a second Ctrl-C or the end of the drain broke off."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def settings_of(asked: argparse.Namespace) -> ServiceSettings:
    """The limits that the command line asks for."""
    own = ServiceSettings()
    hosts = (*own.allowed_hosts, _shown(asked.host), *asked.allow_host)
    # Who opens it to others, and says no names, is called by names that nobody here knows.
    is_open = asked.host not in LOOPBACK and not asked.allow_host
    return dataclasses.replace(
        own,
        uploads=dataclasses.replace(
            own.uploads,
            max_upload_bytes=asked.max_upload_mb * MEBIBYTE,
            max_beats=asked.max_beats,
        ),
        allowed_hosts=() if is_open or "*" in asked.allow_host else hosts,
    )


def _bind(host: str, port: int) -> socket.socket:
    """A socket that is bound before anything is loaded, so that a taken port is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would let two servers have one port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, UnicodeError) as error:
        bound.close()
        raise InputError(
            f"cannot listen on {host}, port {port}: {getattr(error, 'strerror', error)}; choose "
            "others with --host and --port"
        ) from error
    return bound


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _parse(argv: list[str] | None) -> argparse.Namespace:
    own = ServiceSettings()
    parser = argparse.ArgumentParser(
        prog="python -m serving", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--host", default=HOST, help="address to listen on; default: %(default)s")
    parser.add_argument(
        "--port", type=port_number, default=PORT, help="default: %(default)s; 0: a free one"
    )
    parser.add_argument(
        "--allow-host", nargs="+", default=[], metavar="NAME",
        help="answer only requests that call the server so, or by its own address; '*': all",
    )  # fmt: skip
    parser.add_argument(
        "--max-upload-mb", type=positive_number, metavar="MB",
        default=own.uploads.max_upload_bytes // MEBIBYTE,
        help="largest upload; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--max-beats", type=positive_number, default=own.uploads.max_beats, metavar="N",
        help="most beats in one upload; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--access-log", action="store_true", help="a line for every request")
    return parser.parse_args(argv)


def port_number(word: str) -> int:
    if not 0 <= (port := int(word)) <= MOST_PORT:
        raise argparse.ArgumentTypeError(f"0 to {MOST_PORT} expected, found {port}")
    return port


def positive_number(word: str) -> int:
    if (number := int(word)) < 1:
        raise argparse.ArgumentTypeError(f"1 or more expected, found {number}")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
