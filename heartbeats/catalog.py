"""The one table of data sets: name -> how to find it and load it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from heartbeats import kaggle_csv, mitdb, synthetic
from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from heartbeats.cache import cached
from heartbeats.cutting import BEAT_HZ
from utils.errors import InputError
from utils.paths import data_folder, runs_folder, shown

AUTO = "auto"


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
            f"folder); fetch it with `python -m heartbeats.download mitdb`, "
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


def _find_mitbih(folder: Path) -> Source | None:
    """Raw records where there are any, else Kaggle's two CSV files."""
    if (records := mitdb.find_folder(folder)) is not None:
        return Source("wfdb", mitdb.source_files(records), partial(mitdb.load, records))
    for place in (folder / "kaggle", folder):
        train, test = place / "mitbih_train.csv", place / "mitbih_test.csv"
        if train.is_file() or test.is_file():
            return Source("csv", [train, test], partial(_load_kaggle_csv, train, test))
    return None


def _load_kaggle_csv(train: Path, test: Path) -> BeatSet:
    print(f"reading {shown(train)} and {shown(test)}, once; later loads use the cache")
    train_signals, train_labels = _read_whole(train)
    test_signals, test_labels = _read_whole(test)
    return BeatSet(
        "mitbih",
        signals=np.concatenate([train_signals, test_signals]),
        labels=np.concatenate([train_labels, test_labels]),
        class_names=AAMI_CLASSES,
        sampling_hz=BEAT_HZ,
        official_test=np.arange(len(train_labels) + len(test_labels)) >= len(train_labels),
    )


def _read_whole(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """A CSV file's beats; says so where it has more or fewer than Kaggle publishes."""
    signals, labels = kaggle_csv.read(file)
    if len(labels) != (published := kaggle_csv.KAGGLE_ROWS[file.name]):
        print(f"note: {shown(file)} has {len(labels):,} rows; Kaggle's has {published:,}")
    return signals, labels


def _find_synthetic(_folder: Path) -> Source:
    return Source("generated", synthetic.source_files(), synthetic.load)


DATA_SETS: dict[str, Callable[[Path], Source | None]] = {
    "synthetic": _find_synthetic,
    "mitbih": _find_mitbih,
}
