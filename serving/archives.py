"""Unpacking of uploaded zip archives; nothing in their headers is trusted."""

import errno
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from serving.settings import MEBIBYTE, DiskSpace, Limits, TooLarge, UnsupportedUpload
from utils.errors import InputError
from utils.file_kinds import is_packed, looks_like

CHUNK_BYTES = MEBIBYTE
# Small files may compress well: a thousand equal lines are no attack.
BYTES_BEFORE_RATIO = 16 * MEBIBYTE
# Other methods need memory that the archive chooses, and no common tool uses them by default.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
# The end of a zip gives the size of its table of files, which is read as a whole.
END_OF_TABLE, END_OF_LARGE_TABLE = b"PK\x05\x06", b"PK\x06\x07"
END_BYTES = 22 + 2**16
TABLE_BYTES_PER_FILE = 512
# Files that operating systems add.
CLUTTER = ("thumbs.db", "desktop.ini")
# Names of devices, which Windows opens instead of files.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
MOST_NAME = 100
# What zipfile and zlib raise for damaged archives; a seek to a negative position is an OSError.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    OverflowError,
    struct.error,
)


def safe_name(name: str) -> str:
    """The last part of a path as a plain file name; may be empty.

    Folders, drive letters, ``..`` and leading dots are removed. Control characters and others with
    a meaning for file systems or shells become underscores.
    """
    last = re.split(r"[/\\:]", name.split("\0")[0])[-1]
    plain = re.sub(r"[^\w.()+ -]", "_", last).strip(" ").lstrip(".")
    if _DEVICE.fullmatch(plain):
        plain = f"_{plain}"
    stem, dot, suffix = plain.rpartition(".")
    return plain if len(plain) <= MOST_NAME else stem[: MOST_NAME - 10] + dot + suffix[:9]


def unpack(archive: Path, name: str, folder: Path, limits: Limits) -> list[tuple[str, Path]]:
    """Unpack a zip into a folder, flat.

    Args:
        archive: the zip.
        name: what errors call it.
        folder: an empty one; files in it are numbered, so that no name of the archive is used.
        limits: for the number of files and their unpacked size.

    Returns:
        Safe name and path of each file, without those that operating systems add.

    Raises:
        TooLarge: it has too many files, or unpacks to too much.
        UnsupportedUpload: it holds what is not accepted, such as another archive.
        InputError: it is damaged, has a password, or two files of one name.
    """
    _check_table(archive, name, limits)
    found: list[tuple[str, Path]] = []
    left = limits.max_unpacked_bytes
    try:
        with zipfile.ZipFile(archive) as opened:
            for number, member in enumerate(_members(opened, name, limits)):
                path = folder / f"{number}"
                left -= _unpack_one(opened, member, path, name, limits, left)
                found.append((safe_name(member.filename), path))
    except InputError:
        raise
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # for example a full disk
        raise InputError(f"{name} is a damaged zip archive ({error}); pack it again") from error
    if not found:
        raise InputError(f"{name} holds no files; a zip with a CSV file or a recording expected")
    return found


def _check_table(archive: Path, name: str, limits: Limits) -> None:
    """Raise if the table of files is too large, before it is read."""
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - END_BYTES))
        end = file.read()
    for found in re.finditer(re.escape(END_OF_TABLE), end):
        place = found.start()
        if end[max(0, place - 20) : place].startswith(END_OF_LARGE_TABLE):
            raise InputError(
                f"{name} is a zip64 archive, made for more than 4 GB; pack it as plain zip"
            )
        table_bytes = int.from_bytes(end[place + 12 : place + 16], "little")
        if table_bytes > limits.max_files * TABLE_BYTES_PER_FILE:
            raise _too_many(name, limits)


def _too_many(name: str, limits: Limits) -> TooLarge:
    return TooLarge(f"{name} holds more than {limits.max_files:,} files; pack only those needed")


def _members(opened: zipfile.ZipFile, name: str, limits: Limits) -> list[zipfile.ZipInfo]:
    """The files to unpack, each checked by its entry in the table."""
    wanted = [one for one in opened.infolist() if not one.is_dir() and not _is_clutter(one)]
    if len(wanted) > limits.max_files:
        raise _too_many(name, limits)
    seen: dict[str, str] = {}
    for member in wanted:
        _check_member(member, name)
        plain = safe_name(member.filename)
        if plain.lower() in seen:
            raise InputError(
                f"{name} holds two files called {plain}, as {_shown(seen[plain.lower()])} and "
                f"{_shown(member.filename)}; pack only one of them"
            )
        seen[plain.lower()] = member.filename
    return wanted


def _is_clutter(member: zipfile.ZipInfo) -> bool:
    parts = re.split(r"[/\\]", member.filename)
    return "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1].lower() in CLUTTER


def _check_member(member: zipfile.ZipInfo, name: str) -> None:
    shown = _shown(member.filename)
    if not safe_name(member.filename):
        raise InputError(f"{name} holds a file without a usable name, {shown}; rename it")
    if member.flag_bits & ENCRYPTED:
        raise InputError(f"{name} has a password; pack it without one")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputError(f"{name} holds a link, {shown}; pack the file itself")
    if member.compress_type not in METHODS:
        raise UnsupportedUpload(
            f"{name} packs {shown} by method {member.compress_type}; pack it as plain zip"
        )


def _unpack_one(
    opened: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    path: Path,
    name: str,
    limits: Limits,
    left: int,
) -> int:
    """Unpack one file, counting its real size; returns that size in bytes."""
    size, disk = 0, DiskSpace(path.parent)
    with opened.open(member) as source, path.open("wb") as target:
        while chunk := source.read(CHUNK_BYTES):
            if not size:
                _check_kind(chunk, member, name)
            size += len(chunk)
            if size > left:
                raise TooLarge(
                    f"{name} unpacks to more than {limits.max_unpacked_bytes:,} bytes; send less"
                )
            most = max(BYTES_BEFORE_RATIO, limits.max_ratio * member.compress_size)
            if size > most:
                raise TooLarge(
                    f"{name} unpacks {_shown(member.filename)} to more than "
                    f"{limits.max_ratio:g} times its size, as zip bombs do; send the file itself"
                )
            disk.claim(len(chunk))
            target.write(chunk)
    return size


def _check_kind(head: bytes, member: zipfile.ZipInfo, name: str) -> None:
    if is_packed(head):
        raise UnsupportedUpload(
            f"{name} holds {looks_like(head)}, {_shown(member.filename)}; unpack it, and send its "
            "files or a new zip"
        )


def _shown(name: str) -> str:
    """An untrusted name, quoted for a message."""
    return repr(name if len(name) <= MOST_NAME else name[:MOST_NAME] + "...")
