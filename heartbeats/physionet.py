"""What to fetch from PhysioNet, and the checksums that it publishes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from heartbeats.fetching import RemoteFile, fetch_all
from utils.errors import InputError

URL = "https://physionet.org/files"
# PhysioNet's own copy of its open databases, with the same folders.
MIRROR = "https://physionet-open.s3.amazonaws.com"
SUMS = "SHA256SUMS.txt"


@dataclass(frozen=True)
class Database:
    """A PhysioNet database: its address, and which of its files the project reads.

    Attributes:
        about: one line for people.
        path: slug and version, the end of the database's address.
        records: matches the whole names of the files that belong to records.
        also: files that are fetched with any record.
        licence: of the data.
    """

    about: str
    path: str
    records: str
    also: tuple[str, ...] = ()
    licence: str = "Open Data Commons Attribution License v1.0"

    @property
    def credit(self) -> str:
        page = f"https://physionet.org/content/{self.path}/"
        return f"licence: {self.licence}; whom to cite: {page}"


DATABASES = {
    "mitdb": Database(
        "MIT-BIH Arrhythmia Database, 48 half hours, 94 MB",
        "mitdb/1.0.0",
        r"\d{3}\.(hea|dat|atr)",
    ),
    "nstdb": Database(
        "MIT-BIH noise: baseline wander, electrode motion, muscle",
        "nstdb/1.0.0",
        r"(bw|em|ma)\.(hea|dat)",
    ),
    "ptbdb": Database(
        "PTB Diagnostic ECG Database, 549 records, 1.7 GB",
        "ptbdb/1.0.0",
        r"patient\d{3}/\w+\.(hea|dat|xyz)",
        also=("RECORDS",),
    ),
    "ptbxl": Database(
        "PTB-XL at 100 Hz, 21,799 records",
        "ptb-xl/1.0.3",
        r"records100/\d{5}/\d{5}_lr\.(hea|dat)",
        also=("ptbxl_database.csv", "scp_statements.csv"),
        licence="Creative Commons Attribution 4.0",
    ),
    "ludb": Database(
        "LUDB, 200 records with marked waves",
        "ludb/1.0.1",
        r"data/\d+\.(hea|dat|i|ii|iii|av[rlf]|v[1-6])",
        also=("ludb.csv", "RECORDS"),
    ),
}


def files_of(
    name: str, folder: Path, records: Sequence[str] | None = None, base_url: str = URL
) -> list[RemoteFile]:
    """The files of a database with the checksums that PhysioNet publishes for them.

    Args:
        name: a key of DATABASES.
        folder: where the files go; the list of checksums is fetched there, unless it is there.
        records: only these, e.g. ``100``, or ``patient001`` for all of a folder; None for all.
        base_url: PhysioNet's address for files, or a mirror with the same folders.

    Raises:
        InputError: the checksums could not be fetched or read, or a record is not in the database.
    """
    database = DATABASES[name]
    root = f"{base_url.rstrip('/')}/{database.path}"
    sums = _read_sums(RemoteFile(f"{root}/{SUMS}", folder / SUMS))
    of_records = [file for file in sums if re.fullmatch(database.records, file)]
    if not of_records:
        (folder / SUMS).unlink()
        raise InputError(
            f"{root}/{SUMS} lists none of the files that belong to {name}; is this the address of "
            "a mirror, and not a page that asks for a login?"
        )
    chosen = of_records if records is None else _select(of_records, records, name)
    also = [file for file in database.also if file in sums]
    return [
        RemoteFile(f"{root}/{quote(file)}", folder / file, sums[file]) for file in also + chosen
    ]


def _read_sums(file: RemoteFile) -> dict[str, str]:
    """File name -> SHA-256; lines that are no checksum are passed over."""
    fetch_all([file], told=lambda *_: None)
    sums = {}
    for line in file.target.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := re.fullmatch(r"([0-9a-f]{64}) [ *]?(?:\./)?(\S.*)", line.strip()):
            sums[match[2]] = match[1]
    return sums


def _select(files: list[str], records: Sequence[str], name: str) -> list[str]:
    """The files of the records that were asked for, by whole name, last part, or folder."""
    chosen: dict[str, None] = {}
    for asked in records:
        of_asked = [file for file in files if _belongs(file, asked)]
        if not of_asked:
            some = ", ".join(list(dict.fromkeys(_record_of(file) for file in files))[:5])
            raise InputError(f"{name} has no record '{asked}'; it has {some} ...")
        chosen.update(dict.fromkeys(of_asked))
    return list(chosen)


def _belongs(file: str, asked: str) -> bool:
    record = _record_of(file)
    return asked in (record, record.rpartition("/")[2]) or record.startswith(f"{asked}/")


def _record_of(file: str) -> str:
    return file.rpartition(".")[0]
