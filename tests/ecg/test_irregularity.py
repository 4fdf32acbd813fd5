"""The measures against their definitions."""

from collections import Counter
from math import log, log2

import numpy as np
import pytest

from ecg import irregularity
from tests.ecg.rhythms import fibrillation, sinus

MEASURES = [
    irregularity.cosen,
    irregularity.symbolic_entropy,
    irregularity.normalised_rmssd,
    irregularity.turning_point_ratio,
]


def windows(make, seed=0, length=64, **given):
    rng = np.random.default_rng(seed)
    return np.stack([np.diff(make(rng, length + 1, **given)) for _ in range(20)])


@pytest.mark.parametrize("measure", MEASURES)
def test_fibrillation_measures_higher(measure):
    regular, irregular = measure(windows(sinus)), measure(windows(fibrillation))
    assert np.median(irregular) > np.median(regular)


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_left_is_not_told(measure):
    assert np.isnan(measure(np.full((3, 16), np.nan))).all()
    assert measure(np.empty((0, 16))).shape == (0,)


def test_cosen_by_its_definition():
    for rr_s in windows(fibrillation, length=40):
        starts = range(len(rr_s) - 1)
        pairs = [(i, j) for i in starts for j in starts if i < j]
        farther = sorted(
            max(abs(rr_s[i] - rr_s[j]), abs(rr_s[i + 1] - rr_s[j + 1])) for i, j in pairs
        )
        r = max(0.03, farther[4])
        longer = sum(d <= r for d in farther)
        short = sum(abs(rr_s[i] - rr_s[j]) <= r for i, j in pairs)
        expected = log(short / longer) + log(2 * r) - log(np.median(rr_s))
        assert np.isclose(irregularity.cosen(rr_s[None])[0], expected)


def test_symbolic_entropy_by_its_definition():
    for rr_s in windows(fibrillation, length=127):
        symbols = [min(63, int(60 / rr // 5)) for rr in rr_s]
        words = Counter(zip(symbols, symbols[1:], symbols[2:], strict=False))
        total = sum(words.values())
        entropy = -sum(n / total * log2(n / total) for n in words.values())
        expected = len(words) / (total * log2(total)) * entropy
        assert np.isclose(irregularity.symbolic_entropy(rr_s[None])[0], expected)


def test_rmssd_and_turning_points_of_known_series():
    zigzag = np.tile([0.8, 1.2], 10)[None]
    assert np.isclose(irregularity.normalised_rmssd(zigzag)[0], 0.4)
    assert irregularity.turning_point_ratio(zigzag)[0] == 1
    assert irregularity.turning_point_ratio(np.linspace(0.5, 1, 20)[None])[0] == 0
    noise = np.random.default_rng(0).random((1, 20000))
    assert abs(irregularity.turning_point_ratio(noise)[0] - 2 / 3) < 0.02


def test_an_interval_left_out_counts_for_nothing():
    rr_s = windows(sinus)
    disturbed = rr_s.copy()
    disturbed[:, 30:32] = [0.4, 1.3]
    left_out = disturbed.copy()
    left_out[:, 30:32] = np.nan
    for measure in (irregularity.cosen, irregularity.normalised_rmssd):
        changes = [np.abs(measure(x) - measure(rr_s)).mean() for x in (left_out, disturbed)]
        assert changes[0] < 0.5 * changes[1]


def test_median_of_what_is_known():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((50, 9)) < 0.4, np.nan, rng.random((50, 9)))
    values[:, 0] = 0.5
    assert np.allclose(irregularity.median_of_known(values), np.nanmedian(values, axis=1))
