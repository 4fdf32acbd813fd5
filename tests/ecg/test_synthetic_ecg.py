"""The synthetic recordings are an oracle, so what they claim of themselves must be true."""

import time
import tracemalloc

import numpy as np
import pytest

from ecg.synthetic.patient import draw_patient
from ecg.synthetic.record import SyntheticRecord, generate_record
from ecg.synthetic.rhythm import draw_classes

MIXED = {"S": 0.08, "V": 0.12, "F": 0.06, "Q": 0.15}
HZ = 360.0
SEEDS = range(8)


def clean(seed: int, duration_s: float = 120, **shares: float) -> SyntheticRecord:
    return generate_record(np.random.default_rng(seed), duration_s, HZ, shares=shares, noise=0)


def durations_s(record: SyntheticRecord, wave: str, kind: str) -> np.ndarray:
    marks = record.waves[wave][(record.classes == kind) & (record.waves[wave][:, 0] >= 0)]
    return (marks[:, 2] - marks[:, 0]) / record.sampling_hz


def complexes(record: SyntheticRecord, kind: str) -> np.ndarray:
    """(beats, samples): the 0.25 s around each R peak of a class."""
    around = np.arange(-36, 54)
    peaks = record.r_peaks[record.classes == kind]
    peaks = peaks[(peaks > 40) & (peaks < len(record.signal_mv) - 60)]
    return record.signal_mv[peaks[:, None] + around, 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_waves_come_in_order(seed: int):
    record = clean(seed, **MIXED)
    for wave, marks in record.waves.items():
        there = marks[marks[:, 0] >= 0]
        assert len(there) > 20, wave
        assert (np.diff(there, axis=1) > 0).all(), wave
        assert there.max() < len(record.signal_mv)
    p, qrs, t = (record.waves[wave] for wave in ("P", "QRS", "T"))
    whole = (p[:, 0] >= 0) & (qrs[:, 0] >= 0) & (t[:, 0] >= 0)
    assert (p[whole, 1] < qrs[whole, 0]).all()
    assert (p[whole, 2] <= qrs[whole, 0] + 0.02 * HZ).all(), "a P wave may just touch its QRS"
    assert (qrs[whole, 1] < t[whole, 1]).all()
    assert (np.diff(record.r_peaks) > 0).all()


@pytest.mark.parametrize("sampling_hz", [120.0, 250.0, 360.0, 1000.0])
def test_r_peaks_are_extrema_of_a_clean_signal(sampling_hz: float):
    record = generate_record(
        np.random.default_rng(3), 60, sampling_hz, shares={"V": 0.1, "S": 0.1}, noise=0
    )
    lead = record.signal_mv[:, 0]
    reach = round(0.015 * sampling_hz)
    for peak in record.r_peaks[1:-1]:
        near = np.abs(lead[peak - 2 * reach : peak + 2 * reach + 1])
        assert abs(near.argmax() - 2 * reach) <= max(1, reach)


def test_waves_stand_where_they_are_said_to():
    record = clean(5)
    lead = record.signal_mv[:, 0]
    silent = np.ones(len(lead), bool)
    for marks in record.waves.values():
        for onset, _peak, end in marks[marks[:, 0] >= 0]:
            silent[onset : end + 1] = False
    middle = silent[record.r_peaks[1] : record.r_peaks[-2]]
    rest = lead[record.r_peaks[1] : record.r_peaks[-2]]
    assert np.abs(rest[~middle]).max() > 5 * np.abs(rest[middle]).max()


def test_ventricular_beats_are_wide_and_have_no_p_wave():
    for seed in SEEDS:
        record = clean(seed, V=0.15)
        ventricular = record.classes == "V"
        assert (record.waves["P"][ventricular] == -1).all()
        assert durations_s(record, "QRS", "V").min() > 0.12
        wide, own = (np.median(durations_s(record, "QRS", kind)) for kind in "VN")
        blocked = "N" not in record.symbols  # bundle branch block makes normal beats wide as well
        assert wide > own * (1.0 if blocked else 1.3)


def test_t_wave_of_a_ventricular_beat_points_away_from_its_qrs():
    for seed in SEEDS:
        record = clean(seed, V=0.15)
        chosen = (record.classes == "V") & (record.waves["T"][:, 0] >= 0)
        lead = record.signal_mv[:, 0]
        qrs, t = lead[record.r_peaks[chosen]], lead[record.waves["T"][chosen, 1]]
        assert np.mean(qrs * t < 0) > 0.9


def test_premature_beats_come_early_and_only_ventricular_pauses_compensate():
    pauses = {}
    for kind in "SV":
        coupling, both = [], []
        for seed in SEEDS:
            record = clean(seed, 400, **{kind: 0.08})
            rr = np.diff(record.r_peaks)
            usual = np.median(rr)
            text = "".join(record.classes)
            for i in range(2, len(text) - 2):
                if text[i - 2 : i + 2] == f"NN{kind}N":
                    coupling.append(rr[i - 1] / usual)
                    both.append((rr[i - 1] + rr[i]) / usual)
        assert np.max(coupling) < 0.95
        pauses[kind] = np.mean(both)
    assert pauses["V"] == pytest.approx(2.0, abs=0.03)
    assert pauses["S"] < 1.95


def test_supraventricular_beats_are_narrow_with_another_p_wave():
    for seed in SEEDS:
        record = clean(seed, 300, S=0.1)
        if record.symbols[record.classes == "N"][0] != "N":
            continue  # with bundle branch block every beat is wide
        assert np.median(durations_s(record, "QRS", "S")) < 0.125
        marks = record.waves["P"]
        first = {
            kind: record.waves["QRS"][chosen, 1] - marks[chosen, 1]
            for kind in "NS"
            if (chosen := (record.classes == kind) & (marks[:, 0] >= 0)).any()
        }
        if "J" in record.symbols:
            assert "S" not in first
        else:
            assert np.median(first["S"]) < np.median(first["N"]), "the P comes from elsewhere"


def test_fusion_lies_between_the_same_patients_normal_and_ventricular_beats():
    for seed in SEEDS:
        record = clean(seed, 300, V=0.1, F=0.1)
        normal, ventricular = (np.median(complexes(record, kind), axis=0) for kind in "NV")
        way = ventricular - normal
        share = (complexes(record, "F") - normal) @ way / (way @ way)
        assert 0.15 < share.min() and share.max() < 0.85
        assert 0.35 < share.mean() < 0.65
        fused = (record.classes == "F") & (
            record.r_peaks > 0.4 * HZ
        )  # the start may cut the first
        assert (record.waves["P"][fused, 0] >= 0).all(), "the atria beat as ever"


def test_paced_beats_follow_a_spike():
    record = clean(2, Q=0.5)
    paced = (record.classes == "Q") & (record.waves["QRS"][:, 0] >= 0)
    assert paced.sum() > 30
    assert (record.spikes[record.classes != "Q"] == -1).all()
    spikes = record.spikes[paced]
    assert (spikes < record.waves["QRS"][paced, 1]).all()
    assert durations_s(record, "QRS", "Q").min() > 0.11
    lead = record.signal_mv[:, 0]
    steepest = np.abs(np.diff(lead))
    steep_at_spikes = [steepest[s - 4 : s + 4].max() for s in spikes if s >= 4]
    qrs_steepness = np.median([steepest[r - 5 : r + 15].max() for r in record.r_peaks[paced][:-1]])
    assert np.median(steep_at_spikes) > qrs_steepness


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_classes_come_in_the_shares_asked_for(share: float):
    classes = draw_classes(np.random.default_rng(0), 400, {"Q": share, "F": 0.0})
    assert (classes == "Q").sum() == round(400 * share) and len(classes) == 400


def test_impossible_shares_are_refused():
    with pytest.raises(ValueError, match="at most 1"):
        draw_classes(np.random.default_rng(0), 100, {"V": 0.7, "S": 0.7})
    with pytest.raises(ValueError, match="S, V, F and Q"):
        draw_classes(np.random.default_rng(0), 100, {"X": 0.1})


def test_no_recording_below_the_lowest_sampling_rate():
    with pytest.raises(ValueError, match="sampling_hz"):
        generate_record(np.random.default_rng(0), 10, 50.0)


@pytest.mark.parametrize("duration_s", [0.2, 1.0, 7.3])
def test_short_recordings_have_their_length(duration_s: float):
    record = generate_record(np.random.default_rng(1), duration_s, HZ, shares=MIXED)
    assert record.signal_mv.shape == (round(duration_s * HZ), 1)
    assert ((record.r_peaks >= 0) & (record.r_peaks < len(record.signal_mv))).all()


def test_no_beat_is_missing_at_the_end():
    for seed in SEEDS:
        record = clean(seed, 60, S=0.2, Q=0.2)
        rr = np.diff(record.r_peaks)
        assert len(record.signal_mv) - record.r_peaks[-1] <= 1.2 * rr.max()


def test_noise_is_the_patients_and_leaves_truth_alone():
    patient = draw_patient(np.random.default_rng(7))
    quiet, usual, loud = (
        generate_record(np.random.default_rng(1), 60, HZ, patient=patient, noise=noise)
        for noise in (0.0, 1.0, 3.0)
    )
    np.testing.assert_array_equal(quiet.r_peaks, loud.r_peaks)
    added = np.std(usual.signal_mv - quiet.signal_mv)
    assert added > patient.wander_mv / 2
    assert np.std(loud.signal_mv - quiet.signal_mv) == pytest.approx(3 * added, rel=1e-3)


def test_leads_differ_but_share_their_beats():
    record = generate_record(np.random.default_rng(4), 30, HZ, leads=3, noise=0)
    assert record.signal_mv.shape == (10800, 3)
    assert np.unique(np.ptp(record.signal_mv, axis=0)).size == 3
    one, two = np.abs(record.signal_mv[:, :2]).T
    active = one > 0.05
    assert two[active].mean() > 5 * two[~active].mean()


def test_same_seed_same_bytes():
    first, second, other = (
        generate_record(np.random.default_rng(seed), 20, HZ, shares=MIXED) for seed in (1, 1, 2)
    )
    assert first.signal_mv.tobytes() == second.signal_mv.tobytes()
    assert first.signal_mv.tobytes() != other.signal_mv.tobytes()
    assert first.patient == "synthetic"


def test_thirty_minutes_take_little_time_and_memory():
    tracemalloc.start()
    start = time.process_time()
    record = generate_record(np.random.default_rng(0), 1800, HZ, shares=MIXED)
    spent_s = time.process_time() - start
    _now, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert record.signal_mv.shape == (648_000, 1)
    assert len(record.r_peaks) > 1500
    assert spent_s < 5
    assert most_bytes < 12 * 8 * len(record.signal_mv)
