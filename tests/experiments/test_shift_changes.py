"""Beats of changed recordings: a neutral change gives the very same beats, others change them."""

import dataclasses

import numpy as np
import pytest

from ecg import noise
from experiments.shift.changes import CutBeats, RecordedBeats
from heartbeats import catalog, mitdb, splits
from heartbeats.beat_set import BeatSet
from tests.heartbeats.conftest import make_beats
from utils.errors import InputError
from utils.paths import data_folder

NEUTRAL = {"gain": 1.0, "offset": 0.0, "inversion": 0.0, "clock": 0.0}
needs_records = pytest.mark.skipif(
    mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records under $ECG_DATA"
)


def beats_of(folder) -> BeatSet:
    """The beats of record 100 in `folder`, in an order that is not that of time."""
    part = mitdb._load_record(folder / "100")
    beats = mitdb._join([part])
    return beats.select(np.random.default_rng(0).permutation(len(beats)))


def recorded(folder, beats=None, seed=0) -> RecordedBeats:
    chosen = beats_of(folder) if beats is None else beats
    return RecordedBeats(folder, chosen, noise.sources(folder), seed)


def cut(beats=None, seed=0) -> CutBeats:
    """Random beats, some of which are padded, and one that was longer than what is seen of it."""
    beats = beats or long_and_short_beats()
    return CutBeats(beats, noise.sources(data_folder() / "nowhere"), seed)


def long_and_short_beats() -> BeatSet:
    beats = make_beats(patients=2)
    signals = beats.signals.copy()
    signals[:40, 120:] = 0
    signals[:, 3], signals[:, 7] = 0, 1
    signals[0] = np.clip(signals[0], 0.3, 0.6)  # its extremes lay behind what is seen
    return dataclasses.replace(beats, signals=signals)


@pytest.mark.parametrize("kind", [*noise.KINDS, *NEUTRAL])
def test_the_neutral_level_cuts_the_very_same_beats(record_folder, kind):
    beats = beats_of(record_folder)
    level = NEUTRAL.get(kind, np.inf)
    assert np.array_equal(recorded(record_folder, beats).cut(kind, [level])[0], beats.signals)


@pytest.mark.parametrize("kind", ["white", "offset", "inversion", "clock"])
def test_the_neutral_level_leaves_cut_beats_as_they_are(kind):
    source = cut()
    level = NEUTRAL.get(kind, np.inf)
    assert np.array_equal(source.cut(kind, [level])[0], source.signals)


@pytest.mark.parametrize("make", [recorded, lambda _folder: cut()], ids=["recorded", "cut"])
@pytest.mark.parametrize(
    ("kind", "levels"),
    [(kind, [18, 0]) for kind in noise.KINDS]
    + [("offset", [-20, 20]), ("inversion", [1]), ("clock", [-5, 5])],
)
def test_every_change_changes_beats_that_stay_scaled(record_folder, make, kind, levels):
    source = make(record_folder)
    neutral = source.cut("offset", [0])[0]
    for beats in source.cut(kind, levels):
        assert beats.dtype == np.float32
        assert beats.shape == neutral.shape
        assert not np.array_equal(beats, neutral)
        assert beats.min() >= 0
        assert beats.max() <= 1


@pytest.mark.parametrize("make", [recorded, lambda _folder: cut()], ids=["recorded", "cut"])
@pytest.mark.parametrize("kind", noise.KINDS)
def test_more_noise_moves_beats_further(record_folder, make, kind):
    source = make(record_folder)
    clean = source.cut("offset", [0])[0]
    noisy = source.cut(kind, [24, 12, 0])
    distances = [float(np.abs(beats - clean).mean()) for beats in noisy]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1]


def test_noise_of_a_record_does_not_depend_on_the_beats_that_are_wanted(record_folder):
    beats = beats_of(record_folder)
    all_of_them = recorded(record_folder, beats).cut("white", [6])[0]
    some = recorded(record_folder, beats.select(np.array([4, 1]))).cut("white", [6])[0]
    assert np.array_equal(some, all_of_them[[4, 1]])


def test_the_seed_draws_the_noise(record_folder):
    first, again, other = (
        recorded(record_folder, seed=seed).cut("muscle", [6]) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_gain_is_scaled_away_but_for_the_converter(record_folder):
    source = recorded(record_folder)
    doubled, tiny = source.cut("gain", [2, 0.02])
    clean = source.cut("gain", [1])[0]
    assert np.abs(doubled - clean).max() < 1e-6
    assert np.abs(tiny - clean).max() > 0.01


def test_an_offset_moves_the_window(record_folder):
    """25 ms are 9 samples of the recording, so 3 of the beat; what differs is the scale."""
    source = recorded(record_folder)
    clean, late = source.cut("offset", [0, 25])
    for before, after in zip(clean[:, 3:80], late[:, :77], strict=True):
        assert np.corrcoef(before, after)[0, 1] > 0.999999


def test_inverted_twice_is_the_original(record_folder):
    clean, inverted = recorded(record_folder).cut("inversion", [0, 1])
    inside = clean[:, :60]
    assert np.allclose(1 - inverted[:, :60], inside, atol=1e-6)
    source = cut()
    turned = source.cut("inversion", [1])[0]
    source.signals = turned
    assert np.allclose(source.cut("inversion", [1])[0], cut().signals, atol=1e-6)


def test_padding_of_cut_beats_stays_zero():
    source = cut()
    padding = ~source.inside
    assert padding.any()
    for kind, level in (("white", 0), ("inversion", 1)):
        assert not source.cut(kind, [level])[0][padding].any()


def test_a_fast_clock_makes_cut_beats_longer():
    slow, right, fast = cut().cut("clock", [-10, 0, 10])
    lengths = [(beats[:40] > 0).sum() for beats in (slow, right, fast)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[1] < lengths[2]


def test_too_few_samples_a_second_leave_mains_out():
    assert "mains" in cut().kinds
    slow = dataclasses.replace(long_and_short_beats(), sampling_hz=100.0)
    assert "mains" not in cut(slow).kinds
    assert "gain" not in cut().kinds


def test_beats_that_the_records_do_not_hold_are_told(record_folder):
    beats = beats_of(record_folder)
    moved = dataclasses.replace(beats, times_s=beats.times_s + 0.01)
    with pytest.raises(InputError, match="record 100 marks 0 of 11 beats"):
        recorded(record_folder, moved)
    other = dataclasses.replace(beats, signals=beats.signals[::-1])
    with pytest.raises(InputError, match="do not give the beats of mitbih"):
        recorded(record_folder, other)


@needs_records
@pytest.mark.slow
@pytest.mark.real_data
def test_unchanged_recordings_give_the_catalogs_test_beats(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    beats = catalog.load("mitbih")
    test = beats.select(splits.held_out(beats, "kaggle"))
    folder = mitdb.find_folder(data_folder())
    source = RecordedBeats(folder, test, noise.sources(data_folder()), seed=0)
    for kind, level in NEUTRAL.items():
        assert np.array_equal(source.cut(kind, [level])[0], test.signals)
    assert np.array_equal(source.cut("wander", [np.inf])[0], test.signals)
