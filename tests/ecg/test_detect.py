"""R peaks of recordings whose R peaks are known."""

import numpy as np
import pytest
import wfdb
from scipy.signal import resample_poly

from ecg import detect
from ecg.detect import r_peaks
from ecg.noise import mains, muscle
from ecg.scoring import match
from ecg.synthetic.record import generate_record
from utils.paths import data_folder

BEAT_SYMBOLS = set("NLRejAaJSVEF/fQ")
WITHIN_S = 0.15


def record(hz=360, seed=0, seconds=30, leads=1, noise=0.3, **shares):
    rng = np.random.default_rng(seed)
    return generate_record(rng, seconds, hz, leads=leads, noise=noise, shares=shares)


def missed_and_wrong(truth, found, tolerance):
    """Beats with no peak of their own within `tolerance` samples, and peaks with no beat."""
    matched = match(truth, found, tolerance)
    return len(matched.missed), len(matched.invented)


def pulses(hz, interval_s, beats, height_mv=1.0, t_mv=0.25, noise_mv=0.01, seed=0):
    """A regular rhythm of P, QRS and T waves, and the samples of its R peaks."""
    rng = np.random.default_rng(seed)
    peaks_s = 0.5 + interval_s * np.arange(beats)
    times_s = np.arange(int(hz * (interval_s * beats + 1))) / hz
    later = min(1.0, np.sqrt(interval_s))
    waves = [(1, 0, 0.012), (-0.2, -0.025, 0.01), (-0.25, 0.03, 0.012), (0.1, -0.16 * later, 0.02)]
    signal = rng.normal(0, noise_mv, len(times_s))
    for peak_s in peaks_s:
        for share, after_s, width_s in waves:
            bump = np.exp(-0.5 * ((times_s - peak_s - after_s) / width_s) ** 2)
            signal += height_mv * share * bump
        t_wave = np.exp(-0.5 * ((times_s - peak_s - 0.28 * later) / (0.05 * later)) ** 2)
        signal += t_mv * t_wave
    return signal, np.rint(peaks_s * hz).astype(int)


@pytest.mark.parametrize("hz", [100, 128, 250, 360, 500, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_all_beats_are_found_at_any_rate(hz, seed):
    truth = record(hz, seed)
    inside = truth.r_peaks[(truth.r_peaks > 0.1 * hz) & (truth.r_peaks < 29.9 * hz)]
    missed, wrong = missed_and_wrong(inside, r_peaks(truth.signal_mv, hz), 0.15 * hz)
    assert missed == 0 and wrong <= 2  # those that the ends cut


def test_peaks_are_exact_without_noise():
    truth = record(noise=0)
    found = r_peaks(truth.signal_mv, 360)
    nearest = np.abs(truth.r_peaks[:, None] - found).min(axis=0)
    assert np.median(nearest) <= 1


def test_premature_and_ventricular_beats_are_found():
    truth = record(seconds=120, S=0.1, V=0.15)
    missed, wrong = missed_and_wrong(truth.r_peaks, r_peaks(truth.signal_mv, 360), 54)
    assert missed <= 0.01 * len(truth.r_peaks) + 1 and wrong <= 0.01 * len(truth.r_peaks) + 1


@pytest.mark.parametrize("gain", [0.3, 5, -1])
@pytest.mark.parametrize("offset_mv", [0, 40])
def test_gain_polarity_and_offset_change_nothing(gain, offset_mv):
    signal = record().signal_mv.astype(float)
    assert np.array_equal(r_peaks(gain * signal + offset_mv, 360), r_peaks(signal, 360))


def test_leads_help_each_other():
    truth = record(leads=3)
    signal = truth.signal_mv.copy()
    signal[5 * 360 : 12 * 360, 0] = 0  # the electrode of the first lead fell off
    missed, wrong = missed_and_wrong(truth.r_peaks[:-1], r_peaks(signal, 360), 54)
    assert missed == 0 and wrong <= 1


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros(3600),
        np.full((3600, 12), 1.5),
        np.full(3600, np.nan),
        np.random.default_rng(0).normal(0, 0.002, 3600),
        np.linspace(-2, 2, 3600),
        np.zeros(20),
        np.zeros((0, 3)),
    ],
    ids=["zeros", "flat", "nan", "recorder", "drift", "short", "empty"],
)
def test_no_heartbeat_gives_no_peak(signal):
    found = r_peaks(signal, 360)
    assert found.shape == (0,) and found.dtype == np.int64


def pink(samples, _hz, rng):
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), samples) * 30


def white(samples, _hz, rng):
    return rng.standard_normal(samples)


def two_leads(samples, _hz, rng):
    return rng.standard_normal((samples, 2))


@pytest.mark.parametrize("noise", [white, two_leads, pink, muscle, mains])
@pytest.mark.parametrize("hz", [250, 360, 1000])
@pytest.mark.slow
def test_noise_alone_gives_hardly_a_peak(noise, hz):
    """Without a look at likeness, the best path through noise has some 70 beats a minute."""
    draws = [noise(60 * hz, float(hz), np.random.default_rng(seed)) for seed in range(3)]
    assert sum(len(r_peaks(draw, hz)) for draw in draws) <= 3 * 3


@pytest.mark.parametrize("tone_hz", [0.3, 1.2, 5, 10, 25, 50])
def test_a_tone_has_no_beats(tone_hz):
    assert len(r_peaks(np.sin(2 * np.pi * tone_hz * np.arange(36000) / 360), 360)) == 0


def test_a_gap_in_the_recording_hides_only_its_own_beats():
    truth = record(seconds=60)
    signal = truth.signal_mv.copy()
    signal[20 * 360 : 30 * 360] = np.nan
    inside = (truth.r_peaks < 19.5 * 360) | (truth.r_peaks > 30.5 * 360)
    missed, _wrong = missed_and_wrong(truth.r_peaks[inside], r_peaks(signal, 360), 54)
    assert missed == 0


RHYTHMS = {
    "tachycardia of 220": {"interval_s": 60 / 220, "beats": 60},
    "bradycardia of 30": {"interval_s": 2.0, "beats": 20},
    "low amplitude": {
        "interval_s": 0.8,
        "beats": 40,
        "height_mv": 0.1,
        "t_mv": 0.03,
        "noise_mv": 0.003,
    },
    "T above R": {"interval_s": 0.8, "beats": 40, "t_mv": 1.2},
    "T above R, slow": {"interval_s": 1.4, "beats": 30, "t_mv": 1.5},
    "downwards": {"interval_s": 0.8, "beats": 40, "height_mv": -1.0},
    "two beats in two seconds": {"interval_s": 0.8, "beats": 2},
}


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("hz", [100, 360, 1000])
def test_extreme_rhythms_and_waves(rhythm, hz):
    signal, truth = pulses(hz, **RHYTHMS[rhythm])
    assert missed_and_wrong(truth, r_peaks(signal, hz), WITHIN_S * hz) == (0, 0)


def during(first_s, last_s, hz=360):
    return slice(int(first_s * hz), int(last_s * hz))


def without(truth, where):
    return truth[(truth < where.start) | (truth >= where.stop)]


@pytest.mark.parametrize("seconds", [10, 30])
@pytest.mark.parametrize("p_waves", [False, True])
@pytest.mark.slow
def test_no_beat_is_invented_in_asystole(seconds, p_waves):
    signal, truth = pulses(360, 0.8, 150)
    pause = during(40, 40 + seconds)
    only_p, _peaks = pulses(360, 0.8, 150, height_mv=0, t_mv=0)
    if p_waves:
        only_p += np.roll(pulses(360, 0.8, 150, height_mv=0, t_mv=0.1, noise_mv=0)[0], -58)
    signal[pause] = only_p[pause]
    assert missed_and_wrong(without(truth, pause), r_peaks(signal, 360), 54) == (0, 0)


@pytest.mark.parametrize("factor", [5, 0.2])
def test_a_sudden_change_of_amplitude(factor):
    signal, truth = pulses(360, 0.8, 100)
    signal[14400:] *= factor
    assert missed_and_wrong(truth, r_peaks(signal, 360), 54) == (0, 0)


@pytest.mark.parametrize("value", [0.0, np.nan, 5.0], ids=["flat", "gap", "saturated"])
def test_a_lost_electrode(value):
    signal, truth = pulses(360, 0.8, 100)
    lost = during(40, 50)
    signal[lost] = value
    missed, wrong = missed_and_wrong(without(truth, lost), r_peaks(signal, 360), 54)
    assert missed == 0 and wrong <= (1 if value == 5 else 0)  # its edge is a step of 5 mV


def test_clipping_and_mains_hide_no_beat():
    signal, truth = pulses(360, 0.8, 60)
    hum = np.sin(2 * np.pi * 50 * np.arange(len(signal)) / 360)
    for changed in (np.clip(signal, -0.1, 0.5), signal + hum):
        assert missed_and_wrong(truth, r_peaks(changed, 360), 54) == (0, 0)


def test_steps_cost_no_more_than_the_beats_beside_them():
    signal, truth = pulses(360, 0.8, 120)
    for step, at_s in enumerate((20.3, 45.1, 70.7)):
        signal[int(360 * at_s) :] += 5 * (-1) ** step
    missed, wrong = missed_and_wrong(truth, r_peaks(signal, 360), 54)
    assert missed <= 3 and wrong <= 3


def changing_record():
    """Five minutes at 100 Hz, two leads: all kinds of beats, a loud stretch, a gap, a pause."""
    rng = np.random.default_rng(3)
    signal = record(100, 3, 300, leads=2, noise=1.0, S=0.1, V=0.15).signal_mv.astype(float)
    signal[6000:8000] += rng.normal(0, 0.3, (2000, 2))
    signal[12000:12900] = np.nan
    signal[20000:, 0] *= 4
    signal[22000:22800] = 0.01 * rng.standard_normal((800, 2))
    return signal


@pytest.mark.parametrize("part_values", [2000, 4321, 7777, 12345, 30001])
@pytest.mark.parametrize("leads", [1, 2])
@pytest.mark.slow
def test_parts_of_a_long_recording_join_without_a_seam(monkeypatch, part_values, leads):
    signal = changing_record()[:, :leads]
    whole = r_peaks(signal, 100)
    monkeypatch.setattr(detect, "PART_VALUES", part_values)
    assert np.array_equal(r_peaks(signal, 100), whole)
    assert len(whole) > 200 and (np.diff(whole) > 0).all()


@pytest.mark.parametrize("hz", [100, 250, 500])
def test_another_rate_finds_the_same_beats(hz):
    truth = record(1000, seconds=60, V=0.1)
    full = r_peaks(truth.signal_mv, 1000) / 1000
    signal = resample_poly(truth.signal_mv, hz, 1000, axis=0, padtype="line")
    matched = match(full, r_peaks(signal, hz) / hz, 0.02)
    assert matched.f1 > 0.97


def test_the_recording_is_left_as_it_was():
    signal = record().signal_mv.astype(float)
    signal[100] = np.nan
    before = signal.copy()
    r_peaks(signal, 360)
    assert np.array_equal(signal, before, equal_nan=True)


def real(name, channels=(0,)):
    path = data_folder() / "mitdb" / name
    if not path.with_suffix(".hea").is_file():
        pytest.skip("no MIT-BIH records under $ECG_DATA")
    marks = wfdb.rdann(str(path), "atr")
    is_beat = [symbol in BEAT_SYMBOLS for symbol in marks.symbol]
    signal = wfdb.rdrecord(str(path), channels=list(channels)).p_signal
    return signal, marks.sample[is_beat]


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["100", "108", "119", "209", "222"])
@pytest.mark.parametrize("channels", [(0,), (0, 1)], ids=["one lead", "two leads"])
def test_real_half_hours(name, channels):
    signal, truth = real(name, channels)
    missed, wrong = missed_and_wrong(truth, r_peaks(signal, 360), 54)
    assert missed <= 0.005 * len(truth) and wrong <= 0.005 * len(truth)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("part_values", [33_333, 123_457])
def test_real_parts_join_without_a_seam(monkeypatch, part_values):
    signal, _truth = real("203")
    whole = r_peaks(signal, 360)
    monkeypatch.setattr(detect, "PART_VALUES", part_values)
    assert np.array_equal(r_peaks(signal, 360), whole)
