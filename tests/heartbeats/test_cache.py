import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from heartbeats.cache import cached
from tests.heartbeats.conftest import make_beats


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.dat"
    file.write_text("one")
    return file


class Loader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return make_beats()


def test_the_second_load_comes_from_the_cache_and_is_the_same(tmp_path, source):
    load = Loader()
    first = cached(tmp_path, "x", [source], load)
    second = cached(tmp_path, "x", [source], load)
    assert load.calls == 1
    assert isinstance(second.signals, np.memmap)
    assert np.array_equal(first.signals, second.signals)
    assert np.array_equal(first.patients, second.patients)
    assert (first.fingerprint, first.class_names) == (second.fingerprint, second.class_names)
    assert len(first.fingerprint) == 16


def test_a_changed_source_is_read_again(tmp_path, source):
    load = Loader()
    cached(tmp_path, "x", [source], load)
    source.write_text("two!")
    cached(tmp_path, "x", [source], load)
    assert load.calls == 2


@pytest.mark.parametrize("damage", ["cut", "garbage", "facts", "no facts", "flipped labels"])
def test_a_damaged_cache_is_rebuilt(tmp_path, source, damage):
    load = Loader()
    whole = cached(tmp_path, "x", [source], load)
    place = next(tmp_path.glob("x-*"))
    if damage == "cut":
        os.truncate(place / "signals.npy", 1000)
    elif damage == "garbage":
        (place / "labels.npy").write_bytes(b"not an array")
    elif damage == "facts":
        (place / "beats.json").write_text("{")
    elif damage == "no facts":
        (place / "beats.json").unlink()
    else:
        labels = np.load(place / "labels.npy")
        np.save(place / "labels.npy", labels[::-1])
    again = cached(tmp_path, "x", [source], load)
    assert load.calls == 2
    assert np.array_equal(again.labels, whole.labels)
    cached(tmp_path, "x", [source], load)
    assert load.calls == 2


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path, source, capsys):
    (tmp_path / "file").write_text("in the way")
    beats = cached(tmp_path / "file" / "below", "x", [source], Loader())
    assert len(beats) == len(make_beats())
    assert "could not be written" in capsys.readouterr().out


def test_many_at_once_leave_one_whole_cache(tmp_path, source):
    with ThreadPoolExecutor(8) as pool:
        sets = list(pool.map(lambda _: cached(tmp_path, "x", [source], make_beats), range(8)))
    assert len({beats.fingerprint for beats in sets}) == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [
        next(tmp_path.glob("x-*")).name
    ]
    facts = json.loads((next(tmp_path.glob("x-*")) / "beats.json").read_text())
    assert facts["fingerprint"] == sets[0].fingerprint
