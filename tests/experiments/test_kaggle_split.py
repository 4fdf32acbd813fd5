"""A random test set is told from one that is not."""

import dataclasses

import numpy as np
import pytest

from experiments.exploration import beats_spread, kaggle_split
from heartbeats import catalog
from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from utils.errors import InputError

BEATS = 6_000


def beats_with(is_test: np.ndarray) -> BeatSet:
    rng = np.random.default_rng(3)
    return BeatSet(
        "invented",
        np.zeros((BEATS, 4), np.float32),
        rng.integers(0, 2, BEATS).astype(np.uint8),
        AAMI_CLASSES,
        125.0,
        official_test=is_test,
        records=np.repeat([f"{i}" for i in range(100, 120)], BEATS // 20),
        times_s=np.tile(np.arange(BEATS // 20), 20) * 0.8,
    )


def test_a_random_draw_looks_random():
    beats = beats_with(np.random.default_rng(5).random(BEATS) < 0.2)
    found = beats_spread.spreads(beats)
    assert [one.class_name for one in found] == ["N", "S"]
    assert all(one.freedom == 19 and one.chance > 0.01 for one in found)
    assert abs(beats_spread.neighbour_correlation(beats)) < 0.05
    assert beats_spread.between_training(beats) == pytest.approx(0.64, abs=0.05)


def test_whole_recordings_held_out_do_not():
    beats = beats_with(np.arange(BEATS) < BEATS // 5)
    assert all(one.chance < 1e-9 for one in beats_spread.spreads(beats))
    assert beats_spread.neighbour_correlation(beats) > 0.99
    assert beats_spread.between_training(beats) == 0


def test_every_other_beat_is_no_random_draw_either():
    beats = beats_with(np.arange(BEATS) % 2 == 0)
    assert beats_spread.neighbour_correlation(beats) < -0.9
    assert beats_spread.between_training(beats) == 1


def test_unknown_times_are_told():
    beats = dataclasses.replace(beats_with(np.zeros(BEATS, bool)), times_s=None)
    with pytest.raises(InputError, match="'invented' does not say the times_s"):
        beats_spread.check(beats)


def test_it_prints_its_lines(monkeypatch, capsys):
    beats = beats_with(np.random.default_rng(5).random(BEATS) < 0.2)
    monkeypatch.setattr(catalog, "load", lambda name: beats)
    assert kaggle_split.main(["--data=synthetic"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[0].startswith("class N:") and lines[2].startswith("corr")
