"""What the delineator's network is shown."""

import numpy as np
import pytest

from ecg.wave_marks import windows as wave_windows
from ecg.wave_marks.windows import GRID_S


def windows_of(signal, peaks, hz):
    return wave_windows.cut(signal, np.array(peaks), hz) @ wave_windows.resampling_matrix(hz)


@pytest.mark.parametrize("hz", [100, 187.5, 360, 1000])
def test_the_grid_shows_the_same_tone_at_any_rate(hz):
    peak = round(2 * hz)
    times_s = np.arange(round(4 * hz)) / hz
    tone = np.sin(2 * np.pi * 7 * times_s)
    (window,) = windows_of(tone, [peak], hz)
    meant = np.sin(2 * np.pi * 7 * (GRID_S + peak / hz))
    window = window - window.mean() + meant.mean()
    assert np.abs(window - meant).max() < 0.05


def test_what_lies_above_the_band_is_gone():
    times_s = np.arange(4000) / 1000
    (window,) = windows_of(np.sin(2 * np.pi * 110 * times_s), [2000], 1000)
    assert np.ptp(window) < 0.1


def test_windows_do_not_know_gain_offset_slope_or_direction():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(5, len(GRID_S))).astype(np.float32)
    changed = -7 * raw + 3 * GRID_S.astype(np.float32) + 40
    first, second = wave_windows.normalised(raw), wave_windows.normalised(changed)
    assert np.allclose(first, second, atol=1e-3)
    assert np.allclose(np.mean(first**2, axis=1), 1, atol=1e-3)


def test_averaging_quietens_noise_and_leaves_other_shapes_out():
    rng = np.random.default_rng(0)
    shape = np.exp(-0.5 * (GRID_S / 0.02) ** 2) + 0.3 * np.exp(-0.5 * ((GRID_S - 0.2) / 0.04) ** 2)
    beats = np.tile(shape, (9, 1)) + rng.normal(0, 0.03, (9, len(GRID_S)))
    beats[4] = -np.roll(shape, 20)
    beats = beats.astype(np.float32)
    found = wave_windows.averaged(beats, wave_windows.alike(beats))
    assert np.std(found[0] - shape) < 0.7 * 0.03
    assert np.allclose(found[4], beats[4], atol=1e-6)


def test_other_beats_are_bumps_where_they_are():
    peaks = np.array([1000, 1300, 1500])
    bumps = wave_windows.other_beats(peaks, 1000)
    assert abs(GRID_S[bumps[0].argmax()] - 0.3) <= 0.005
    assert abs(GRID_S[bumps[1].argmax()] - 0.2) <= 0.005
    assert bumps[1][np.abs(GRID_S + 0.3) <= 0.005].min() > 0.9
    assert bumps[:, np.abs(GRID_S) < 0.05].max() < 1e-3  # none for the beat itself


def test_a_gap_is_held_level_and_an_empty_window_is_flat():
    signal = np.arange(4000.0)
    signal[2100:2300] = np.nan
    cut = wave_windows.cut(signal, np.array([2000]), 1000)[0]
    before, _after = wave_windows.reach_samples(1000)
    held = cut[before + 100 : before + 300]
    assert np.isfinite(cut).all() and np.ptp(held) == 0 and held[0] == cut[before + 99]
    assert not wave_windows.cut(np.full(4000, np.nan), np.array([2000]), 1000).any()
