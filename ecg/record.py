"""Reading WFDB records and annotations, verified against sizes and checksums in their headers.

wfdb is imported where it is called: it brings pandas, and programs that only look for files, or
that refuse a wrong flag, should not wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg.files.lead_choice import MILLIVOLTS, unit_of
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
class LeadSignals:
    """Some leads of a recording in millivolts.

    Attributes:
        signal_mv: (samples, leads) float64, NaN where nothing was recorded.
        sampling_hz: samples per second.
    """

    signal_mv: np.ndarray
    sampling_hz: float


@dataclass(frozen=True)
class Annotations:
    """The annotations of a recording, in order of time.

    Attributes:
        samples: (marks,) int64, sample index of each mark.
        symbols: (marks,) str, WFDB's annotation symbols.
        notes: (marks,) str, their auxiliary text, e.g. ``(AFIB`` where a rhythm begins.
    """

    samples: np.ndarray
    symbols: np.ndarray
    notes: np.ndarray


def read_adc(path: Path, channel: int) -> AdcSignal:
    """Read one channel of the WFDB record at `path` (without suffix), and verify its checksum.

    Raises:
        InputError: a file is missing, is shorter than its header says, or is damaged.
    """
    header = read_header(path)
    record = _read_channels(path, header, [channel])
    return AdcSignal(record.d_signal[:, 0], float(header.fs), header.sig_name[channel])


def read_leads(path: Path, leads: Sequence[str]) -> LeadSignals:
    """Read the leads of these names, in this order, and verify their checksums.

    Names are compared without regard to case. Files that hold only other leads may be missing.

    Args:
        path: the WFDB record, without suffix.
        leads: e.g. ``("ii", "v5")``.

    Raises:
        InputError: a lead is not in the record or is not in volts, or a file that holds one is
            missing, is shorter than its header says, or is damaged.
    """
    header = read_header(path)
    channels = [_channel_of(path, header, lead) for lead in leads]
    record = _read_channels(path, header, channels)
    signal = record.dac() * [_millivolts(path, unit) for unit in record.units]
    return LeadSignals(signal, float(header.fs))


def read_comments(path: Path) -> list[str]:
    """The comment lines of a record's header, without their ``#``."""
    return read_header(path).comments


def read_annotations(path: Path, extension: str) -> Annotations:
    """Read the annotation file `path`.`extension`; raises InputError where it is missing."""
    file = path.parent / f"{path.name}.{extension}"
    if not file.is_file():
        raise InputError(
            f"{file} is missing: the beats of record {path.name} cannot be known without it; "
            "download the record again"
        )
    import wfdb

    try:
        marks = wfdb.rdann(str(path), extension)
    except Exception as error:  # wfdb raises whatever its parsing stumbles over
        raise InputError(f"{file} cannot be read as WFDB annotations: {error}") from error
    notes = [note.rstrip("\0") for note in marks.aux_note]
    return Annotations(
        np.asarray(marks.sample, np.int64), np.asarray(marks.symbol, str), np.array(notes, str)
    )


def read_header(path: Path):
    """wfdb's header of the record at `path` (without suffix), of one segment or of several.

    Raises:
        InputError: there is none, or it is not one.
    """
    file = path.parent / f"{path.name}.hea"
    if not file.is_file():
        raise InputError(f"{file} is missing: every WFDB record needs its header")
    import wfdb

    try:
        return wfdb.rdheader(str(path))
    except Exception as error:  # wfdb raises whatever its parsing stumbles over
        raise InputError(f"{file} cannot be read as a WFDB header: {error}") from error


def check_size(path: Path, header, channels: Sequence[int]) -> None:
    """Raise InputError unless the files of these channels have all their bytes."""
    for name in sorted({header.file_name[channel] for channel in channels}):
        file = path.parent / name
        if not file.is_file():
            raise InputError(f"{file} is missing, though {path.name}.hea names it")
        expected, found = promised_bytes(header, name), file.stat().st_size
        if found < expected:
            raise InputError(
                f"{file} has {found:,} bytes where {path.name}.hea promises {expected:,}: "
                "the file was cut short, download it again"
            )


def promised_bytes(header, file_name: str) -> int:
    """How large a header says that a file is; 0 where its format has no fixed size."""
    inside = [i for i, other in enumerate(header.file_name) if other == file_name]
    if any(header.fmt[i] not in BITS_PER_SAMPLE for i in inside):
        return 0
    bits = sum(BITS_PER_SAMPLE[header.fmt[i]] * (header.samps_per_frame[i] or 1) for i in inside)
    return (header.byte_offset[inside[0]] or 0) + header.sig_len * bits // 8


def check_sum(path: Path, header, channel: int, total: int) -> None:
    """Raise InputError unless `total`, the sum of a channel's samples, fits its checksum."""
    promised = header.checksum[channel]
    if promised is None or not _has_checksums(header):
        return
    # The checksum of the WFDB header is the sum of all samples, kept in 16 bits.
    if (total - promised) % 65536 != 0:
        raise InputError(
            f"{path.parent / header.file_name[channel]}: channel {channel} does not match the "
            f"checksum {promised} in {path.name}.hea; the file is damaged, download it again"
        )


def _channel_of(path: Path, header, lead: str) -> int:
    names = [name.lower() for name in header.sig_name or []]
    if lead.lower() not in names:
        raise InputError(
            f"record {path} has no lead {lead}; its leads: {', '.join(header.sig_name or [])}"
        )
    return names.index(lead.lower())


def _millivolts(path: Path, unit: str) -> float:
    """What one `unit` is in mV."""
    if (known := unit_of(unit)) is None:
        raise InputError(
            f"{path}.hea gives a lead in '{unit}'; expected one of {', '.join(MILLIVOLTS)}"
        )
    return MILLIVOLTS[known]


def _read_channels(path: Path, header, channels: list[int]):
    """wfdb's record of the channels in the order given, as the converter's integers, checked."""
    import wfdb

    check_size(path, header, channels)
    record = wfdb.rdrecord(str(path), channels=channels, physical=False)
    for column, channel in enumerate(channels):
        check_sum(path, header, channel, int(record.d_signal[:, column].sum()))
    return record


def _has_checksums(header) -> bool:
    """Whether they were filled in: the headers of PTB have zeros there in all channels."""
    return any(header.checksum) or any(header.init_value)
