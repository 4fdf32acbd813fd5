"""Recognising an upload: a table of beats, or a recording; by content first, by name second."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ecg.files.csv_layout import MOST_COLUMNS, csv_layout
from ecg.files.csv_recording import time_column
from ecg.reading import CSV_SUFFIXES
from serving import wfdb_files
from serving.archives import safe_name, unpack
from serving.settings import Limits, TooLarge, UnsupportedUpload
from utils.errors import InputError
from utils.file_kinds import ZIP_ARCHIVE, looks_like, text_encoding

ACCEPTED = (
    "a CSV file of beats, a recording as WFDB (.hea and .dat), EDF, BDF or CSV, or a zip of one "
    "of them expected"
)
# Parts of WFDB records that cannot be read without a header.
WFDB_PARTS = (".dat", ".atr", ".mat", ".qrs", ".ari", ".ecg")
# Texts that accompany data in archives; a table may have these suffixes if it is alone.
SIDE_SUFFIXES = (".txt", ".md", ".json", ".html", ".htm", "")
MOST_NAMED = 8
Files = list[tuple[str, Path]]  # safe names and paths
HEAD_BYTES = 2**16
COUNTED_AT_ONCE = 2**20
# The first bytes of EDF and BDF files, and the suffix that their reader expects.
EDF_STARTS = {b"0       ": ".edf", b"\xffBIOSEMI": ".bdf"}


@dataclass(frozen=True)
class Upload:
    """A recognised upload.

    Attributes:
        kind: ``beats`` or ``recording``.
        name: of the file or the record, safe to show.
        path: of the CSV file of beats, or what `ecg.reading.read_recording` takes.
        notes: sentences about files that were not read.
    """

    kind: Literal["beats", "recording"]
    name: str
    path: Path
    notes: tuple[str, ...] = ()


def recognise(
    files: Sequence[tuple[str, Path]],
    folder: Path,
    limits: Limits,
    *,
    as_recording: bool = False,
) -> Upload:
    """Recognise an upload, unpack it and check its size.

    A CSV file is a recording if the sender says so, or if one of its columns counts time or
    samples; else it is a table of beats. With more columns than a recording has leads it is always
    a table of beats.

    Args:
        files: the sender's name and the path of each.
        folder: an empty folder of this request, to unpack and link into.
        limits: of an upload.
        as_recording: whether a CSV file is a recording, e.g. because a sampling rate was sent.

    Raises:
        UnsupportedUpload: it is of a kind that is not accepted.
        TooLarge: it exceeds a limit.
        InputError: it is damaged, incomplete, or several things at once.
    """
    sent = _unpacked(_checked(files, limits), folder, limits)
    if any(name.lower().endswith(wfdb_files.HEADER_SUFFIX) for name, _path in sent):
        return _record(sent, folder, limits)
    (name, path), notes = _the_file(sent)
    if (suffix := _edf_suffix(path)) is not None:
        _check_edf_size(name, path, limits)
        return Upload("recording", name, _linked(path, folder, name, (suffix,)), notes)
    if _is_recording(path, as_recording):
        _check_table_size(name, path, limits)
        return Upload("recording", name, _linked(path, folder, name, CSV_SUFFIXES), notes)
    return Upload("beats", name, path, notes)


def _checked(files: Sequence[tuple[str, Path]], limits: Limits) -> Files:
    """The files under safe names."""
    if not files:
        raise InputError(f"no file was sent; {ACCEPTED}")
    if len(files) > limits.max_files:
        raise TooLarge(
            f"{len(files):,} files were sent; at most {limits.max_files:,} are accepted"
        )
    total = sum(path.stat().st_size for _name, path in files)
    if total > limits.max_upload_bytes:
        raise TooLarge(
            f"{total:,} bytes were sent; at most {limits.max_upload_bytes:,} are accepted"
        )
    sent = [(safe_name(name) or "upload", path) for name, path in files]
    names = [name.lower() for name, _path in sent]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"two files called {twice[0]} were sent; send only one of them")
    return sent


def _unpacked(sent: Files, folder: Path, limits: Limits) -> Files:
    """The files of the zip, where one was sent; else the files as they are."""
    zips = [name for name, path in sent if looks_like(_head(path)) == ZIP_ARCHIVE]
    if not zips:
        return sent
    if len(sent) > 1:
        raise InputError(f"{zips[0]} came with other files; send one zip, or files without a zip")
    target = folder / "unpacked"
    target.mkdir()
    return unpack(sent[0][1], sent[0][0], target, limits)


def _record(sent: Files, folder: Path, limits: Limits) -> Upload:
    target = folder / "record"
    target.mkdir()
    record = wfdb_files.gather(sent, target, limits)
    used = {name.lower() for name in record.used}
    ignored = [name for name, _path in sent if name.lower() not in used]
    return Upload("recording", record.path.name, record.path, _notes(ignored))


def _the_file(sent: Files) -> tuple[tuple[str, Path], tuple[str, ...]]:
    """The one file that can be read, and a note on the others."""
    readable = [one for one in sent if _is_readable(one[1])]
    main = [one for one in readable if Path(one[0]).suffix.lower() not in SIDE_SUFFIXES]
    if not main and not _wfdb_parts(sent):
        main = readable
    if not main:
        raise _unsupported(sent)
    if len(main) > 1:
        raise InputError(f"there are {len(main)} files to read, {_some(main)}; send one of them")
    return main[0], _notes([name for name, _path in sent if name != main[0][0]])


def _unsupported(sent: Files) -> InputError:
    """The error about files of which none can be read."""
    if parts := _wfdb_parts(sent):
        one = f"{_some(parts)} belongs to a WFDB record"
        return InputError(f"{one}; send the record's header (.hea) as well")
    name, path = sent[0]
    if len(sent) > 1:
        return UnsupportedUpload(f"none of {_some(sent)} can be read; {ACCEPTED}")
    if _is_empty(path):
        return InputError(f"{name} is empty; {ACCEPTED}")
    kind = looks_like(_head(path)) or "a binary file"
    return UnsupportedUpload(f"{name} looks like {kind}; {ACCEPTED}")


def _wfdb_parts(sent: Files) -> Files:
    """Parts of a WFDB record, as their names say, that are nothing else."""
    return [
        (name, path)
        for name, path in sent
        if name.lower().endswith(WFDB_PARTS)
        and looks_like(_head(path)) is None
        and not _is_readable(path)
    ]


def _linked(path: Path, folder: Path, name: str, suffixes: tuple[str, ...]) -> Path:
    """A link to a file whose name ends with one of the suffixes, by which its reader is chosen."""
    target = folder / "recording"
    target.mkdir()
    link = target / (name if name.lower().endswith(suffixes) else f"{name}{suffixes[0]}")
    link.symlink_to(path.resolve())
    return link


def _notes(ignored: Sequence[str]) -> tuple[str, ...]:
    return (f"Not read: {_named(ignored)}.",) if ignored else ()


def _some(files: Files) -> str:
    return _named([name for name, _path in files])


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


# Kinds and sizes of single files


def _head(path: Path) -> bytes:
    """The beginning of a file, enough to recognise its kind."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _edf_suffix(path: Path) -> str | None:
    """``.edf`` or ``.bdf`` where the file is such a recording, else None."""
    first = _head(path)
    return next((suffix for start, suffix in EDF_STARTS.items() if first.startswith(start)), None)


def _is_readable(path: Path) -> bool:
    """Whether the file is text of no special kind, or an EDF or BDF recording."""
    is_table = looks_like(_head(path)) is None and bool(_text(path).strip())
    return is_table or _edf_suffix(path) is not None


def _is_empty(path: Path) -> bool:
    """Whether the file has only white space and perhaps a byte order mark."""
    encoding = text_encoding(_head(path))
    return encoding is not None and not _head(path).decode(encoding, "replace").strip()


def _is_recording(path: Path, as_recording: bool) -> bool:
    """Whether a table is a recording; see `recognise`."""
    if _columns(path) > MOST_COLUMNS:
        return False
    if as_recording:
        return True
    try:
        return time_column(csv_layout(path)) is not None
    except InputError:  # reported when the file is read
        return False


def _text(path: Path) -> str:
    """The beginning of a text file without invalid bytes; empty where it is no text."""
    encoding = text_encoding(_head(path))
    return _head(path).decode(encoding, "ignore") if encoding else ""


def _columns(path: Path) -> int:
    """About the largest number of columns of the first lines of a table."""
    text = _text(path)
    separator = next((sign for sign in ";\t," if sign in text), None)
    return max(len(line.split(separator)) for line in text.splitlines() or [""])


def _check_edf_size(name: str, path: Path, limits: Limits) -> None:
    """Raise TooLarge if there may be too many samples; each takes at least two bytes."""
    most = path.stat().st_size // 2
    if most > limits.max_samples:
        raise TooLarge(
            f"{name} holds about {most:,} samples; at most {limits.max_samples:,} accepted"
        )


def _check_table_size(name: str, path: Path, limits: Limits) -> None:
    """Raise TooLarge if a table may have too many samples."""
    lines = 0
    with path.open("rb") as file:
        while chunk := file.read(COUNTED_AT_ONCE):
            lines += chunk.count(b"\n")
    if (samples := lines * _columns(path)) > limits.max_samples:
        raise TooLarge(
            f"{name} holds about {samples:,} samples; at most {limits.max_samples:,} accepted"
        )
