"""A whole recording analysed: synthetic ones whose beats are known, and bad ones."""

import numpy as np
import pytest

from ecg.recording import Recording
from ecg.rhythm import RhythmSettings
from ecg.scoring import match
from ecg.synthetic.record import generate_record
from recordings import classify
from recordings.analysis import analyse, usual_lead
from utils.errors import InputError


@pytest.fixture(scope="module")
def classifier():
    return classify.load(classify.best_checkpoint())


def recording(signal_mv, hz=360.0, leads=("II",), name="made"):
    return Recording(
        name, np.asarray(signal_mv, np.float32).reshape(len(signal_mv), -1), hz, leads
    )


def truth_of(seconds=60, hz=360, seed=0, **shares):
    return generate_record(np.random.default_rng(seed), seconds, hz, shares=shares, noise=0.3)


@pytest.fixture(scope="module")
def found(classifier):
    truth = truth_of(120, V=0.1)
    return truth, analyse(recording(truth.signal_mv), classifier)


@pytest.mark.slow
def test_beats_are_found_measured_and_counted(found):
    truth, analysis = found
    matched = match(truth.r_peaks, analysis.beats["sample"].to_numpy(), 54)
    assert matched.sensitivity > 0.98 and matched.ppv > 0.98
    assert analysis.summary["beats"] == len(analysis.beats)
    assert sum(analysis.summary["classes"].values()) == analysis.summary["usable_beats"]
    assert analysis.beats["t_end_s"].notna().mean() > 0.8
    assert analysis.beats[[f"p_{name}" for name in "NSVFQ"]].sum(axis=1).between(0.99, 1.01).all()


@pytest.mark.slow
def test_waves_of_a_beat_are_in_order(found):
    _truth, analysis = found
    marks = [f"{w}_{m}_s" for w in ("p", "qrs", "t") for m in ("onset", "peak", "end")]
    times_s = analysis.beats[marks].to_numpy()
    for row in times_s:
        there = row[np.isfinite(row)]
        assert (np.diff(there) >= 0).all()


@pytest.mark.slow
def test_a_regular_rhythm_has_no_irregular_minute(classifier):
    analysis = analyse(recording(truth_of(120).signal_mv), classifier)
    assert analysis.summary["irregular_minutes"] == 0


def test_gain_and_offset_change_neither_beats_nor_classes(classifier, found):
    truth, analysis = found
    other = analyse(recording(2.0 * truth.signal_mv + 1.5), classifier)
    assert np.abs(other.beats["sample"] - analysis.beats["sample"]).max() <= 1
    assert (other.beats["class"] == analysis.beats["class"]).mean() > 0.97


def test_window_length_and_threshold_are_settings(classifier, found):
    truth, analysis = found
    settings = RhythmSettings(window_beats=24, threshold=1e-9)
    other = analyse(recording(truth.signal_mv), classifier, settings=settings)
    assert set(other.windows["beats"]) == {25} and set(analysis.windows["beats"]) == {17}
    assert other.summary["irregular_minutes"] > 1.5  # every beat reaches that threshold
    assert other.provenance["rhythm"]["window_beats"] == 24


@pytest.mark.parametrize("hz", [100, 250, 1000])
@pytest.mark.slow
def test_any_sampling_rate(classifier, hz):
    truth = truth_of(30, hz)
    analysis = analyse(recording(truth.signal_mv, float(hz)), classifier)
    assert match(truth.r_peaks, analysis.beats["sample"].to_numpy(), 0.15 * hz).sensitivity > 0.95
    assert analysis.summary["heart_rate_bpm"]


BAD = {
    "flat": np.zeros(7200),
    "nothing": np.full(7200, np.nan),
    "one sample": np.zeros(1),
    "noise": np.random.default_rng(0).normal(0, 0.3, 7200),
}


@pytest.mark.parametrize("signal", BAD.values(), ids=BAD.keys())
def test_where_no_heart_beats_no_beat_is_invented(classifier, signal):
    analysis = analyse(recording(signal), classifier)
    assert len(analysis.beats) == 0
    assert analysis.summary["heart_rate_bpm"] is None
    assert any("no heartbeat" in note for note in analysis.notes)
    assert {"class", "t_end_s", "qtc_ms", "cluster", "usable"} <= set(analysis.beats)


def test_two_seconds_give_their_beats(classifier):
    truth = truth_of(2)
    analysis = analyse(recording(truth.signal_mv), classifier)
    assert 1 <= len(analysis.beats) <= 4


def test_a_gap_is_told_and_nothing_is_measured_across_it(classifier):
    truth = truth_of(60)
    signal = truth.signal_mv.copy()
    signal[20 * 360 : 32 * 360] = np.nan
    analysis = analyse(recording(signal), classifier)
    times_s = analysis.beats["time_s"]
    assert not times_s.between(20.05, 31.95).any()
    assert analysis.unusable["reason"].tolist() == ["nothing recorded"]
    assert np.isnan(analysis.beats["rr_s"][(times_s > 32).idxmax()])
    assert "pause" not in analysis.summary["episodes"]
    assert analysis.summary["unusable_share"] == pytest.approx(0.2, abs=0.02)


def test_lead_ii_is_measured_where_there_is_one():
    signal = np.zeros((10, 2))
    assert usual_lead(recording(signal, leads=("V1", "MLII"))) == "MLII"
    assert usual_lead(recording(signal, leads=("EKG V1", "ECG II"))) == "ECG II"
    assert usual_lead(recording(signal, leads=("V1", "III"))) == "V1"


def test_a_missing_lead_is_told(classifier):
    with pytest.raises(InputError, match="no lead V9; its leads: II"):
        analyse(recording(np.zeros(3600)), classifier, lead="V9")


def test_what_the_network_has_seen_is_told(classifier):
    truth = truth_of(10)
    analysis = analyse(recording(truth.signal_mv, name="203", leads=("V5",)), classifier)
    assert any("203 trained the classifier" in note for note in analysis.notes)
    assert any("lead V5 looks different" in note for note in analysis.notes)
    ludb = recording(truth_of(10, 500).signal_mv, 500.0, name="200")
    assert not any("trained" in note for note in analyse(ludb, classifier).notes)
