"""Waves side by side."""

import numpy as np

from ecg.wave_marks.decoding import END, ONSET, PEAK, QRS, P, T, orderly, recorded

CLEAR = np.array(
    [
        [[800, 850, 890], [950, 1000, 1050], [1150, 1250, 1350]],
        [[1600, 1650, 1690], [1750, 1800, 1850], [1950, 2050, 2150]],
    ]
)
ALL = np.ones((2, 3), bool)


def test_waves_apart_are_left_alone():
    marks, present = orderly(CLEAR, ALL)
    assert np.array_equal(marks, CLEAR) and present.all()


def test_a_t_wave_ends_where_the_next_p_wave_begins():
    given = CLEAR.copy()
    given[0, T] = [1400, 1500, 1640]
    marks, present = orderly(given, ALL)
    assert marks[0, T, END] == marks[1, P, ONSET] == 1600 and present.all()
    given[0, T, PEAK] = 1620
    marks, _present = orderly(given, ALL)
    assert 1620 < marks[0, T, END] == marks[1, P, ONSET] < 1650


def test_one_wave_is_not_two():
    given = CLEAR.copy()
    given[0, T] = [1600, 1655, 1700]
    _marks, present = orderly(given, ALL)
    assert present[0, T] and not present[1, P] and present.sum() == 5
    absent = ALL.copy()
    absent[0, T] = False
    assert orderly(given, absent)[1][1, P]


def test_nothing_reaches_into_a_complex():
    given = CLEAR.copy()
    given[0, P, END], given[0, T, ONSET], given[0, T, END] = 970, 1030, 1790
    marks, _present = orderly(given, ALL)
    assert marks[0, P, END] == 950 and marks[0, T, ONSET] == 1050
    assert marks[0, T, END] <= marks[1, QRS, ONSET]


def test_the_caller_s_marks_stay():
    given, there = CLEAR.copy(), ALL.copy()
    given[0, T] = [1600, 1655, 1700]
    before = given.copy()
    orderly(given, there)
    assert np.array_equal(given, before) and there.all()


def test_a_wave_counts_where_one_lead_has_all_of_it():
    leads = np.zeros((2100, 2))
    assert recorded(leads, CLEAR).tolist() == [[True, True, True], [True, True, False]]
    leads[1000, 0] = np.nan
    assert recorded(leads, CLEAR)[0].all()
    leads[1050, 1] = np.nan
    assert recorded(leads, CLEAR)[0].tolist() == [True, False, True]
