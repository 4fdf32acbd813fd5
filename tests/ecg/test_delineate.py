"""Wave marks of recordings whose waves are known, and what must not change them."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from ecg import delineate
from ecg.delineate import waves
from ecg.detect import r_peaks
from ecg.files import ludb
from ecg.synthetic.record import generate_record
from ecg.wave_marks.windows import NEIGHBOURS
from utils.errors import InputError
from utils.paths import data_folder

P, QRS, T = range(3)
ONSET, PEAK, END = range(3)
# Annotators, from whom it learned, see QRS and T begin later or earlier than the generator does.
FARTHEST_MS = [[20, 14, 20], [35, 10, 25], [65, 20, 25]]


def record(hz=360, seed=0, seconds=30, leads=1, noise=0.5, **shares):
    rng = np.random.default_rng(seed)
    return generate_record(rng, seconds, hz, leads=leads, noise=noise, shares=shares)


def marks(found):
    """(beats, 3, 3)"""
    return np.stack([found.p, found.qrs, found.t], axis=1)


def marked(truth, signal=None):
    signal = truth.signal_mv[:, 0] if signal is None else signal
    return marks(waves(signal, truth.sampling_hz, truth.r_peaks))


def true_marks(truth):
    return np.stack([truth.waves[name] for name in ("P", "QRS", "T")], axis=1)


def is_there(found):
    return found[:, :, ONSET] >= 0


@pytest.mark.parametrize("hz", [100, 128, 250, 360, 500, 1000])
def test_marks_are_near_the_true_ones_at_any_rate(hz):
    for seed in range(4):
        truth = record(hz, seed)
        found, meant = marked(truth), true_marks(truth)
        both = is_there(found) & is_there(meant)
        assert both.sum(axis=0).min() >= 0.97 * is_there(meant).sum(axis=0).min()
        errors_ms = np.abs(found - meant)[both.all(axis=1)] * 1000 / hz
        assert (np.median(errors_ms, axis=0) <= FARTHEST_MS).all()


def test_ventricular_beats_have_no_p_wave_and_others_do():
    found, meant = [], []
    for seed in range(4):
        truth = record(seed=seed, seconds=60, V=0.15)
        found.append(is_there(marked(truth))[:, P])
        meant.append(is_there(true_marks(truth))[:, P])
    found, meant = np.concatenate(found), np.concatenate(meant)
    assert found[meant].mean() > 0.97 and found[~meant].mean() < 0.1


@pytest.mark.parametrize("wave", [P, T])
def test_an_erased_wave_is_absent_and_the_others_stay(wave):
    truth = record(noise=0.2)
    signal = truth.signal_mv[:, 0].copy()
    before = marked(truth)
    for onset, _peak, end in true_marks(truth)[:, wave]:
        if onset >= 0:
            first, last = onset - 10, min(end + 10, len(signal) - 1)
            signal[first : last + 1] = np.linspace(signal[first], signal[last], last + 1 - first)
    after = marked(truth, signal)
    assert is_there(after)[:, wave].mean() < 0.1
    others = [kind for kind in (P, QRS, T) if kind != wave]
    assert np.mean(is_there(after)[:, others] == is_there(before)[:, others]) > 0.95


def test_fibrillating_atria_have_no_p_wave():
    truth = record(noise=0.3)
    signal = truth.signal_mv[:, 0].astype(float)
    for onset, _peak, end in true_marks(truth)[:, P]:
        if onset >= 0:
            signal[onset : end + 1] = np.linspace(signal[onset], signal[end], end + 1 - onset)
    times_s = np.arange(len(signal)) / 360
    phase = 2 * np.pi * (6.3 * times_s + 0.4 * np.sin(2 * np.pi * 0.31 * times_s))
    size = 0.06 * np.abs(signal[truth.r_peaks]).mean()
    fibrillating = signal + size * (np.sin(phase) + 0.3 * np.sin(2 * phase + 1))
    assert is_there(marked(truth, fibrillating))[:, P].mean() < 0.2


def test_waves_do_not_overlap():
    for seed in range(4):
        found = marked(record(seed=seed, seconds=60, noise=1, V=0.1, S=0.1))
        there = is_there(found)
        absent = (found == -1).all(axis=2)
        assert (there | absent).all()
        assert (np.diff(found, axis=2)[there] >= 0).all()
        in_order = found[there].ravel()  # P, QRS, T of each beat in turn
        assert (np.diff(in_order) >= 0).all()


@pytest.mark.parametrize(("gain", "offset_mv"), [(0.2, 0), (1000, 0), (-1, 0), (-3, 0), (1, 40)])
def test_gain_polarity_and_offset_change_nothing(gain, offset_mv):
    truth = record(V=0.1)
    signal = truth.signal_mv[:, 0].astype(float)
    assert np.array_equal(marked(truth, gain * signal + offset_mv), marked(truth, signal))


@pytest.mark.parametrize("hz", [100, 250, 500, 1000])
def test_resampling_moves_marks_by_milliseconds(hz):
    truth = record(noise=0.2, seconds=60)
    at_360 = marked(truth)
    signal = resample_poly(truth.signal_mv[:, 0].astype(float), hz, 360)
    found = marks(waves(signal, hz, np.rint(truth.r_peaks * hz / 360).astype(int)))
    same = is_there(found) == is_there(at_360)
    both = is_there(found) & is_there(at_360)
    apart_ms = np.abs(found / hz - at_360 / 360)[both] * 1000
    assert same.mean() > 0.98 and np.quantile(apart_ms, 0.95) < (20 if hz == 100 else 10)


def test_parts_join_without_a_seam(monkeypatch):
    truth = record(seconds=40, V=0.1)
    whole = marked(truth)
    for beats in (1, 7, 30):
        monkeypatch.setattr(delineate, "BEATS_AT_ONCE", beats)
        assert np.array_equal(marked(truth), whole)


def test_what_came_before_only_shifts_the_marks():
    truth = record(seconds=60)
    signal = truth.signal_mv[:, 0]
    padded = np.concatenate([np.full(12345, signal[0]), signal])
    found = marks(waves(padded, 360, truth.r_peaks + 12345))
    inner = slice(1, None)  # waves of the first may be cut by the beginning
    assert np.array_equal(
        found[inner], (marked(truth) + 12345 * is_there(found)[..., None])[inner]
    )


@pytest.mark.parametrize("other", [np.nan, 0.0, 1.7])
def test_a_dead_lead_changes_nothing(other):
    truth = record()
    signal = truth.signal_mv[:, 0].astype(float)
    both = np.column_stack([np.full(len(signal), other), signal])
    assert np.array_equal(marked(truth, both), marked(truth, signal))


def test_several_leads_mark_as_one_and_noise_beside_them_does_little_harm():
    truth = record(leads=2, noise=0.3)
    noise = np.random.default_rng(1).normal(0, 0.2, len(truth.signal_mv))
    meant = true_marks(truth)
    for leads in (truth.signal_mv, np.column_stack([truth.signal_mv, noise])):
        found = marked(truth, leads)
        both = is_there(found) & is_there(meant)
        assert both.sum() > 0.95 * is_there(meant).sum()
        assert np.median(np.abs(found - meant)[both]) * 1000 / 360 < 15


def test_waves_that_touch_a_gap_are_absent():
    truth = record(seconds=60)
    signal = truth.signal_mv[:, 0].astype(float)
    whole = marked(truth)
    onset, _peak, end = whole[20, T]
    signal[onset + 3 : end - 3] = np.nan
    beat = truth.r_peaks[40]
    signal[beat - 800 : beat + 800] = np.nan
    found = marked(truth, signal)
    assert not is_there(found)[20, T] and not is_there(found)[40].any()
    gaps = np.flatnonzero(np.isnan(signal))
    touched = np.flatnonzero(np.abs(truth.r_peaks[:, None] - gaps).min(axis=1) < 0.9 * 360)
    beats = np.arange(len(whole))
    untouched = np.abs(beats[:, None] - touched).min(axis=1) > NEIGHBOURS
    assert untouched.sum() > 10
    assert np.array_equal(found[untouched], whole[untouched])
    for onset, end in found[is_there(found)][:, [ONSET, END]]:
        assert np.isfinite(signal[onset : end + 1]).all()


@pytest.mark.parametrize("value", [0.0, 1.5, np.nan])
def test_no_signal_has_no_waves(value):
    found = marks(waves(np.full(3600, value), 360, np.array([500, 900, 1300])))
    assert found.shape == (3, 3, 3) and (found == -1).all()


def test_no_beats_have_no_waves():
    found = waves(record().signal_mv, 360, np.empty(0, np.int64))
    for wave in (found.p, found.qrs, found.t):
        assert wave.shape == (0, 3) and wave.dtype == np.int64


def test_beats_at_the_very_ends_are_marked_or_absent_within_the_recording():
    signal = record(seconds=10).signal_mv[:, 0]
    found = marks(waves(signal, 360, np.array([0, 400, len(signal) - 1])))
    assert found.min() >= -1 and found.max() < len(signal)


@pytest.mark.parametrize(
    ("hz", "peaks", "named"),
    [
        (0, [500], "100 to 1000 Hz"),
        (99, [500], "resample"),
        (np.nan, [500], "100 to 1000 Hz"),
        (360, [900, 500], "ascending"),
        (360, [500, 500], "each once"),
        (360, [-1], "within the 3600 samples"),
        (360, [3600], "within the 3600 samples"),
    ],
)
def test_what_cannot_be_meant_is_told(hz, peaks, named):
    with pytest.raises(InputError, match=named):
        waves(np.zeros(3600), hz, np.array(peaks))


def test_the_recording_is_left_as_it_was():
    truth = record()
    signal = truth.signal_mv.astype(float)
    signal[100] = np.nan
    before = signal.copy()
    waves(signal, 360, truth.r_peaks)
    assert np.array_equal(signal, before, equal_nan=True)


@pytest.mark.slow
@pytest.mark.real_data
def test_annotators_of_ludb_agree():
    missed: dict[str, list[np.ndarray]] = {"p": [], "qrs": [], "t": []}
    for number in range(2, 201, 20):  # even ones: it did not learn from them
        if not (data_folder() / "ludb" / "data" / f"{number}.hea").is_file():
            pytest.skip("no LUDB records under $ECG_DATA")
        lead = ludb.load(data_folder(), number)["ii"]
        found = waves(lead.signal_mv, ludb.SAMPLING_HZ, r_peaks(lead.signal_mv, ludb.SAMPLING_HZ))
        for wave, far in missed.items():
            true, ours = getattr(lead, wave), getattr(found, wave)
            distance = np.abs(true[:, None] - ours[ours[:, ONSET] >= 0]).min(axis=1)
            far.append(distance > 0.15 * ludb.SAMPLING_HZ)
    for far in missed.values():
        assert (np.concatenate(far).mean(axis=0) <= 0.05).all()
