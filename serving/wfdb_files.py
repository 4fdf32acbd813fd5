"""The files of one WFDB record among those uploaded, checked before they are read.

WFDB headers name other files and give sizes, and readers trust them. Here every name must be a
plain name of an uploaded file, and every size must match.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg.record import read_header
from serving.settings import Limits, TooLarge
from utils.errors import InputError
from utils.file_kinds import looks_like, text_encoding

HEADER_SUFFIX = ".hea"
# LUDB's headers have 1 kB; one with 1,000 segments has 20 kB.
HEADER_BYTES, HEADER_LINE_BYTES = 2**16, 1000
GAP = "~"
MOST_NAMED = 8  # records, in a sentence
# A sample takes a byte or more in all formats but these, where only the limit holds.
FLAC_FORMATS = ("508", "516", "524")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)

Files = dict[str, Path]  # name in lower case -> where it lies


@dataclass(frozen=True)
class WfdbRecord:
    """A complete record.

    Attributes:
        path: without suffix, for readers.
        used: names of its files.
    """

    path: Path
    used: tuple[str, ...]


def gather(files: Sequence[tuple[str, Path]], folder: Path, limits: Limits) -> WfdbRecord:
    """Link the files of the one record among `files`, under the names in its header.

    Args:
        files: safe names and where the files lie; at least one is a header.
        folder: an empty one, to which links to the files go.
        limits: for signals and samples.

    Raises:
        TooLarge: a header promises too many signals or samples.
        InputError: there are several records, a file is missing, or a header is damaged, names
            something else than a plain file, or promises more than the files hold.
    """
    by_name = {name.lower(): path for name, path in files}
    names = [name for name, _path in files if name.lower().endswith(HEADER_SUFFIX)]
    headers = {name: _Header.read(name, by_name[name.lower()], folder, limits) for name in names}
    record = _the_record(headers)
    used = [headers[record], *_segments(record, headers)]
    signals = [name for header in used for name in header.signal_files]
    present = [name for name in dict.fromkeys(signals) if name.lower() in by_name]
    if signals and not present:
        raise InputError(
            f"{record} names {signals[0]}, which is not among the files sent; send it as well"
        )
    _check_samples(headers[record], used, by_name, limits)
    for name in present:
        (folder / name).symlink_to(by_name[name.lower()].resolve())
    return WfdbRecord(folder / Path(record).stem, (*(header.name for header in used), *present))


@dataclass(frozen=True)
class _Header:
    """A header.

    Attributes:
        name: of the file.
        content: wfdb's header, of one segment or of several.
    """

    name: str
    content: Any

    @classmethod
    def read(cls, name: str, path: Path, folder: Path, limits: Limits) -> "_Header":
        """Link the header into the folder, and read it."""
        stem = name[: -len(HEADER_SUFFIX)]
        if not _PLAIN_NAME.fullmatch(stem):
            raise InputError(f"{name}: letters, digits, - and _ expected in a record's name")
        _check_text(name, path, limits)
        (folder / f"{stem}{HEADER_SUFFIX}").symlink_to(path.resolve())
        try:
            header = cls(name, read_header(folder / stem))
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error
        for file in (*header.signal_files, *header.segment_names):
            if not _PLAIN_NAME.fullmatch(file) or file.lower().endswith(HEADER_SUFFIX):
                raise InputError(f"{name} names {file[:60]!r}; the plain name of a file expected")
        return header

    @property
    def segment_names(self) -> list[str]:
        """Names of the records that this one consists of; none where it is of one segment."""
        return [name for name in getattr(self.content, "seg_name", None) or [] if name != GAP]

    @property
    def signal_files(self) -> list[str]:
        """The name of each signal's file."""
        names = getattr(self.content, "file_name", None) or []
        return [name for name in names if name != GAP]

    @property
    def samples_of_files(self) -> dict[str, int]:
        """Samples per file that the header gives, without FLAC formats."""
        found: dict[str, int] = {}
        header = self.content
        for place, file in enumerate(self.signal_files):
            if header.fmt[place] not in FLAC_FORMATS:
                samples = (header.sig_len or 0) * (header.samps_per_frame[place] or 1)
                found[file] = found.get(file, 0) + samples
        return found

    @property
    def samples_per_frame(self) -> int:
        """Samples of all signals together in a frame."""
        return sum(each or 1 for each in getattr(self.content, "samps_per_frame", None) or [])


def _check_text(name: str, path: Path, limits: Limits) -> None:
    """Raise where a header is no text, or has more lines or longer ones than headers have."""
    if path.stat().st_size > HEADER_BYTES:
        raise InputError(f"{name} has more than {HEADER_BYTES:,} bytes; a WFDB header expected")
    content = path.read_bytes()
    if (kind := looks_like(content)) is not None or text_encoding(content) is None:
        raise InputError(f"{name} looks like {kind or 'a binary file'}; a WFDB header expected")
    lines = [line for line in content.splitlines() if line.strip() and line.strip()[:1] != b"#"]
    if any(len(line) > HEADER_LINE_BYTES for line in lines):
        raise InputError(f"{name} has lines of more than {HEADER_LINE_BYTES:,} bytes")
    has_segments = bool(lines) and b"/" in lines[0].split()[0]
    if len(lines) > 1 + limits.max_signals and not has_segments:
        raise TooLarge(f"{name} describes more than {limits.max_signals} signals; send fewer")


def _the_record(headers: dict[str, _Header]) -> str:
    """The name of the header that is no segment of another."""
    parts = {
        f"{name}{HEADER_SUFFIX}" for header in headers.values() for name in header.segment_names
    }
    records = [name for name in headers if name not in parts]
    if not records:
        raise InputError(f"{next(iter(headers))} names itself as its segment")
    if len(records) > 1:
        some = ", ".join(Path(name).stem for name in records[:MOST_NAMED])
        more = f" and {len(records) - MOST_NAMED} more" if len(records) > MOST_NAMED else ""
        raise InputError(f"there are {len(records)} records, {some}{more}; send one of them")
    return records[0]


def _segments(record: str, headers: dict[str, _Header]) -> list[_Header]:
    names = [f"{name}{HEADER_SUFFIX}" for name in headers[record].segment_names]
    if missing := [name for name in names if name not in headers]:
        raise InputError(
            f"{record} names the segment {missing[0]}, which is not among the files sent; send it "
            "as well"
        )
    return [headers[name] for name in dict.fromkeys(names)]


def _check_samples(
    record: _Header, used: Sequence[_Header], by_name: Files, limits: Limits
) -> None:
    """Raise where headers promise more samples than are accepted, or than the files can hold."""
    of_segments = sum(getattr(record.content, "seg_len", None) or [])  # need not agree with it
    frames = max(record.content.sig_len or 0, of_segments)
    samples = frames * max(header.samples_per_frame for header in used)
    if samples > limits.max_samples:
        raise TooLarge(
            f"{record.name} promises {samples:,} samples; at most {limits.max_samples:,} are "
            "accepted"
        )
    for header in used:
        for file, promised in header.samples_of_files.items():
            path = by_name.get(file.lower())
            if path is not None and promised > path.stat().st_size:
                raise InputError(
                    f"{header.name} promises {promised:,} samples of {file}, which has "
                    f"{path.stat().st_size:,} bytes: it was cut short, send it again"
                )
