"""Room on the disk that uploads are written to: many at once must not fill it."""

import errno
import shutil
from pathlib import Path

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
