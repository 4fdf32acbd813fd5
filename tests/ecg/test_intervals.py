"""Durations and intervals of beats whose marks are written by hand."""

import numpy as np
import pytest

from ecg.delineate import Waves
from ecg.intervals import intervals
from utils.errors import InputError

HZ = 500.0
R_PEAKS = np.array([1000, 1400, 2400])


def marks(*triples):
    return np.array(triples, np.int64)


WAVES = Waves(
    p=marks((900, 925, 950), (-1, -1, -1), (2290, 2315, 2350)),
    qrs=marks((980, 1000, 1025), (1375, 1400, 1450), (2380, 2400, 2420)),
    t=marks((1080, 1120, 1180), (-1, -1, -1), (2480, 2520, 2580)),
)


def test_durations_are_differences_of_marks_in_milliseconds():
    found = intervals(WAVES, HZ, R_PEAKS)
    assert found.p_ms[0] == 100 and found.pr_ms[0] == 160
    assert found.qrs_ms.tolist() == [90, 150, 80]
    assert found.qt_ms[0] == 400 and found.qt_ms[2] == 400


def test_a_missing_wave_leaves_only_its_own_intervals_open():
    found = intervals(WAVES, HZ, R_PEAKS)
    for values in (found.p_ms, found.pr_ms, found.qt_ms, found.qtc_ms):
        assert np.isnan(values[1])
    assert np.isfinite(found.qrs_ms).all()


def test_qt_is_corrected_by_the_interval_before_the_beat():
    found = intervals(WAVES, HZ, R_PEAKS)
    assert np.isnan(found.qtc_ms[0])  # nothing is known of what was before it
    assert found.qtc_ms[2] == pytest.approx(400 / 2 ** (1 / 3))
    bazett = intervals(WAVES, HZ, R_PEAKS, correction="bazett")
    assert bazett.qtc_ms[2] == pytest.approx(400 / 2**0.5)
    assert np.array_equal(bazett.qt_ms, found.qt_ms, equal_nan=True)


def test_at_sixty_beats_a_minute_nothing_is_corrected():
    peaks = np.array([1000, 2400 - int(HZ), 2400])
    for correction in ("fridericia", "bazett"):
        found = intervals(WAVES, HZ, peaks, correction=correction)
        assert found.qtc_ms[2] == pytest.approx(found.qt_ms[2])


def test_the_unit_of_time_is_the_sampling_rate_s():
    twice = Waves(2 * WAVES.p, 2 * WAVES.qrs, 2 * WAVES.t)
    found, fine = intervals(WAVES, HZ, R_PEAKS), intervals(twice, 2 * HZ, 2 * R_PEAKS)
    for name in ("p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms"):
        assert np.array_equal(getattr(found, name), getattr(fine, name), equal_nan=True)


def test_no_beats_give_no_intervals():
    none = np.empty((0, 3), np.int64)
    found = intervals(Waves(none, none, none), HZ, np.empty(0, np.int64))
    assert found.qtc_ms.shape == (0,)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"correction": "hodges"}, "fridericia"),
        ({"sampling_hz": 0}, "sampling rate"),
        ({"r_peaks": R_PEAKS[:2]}, "2 beats"),
    ],
)
def test_what_cannot_be_meant_is_told(change, named):
    given = {"waves": WAVES, "sampling_hz": HZ, "r_peaks": R_PEAKS} | change
    with pytest.raises(InputError, match=named):
        intervals(**given)
