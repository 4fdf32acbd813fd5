"""What an upload may be at most, and the errors that say so."""

from dataclasses import dataclass

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
