"""Limits of the service: sizes, counts and times, each with its reason; disk space; errors."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from utils.errors import InputError

MEBIBYTE = 2**20
# This much disk space stays free, since a full disk stops more than this service. It is checked
# each time this many bytes were written.
SPARE_BYTES = 256 << 20
CHECKED_BYTES = 16 << 20


@dataclass(frozen=True)
class Limits:
    """Limits of an upload.

    Attributes:
        max_upload_bytes: of all files together. Kaggle's largest file has 412 MB, and all of
            100,000 beats 470 MB.
        max_unpacked_bytes: of all files in a zip together.
        max_files: in one upload or zip. A recording of many segments has about a hundred.
        max_ratio: bytes unpacked for each byte packed, for zips of more than a few megabytes.
            Kaggle's beats have 15, since their ends are zeros; zip bombs have 1,000.
        max_beats: of a CSV file. The page keeps all of them in memory, about 250 bytes each.
        max_samples: of a recording, over all its signals. A day of two leads at 500 Hz has 86
            million; each takes four bytes, and more while it is analysed.
        max_signals: of a recording. Sleep laboratories record about 50.
    """

    max_upload_bytes: int = 600 * MEBIBYTE
    max_unpacked_bytes: int = 1024 * MEBIBYTE
    max_files: int = 500
    max_ratio: float = 200.0
    max_beats: int = 500_000
    max_samples: int = 100_000_000
    max_signals: int = 64


@dataclass(frozen=True)
class ServiceSettings:
    """Limits of the service.

    Attributes:
        uploads: limits of an upload.
        max_json_bytes: largest JSON body. Parsing it blocks everything else, for 0.3 s at worst;
            it holds about 2,000 beats with all their digits.
        idle_s: a client that sends or receives nothing for this long is disconnected.
        head_s: time limit for a request's first line and headers.
        upload_s: time limit for a whole upload.
        predict_s: time limit for the predictions of one upload.
        record_s: time limit for the analysis of one recording; a day of one lead takes 100 s.
        records_waiting: recordings that may wait behind the one in work; more are refused.
        refresh_s: interval between checks of the checkpoint folders.
        models_in_memory: number of networks that are kept loaded.
        allowed_hosts: accepted host names in requests; empty allows all.
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
    # Otherwise a web page could reach a server on this computer through a name of its own (DNS
    # rebinding).
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1", "[::1]")


class TooLarge(InputError):
    """An upload, or its unpacked content, is too large; answered with 413."""


class UnsupportedUpload(InputError):
    """An upload is of a kind that is not accepted; answered with 415."""


class DiskSpace:
    """Checks, every few megabytes, that a disk keeps some free space."""

    def __init__(self, folder: Path):
        """
        Args:
            folder: a folder on that disk.
        """
        self._folder = folder
        self._unchecked = CHECKED_BYTES  # the first bytes are checked too

    def claim(self, size: int) -> None:
        """Announce `size` bytes that will be written.

        Raises:
            OSError: ENOSPC, before the disk is full; answered with 507.
        """
        self._unchecked += size
        if self._unchecked < CHECKED_BYTES:
            return
        self._unchecked = 0
        if shutil.disk_usage(self._folder).free < SPARE_BYTES + CHECKED_BYTES:
            raise OSError(errno.ENOSPC, "the disk is nearly full")
