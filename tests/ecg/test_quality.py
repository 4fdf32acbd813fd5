"""Quality of beats whose noise is known, and segments that were spoilt on purpose."""

import numpy as np
import pytest

from ecg import quality as beat_measures
from ecg.detect import r_peaks
from ecg.noise import at_snr, baseline_wander, muscle, qrs_power, sources, white
from ecg.quality import beat_quality, unusable_segments
from ecg.reading import read_recording
from ecg.record import read_annotations
from ecg.synthetic.record import generate_record
from utils.paths import data_folder

HZ = 360
BEAT_SYMBOLS = set("NLRejAaJSVEF/fQ")


def record(hz=HZ, seed=0, seconds=60, noise=0.3, **shares):
    rng = np.random.default_rng(seed)
    return generate_record(rng, seconds, hz, noise=noise, shares=shares)


def spoilt(change, seconds=60):
    """A clean minute whose seconds 20 to 40 are changed in place by `change(part)`."""
    signal = record(seconds=seconds).signal_mv[:, 0].copy()
    change(signal[20 * HZ : 40 * HZ])
    return signal


def seconds_of(segments, reason):
    return sum(segment.end_s - segment.start_s for segment in segments if segment.reason == reason)


# Stretches


@pytest.mark.parametrize("hz", [100, 128, 250, 360, 500, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_a_clean_lead_is_usable(hz, seed):
    assert unusable_segments(record(hz, seed).signal_mv[:, 0], hz) == []


@pytest.mark.parametrize("noise", [0, 1])
def test_ectopic_beats_are_usable(noise):
    truth = record(seconds=120, noise=noise, S=0.1, V=0.25, F=0.05)
    assert unusable_segments(truth.signal_mv[:, 0], HZ) == []


@pytest.mark.parametrize("gain", [0.3, 4, -1])
@pytest.mark.parametrize("offset_mv", [0, 40])
def test_gain_polarity_and_offset_change_nothing(gain, offset_mv):
    signal = spoilt(lambda part: part.fill(np.nan)).astype(float)
    assert unusable_segments(gain * signal + offset_mv, HZ) == unusable_segments(signal, HZ)


def clip(part):
    np.clip(part, -0.2, 0.2, out=part)


def shake(part):
    part += 60 * np.sin(np.arange(len(part)) / HZ * 2 * np.pi)


def drown(part):
    part[:] = np.random.default_rng(0).normal(0, 1, len(part))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda part: part.fill(np.nan), "nothing recorded"),
        (lambda part: part.fill(0), "flat line"),
        (lambda part: part.fill(-3.2), "flat line"),
        (shake, "implausible amplitude"),
        (drown, "noise"),
    ],
)
def test_what_is_spoilt_is_found_and_named(change, reason):
    segments = unusable_segments(spoilt(change), HZ)
    assert seconds_of(segments, reason) == pytest.approx(20, abs=3)
    assert all(segment.start_s > 17 and segment.end_s < 43 for segment in segments)


@pytest.mark.parametrize("limit_share", [0.2, 0.4, 0.6])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clipped_lead_is_found(limit_share, sign):
    signal = sign * record().signal_mv[:, 0]
    limit = limit_share * np.abs(signal).max()
    segments = unusable_segments(np.clip(signal, -limit, limit), HZ)
    assert seconds_of(segments, "clipped") > 40


def test_one_clipped_beat_spoils_no_other():
    signal = record().signal_mv[:, 0].copy()
    peak = r_peaks(signal, HZ)[30]
    signal[peak - 10 : peak + 10] = 5.12
    segments = unusable_segments(signal, HZ)
    assert [segment.reason for segment in segments] == ["clipped"]
    assert segments[0].start_s <= peak / HZ <= segments[0].end_s
    assert segments[0].end_s - segments[0].start_s < 1


def test_a_coarse_converter_is_no_rail():
    signal = np.round(record(seconds=120).signal_mv[:, 0] / 0.02) * 0.02
    assert unusable_segments(signal, HZ) == []


def test_a_pause_is_no_noise():
    """The heart stands still for six seconds while the recorder goes on."""
    truth = record()
    signal = truth.signal_mv[:, 0].copy()
    beat = truth.r_peaks[20]
    quiet = signal[beat + 180 : beat + 190].mean()
    pause = slice(beat + 180, beat + 180 + 6 * HZ)
    signal[pause] = quiet + np.random.default_rng(0).normal(0, 0.015, 6 * HZ)
    assert seconds_of(unusable_segments(signal, HZ), "noise") == 0


@pytest.mark.parametrize("draw", [white, muscle])
def test_a_lead_without_a_heart_is_unusable(draw):
    noise = 0.3 * draw(60 * HZ, HZ, np.random.default_rng(0))
    assert seconds_of(unusable_segments(noise, HZ), "noise") > 50


@pytest.mark.parametrize(
    "signal",
    [np.full(10 * HZ, np.nan), np.zeros(10 * HZ), np.full(10 * HZ, 1.5), np.zeros(2 * HZ)],
)
def test_a_lead_of_nothing_is_unusable_from_end_to_end(signal):
    (segment,) = unusable_segments(signal, HZ)
    assert (segment.start_s, segment.end_s) == (0, len(signal) / HZ)


@pytest.mark.parametrize("samples", [0, 1, 2, 17, 18, 100, 179, 400])
def test_however_short(samples):
    signal = record().signal_mv[:samples, 0]
    unusable_segments(signal, HZ)
    assert beat_quality(signal, HZ, np.array([0])[:samples]).shape == (min(1, samples),)


def test_segments_are_in_order_and_apart():
    signal = record(seconds=120).signal_mv[:, 0].copy()
    rng = np.random.default_rng(0)
    for change in (drown, shake, lambda part: part.fill(0), lambda part: part.fill(np.nan)):
        for start in rng.integers(0, 110 * HZ, 2):
            change(signal[start : start + 6 * HZ])
    segments = unusable_segments(signal, HZ)
    assert len(segments) > 4 and segments[0].start_s >= 0 and segments[-1].end_s <= 120
    for before, after in zip(segments[:-1], segments[1:], strict=True):
        assert before.start_s < before.end_s <= after.start_s


def test_known_peaks_and_qualities_give_the_same():
    signal = spoilt(drown)
    peaks = r_peaks(signal, HZ)
    known = unusable_segments(signal, HZ, peaks, beat_quality(signal, HZ, peaks))
    assert known == unusable_segments(signal, HZ) and known


# Beats


@pytest.mark.parametrize("hz", [100, 250, 360, 1000])
def test_clean_beats_are_good(hz):
    truth = record(hz, seconds=60, S=0.1)
    assert np.quantile(beat_quality(truth.signal_mv[:, 0], hz, truth.r_peaks), 0.02) > 0.9


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_clean_ectopic_beats_are_as_good(share):
    truth = record(seconds=300, V=share)
    quality = beat_quality(truth.signal_mv[:, 0], HZ, truth.r_peaks)
    ectopic = truth.classes == "V"
    assert ectopic.sum() >= 2 and quality[ectopic].min() > 0.8


@pytest.mark.parametrize("draw", [white, muscle, baseline_wander])
def test_quality_falls_with_noise(draw):
    truth = record(seconds=120, noise=0.1)
    signal = truth.signal_mv[:, 0].astype(float)
    inside = truth.r_peaks[(truth.r_peaks > 20) & (truth.r_peaks < len(signal) - 20)]
    power = qrs_power(signal, inside, HZ)
    noise = draw(len(signal), HZ, np.random.default_rng(1))
    means = [
        beat_quality(at_snr(signal, noise, snr_db, power), HZ, truth.r_peaks).mean()
        for snr_db in (np.inf, 24, 18, 12, 6, 0, -6, -12)
    ]
    assert (np.diff(means) < 0).all()
    assert means[0] > 0.97 and means[1] > 0.9
    assert means[-2] < (0.5 if draw is not baseline_wander else 0.95)


@pytest.mark.parametrize("seed", range(3))
def test_marks_beside_beats_are_told_from_beats_in_noise(seed):
    truth = record(seconds=120, seed=seed, noise=0.1)
    signal = truth.signal_mv[:, 0].astype(float)
    inside = truth.r_peaks[(truth.r_peaks > 20) & (truth.r_peaks < len(signal) - 20)]
    noise = muscle(len(signal), HZ, np.random.default_rng(seed))
    noisy = at_snr(signal, noise, 6, qrs_power(signal, inside, HZ))
    wrong = inside[10:-10:10] + HZ // 3
    marks = np.sort(np.concatenate([inside, wrong]))
    quality = beat_quality(noisy, HZ, marks)
    is_wrong = np.isin(marks, wrong)
    assert np.median(quality[is_wrong]) < np.quantile(quality[~is_wrong], 0.25)


def test_beats_in_a_gap_have_no_quality():
    truth = record()
    signal = truth.signal_mv[:, 0].copy()
    signal[20 * HZ : 40 * HZ] = np.nan
    quality = beat_quality(signal, HZ, truth.r_peaks)
    lost = (truth.r_peaks >= 20 * HZ) & (truth.r_peaks < 40 * HZ)
    assert (quality[lost] == 0).all() and quality[~lost].mean() > 0.9


def test_no_beats_have_no_qualities():
    assert beat_quality(record().signal_mv[:, 0], HZ, np.empty(0, np.int64)).shape == (0,)


@pytest.mark.parametrize("beats", [1, 2, 3])
def test_few_beats_are_judged_too(beats):
    truth = record(seconds=4)
    marks = truth.r_peaks[1 : 1 + beats]
    assert (beat_quality(truth.signal_mv[:, 0], HZ, marks) > 0.5).all()


@pytest.mark.parametrize("hz", [100, 360])
def test_parts_join_without_a_seam(monkeypatch, hz):
    truth = record(hz, seconds=300, V=0.05)
    signal = truth.signal_mv[:, 0].copy()
    signal[100 * hz : 110 * hz] = np.nan
    whole = beat_quality(signal, hz, truth.r_peaks)
    monkeypatch.setattr(beat_measures, "PART_BLOCKS", 1234)
    assert np.abs(beat_quality(signal, hz, truth.r_peaks) - whole).max() < 1e-3


def test_the_signal_is_left_as_it_was():
    signal = spoilt(lambda part: part.fill(np.nan))
    before = signal.copy()
    unusable_segments(signal, HZ)
    assert np.array_equal(signal, before, equal_nan=True)


# Real recordings


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["104", "105", "108", "203", "207"])
def test_noisy_real_records_are_mostly_usable(name):
    """The annotators read nearly all of them; in 207 the ventricles flutter for over a minute."""
    path = data_folder() / "mitdb" / name
    if not path.with_suffix(".hea").is_file():
        pytest.skip("no MIT-BIH records under $ECG_DATA")
    marks = read_annotations(path, "atr")
    beats_s = marks.samples[[symbol in BEAT_SYMBOLS for symbol in marks.symbols]] / HZ
    signal = read_recording(path).signal_mv[:, 0]
    lost = [
        ((beats_s >= segment.start_s) & (beats_s < segment.end_s)).sum()
        for segment in unusable_segments(signal, HZ)
    ]
    assert sum(lost) < 0.01 * len(beats_s)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["bw", "ma"])
def test_real_noise_holds_no_beats(name):
    path = data_folder() / "nstdb" / name
    if not path.with_suffix(".hea").is_file():
        pytest.skip("no noise records under $ECG_DATA")
    recording = read_recording(path)
    segments = unusable_segments(recording.signal_mv[:, 0], HZ)
    assert seconds_of(segments, "noise") > 0.9 * recording.duration_s


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["muscle", "wander"])
def test_quality_falls_with_real_noise(kind):
    path = data_folder() / "mitdb" / "119"
    source = sources(data_folder())[kind]
    if not path.with_suffix(".hea").is_file() or source.origin == "generated":
        pytest.skip("no MIT-BIH records or no noise records under $ECG_DATA")
    signal = read_recording(path).signal_mv[: 300 * HZ, 0].astype(float)
    marks = read_annotations(path, "atr")
    beats = marks.samples[[symbol in BEAT_SYMBOLS for symbol in marks.symbols]]
    beats = beats[(beats > 20) & (beats < len(signal) - 20)]
    power = qrs_power(signal, beats, HZ)
    noise = source.draw(len(signal), HZ, np.random.default_rng(0))
    means = [
        beat_quality(at_snr(signal, noise, snr_db, power), HZ, beats).mean()
        for snr_db in (24, 18, 12, 6, 0, -6)
    ]
    assert (np.diff(means) < 0).all()
