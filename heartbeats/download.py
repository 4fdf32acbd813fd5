"""Fetch public ECG data into the folder of downloads.

    python -m heartbeats.download mitdb                     the MIT-BIH Arrhythmia Database
    python -m heartbeats.download mitdb --records 100 101   two of its records
    python -m heartbeats.download kaggle                    Kaggle's CSV files (needs kagglehub)

What is there already is checked and left alone; a command that was cut goes on where it stopped.
"""

import argparse
import re
import shutil
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from heartbeats import physionet
from heartbeats.fetching import KEPT, Listener, RemoteFile, fetch_all
from heartbeats.kaggle_csv import KAGGLE_ROWS
from utils.errors import InputError, exit_plainly
from utils.files import write_whole
from utils.paths import data_folder, shown

ECG5000_URL = "https://www.timeseriesclassification.com/aeon-toolkit"
# File -> rows; a row is the class and 140 values. No checksum is published.
ECG5000_ROWS = {"ECG5000_TRAIN.txt": 500, "ECG5000_TEST.txt": 4500}
ECG5000_COLUMNS = 141
ECG5000_MOST_BYTES = 64 * 2**20
# What zipfile raises for archives that are damaged, encrypted or packed in some other way.
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


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Fetch one data set; the exit status."""
    asked = _parse(argv)
    folder = (asked.to or data_folder()).expanduser() / asked.data
    try:
        done = SOURCES[asked.data](folder, asked)
    except KeyboardInterrupt:
        print(KEPT, file=sys.stderr)
        raise
    print(f"{asked.data}: {done}; in {shown(folder)}")
    if (database := physionet.DATABASES.get(asked.data)) is not None:
        print(database.credit)
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    names = "\n".join(f"  {name:8} {about}" for name, about in _abouts().items())
    parser = argparse.ArgumentParser(
        prog="python -m heartbeats.download",
        description=f"Fetch public ECG data. Data sets:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("data", choices=SOURCES, metavar="DATA", help="the data set to fetch")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder of downloads; a folder DATA is made in it (default: $ECG_DATA, else data/)",
    )
    parser.add_argument(
        "--records", nargs="+", metavar="NAME", help="only these records (PhysioNet)"
    )
    parser.add_argument(
        "--from",
        dest="base_url",
        metavar="URL",
        help=f"a mirror; for PhysioNet's databases e.g. {physionet.MIRROR}",
    )
    asked = parser.parse_args(argv)
    if asked.records and asked.data not in physionet.DATABASES:
        parser.error(f"{asked.data} has no records to choose from")
    if asked.base_url and not re.match(r"https?://\S", asked.base_url):
        parser.error(f"--from takes an address such as {physionet.MIRROR}, not {asked.base_url}")
    return asked


def _abouts() -> dict[str, str]:
    """Data set -> one line about it."""
    return {name: database.about for name, database in physionet.DATABASES.items()} | {
        "ecg5000": "ECG5000 of the UCR archive, 5,000 beats",
        "kaggle": "MIT-BIH and PTB beats as Kaggle has them, 580 MB; needs kagglehub",
    }


@contextmanager
def _progress(title: str, files: int) -> Iterator[Listener]:
    """A bar on the terminal that counts files, the one under way by the share that is there."""
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

        def told(file: RemoteFile, new_bytes: int, share: float) -> None:
            with lock:
                step = share - shares.get(file, 0.0)
                shares[file] = share
                megabytes = bar.tasks[0].fields["megabytes"] + new_bytes / 1e6
                bar.update(task, advance=step, megabytes=megabytes)

        yield told


def _fetch_physionet(folder: Path, asked: argparse.Namespace) -> str:
    base_url = asked.base_url or physionet.URL
    files = physionet.files_of(asked.data, folder, asked.records, base_url)
    with _progress(asked.data, len(files)) as told:
        fetched = fetch_all(files, told)
    return (
        f"{len(files):,} files agree with the published checksums ({fetched:,} fetched now, "
        f"{len(files) - fetched:,} were there)"
    )


def _fetch_ecg5000(folder: Path, asked: argparse.Namespace) -> str:
    if not any(_ecg5000_fault(folder / name, rows) for name, rows in ECG5000_ROWS.items()):
        return "was there, with 500 and 4,500 rows"
    archive = folder / "ECG5000.zip"
    url = f"{(asked.base_url or ECG5000_URL).rstrip('/')}/{archive.name}"
    with _progress("ecg5000", 1) as told:
        fetch_all([RemoteFile(url, archive)], told)
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
    """Take the members that are wanted, by the last part of their names, and check the rows.

    No name from the archive becomes a path, so none can lead out of the folder.
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
    """What is wrong with one of the text files, or None."""
    try:
        table = pd.read_csv(path, sep=r"\s+", header=None, dtype=float)
    except (OSError, ValueError) as error:
        return str(error)
    if table.shape != (rows, ECG5000_COLUMNS) or table.isna().any(axis=None):
        return f"expected {rows:,} rows of {ECG5000_COLUMNS} numbers, found {table.shape}"
    return None


def _fetch_kaggle(folder: Path, asked: argparse.Namespace) -> str:
    lacking = [name for name, rows in KAGGLE_ROWS.items() if _rows(folder / name) != rows]
    if not lacking:
        return "all four files were there, with Kaggle's numbers of rows"
    if asked.base_url:
        raise InputError("kagglehub knows no mirrors: leave --from away, or fetch " + BY_HAND)
    try:
        import kagglehub  # an optional extra, and slow to import
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
    """Lines that are ended, 0 for no file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))


SOURCES: dict[str, Callable[[Path, argparse.Namespace], str]] = {
    **dict.fromkeys(physionet.DATABASES, _fetch_physionet),
    "ecg5000": _fetch_ecg5000,
    "kaggle": _fetch_kaggle,
}


if __name__ == "__main__":
    raise SystemExit(main())
