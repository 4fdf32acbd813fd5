"""The prediction service: a page and an API on http://127.0.0.1:8000.

python -m serving                              # the best checkpoint, or the pretrained one
python -m serving --port 9000
python -m serving --host 0.0.0.0 --allow-host ecg.example.org    # reachable from elsewhere
"""

import argparse
import dataclasses
import os
import socket

from serving.settings import MEBIBYTE, ServiceSettings
from utils.command_line import Parser, positive
from utils.errors import InputError, exit_plainly

HOST, PORT = "127.0.0.1", 8000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_PORT = 65535


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit status."""
    asked = _parse(argv)
    bound = _bind(asked.host, asked.port)
    address = f"http://{_shown(asked.host)}:{bound.getsockname()[1]}"
    print("starting; the libraries take some seconds ...", flush=True)
    from serving.server import serve  # here, so that the line above comes at once, as does --help

    return serve(bound, address, settings_of(asked), access_log=asked.access_log)


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
    """A socket, bound before anything is loaded, so that a port in use is reported at once."""
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
    """A host's name as it is written in an address."""
    return f"[{host}]" if ":" in host else host


def _parse(argv: list[str] | None) -> argparse.Namespace:
    own = ServiceSettings()
    parser = Parser(__doc__)
    parser.add_argument("--host", default=HOST, help="address to listen on; default: %(default)s")
    parser.add_argument(
        "--port", type=port_number, default=PORT, help="default: %(default)s; 0: a free one"
    )
    parser.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="answer only requests that call the server so, or by its own address; '*': all",
    )
    parser.add_argument(
        "--max-upload-mb",
        type=positive,
        metavar="MB",
        default=own.uploads.max_upload_bytes // MEBIBYTE,
        help="largest upload; default: %(default)s",
    )
    parser.add_argument(
        "--max-beats",
        type=positive,
        default=own.uploads.max_beats,
        metavar="N",
        help="most beats in one upload; default: %(default)s",
    )
    parser.add_argument("--access-log", action="store_true", help="a line for every request")
    return parser.parse_args(argv)


def port_number(word: str) -> int:
    if not 0 <= (port := int(word)) <= MOST_PORT:
        raise argparse.ArgumentTypeError(f"0 to {MOST_PORT} expected, found {port}")
    return port


if __name__ == "__main__":
    raise SystemExit(main())
