"""Rhythms that are known to be regular or irregular."""

import numpy as np
import pytest
import wfdb

from ecg.beat_shapes import p_wave_constancy, unlike_beats
from ecg.rhythm import (
    RhythmSettings,
    beat_irregularity,
    irregular_beats,
    irregular_segments,
    irregular_windows,
)
from tests.ecg.rhythms import fibrillation, joined, sinus, with_ventricular
from utils.errors import InputError
from utils.paths import data_folder


def flags(times_s, **given):
    return irregular_beats(irregular_windows(times_s, **given), len(times_s))


@pytest.mark.parametrize("seed", range(5))
def test_fibrillation_is_irregular_and_sinus_rhythm_is_not(seed):
    rng = np.random.default_rng(seed)
    assert flags(fibrillation(rng, 300)).mean() > 0.97
    assert not flags(sinus(rng, 300)).any()


def test_constant_intervals_are_regular():
    assert not flags(np.arange(200) * 0.8).any()


@pytest.mark.parametrize("every", [2, 3, 4])
@pytest.mark.parametrize("told", [True, False])
def test_regular_ectopy_is_regular(every, told):
    times_s = sinus(np.random.default_rng(1), 300)
    times_s, ventricular = with_ventricular(times_s, np.arange(20, 280, every))
    assert not flags(times_s, ectopic_beats=ventricular if told else None).any()


def test_ectopy_at_random_is_regular_once_it_is_told():
    rng = np.random.default_rng(2)
    beats = np.sort(rng.choice(np.arange(10, 600, 2), 120, replace=False))
    times_s, ventricular = with_ventricular(sinus(rng, 610), beats)
    told = beat_irregularity(irregular_windows(times_s, ectopic_beats=ventricular), 610)
    plain = beat_irregularity(irregular_windows(times_s), 610)
    assert np.nanmean(told) < 0.6 * np.nanmean(plain)


def test_ectopy_does_not_hide_fibrillation():
    rng = np.random.default_rng(3)
    times_s = fibrillation(rng, 400)
    ventricular = rng.random(400) < 0.15
    assert flags(times_s, ectopic_beats=ventricular).mean() > 0.95


def test_constant_p_waves_speak_against_fibrillation_and_absent_ones_for_it():
    times_s = fibrillation(np.random.default_rng(4), 200, spread=0.15)
    by_constancy = [
        np.nanmean(irregular_windows(times_s, p_constancy=np.full(200, value)).irregularity)
        for value in (0, 0.3, 0.6, 0.9)
    ]
    assert (np.diff(by_constancy) < 0).all()


def test_unknown_p_waves_leave_the_intervals_to_decide():
    times_s = fibrillation(np.random.default_rng(5), 100)
    alone = irregular_windows(times_s)
    unknown = irregular_windows(times_s, p_constancy=np.full(100, np.nan))
    assert np.array_equal(alone.irregularity, unknown.irregularity)


def test_a_stretch_is_found_where_it_is():
    rng = np.random.default_rng(6)
    times_s = joined(sinus(rng, 300), fibrillation(rng, 200), sinus(rng, 300))
    [stretch] = irregular_segments(irregular_windows(times_s), times_s)
    assert abs(stretch.start_s - times_s[300]) < 12 and abs(stretch.end_s - times_s[499]) < 12
    assert stretch.irregularity > 0.5
    assert stretch.beats == ((times_s >= stretch.start_s) & (times_s <= stretch.end_s)).sum()


@pytest.mark.parametrize("beats", [0, 1, 2, 16])
def test_too_few_beats_have_no_window(beats):
    times_s = fibrillation(np.random.default_rng(7), beats)
    windows = irregular_windows(times_s)
    assert len(windows) == 0 and not irregular_beats(windows, beats).any()
    assert irregular_segments(windows, times_s) == []


def test_as_many_beats_as_a_window_are_enough():
    times_s = fibrillation(np.random.default_rng(8), 17)
    assert len(irregular_windows(times_s)) == 1 and flags(times_s).all()


def test_windows_do_not_reach_across_a_gap():
    rng = np.random.default_rng(9)
    times_s = joined(sinus(rng, 100), sinus(rng, 100), pause_s=40)
    gap = (times_s[99] + 1, times_s[100] - 1)
    windows = irregular_windows(times_s, gaps=[gap])
    assert not ((windows.start_s < gap[0]) & (windows.end_s > gap[1])).any()
    assert not irregular_beats(windows, 200).any()
    assert np.isfinite(beat_irregularity(windows, 200)).all()


def test_a_gap_leaves_short_parts_unassessed():
    times_s = fibrillation(np.random.default_rng(10), 60)
    middle = (times_s[9:50:8] + times_s[10:51:8]) / 2
    gaps = [(at - 0.05, at + 0.05) for at in middle]
    assert len(irregular_windows(times_s[:58], gaps=gaps)) == 0


def test_a_later_start_changes_nothing():
    times_s = fibrillation(np.random.default_rng(11), 120)
    assert np.allclose(
        irregular_windows(times_s).irregularity, irregular_windows(times_s + 86400).irregularity
    )


def test_windows_are_measured_as_they_say():
    windows = irregular_windows(np.arange(40) * 0.75, settings=RhythmSettings(window_beats=20))
    assert np.allclose(windows.heart_rate_bpm, 80)
    assert (windows.beats == 21).all() and np.allclose(windows.end_s - windows.start_s, 15)
    assert windows.first_beat[-1] == 19  # the last window ends with the last beat
    assert {len(values) for values in vars(windows).values()} == {len(windows)}


def test_a_higher_threshold_calls_fewer_beats_irregular():
    rng = np.random.default_rng(12)
    times_s = joined(sinus(rng, 100, spread=0.05), fibrillation(rng, 100, spread=0.1))
    counts = []
    for threshold in (0.1, 0.5, 0.9):
        settings = RhythmSettings(threshold=threshold)
        windows = irregular_windows(times_s, settings=settings)
        counts.append(irregular_beats(windows, len(times_s), settings).sum())
    assert counts[0] >= counts[1] >= counts[2] and counts[0] > counts[2]


@pytest.mark.parametrize(
    "times_s, words",
    [
        ([1, 2, 2, 3], "beat 2 after 2 s for beat 1"),
        ([1, 3, 2], "ascending"),
        ([1, np.nan, 3], "nan for beat 1"),
        ([[1, 2], [3, 4]], "one row"),
    ],
)
def test_times_that_cannot_be(times_s, words):
    with pytest.raises(InputError, match=words):
        irregular_windows(np.array(times_s, float))


def test_values_that_do_not_fit_the_beats():
    times_s = np.arange(30.0)
    with pytest.raises(InputError, match="p_constancy for each of 30 beats"):
        irregular_windows(times_s, p_constancy=np.zeros(29))
    with pytest.raises(InputError, match="ectopic_beats for each of 30 beats"):
        irregular_windows(times_s, ectopic_beats=np.zeros(31, bool))
    with pytest.raises(InputError, match="start_s, end_s"):
        irregular_windows(times_s, gaps=[(5, 4)])


@pytest.mark.parametrize(
    "wrong", [{"window_beats": 4}, {"step_beats": 0}, {"threshold": 1}, {"shortest_beats": -1}]
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        RhythmSettings(**wrong)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name, low, high", [("101", 0, 0.01), ("119", 0, 0.05), ("203", 0.9, 1)])
def test_real_half_hours(name, low, high):
    path = data_folder() / "mitdb" / name
    if not path.with_suffix(".hea").is_file():
        pytest.skip("no MIT-BIH records under $ECG_DATA")
    marks = wfdb.rdann(str(path), "atr")
    beats = marks.sample[np.isin(marks.symbol, list("NLRejAaJSVEF/fQ"))]
    signal_mv = wfdb.rdrecord(str(path), channels=[0]).p_signal[:, 0]
    unlike = unlike_beats(signal_mv, 360, beats)
    constancy = p_wave_constancy(signal_mv, 360, beats, ectopic_beats=unlike)
    share = flags(beats / 360, p_constancy=constancy, ectopic_beats=unlike).mean()
    assert low <= share <= high
