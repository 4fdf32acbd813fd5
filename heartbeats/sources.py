"""Where public ECG data come from: PhysioNet, the UCR archive, Kaggle; fetched and verified."""

import re
import shutil
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from heartbeats.fetching import RemoteFile, Reporter, fetch_all
from heartbeats.kaggle_csv import KAGGLE_ROWS
from heartbeats.names import DATABASES
from utils.errors import InputError
from utils.files import write_whole
from utils.paths import shown

URL = "https://physionet.org/files"
SUMS = "SHA256SUMS.txt"
ECG5000_URL = "https://www.timeseriesclassification.com/aeon-toolkit"
# File -> rows; a row is the class and 140 values. No checksum is published.
ECG5000_ROWS = {"ECG5000_TRAIN.txt": 500, "ECG5000_TEST.txt": 4500}
ECG5000_COLUMNS = 141
ECG5000_MOST_BYTES = 64 * 2**20
# What zipfile raises for archives that are damaged, encrypted or compressed in another way.
BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    InputError,
)
KAGGLE_SET = "shayanfazeli/heartbeat"
BY_HAND = f"https://www.kaggle.com/datasets/{KAGGLE_SET}"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        name: a key of `heartbeats.names.DOWNLOADABLE`.
        folder: where its files go.
        records: only these, None for all; of PhysioNet's databases alone.
        base_url: a mirror, None for the usual address.
    """

    name: str
    folder: Path
    records: Sequence[str] | None = None
    base_url: str | None = None


def fetch(wanted: Wanted) -> str:
    """Fetch what is not there yet, and verify it all; a sentence on what was done.

    Raises:
        InputError: something could not be fetched, or is not what was published.
    """
    return SOURCES[wanted.name](wanted)


@contextmanager
def _progress(title: str, files: int) -> Iterator[Reporter]:
    """A progress bar on the terminal that counts files, incomplete ones by their share."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} files  {task.fields[megabytes]:.1f} MB"),
        TimeElapsedColumn(),
    )
    shares: dict[RemoteFile, float] = {}
    lock = threading.Lock()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=files, megabytes=0.0)

        def report(file: RemoteFile, new_bytes: int, share: float) -> None:
            with lock:
                step = share - shares.get(file, 0.0)
                shares[file] = share
                megabytes = bar.tasks[0].fields["megabytes"] + new_bytes / 1e6
                bar.update(task, advance=step, megabytes=megabytes)

        yield report


# PhysioNet


def _fetch_physionet(wanted: Wanted) -> str:
    base_url = wanted.base_url or URL
    files = files_of(wanted.name, wanted.folder, wanted.records, base_url)
    with _progress(wanted.name, len(files)) as report:
        fetched = fetch_all(files, report)
    return (
        f"{len(files):,} files agree with the published checksums ({fetched:,} fetched now, "
        f"{len(files) - fetched:,} were there)"
    )


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
    """File name -> SHA-256; other lines are skipped."""
    fetch_all([file], report=lambda *_: None)
    sums = {}
    for line in file.target.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := re.fullmatch(r"([0-9a-f]{64}) [ *]?(?:\./)?(\S.*)", line.strip()):
            sums[match[2]] = match[1]
    return sums


def _select(files: list[str], records: Sequence[str], name: str) -> list[str]:
    """The files of the requested records, by whole name, last part, or folder."""
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


# ECG5000


def _fetch_ecg5000(wanted: Wanted) -> str:
    folder = wanted.folder
    if not any(_ecg5000_fault(folder / name, rows) for name, rows in ECG5000_ROWS.items()):
        return "was there, with 500 and 4,500 rows"
    archive = folder / "ECG5000.zip"
    url = f"{(wanted.base_url or ECG5000_URL).rstrip('/')}/{archive.name}"
    with _progress("ecg5000", 1) as report:
        fetch_all([RemoteFile(url, archive)], report)
    try:
        _unpack(archive, folder)
    except BAD_ARCHIVE as error:
        archive.unlink()
        raise InputError(
            f"{url} is not the archive of ECG5000 ({error}), so it was removed; repeat the "
            "command, or fetch from a mirror (--from)"
        ) from None
    archive.unlink()
    return "500 rows to train and 4,500 to test"


def _unpack(archive: Path, folder: Path) -> None:
    """Extract ECG5000's files, by the last part of their names, and check their rows.

    No name in the archive becomes a path, so none can lead out of the folder.
    """
    with zipfile.ZipFile(archive) as content:
        for member in content.infolist():
            name = member.filename.rpartition("/")[2]
            if not re.fullmatch(r"ECG5000_(TRAIN|TEST)\.(txt|ts|arff)", name):
                continue
            if member.file_size > ECG5000_MOST_BYTES:
                raise InputError(f"{name} in it would have {member.file_size:,} bytes")
            write_whole(folder / name, partial(_copy_member, content, member, name))
    for name in ECG5000_ROWS:
        if not (folder / name).is_file():
            raise InputError(f"it holds no {name}")


def _copy_member(
    content: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, temporary: Path
) -> None:
    with content.open(member) as source, temporary.open("wb") as target:
        shutil.copyfileobj(source, target)
    if name in ECG5000_ROWS and (fault := _ecg5000_fault(temporary, ECG5000_ROWS[name])):
        raise InputError(f"{name}: {fault}")


def _ecg5000_fault(path: Path, rows: int) -> str | None:
    """The fault of one of the text files, or None."""
    import pandas as pd  # late: it takes longer to import than all else here

    try:
        table = pd.read_csv(path, sep=r"\s+", header=None, dtype=float)
    except (OSError, ValueError) as error:
        return str(error)
    if table.shape != (rows, ECG5000_COLUMNS) or table.isna().any(axis=None):
        return f"expected {rows:,} rows of {ECG5000_COLUMNS} numbers, found {table.shape}"
    return None


# Kaggle


def _fetch_kaggle(wanted: Wanted) -> str:
    folder = wanted.folder
    lacking = [name for name, rows in KAGGLE_ROWS.items() if _rows(folder / name) != rows]
    if not lacking:
        return "all four files were there, with Kaggle's numbers of rows"
    if wanted.base_url:
        raise InputError("kagglehub knows no mirrors: leave --from away, or fetch " + BY_HAND)
    try:
        import kagglehub  # optional, and slow to import
    except ImportError:
        raise InputError(
            "Kaggle's files are fetched with kagglehub, which is not installed: "
            f"`pip install kagglehub`, or unzip {BY_HAND} into {shown(folder)} by hand"
        ) from None
    try:
        found = Path(kagglehub.dataset_download(KAGGLE_SET))
    except Exception as error:  # kagglehub raises what its parts raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"kagglehub could not fetch {KAGGLE_SET} ({reason}); unzip {BY_HAND} into "
            f"{shown(folder)} by hand"
        ) from None
    for name in lacking:
        _copy_from_kaggle(found, name, folder)
    return f"{len(lacking)} of {len(KAGGLE_ROWS)} files copied from {found}"


def _copy_from_kaggle(found: Path, name: str, folder: Path) -> None:
    source = next(iter(sorted(found.rglob(name))), found / name)
    if (rows := _rows(source)) != KAGGLE_ROWS[name]:
        raise InputError(
            f"{source} has {rows:,} rows, and Kaggle's has {KAGGLE_ROWS[name]:,}: delete {found} "
            "and repeat the command"
        )
    write_whole(folder / name, lambda temporary: shutil.copyfile(source, temporary) and None)


def _rows(path: Path) -> int:
    """Number of complete lines, 0 for no file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))


SOURCES: dict[str, Callable[[Wanted], str]] = {
    **dict.fromkeys(DATABASES, _fetch_physionet),
    "ecg5000": _fetch_ecg5000,
    "kaggle": _fetch_kaggle,
}
