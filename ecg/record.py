"""Reading WFDB recordings and annotations, checked against what their headers promise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from utils.errors import InputError

# Bits that one sample takes in a .dat file, for the formats whose files have a fixed size.
BITS_PER_SAMPLE = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12}


@dataclass(frozen=True)
class AdcSignal:
    """One channel of a recording as the converter's integers.

    Attributes:
        adc: (samples,) int64, raw units of the analogue-to-digital converter.
        sampling_hz: samples per second.
        lead: the channel's name, e.g. ``MLII``.
    """

    adc: np.ndarray
    sampling_hz: float
    lead: str


@dataclass(frozen=True)
class Annotations:
    """The marks that annotators put on a recording, in order of time.

    Attributes:
        samples: (marks,) int64, sample index of each mark.
        symbols: (marks,) str, WFDB's annotation symbols.
    """

    samples: np.ndarray
    symbols: np.ndarray


def read_adc(path: Path, channel: int) -> AdcSignal:
    """Read one channel of the WFDB record at `path` (without suffix), and verify its checksum.

    Raises:
        InputError: a file is missing, is shorter than its header says, or is damaged.
    """
    header = _read_header(path)
    _check_size(path, header)
    record = wfdb.rdrecord(str(path), channels=[channel], physical=False)
    adc = record.d_signal[:, 0]
    promised = header.checksum[channel]
    # The checksum of the WFDB header is the sum of all samples, kept in 16 bits.
    if promised is not None and (int(adc.sum()) - promised) % 65536 != 0:
        raise InputError(
            f"{path.parent / header.file_name[channel]}: channel {channel} does not match the "
            f"checksum {promised} in {path.name}.hea; the file is damaged, download it again"
        )
    return AdcSignal(adc, float(header.fs), header.sig_name[channel])


def read_annotations(path: Path, extension: str) -> Annotations:
    """Read the annotation file `path`.`extension`; raises InputError where it is missing."""
    file = path.parent / f"{path.name}.{extension}"
    if not file.is_file():
        raise InputError(
            f"{file} is missing: the beats of record {path.name} cannot be known without it; "
            "download the record again"
        )
    try:
        marks = wfdb.rdann(str(path), extension)
    except Exception as error:  # wfdb raises whatever its parsing stumbles over
        raise InputError(f"{file} cannot be read as WFDB annotations: {error}") from error
    return Annotations(np.asarray(marks.sample, np.int64), np.asarray(marks.symbol, str))


def _read_header(path: Path):
    file = path.parent / f"{path.name}.hea"
    if not file.is_file():
        raise InputError(f"{file} is missing: every WFDB record needs its header")
    try:
        return wfdb.rdheader(str(path))
    except Exception as error:  # wfdb raises whatever its parsing stumbles over
        raise InputError(f"{file} cannot be read as a WFDB header: {error}") from error


def _check_size(path: Path, header) -> None:
    for name in sorted(set(header.file_name)):
        file = path.parent / name
        if not file.is_file():
            raise InputError(f"{file} is missing, though {path.name}.hea names it")
        channels = [i for i, other in enumerate(header.file_name) if other == name]
        bits = sum(BITS_PER_SAMPLE.get(header.fmt[i], 0) for i in channels)
        expected, found = header.sig_len * bits // 8, file.stat().st_size
        if found < expected:
            raise InputError(
                f"{file} has {found:,} bytes where {path.name}.hea promises {expected:,}: "
                "the file was cut short, download it again"
            )
