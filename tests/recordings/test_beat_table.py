"""The table of a recording's beats."""

import numpy as np
import pandas as pd

from ecg.delineate import Waves
from ecg.quality import UnusableSegment
from recordings import beat_table


def test_an_interval_across_a_break_is_no_interval():
    table = beat_table.timing(np.array([100, 200, 300, 900, 1000]), 100.0, np.array([400]))
    assert table["time_s"].tolist() == [1, 2, 3, 9, 10]
    assert np.array_equal(table["rr_s"], [np.nan, 1, 1, np.nan, 1], equal_nan=True)


def test_a_break_before_all_beats_or_after_them_changes_nothing():
    peaks = np.array([100, 200, 300])
    for place in (0, 50, 350):
        assert beat_table.timing(peaks, 100.0, np.array([place]))["rr_s"][1:].tolist() == [1, 1]


def test_the_class_is_the_most_probable_one():
    probabilities = np.array([[0.6, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1, 0.0]])
    table = beat_table.kinds(probabilities)
    assert table["class"].tolist() == ["N", "V"]
    assert table["probability"].tolist() == [0.6, 0.7]
    assert table["p_V"].tolist() == [0.1, 0.7]


def test_absent_waves_have_no_time():
    absent = np.full((1, 3), -1)
    table = beat_table.wave_times(Waves(absent, np.array([[90, 100, 110]]), absent), 100.0)
    assert table["qrs_onset_s"][0] == 0.9 and table["qrs_end_s"][0] == 1.1
    assert table.filter(regex="^[pt]_").isna().all().all()


def test_no_beats_give_an_empty_table_with_all_columns():
    none = np.empty((0, 3), np.int64)
    parts = [
        beat_table.timing(np.empty(0, np.int64), 100.0, np.array([5])),
        beat_table.kinds(np.empty((0, 5))),
        beat_table.wave_times(Waves(none, none, none), 100.0),
    ]
    table = pd.concat(parts, axis=1)
    assert len(table) == 0 and {"rr_s", "class", "p_Q", "p_onset_s", "t_end_s"} <= set(table)


def test_inside_counts_the_beginning_and_not_the_end():
    segments = [UnusableSegment(1, 2, "noise"), UnusableSegment(4, 5, "flat line")]
    found = beat_table.inside(np.array([0.5, 1, 1.5, 2, 4.9]), segments)
    assert found.tolist() == [False, True, True, False, True]


def test_files_show_no_decimals_that_say_nothing():
    table = pd.DataFrame({"time_s": [1.23456789], "qt_ms": [402.777], "p_N": [0.99999], "n": [3]})
    assert beat_table.rounded(table).iloc[0].tolist() == [1.2346, 402.8, 1.0, 3]
