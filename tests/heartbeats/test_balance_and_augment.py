import numpy as np
import pytest

from heartbeats import augment
from heartbeats.balance import METHODS, class_weights, draw_rows, shown_counts
from heartbeats.beat_set import beat_lengths
from tests.heartbeats.invented_beats import invented_beats

COUNTS = np.array([900, 30, 60, 10, 0])


@pytest.mark.parametrize("method", METHODS)
def test_a_beat_weighs_one_on_average_and_an_empty_class_nothing(method):
    weights = class_weights(COUNTS, method)
    assert np.isclose((weights * COUNTS).sum(), COUNTS.sum())
    assert weights[4] == 0


def test_methods_favour_rare_classes_in_their_known_order():
    ratio = {method: (w := class_weights(COUNTS, method))[3] / w[0] for method in METHODS}
    assert np.isclose(ratio["none"], 1)
    assert np.isclose(ratio["balanced"], 90)
    assert np.isclose(ratio["square_root"], 90**0.5)
    assert ratio["square_root"] < ratio["effective_number"] < ratio["balanced"]


@pytest.fixture
def beats():
    signals = np.random.default_rng(0).random((20, 187), dtype=np.float32)
    signals[:, 150:] = 0
    return signals


CHANGES = {
    augment.stretch: 0.1,
    augment.bend_amplitude: 0.5,
    augment.add_noise: 0.02,
    augment.warp_time: 0.3,
    augment.shift: 4,
    augment.drift_gain: 0.5,
}
# What the first three gave when the results of EXPERIMENTS.md were trained.
SUMS = [1506.120646, 1479.429830, 1521.950804]
MOVES_THE_END = (augment.stretch, augment.shift)


@pytest.fixture
def cut_beats():
    return invented_beats(40, seed=0)


@pytest.mark.parametrize("change", CHANGES)
def test_zero_strength_changes_nothing(beats, cut_beats, change):
    none = 0 * CHANGES[change]
    for before in (beats, cut_beats):
        after = change(before, none, np.random.default_rng(0))
        assert np.allclose(after, before, atol=1e-6)


@pytest.mark.parametrize("change", CHANGES)
def test_a_seed_repeats_a_change_and_the_source_stays(cut_beats, change):
    before = cut_beats.copy()
    first, again, other = (
        change(cut_beats, CHANGES[change], np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.array_equal(cut_beats, before)
    assert first.dtype == np.float32


@pytest.mark.parametrize("change", [each for each in CHANGES if each not in MOVES_THE_END])
def test_padding_stays_zero(cut_beats, change):
    changed = change(cut_beats, CHANGES[change], np.random.default_rng(0))
    assert not changed[~augment.own_samples(cut_beats)].any()


@pytest.mark.parametrize("change", [augment.warp_time, augment.shift, augment.drift_gain])
def test_the_range_stays(cut_beats, change):
    cut_beats[:5] *= 0.8  # cut off before they reached their highest value
    changed = change(cut_beats, CHANGES[change], np.random.default_rng(0))
    assert changed.min() >= 0
    assert np.all(changed.max(axis=1) <= cut_beats.max(axis=1) + 1e-6)


@pytest.mark.parametrize("change", CHANGES)
def test_an_empty_row_stays_empty(change):
    empty = np.zeros((2, 187), np.float32)
    assert not change(empty, CHANGES[change], np.random.default_rng(0)).any()


def test_the_first_changes_are_what_they_were(beats):
    sums = [
        float(change(beats, strength, np.random.default_rng(7)).sum(dtype=np.float64))
        for change, strength in list(CHANGES.items())[:3]
    ]
    assert sums == pytest.approx(SUMS, abs=1e-3)


def test_warp_keeps_both_ends_and_runs_no_faster_than_asked():
    line = np.zeros((50, 187), np.float32)
    line[:, :150] = np.linspace(0.1, 1, 150)
    warped = augment.warp_time(line, 0.3, np.random.default_rng(0))
    assert np.allclose(warped[:, [0, 149]], line[:, [0, 149]], atol=1e-5)
    speed = np.diff(warped[:, :150], axis=1) / np.diff(line[:, :150], axis=1)
    assert speed.min() >= 0.7 - 0.01 and speed.max() <= 1.3 + 0.01
    assert speed.max() > 1.15


def test_shift_moves_the_beat_by_whole_samples_and_holds_the_edge(cut_beats):
    cut_beats[:, 1] = 1  # so that no shift takes the highest value away
    cut_beats[:, 60] = 0
    cut_beats[:, 61] = 1
    moved = augment.shift(cut_beats, 3, np.random.default_rng(0))
    by = beat_lengths(moved) - beat_lengths(cut_beats)
    assert set(by) == set(range(-3, 4))
    for before, after, steps in zip(cut_beats, moved, by, strict=True):
        assert np.allclose(
            np.roll(before, steps)[max(steps, 0) : 150], after[max(steps, 0) : 150], atol=1e-5
        )
        assert np.allclose(after[: max(steps, 0)], before[0], atol=1e-5)


def test_gain_drift_changes_the_ratio_of_the_two_complexes():
    beat = np.full((200, 187), 0.2, np.float32)
    beat[:, 0], beat[:, 60], beat[:, 120], beat[:, 150:] = 1, 0, 1, 0
    changed = augment.drift_gain(beat, 0.5, np.random.default_rng(0))
    ratio = (changed[:, 0] - changed[:, 30]) / (changed[:, 120] - changed[:, 30])
    assert ratio.min() > 1 / 1.5 and ratio.max() < 1.5
    assert ratio.min() < 0.8 and ratio.max() > 1.25


def test_stretch_moves_the_end_by_no_more_than_asked(beats):
    stretched = augment.stretch(beats, 0.1, np.random.default_rng(0))
    ends = 187 - np.argmax(stretched[:, ::-1] > 0, axis=1)
    assert ends.min() >= 150 / 1.1 - 1 and ends.max() <= 150 / 0.9 + 2
    assert len(set(ends)) > 5
    assert stretched.dtype == np.float32


def test_stretch_of_a_line_is_a_steeper_or_flatter_line():
    line = np.linspace(0, 1, 187, dtype=np.float32)[None].repeat(4, 0)
    stretched = augment.stretch(line, 0.2, np.random.default_rng(1))[:, :140]
    assert np.allclose(np.diff(stretched, 2), 0, atol=1e-5)


def test_amplitudes_keep_zero_one_and_order(beats):
    bent = augment.bend_amplitude(beats, 0.5, np.random.default_rng(0))
    assert bent.min() == 0 and bent.max() <= 1
    assert np.array_equal(np.argsort(bent[0, :150]), np.argsort(beats[0, :150]))


def test_noise_leaves_the_padding_alone(beats):
    noisy = augment.add_noise(beats, 0.05, np.random.default_rng(0))
    assert not noisy[:, 150:].any()
    assert np.isclose((noisy - beats)[:, :150].std(), 0.05, rtol=0.1)


def test_an_epoch_shows_less_of_the_common_class_and_more_of_the_rare():
    counts = np.array([1000, 100, 20, 0])
    assert shown_counts(counts, 1.0, 0.0).tolist() == counts.tolist()
    assert shown_counts(counts, 0.3, 0.0).tolist() == [300, 100, 20, 0]
    assert shown_counts(counts, 0.3, 0.2).tolist() == [300, 100, 60, 0]
    assert shown_counts(counts, 0.01, 0.0).tolist() == [100, 100, 20, 0]  # not below the second
    assert shown_counts(np.array([7]), 0.5, 0.2).tolist() == [4]


def test_no_beat_comes_twice_before_all_of_its_class_came():
    labels = np.repeat([0, 1], [50, 4])
    rows = draw_rows(labels, np.array([30, 10]), np.random.default_rng(0))
    common, rare = rows[labels[rows] == 0], rows[labels[rows] == 1]
    assert len(set(common)) == len(common) == 30
    assert sorted(np.bincount(rare)[50:]) == [2, 2, 3, 3]
