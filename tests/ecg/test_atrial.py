"""P waves and ventricular beats of recordings in which they are known."""

import numpy as np
import pytest

from ecg import beat_shapes
from ecg.beat_shapes import p_wave_constancy, unlike_beats
from ecg.synthetic.record import generate_record
from utils.errors import InputError


def record(seed=0, hz=360, seconds=60, noise=0.3, leads=1, **shares):
    rng = np.random.default_rng(seed)
    return generate_record(rng, seconds, hz, leads=leads, noise=noise, shares=shares)


def without_p_waves(truth):
    """The recording with a straight line where each P wave was."""
    signal = truth.signal_mv.astype(float)
    for onset, _peak, end in truth.waves["P"]:
        if onset >= 0:
            signal[onset : end + 1] = np.linspace(signal[onset], signal[end], end + 1 - onset)
    rng = np.random.default_rng(0)
    return signal + 0.01 * rng.standard_normal(signal.shape)


@pytest.mark.parametrize("hz", [100, 360, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_p_waves_make_beats_alike(seed, hz):
    truth = record(seed, hz)
    there = p_wave_constancy(truth.signal_mv, hz, truth.r_peaks)
    gone = p_wave_constancy(without_p_waves(truth), hz, truth.r_peaks)
    assert np.nanmedian(there) > 0.8
    assert np.nanmedian(gone) < np.nanmedian(there) - 0.2


@pytest.mark.parametrize("gain", [0.1, -3])
def test_gain_polarity_and_offset_change_nothing(gain):
    truth = record(V=0.1)
    signal = truth.signal_mv.astype(float)
    plain = p_wave_constancy(signal, 360, truth.r_peaks)
    assert np.allclose(
        p_wave_constancy(gain * signal + 5, 360, truth.r_peaks), plain, atol=1e-6, equal_nan=True
    )


def test_noise_makes_beats_less_alike_and_at_last_unknown():
    truth, rng = record(noise=0), np.random.default_rng(1)
    noise = rng.standard_normal(truth.signal_mv.shape)
    clear, noisy, drowned = (
        p_wave_constancy(truth.signal_mv + size * noise, 360, truth.r_peaks)
        for size in (0, 0.1, 3)
    )
    assert np.nanmedian(noisy) < np.nanmedian(clear)
    assert np.isnan(drowned).mean() > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_ventricular_beats_are_unlike_the_others(seed):
    truth = record(seed, seconds=120, V=0.15)
    unlike = unlike_beats(truth.signal_mv, 360, truth.r_peaks)
    ventricular = truth.classes == "V"
    assert unlike[ventricular].mean() > 0.7 and unlike[~ventricular].mean() < 0.05
    constancy = p_wave_constancy(truth.signal_mv, 360, truth.r_peaks)
    assert np.isnan(constancy[unlike]).all()


def test_what_was_not_recorded_is_not_judged():
    truth = record()
    signal = truth.signal_mv.astype(float)
    signal[20 * 360 : 30 * 360] = np.nan
    inside = (truth.r_peaks > 20.5 * 360) & (truth.r_peaks < 29.5 * 360)
    constancy = p_wave_constancy(signal, 360, truth.r_peaks)
    assert np.isnan(constancy[inside]).all() and np.nanmedian(constancy[~inside]) > 0.8
    nothing = p_wave_constancy(np.full(3600, np.nan), 360, np.array([500, 900, 1300]))
    assert np.isnan(nothing).all()


def test_several_leads_are_compared_together():
    truth = record(leads=3)
    constancy = p_wave_constancy(truth.signal_mv, 360, truth.r_peaks)
    assert constancy.shape == truth.r_peaks.shape and np.nanmedian(constancy) > 0.8


def test_few_beats_are_not_judged():
    truth = record()
    for beats in range(4):
        peaks = truth.r_peaks[2 : 2 + beats]
        assert np.isnan(p_wave_constancy(truth.signal_mv, 360, peaks)).all()
        assert not unlike_beats(truth.signal_mv, 360, peaks).any()


def test_peaks_outside_of_the_recording():
    with pytest.raises(InputError, match="among 3600 samples expected, got 10 to 3600"):
        p_wave_constancy(np.zeros(3600), 360, np.array([10, 3600]))


def test_parts_of_a_long_recording_join_without_a_seam(monkeypatch):
    truth = record(seconds=120)
    whole = p_wave_constancy(truth.signal_mv, 360, truth.r_peaks)
    monkeypatch.setattr(beat_shapes, "BEATS_AT_ONCE", 30)
    parts = p_wave_constancy(truth.signal_mv, 360, truth.r_peaks)
    assert np.allclose(parts, whole, atol=0.01, equal_nan=True)
