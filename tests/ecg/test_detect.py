"""R peaks of recordings whose R peaks are known."""

import numpy as np
import pytest
import wfdb

from ecg import detect
from ecg.detect import r_peaks
from ecg.synthetic_ecg import generate_record
from utils.paths import data_folder

BEAT_SYMBOLS = set("NLRejAaJSVEF/fQ")


def record(hz=360, seed=0, seconds=30, leads=1, noise=0.3, **shares):
    rng = np.random.default_rng(seed)
    return generate_record(rng, seconds, hz, leads=leads, noise=noise, shares=shares)


def missed_and_wrong(truth, found, tolerance):
    """Beats with no peak within `tolerance` samples, and peaks with no beat there."""
    if len(truth) == 0 or len(found) == 0:
        return len(truth), len(found)
    distance = np.abs(truth[:, None] - found)
    return (
        int((distance.min(axis=1) > tolerance).sum()),
        int((distance.min(axis=0) > tolerance).sum()),
    )


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
        np.random.default_rng(0).normal(0, 1, (3600, 2)),
        np.linspace(-2, 2, 3600),
        np.zeros(20),
        np.zeros((0, 3)),
    ],
    ids=["zeros", "flat", "nan", "recorder", "noise", "drift", "short", "empty"],
)
def test_no_heartbeat_gives_no_peak(signal):
    found = r_peaks(signal, 360)
    assert found.shape == (0,) and found.dtype == np.int64


def test_a_gap_in_the_recording_hides_only_its_own_beats():
    truth = record(seconds=60)
    signal = truth.signal_mv.copy()
    signal[20 * 360 : 30 * 360] = np.nan
    inside = (truth.r_peaks < 19.5 * 360) | (truth.r_peaks > 30.5 * 360)
    missed, _wrong = missed_and_wrong(truth.r_peaks[inside], r_peaks(signal, 360), 54)
    assert missed == 0


def test_parts_of_a_long_recording_join_without_a_seam(monkeypatch):
    signal = record(100, seconds=300).signal_mv
    whole = r_peaks(signal, 100)
    monkeypatch.setattr(detect, "PART_S", 61.7)
    assert np.array_equal(r_peaks(signal, 100), whole)
    assert (np.diff(whole) > 0).all()


def test_the_recording_is_left_as_it_was():
    signal = record().signal_mv.astype(float)
    signal[100] = np.nan
    before = signal.copy()
    r_peaks(signal, 360)
    assert np.array_equal(signal, before, equal_nan=True)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["100", "119", "209", "222"])
def test_real_half_hours(name):
    path = data_folder() / "mitdb" / name
    if not path.with_suffix(".hea").is_file():
        pytest.skip("no MIT-BIH records under $ECG_DATA")
    marks = wfdb.rdann(str(path), "atr")
    is_beat = [symbol in BEAT_SYMBOLS for symbol in marks.symbol]
    truth = marks.sample[is_beat]
    found = r_peaks(wfdb.rdrecord(str(path), channels=[0]).p_signal, 360)
    missed, wrong = missed_and_wrong(truth, found, 54)
    assert missed <= 0.005 * len(truth) and wrong <= 0.005 * len(found)
