"""The prediction service: a page and an API on http://127.0.0.1:8000.

python -m serving                              # the best checkpoint, or the pretrained one
python -m serving --port 9000
python -m serving --host 0.0.0.0 --allow-host ecg.example.org    # reachable from elsewhere
"""

import argparse
import dataclasses
import logging
import socket
import sys

import threadpoolctl
import uvicorn

from serving.app import create_app
from serving.connections import protocol_with_head_limit
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


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit status."""
    asked = _parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    sys.setswitchinterval(SWITCH_S)
    threadpoolctl.threadpool_limits(1, "blas")  # its threads would only fight with TensorFlow's
    bound = _bind(asked.host, asked.port)
    settings = settings_of(asked)
    config = uvicorn.Config(
        create_app(settings), log_level="info" if asked.access_log else "warning",
        access_log=asked.access_log, ws="none", http=protocol_with_head_limit(settings.head_s),
        server_header=False, limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_S, proxy_headers=False,
    )  # fmt: skip
    server = Server(config, f"http://{_shown(asked.host)}:{bound.getsockname()[1]}")
    print("loading TensorFlow and the model ...", flush=True)
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


def settings_of(asked: argparse.Namespace) -> ServiceSettings:
    """The limits that the command line asks for."""
    own = ServiceSettings()
    hosts = (*own.allowed_hosts, *asked.allow_host)
    if asked.host not in LOOPBACK:
        hosts = (*hosts, _shown(asked.host), socket.gethostname())
    return dataclasses.replace(
        own,
        uploads=dataclasses.replace(
            own.uploads,
            max_upload_bytes=asked.max_upload_mb * MEBIBYTE,
            max_beats=asked.max_beats,
        ),
        allowed_hosts=() if "*" in asked.allow_host else hosts,
    )


def _bind(host: str, port: int) -> socket.socket:
    """A socket that is bound before anything is loaded, so that a taken port is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise InputError(
            f"cannot listen on {host}, port {port}: {error.strerror}; choose another with --port"
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
    parser.add_argument("--port", type=int, default=PORT, help="default: %(default)s; 0: any free")
    parser.add_argument(
        "--allow-host", nargs="+", default=[], metavar="NAME",
        help="names that requests may call this server by, beside those of this machine; '*': all",
    )  # fmt: skip
    parser.add_argument(
        "--max-upload-mb", type=int, metavar="MB",
        default=own.uploads.max_upload_bytes // MEBIBYTE,
        help="largest upload; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--max-beats", type=int, default=own.uploads.max_beats, metavar="N",
        help="most beats in one upload; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--access-log", action="store_true", help="a line for every request")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
