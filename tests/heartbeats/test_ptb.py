"""PTB records become beats of their diagnosis."""

import shutil

import numpy as np
import pytest

from heartbeats import catalog, kaggle_csv, ptb, splits
from heartbeats.cutting import BEAT_HZ, resample
from tests.heartbeats.twelve_leads import write_record
from utils.errors import InputError
from utils.paths import data_folder

HEALTHY = ("age: 30", "Reason for admission: Healthy control")
ILL = ("Reason for admission: Myocardial infarction",)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Six patients, the first with two records, and a seventh without a diagnosis."""
    folder = tmp_path_factory.mktemp("ptbdb")
    for number in range(6):
        comments = HEALTHY if number % 2 == 0 else ILL
        patient, name = folder / f"patient{number}", f"s{number}_re"
        write_record(patient, name, 1000, seed=number, comments=comments)
    write_record(folder / "patient0", "s9_re", 1000, seed=9, comments=HEALTHY)
    write_record(folder / "patient6", "s6_re", 1000, comments=("Reason for admission: n/a",))
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "ptbdb")


@pytest.mark.slow
def test_beats_bear_their_record_patient_diagnosis_and_time(folder, capsys):
    beats = ptb.load(folder)
    assert beats.class_names == ("normal", "abnormal")
    assert len(np.unique(beats.records)) == 7 and len(np.unique(beats.patients)) == 6
    assert set(beats.records[beats.patients == "patient0"]) == {"patient0/s0_re", "patient0/s9_re"}
    assert set(beats.labels[beats.patients == "patient2"]) == {0}
    assert set(beats.labels[beats.patients == "patient3"]) == {1}
    assert beats.signals.shape[1] == 187 and beats.sampling_hz == 120
    assert beats.signals.min() == 0 and beats.signals.max() == 1
    assert "1 records have no diagnosis: patient6/s6_re" in capsys.readouterr().out


def test_beats_begin_at_the_r_peaks(tmp_path):
    truth = write_record(tmp_path / "patient1", "a", 1000, seed=3, comments=HEALTHY)
    write_record(tmp_path / "patient2", "b", 1000, seed=4, comments=ILL)
    beats = ptb.load(tmp_path)
    times_s = beats.times_s[beats.records == "patient1/a"]
    assert np.allclose(times_s, truth.r_peaks[:-1] / 1000, atol=0.006)


@pytest.mark.slow
def test_patients_are_never_on_both_sides(folder):
    beats = ptb.load(folder)
    assert splits.allowed(beats) == ["patients"]
    train, validation = splits.development(beats, "patients", seed=0)
    people = [
        set(beats.patients[p]) for p in (train, validation, splits.held_out(beats, "patients"))
    ]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])


@pytest.mark.slow
def test_headers_may_name_an_xyz_file_that_is_missing(folder):
    header = folder / "patient0" / "s0_re.hea"
    lines = header.read_text().splitlines()
    frank = [f"s0_re.xyz 16 1000 16 0 0 0 0 {lead}" for lead in ("vx", "vy", "vz")]
    lines[0] = lines[0].replace(" 12 ", " 15 ")
    before = ptb.load(folder)
    header.write_text("\n".join([*lines[:13], *frank, *lines[13:]]) + "\n")
    assert np.array_equal(ptb.load(folder).signals, before.signals)


def test_a_missing_lead_is_named_with_the_leads_there_are(tmp_path):
    write_record(tmp_path / "patient1", "a", 1000, comments=HEALTHY, leads=("i", "v1"))
    with pytest.raises(InputError, match=r"patient1/a has no lead ii; its leads: i, v1"):
        ptb.load(tmp_path)


@pytest.mark.slow
def test_a_damaged_record_is_told(folder):
    file = folder / "patient1" / "s1_re.dat"
    content = bytearray(file.read_bytes())
    content[4000] ^= 0x55
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"s1_re\.dat.*does not match the checksum"):
        ptb.load(folder)


@pytest.mark.slow
def test_headers_without_checksums_are_believed(folder):
    """Those of PTB itself have zeros in place of first values and checksums."""
    header = folder / "patient1" / "s1_re.hea"
    before = ptb.load(folder)
    lines = header.read_text().splitlines()
    for row in range(1, 13):
        words = lines[row].split()
        lines[row] = " ".join([*words[:5], "0", "0", *words[7:]])
    header.write_text("\n".join(lines) + "\n")
    assert np.array_equal(ptb.load(folder).signals, before.signals)


@pytest.mark.slow
def test_a_record_without_heartbeats_is_left_out_and_told(folder, capsys):
    write_record(folder / "patient7", "flat", 1000, comments=ILL, silent=True)
    assert "patient7" not in ptb.load(folder).patients
    assert "no beat was found in 1 records: patient7/flat" in capsys.readouterr().out


def test_what_cannot_be_learned_from_is_told(tmp_path):
    with pytest.raises(InputError, match="holds no PTB record"):
        ptb.load(tmp_path)
    write_record(tmp_path / "patient1", "a", 1000, comments=ILL, silent=True)
    with pytest.raises(InputError, match="no record of ptb has a beat"):
        ptb.load(tmp_path)
    write_record(tmp_path / "patient1", "b", 1000, comments=ILL)
    with pytest.raises(InputError, match="all 1 records of ptb that were found are abnormal"):
        ptb.load(tmp_path)


@pytest.mark.parametrize(
    ("comment", "label"),
    [
        ("Reason for admission: Healthy control", 0),
        ("  reason for admission:  healthy control ", 0),
        ("Reason for admission: Bundle branch block", 1),
        ("Reason for admission: n/a", None),
        ("Reason for admission:", None),
        ("age: 81", None),
    ],
)
def test_the_diagnosis_is_the_reason_for_admission(comment, label):
    assert ptb.label_of(["age: 81", comment]) == label


def test_what_lies_above_sixty_hertz_is_not_folded_in():
    times_s = np.arange(10_000) / 1000
    slow, fast = (np.sin(2 * np.pi * hz * times_s) for hz in (10, 100))
    at_120 = resample(slow + fast, 1000)
    wanted = np.sin(2 * np.pi * 10 * np.arange(1200) / BEAT_HZ)
    assert len(at_120) == 1200
    assert np.abs(at_120 - wanted)[60:-60].max() < 0.02


def write_csv(folder, rows=40):
    rng = np.random.default_rng(0)
    for label, name in enumerate(("ptbdb_normal.csv", "ptbdb_abnormal.csv")):
        signals = rng.random((rows * (1 + label), 187), dtype=np.float32)
        kaggle_csv.write(folder / name, signals, np.full(len(signals), label))


def test_kaggles_files_are_the_other_form(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    (tmp_path / "kaggle").mkdir()
    write_csv(tmp_path / "kaggle")
    beats = catalog.load("ptb", tmp_path)
    assert beats.class_counts().tolist() == [40, 80]
    assert beats.patients is None and splits.allowed(beats) == ["beats"]
    test = splits.held_out(beats, "beats")
    assert np.bincount(beats.labels[test]).tolist() == [8, 16]
    with pytest.raises(InputError, match="name no patients.*download ptbdb"):
        splits.held_out(beats, "patients")


def test_kaggles_files_with_one_class_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    write_csv(tmp_path)
    (tmp_path / "ptbdb_abnormal.csv").write_bytes((tmp_path / "ptbdb_normal.csv").read_bytes())
    with pytest.raises(InputError, match="no other label than 0"):
        catalog.load("ptb", tmp_path)


@pytest.mark.slow
def test_raw_records_are_preferred_and_nothing_is_told(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    write_csv(tmp_path)
    assert catalog.load("ptb", tmp_path).patients is not None
    with pytest.raises(InputError, match=r"'ptb' was not found.*download ptbdb"):
        catalog.load("ptb", tmp_path / "nowhere")


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_records():
    if (found := ptb.find_folder(data_folder())) is None:
        pytest.skip("no PTB records under $ECG_DATA")
    beats = ptb.load(found)
    assert (np.diff(beats.times_s)[beats.records[1:] == beats.records[:-1]] > 0.2).all()
    assert len(np.unique(beats.records)) >= 0.98 * len(ptb.source_files(found)) / 2
