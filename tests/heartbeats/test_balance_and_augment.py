import numpy as np
import pytest

from heartbeats import augment
from heartbeats.balance import METHODS, class_weights

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


def test_zero_strength_changes_nothing(beats):
    rng = np.random.default_rng(0)
    for change in (augment.stretch, augment.bend_amplitude, augment.add_noise):
        assert np.array_equal(change(beats, 0.0, rng), beats)


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
