"""Recorders set wrongly: the neutral setting changes nothing, the others do what they say."""

from fractions import Fraction

import numpy as np
import pytest

from experiments.shift.changes import amplify, invert, mistime
from utils.errors import InputError

ADC = np.random.default_rng(0).integers(700, 1500, 3600)


def test_a_gain_of_one_changes_nothing():
    assert np.array_equal(amplify(ADC, 1, zero=1024, bits=11), ADC)


def test_a_small_gain_leaves_few_steps():
    assert len(np.unique(amplify(ADC, 0.01, zero=1024, bits=11))) < 10


def test_a_large_gain_is_clipped_at_both_ends():
    loud = amplify(ADC, 8, zero=1024, bits=11)
    assert (loud.min(), loud.max()) == (0, 2047)
    inside = (loud > 0) & (loud < 2047)
    assert np.array_equal(loud[inside], (ADC[inside] - 1024) * 8 + 1024)


@pytest.mark.parametrize("gain", [0, -1, np.nan, np.inf])
def test_a_gain_must_be_above_zero(gain):
    with pytest.raises(InputError, match="a gain above zero expected"):
        amplify(ADC, gain, zero=1024, bits=11)


def test_inverted_twice_is_the_original():
    assert np.array_equal(invert(invert(ADC, 1024), 1024), ADC)
    assert not np.array_equal(invert(ADC, 1024), ADC)


def test_a_right_clock_changes_nothing():
    assert np.array_equal(mistime(ADC, Fraction(0)), ADC)


@pytest.mark.parametrize("percent", [-10, -2, 5, 10])
def test_a_wrong_clock_changes_the_rate_of_a_sine(percent):
    """5 Hz, taken by a clock that is 10 % fast, looks like 5 / 1.1 Hz."""
    seconds = np.arange(3600) / 360
    rate = 1 + percent / 100
    read = mistime(np.sin(2 * np.pi * 5 * seconds), Fraction(percent, 100))
    expected = np.sin(2 * np.pi * 5 / rate * np.arange(len(read)) / 360)
    assert len(read) == pytest.approx(3600 * rate, abs=1)
    middle = slice(100, -100)
    assert np.abs(read - expected)[middle].max() < 0.01


def test_a_clock_cannot_run_backwards():
    with pytest.raises(InputError, match="above -100 % expected, got -100"):
        mistime(ADC, Fraction(-1))
