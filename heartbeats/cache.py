"""A memory-mapped copy of a loaded data set, so that the second load takes milliseconds.

A cached set is one folder of `.npy` files and a `beats.json`. It is built under a
temporary name and renamed, so that two processes may build at once: one of the two equal folders
stays.
"""

import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from heartbeats.beat_set import ARRAY_FIELDS, BeatSet, fingerprint
from utils.files import write_json

# Increase it when a loader gives other beats for the same files.
RECIPE = 2
# Reading all of the signals would cost what the cache saves; every 997th row is checked.
CHECK_EVERY_ROWS = 997


def cached(
    folder: Path, name: str, sources: Iterable[Path], load: Callable[[], BeatSet]
) -> BeatSet:
    """The data set `name` from its cache, or by `load`, whose result is then cached.

    The cache is rebuilt when any of `sources` changed its size or time, and when it is damaged.
    Where nothing can be written, the loaded set is returned all the same.

    Args:
        folder: where cached sets lie.
        name: the data set's name.
        sources: the files that `load` reads.
        load: reads the files; called only when needed.
    """
    place = folder / f"{name}-{_key(sources)}"
    if (beats := _read(place)) is not None:
        return beats
    loaded = load()
    beats = replace(loaded, fingerprint=fingerprint(loaded))
    try:
        _write(place, beats)
    except OSError as error:
        print(f"note: the cache {place} could not be written ({error}); going on without it")
    return beats


def _key(sources: Iterable[Path]) -> str:
    """Twelve hex digits that change when a source file or the recipe does."""
    digest = hashlib.blake2b(str(RECIPE).encode(), digest_size=6)
    for file in sources:
        state = file.stat() if file.exists() else None
        seen = (state.st_size, state.st_mtime_ns) if state else None
        digest.update(repr((str(file.resolve()), seen)).encode())
    return digest.hexdigest()


def _read(place: Path) -> BeatSet | None:
    """The cached set, or None where it is absent or damaged."""
    try:
        facts = json.loads((place / "beats.json").read_text(encoding="utf-8"))
        arrays = {
            field: np.load(place / f"{field}.npy", mmap_mode="r") for field in facts["arrays"]
        }
        beats = BeatSet(
            name=facts["name"],
            class_names=tuple(facts["class_names"]),
            sampling_hz=facts["sampling_hz"],
            fingerprint=facts["fingerprint"],
            **arrays,
        )
        return beats if facts["checksum"] == _checksum(beats) else None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _write(place: Path, beats: BeatSet) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
    try:
        arrays = [field for field in ARRAY_FIELDS if getattr(beats, field) is not None]
        for field in arrays:
            np.save(draft / f"{field}.npy", getattr(beats, field))
        facts = {
            "name": beats.name,
            "class_names": list(beats.class_names),
            "sampling_hz": beats.sampling_hz,
            "fingerprint": beats.fingerprint,
            "arrays": arrays,
            "checksum": _checksum(beats),
        }
        write_json(draft / "beats.json", facts)
        if place.exists():
            if _read(place) is not None:  # another process was faster
                return
            shutil.rmtree(place)
        draft.rename(place)
    except OSError:
        if _read(place) is None:
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _checksum(beats: BeatSet) -> int:
    """A CRC-32 over the labels and every 997th signal."""
    of_labels = zlib.crc32(beats.labels.tobytes())
    return zlib.crc32(beats.signals[::CHECK_EVERY_ROWS].tobytes(), of_labels)
