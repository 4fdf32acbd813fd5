"""Reading a whole WFDB record, of one segment or of several, in bounded memory."""

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import wfdb

from ecg.files.lead_choice import MILLIVOLTS, Channel, choose, unique_names, unit_of
from ecg.files.plausibility import stated_rate
from ecg.record import BITS_PER_SAMPLE, check_size, check_sum, promised_bytes, read_header
from ecg.recording import Recording
from utils.errors import InputError

# Values that are decoded at a time; wfdb takes some tens of bytes for each.
PART_VALUES = 2_000_000
# Samples are differences in this format, so reading cannot begin in the middle.
DIFFERENCES = "8"
# A segment that is a gap has this name; one that only describes the leads has no samples.
GAP = "~"
# Those without a fixed size of a sample: three samples in four bytes, and FLAC.
KNOWN_FORMATS = {*BITS_PER_SAMPLE, "310", "311", "508", "516", "524"}
OCTET = 8  # this many samples take whole bytes in every format


@dataclass(frozen=True)
class Segment:
    """A part of a record with files of its own.

    Attributes:
        path: of its own header, without suffix.
        first_frame: where it begins in the record.
        frames: how long it is.
        header: wfdb's; None where the segment is a gap.
        ends_with_file: whether the header does not say how long it is.
    """

    path: Path
    first_frame: int
    frames: int
    header: Any
    ends_with_file: bool = False


def read_wfdb(path: Path, sampling_hz: float | None, units: str | None) -> tuple[Recording, str]:
    """Read the WFDB record at `path` (without suffix), and verify its sizes and checksums.

    Args:
        path: e.g. ``mitdb/203``.
        sampling_hz: of the frames, whatever the header says; None for the header's own.
        units: key of MILLIVOLTS that the values are in; None for the header's own.

    Returns:
        The recording at the header's own rate, and the units its values were taken for.

    Raises:
        InputError: a file is missing, cut short or damaged, or holds no ECG.
    """
    header = read_header(path)
    frames_hz, notes = stated_rate(_rate_in_header(path), sampling_hz, f"{path}.hea")
    segments = _segments(path, header)
    channels, missing = _channels(path, segments, frames_hz)
    choice = choose(channels, units, f"record {path}")
    wanted = [channels[i].name for i in choice.columns]
    for segment in segments:
        _check_files(segment, wanted)
    total = sum(segment.frames for segment in segments)
    per_frame = round(choice.sampling_hz / frames_hz)
    signal = np.full((total * per_frame, len(choice.names)), np.nan, np.float32)
    spare: list[str] = []
    for segment in segments:
        spare += _fill(signal, segment, wanted, units)
    recording = Recording(
        name=path.name,
        signal_mv=signal,
        sampling_hz=choice.sampling_hz,
        leads=choice.names,
        notes=(*notes, *missing, *choice.notes, *_repeated(segments), *spare),
        subject=subject(header.comments),
    )
    return recording, choice.units[0]


def subject(comments: Sequence[str]) -> str:
    """Age and sex as the comments of PhysioNet's headers give them, e.g. ``43 years, male``."""
    age, sex = "", ""
    for comment in comments:
        if bare := re.match(r"(-?\d+)\s+([MF])\b", comment):
            age, sex = age or bare[1], sex or bare[2]
        elif named := re.match(r"<?(age|sex|gender)>?\s*:\s*([\w-]+)", comment, re.IGNORECASE):
            if named[1].lower() == "age":
                age = age or named[2]
            else:
                sex = sex or named[2]
    years = f"{age} years" if age.isdigit() else ""
    word = {"m": "male", "f": "female"}.get(sex[:1].lower(), "")
    return ", ".join(part for part in (years, word) if part)


def _rate_in_header(path: Path) -> str | None:
    """The sampling rate as it is written; wfdb takes 250 for one that it cannot read."""
    text = (path.parent / f"{path.name}.hea").read_text(encoding="ascii", errors="ignore")
    lines = [line.split() for line in text.splitlines() if not line.lstrip().startswith("#")]
    fields = next(line for line in lines if line)
    return re.split(r"[/(]", fields[2])[0] if len(fields) > 2 else None


def _segments(path: Path, header) -> list[Segment]:
    if not isinstance(header, wfdb.MultiRecord):
        ends_with_file = header.sig_len is None
        return [Segment(path, 0, _frames(path, header), header, ends_with_file)]
    found, first = [], 0
    for name, frames in zip(header.seg_name, header.seg_len, strict=True):
        own = None if name == GAP else _segment_header(path, name, frames)
        found.append(Segment(path.parent / name, first, frames, own))
        first += frames
    return found


def _segment_header(path: Path, name: str, frames: int):
    header = read_header(path.parent / name)
    if isinstance(header, wfdb.MultiRecord):
        raise InputError(f"{path}.hea: its segment {name} has segments of its own")
    if header.sig_len is None:
        header.sig_len = frames
    if header.sig_len < frames:
        raise InputError(
            f"{path}.hea promises {frames:,} samples of segment {name}, {name}.hea "
            f"{header.sig_len:,}: download both again"
        )
    return header


def _frames(path: Path, header) -> int:
    """How many samples a header promises; as many as the file holds where it does not say."""
    described = len(header.sig_name or [])
    if not described or described != header.n_sig:
        raise InputError(
            f"{path}.hea promises {header.n_sig} signals and describes {described}: a header "
            "with a line for each signal expected"
        )
    if header.sig_len is None:
        file = path.parent / header.file_name[0]
        octet = _bytes_of_frames(header, file.name, OCTET)
        if not octet or not file.is_file():
            raise InputError(f"{path}.hea does not say how many samples {file} holds")
        found = file.stat().st_size - (header.byte_offset[0] or 0)
        header.sig_len = found * OCTET // octet
    return header.sig_len


def _channels(
    path: Path, segments: Sequence[Segment], frames_hz: float
) -> tuple[list[Channel], tuple[str, ...]]:
    """All channels of the segments, each name once; and a note on those whose file is missing."""
    found: dict[str, Channel] = {}
    missing: dict[str, list[str]] = {}
    for segment in segments:
        for i, name in enumerate(_names(segment)):
            file = segment.path.parent / segment.header.file_name[i]
            if segment.frames and not file.is_file():
                missing.setdefault(file.name, []).append(name)
                continue
            rate = frames_hz * (segment.header.samps_per_frame[i] or 1)
            channel = found.setdefault(name, Channel(name, segment.header.units[i], rate))
            if channel.sampling_hz != rate:
                raise InputError(f"{path}.hea: lead {name} changes its sampling rate")
    if missing and not found:
        file = path.parent / next(iter(missing))
        raise InputError(f"{file} is missing, though {path.name}.hea names it")
    notes = [f"Left out, {file} is missing: {', '.join(it)}." for file, it in missing.items()]
    return list(found.values()), tuple(notes)


def _names(segment: Segment) -> tuple[str, ...]:
    return _names_and_notes(segment)[0]


def _names_and_notes(segment: Segment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if segment.header is None:
        return (), ()
    return unique_names([name or "" for name in segment.header.sig_name or []])


def _check_files(segment: Segment, wanted: Sequence[str]) -> None:
    """Raise InputError unless a segment's files hold what its header says of these leads."""
    if segment.header is None or not segment.frames:
        return
    channels = [channel for channel, name in enumerate(_names(segment)) if name in wanted]
    strange = {segment.header.fmt[channel] for channel in channels} - KNOWN_FORMATS
    if strange:
        raise InputError(
            f"{segment.path}.hea gives a sample format {', '.join(sorted(strange))}; one of "
            f"{', '.join(sorted(KNOWN_FORMATS, key=int))} expected"
        )
    check_size(segment.path, segment.header, channels)


def _repeated(segments: Sequence[Segment]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for each in segments for note in _names_and_notes(each)[1]))


def _fill(
    signal: np.ndarray, segment: Segment, wanted: Sequence[str], units: str | None
) -> list[str]:
    """Write a segment's samples into `signal`, and check them; notes on spare bytes.

    Args:
        signal: (samples, leads) of the whole record.
        segment: a part of it.
        wanted: (leads,) the channels' names.
        units: key of MILLIVOLTS in place of the header's.
    """
    names = _names(segment)
    columns = [column for column, name in enumerate(wanted) if name in names]
    if not columns or not segment.frames:
        return []
    header = segment.header
    channels = [names.index(wanted[column]) for column in columns]
    factors = [_factor(segment.path, header.units[channel], units) for channel in channels]
    totals = np.zeros(len(channels), np.int64)
    for first, last in _parts(segment):
        adc, physical = _read_part(segment, channels, first, last)
        for place, column in enumerate(columns):
            totals[place] += adc[place].sum(dtype=np.int64)
            per_frame = len(physical[place]) // (last - first)
            begin = (segment.first_frame + first) * per_frame
            end = begin + len(physical[place])
            signal[begin:end, column] = factors[place] * physical[place]
    _check_sums(segment, channels, totals)
    return _spare_bytes(segment.path, header, channels)


def _factor(path: Path, unit: str, units: str | None) -> np.float32:
    known = units or unit_of(unit)
    if known is None:
        raise InputError(f"{path}.hea gives in '{unit}' what other segments give in volts")
    return np.float32(MILLIVOLTS[known])


def _parts(segment: Segment) -> list[tuple[int, int]]:
    frames, header = segment.frames, segment.header
    if DIFFERENCES in header.fmt or segment.ends_with_file:
        return [(0, frames)]
    step = max(1, PART_VALUES // sum(each or 1 for each in header.samps_per_frame))
    return [(first, min(first + step, frames)) for first in range(0, frames, step)]


def _read_part(
    segment: Segment, channels: list[int], first: int, last: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each channel, the converter's integers, and the same in the header's units."""
    try:
        record = wfdb.rdrecord(
            str(segment.path),
            sampfrom=first,
            sampto=None if segment.ends_with_file else last,
            channels=channels,
            physical=False,
            smooth_frames=False,
            return_res=32,
        )
        return record.e_d_signal, record.dac(expanded=True, return_res=32)
    except Exception as error:  # wfdb raises whatever its decoding stumbles over
        raise InputError(f"record {segment.path} cannot be read as WFDB: {error}") from error


def _check_sums(segment: Segment, channels: Sequence[int], totals: np.ndarray) -> None:
    header = segment.header
    is_moved = any(header.skew[channel] for channel in channels)
    if is_moved or segment.frames != header.sig_len:
        return  # the sums are of samples that were not read
    for channel, total in zip(channels, totals, strict=True):
        check_sum(segment.path, header, channel, int(total))


def _spare_bytes(path: Path, header, channels: Sequence[int]) -> list[str]:
    notes = []
    for name in sorted({header.file_name[channel] for channel in channels}):
        promised = promised_bytes(header, name)
        spare = (path.parent / name).stat().st_size - promised
        if promised and spare * OCTET > _bytes_of_frames(header, name, OCTET):
            notes.append(f"{name} has {spare:,} bytes more than its header says; left unread.")
    return notes


def _bytes_of_frames(header, file_name: str, frames: int) -> int:
    """Bytes of this many frames in a file; 0 where its format has no fixed size."""
    shortened = copy(header)
    shortened.sig_len = frames
    offset = header.byte_offset[header.file_name.index(file_name)] or 0
    return max(0, promised_bytes(shortened, file_name) - offset)
