"""The one table of data sets: name -> how to find it and load it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ecg import detect
from heartbeats import cutting, ecg5000, kaggle_csv, labelled_records, mitdb, ptb, ptbxl, synthetic
from heartbeats.beat_set import AAMI_CLASSES, AAMI_MEANINGS, BeatSet
from heartbeats.cache import cached
from heartbeats.cutting import BEAT_HZ
from heartbeats.names import AUTO
from utils.errors import InputError
from utils.paths import data_folder, runs_folder, shown

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
    folder = data or data_folder()
    name = resolve(name, folder)
    source = DATA_SETS[name](folder)
    if source is None:
        raise InputError(
            f"the data set '{name}' was not found under {folder} (set ECG_DATA to change the "
            f"folder); fetch it with `python -m heartbeats.download {DOWNLOADS[name]}`, "
            "or use --data=synthetic, which needs no download"
        )
    cache_name = f"{name}-{source.form}"
    return cached(runs_folder() / "cache", cache_name, source.files, source.load)


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
    return CLASS_MEANINGS.get(name, AAMI_MEANINGS)


def _find_mitbih(folder: Path) -> Source | None:
    """Raw records where there are any, else Kaggle's two CSV files."""
    if (records := mitdb.find_folder(folder)) is not None:
        return Source("wfdb", mitdb.source_files(records), partial(mitdb.load, records))
    return _find_kaggle(folder, ("mitbih_train.csv", "mitbih_test.csv"), _load_mitbih_csv)


def _find_ptb(folder: Path) -> Source | None:
    """Raw records where there are any, else Kaggle's two CSV files."""
    if (records := ptb.find_folder(folder)) is not None:
        return _from_records(ptb.source_files(records), partial(ptb.load, records))
    return _find_kaggle(folder, ("ptbdb_normal.csv", "ptbdb_abnormal.csv"), _load_ptb_csv)


def _find_ptbxl(folder: Path) -> Source | None:
    if (records := ptbxl.find_folder(folder)) is None:
        return None
    return _from_records(ptbxl.source_files(records), partial(ptbxl.load, records))


def _from_records(files: Iterable[Path], load: Callable[[], BeatSet]) -> Source:
    """Records whose beats this project finds, so that the beats change with the detector."""
    modules = [Path(str(module.__file__)) for module in (detect, cutting, labelled_records)]
    return Source("wfdb", [*files, *modules], load)


def _find_ecg5000(folder: Path) -> Source | None:
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


def _load_mitbih_csv(train: Path, test: Path) -> BeatSet:
    signals, labels, is_second = _read_both(train, test, classes=len(AAMI_CLASSES))
    return BeatSet("mitbih", signals, labels, AAMI_CLASSES, BEAT_HZ, official_test=is_second)


def _load_ptb_csv(normal: Path, abnormal: Path) -> BeatSet:
    classes = labelled_records.CLASS_NAMES
    signals, labels, _is_second = _read_both(normal, abnormal, classes=len(classes))
    if (seen := np.unique(labels)).size < len(classes):
        raise InputError(
            f"{shown(normal)} and {shown(abnormal)} have no other label than {seen[0]}; expected "
            "0 in the first and 1 in the second: is it the same file twice?"
        )
    return BeatSet("ptb", signals, labels, classes, BEAT_HZ)


def _read_both(
    first: Path, second: Path, *, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signals and labels of both files, and which beats are from the second."""
    print(f"reading {shown(first)} and {shown(second)}, once; later loads use the cache")
    first_signals, first_labels = _read_whole(first, classes)
    second_signals, second_labels = _read_whole(second, classes)
    signals = np.concatenate([first_signals, second_signals])
    labels = np.concatenate([first_labels, second_labels])
    return signals, labels, np.arange(len(labels)) >= len(first_labels)


def _read_whole(file: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A CSV file's beats; says so where it has more or fewer than Kaggle publishes."""
    signals, labels = kaggle_csv.read(file, classes=classes)
    if len(labels) != (published := kaggle_csv.KAGGLE_ROWS[file.name]):
        print(f"note: {shown(file)} has {len(labels):,} rows; Kaggle's has {published:,}")
    return signals, labels


def _find_synthetic(_folder: Path) -> Source:
    return Source("generated", synthetic.source_files(), synthetic.load)


DATA_SETS: dict[str, Callable[[Path], Source | None]] = {
    "synthetic": _find_synthetic,
    "mitbih": _find_mitbih,
    "ptb": _find_ptb,
    "ptbxl": _find_ptbxl,
    "ecg5000": _find_ecg5000,
}
CLASS_MEANINGS = {
    "ptb": ptb.CLASS_MEANINGS,
    "ptbxl": ptbxl.CLASS_MEANINGS,
    "ecg5000": ecg5000.CLASS_MEANINGS,
}
