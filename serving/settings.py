"""What the service allows: sizes, counts and times, each with its reason."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from utils.errors import InputError

MEBIBYTE = 2**20


class TooLarge(InputError):
    """An upload, or what it unpacks to, is larger than is taken; answered with 413."""


class UnsupportedUpload(InputError):
    """An upload is of a kind that is not taken; answered with 415."""


@dataclass(frozen=True)
class Limits:
    """What an upload may be at most.

    Attributes:
        max_upload_bytes: of all files together. Kaggle's largest file has 412 MB, and all of
            100,000 beats 470 MB.
        max_unpacked_bytes: of all files in a zip together.
        max_files: in one upload or zip. A recording of many segments has some hundred.
        max_ratio: bytes unpacked for each byte packed, for zips of more than a few megabytes.
            Kaggle's beats have 15, since their ends are zeros; zip bombs have 1,000.
        max_beats: of a CSV file. The page holds all of them, some 250 bytes each.
        max_samples: of a recording, over all its signals. A day of two leads at 500 Hz has 86
            million; each takes four bytes, and more while it is analysed.
        max_signals: of a recording. Sleep laboratories record some 50.
    """

    max_upload_bytes: int = 600 * MEBIBYTE
    max_unpacked_bytes: int = 1024 * MEBIBYTE
    max_files: int = 500
    max_ratio: float = 200.0
    max_beats: int = 500_000
    max_samples: int = 100_000_000
    max_signals: int = 64


# What stays free: a full disk stops more than this service.
SPARE_BYTES = 256 << 20
CHECKED_BYTES = 16 << 20


class Room:
    """Asks the disk now and then whether what is written still leaves it some space."""

    def __init__(self, folder: Path):
        """
        Args:
            folder: on the disk in question.
        """
        self._folder = folder
        self._unchecked = CHECKED_BYTES  # the first bytes are checked too

    def take(self, size: int) -> None:
        """Tell of `size` bytes that are to be written.

        Raises:
            OSError: ENOSPC, before the disk is full; answered with 507.
        """
        self._unchecked += size
        if self._unchecked < CHECKED_BYTES:
            return
        self._unchecked = 0
        if shutil.disk_usage(self._folder).free < SPARE_BYTES + CHECKED_BYTES:
            raise OSError(errno.ENOSPC, "the disk is nearly full")


@dataclass(frozen=True)
class ServiceSettings:
    """Limits of the service.

    Attributes:
        uploads: what an upload may be at most.
        max_json_bytes: largest JSON body. While one is parsed nothing else is done, which takes
            0.3 s at worst; it holds some 2,000 beats with all their digits.
        idle_s: a client that sends or takes nothing for so long is let go.
        head_s: a request's first line and headers must have come after so long.
        upload_s: a whole upload must have come after so long.
        predict_s: predicting one upload may take so long.
        record_s: analysing one recording may take so long; a day of one lead takes 100 s.
        records_waiting: recordings that may wait behind the one in work; more are sent away.
        refresh_s: the checkpoint folders are looked at so often.
        models_in_memory: so many networks are kept loaded.
        allowed_hosts: names that a request may call this server by; empty allows all.
    """

    uploads: Limits = Limits()
    max_json_bytes: int = 8 * MEBIBYTE
    idle_s: float = 30.0
    head_s: float = 20.0
    upload_s: float = 900.0
    predict_s: float = 300.0
    record_s: float = 240.0
    records_waiting: int = 4
    refresh_s: float = 1.0
    models_in_memory: int = 6
    # Else a page elsewhere could talk to a server on this machine by a name of its own choice.
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1", "[::1]")
