"""The one table of data sets: name -> how to find it and load it.

A loader is imported where it is called. Loaders need pandas, SciPy and wfdb, which take seconds to
import, and most programs that import this module want names for their `--help` first.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from heartbeats.beat_set import AAMI_MEANINGS, BeatSet
from heartbeats.cache import cached
from heartbeats.names import AUTO
from utils.errors import InputError
from utils.paths import data_folder, runs_folder

# Data set -> what `heartbeats.download` calls it, where it can be fetched.
DOWNLOADS = {"mitbih": "mitdb", "ptb": "ptbdb", "ptbxl": "ptbxl", "ecg5000": "ecg5000"}


@dataclass(frozen=True)
class Source:
    """Where a data set was found: the files to watch for changes, and how to read them."""

    form: str
    files: Iterable[Path]
    load: Callable[[], BeatSet]


def load(name: str = AUTO, data: Path | None = None) -> BeatSet:
    """The data set `name`, memory-mapped from its cache after the first time.

    Args:
        name: a key of DATA_SETS, or ``auto`` for MIT-BIH where it is found, else synthetic.
        data: the folder of downloads; `$ECG_DATA` or `data/` by default.

    Raises:
        InputError: the name is unknown, or the data set is nowhere to be found.
    """
    name, source = find(name, data)
    cache_name = f"{name}-{source.form}"
    return cached(runs_folder() / "cache", cache_name, source.files, source.load)


def find(name: str = AUTO, data: Path | None = None) -> tuple[str, Source]:
    """The data set that `name` stands for, and where it is; nothing is read yet.

    Raises:
        InputError: as `load`.
    """
    folder = data or data_folder()
    name = resolve(name, folder)
    source = DATA_SETS[name](folder)
    if source is None:
        raise InputError(
            f"the data set '{name}' was not found under {folder} (set ECG_DATA to change the "
            f"folder); fetch it with `python -m heartbeats.download {DOWNLOADS[name]}`, "
            "or use --data=synthetic, which needs no download"
        )
    return name, source


def resolve(name: str, data: Path | None = None) -> str:
    """The data set that `name` stands for; ``auto`` prefers real data.

    Raises:
        InputError: no data set has this name.
    """
    if name == AUTO:
        return "mitbih" if _find_mitbih(data or data_folder()) else "synthetic"
    if name not in DATA_SETS:
        raise InputError(f"unknown data set '{name}'; known: auto, {', '.join(DATA_SETS)}")
    return name


def class_meanings(name: str) -> dict[str, str]:
    """Class name -> its meaning in the data set `name`; those of AAMI where it has no own."""
    from heartbeats import ecg5000, ptb, ptbxl

    own = {
        "ptb": ptb.CLASS_MEANINGS,
        "ptbxl": ptbxl.CLASS_MEANINGS,
        "ecg5000": ecg5000.CLASS_MEANINGS,
    }
    return own.get(name, AAMI_MEANINGS)


def _find_mitbih(folder: Path) -> Source | None:
    """Raw records where there are any, else Kaggle's two CSV files."""
    from heartbeats import kaggle_csv, mitdb

    if (records := mitdb.find_folder(folder)) is not None:
        return Source("wfdb", mitdb.source_files(records), partial(mitdb.load, records))
    return _find_kaggle(folder, ("mitbih_train.csv", "mitbih_test.csv"), kaggle_csv.load_mitbih)


def _find_ptb(folder: Path) -> Source | None:
    """Raw records where there are any, else Kaggle's two CSV files."""
    from heartbeats import kaggle_csv, ptb

    if (records := ptb.find_folder(folder)) is not None:
        return _from_records(ptb.source_files(records), partial(ptb.load, records))
    return _find_kaggle(folder, ("ptbdb_normal.csv", "ptbdb_abnormal.csv"), kaggle_csv.load_ptb)


def _find_ptbxl(folder: Path) -> Source | None:
    from heartbeats import ptbxl

    if (records := ptbxl.find_folder(folder)) is None:
        return None
    return _from_records(ptbxl.source_files(records), partial(ptbxl.load, records))


def _from_records(files: Iterable[Path], load: Callable[[], BeatSet]) -> Source:
    """Records whose beats this project finds, so that the beats change with the detector."""
    from ecg import detect
    from heartbeats import cutting, labelled_records

    modules = [Path(str(module.__file__)) for module in (detect, cutting, labelled_records)]
    return Source("wfdb", [*files, *modules], load)


def _find_ecg5000(folder: Path) -> Source | None:
    from heartbeats import ecg5000

    if (found := ecg5000.find_folder(folder)) is None:
        return None
    return Source("ucr", ecg5000.source_files(found), partial(ecg5000.load, found))


def _find_kaggle(
    folder: Path,
    names: tuple[str, str],
    load: Callable[[Path, Path], BeatSet],
) -> Source | None:
    """Two of Kaggle's files, where at least one lies in `kaggle/` or in the folder itself."""
    for place in (folder / "kaggle", folder):
        first, second = (place / name for name in names)
        if first.is_file() or second.is_file():
            return Source("csv", [first, second], partial(load, first, second))
    return None


def _find_synthetic(_folder: Path) -> Source:
    from heartbeats import synthetic

    return Source("generated", synthetic.source_files(), synthetic.load)


DATA_SETS: dict[str, Callable[[Path], Source | None]] = {
    "synthetic": _find_synthetic,
    "mitbih": _find_mitbih,
    "ptb": _find_ptb,
    "ptbxl": _find_ptbxl,
    "ecg5000": _find_ecg5000,
}
