"""Recordings that were written here, read back; and what is said of those that are damaged."""

import subprocess
import sys
import warnings
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb

from ecg.reading import read_recording
from ecg.synthetic.record import generate_record
from utils.errors import InputError
from utils.paths import data_folder

HZ = 360
SIGNAL = generate_record(np.random.default_rng(0), 20, HZ, leads=2).signal_mv
# One step of the converter, as the files here are written.
STEP_MV = 0.005


def write_wfdb(folder: Path, name="rec", signal=SIGNAL, hz=HZ, leads=("MLII", "V1"), **fields):
    settings = {
        "fmt": ["16"] * signal.shape[1],
        "units": ["mV"] * signal.shape[1],
        "adc_gain": [1 / STEP_MV] * signal.shape[1],
        "baseline": [0] * signal.shape[1],
        "sig_name": list(leads),
        **fields,
    }
    wfdb.wrsamp(name, hz, p_signal=signal.astype(float), write_dir=str(folder), **settings)
    return folder / name


def write_edf(path: Path, signals, **settings):
    edfio.Edf(signals, data_record_duration=1, **settings).write(path)
    return path


def edf_signal(values=SIGNAL[:, 0], hz=HZ, label="ECG", unit="mV", **settings):
    settings = {"physical_range": (-100, 100), **settings}
    return edfio.EdfSignal(
        values.astype(float), hz, label=label, physical_dimension=unit, **settings
    )


def write_text(path: Path, text: str, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def table(signal=SIGNAL, delimiter=",", decimal=".", header=""):
    lines = [delimiter.join(f"{value:.4f}" for value in row) for row in signal]
    return header + "\n".join(lines).replace(".", decimal) + "\n"


# WFDB


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_a_record_is_read_by_any_of_its_names(tmp_path, suffix):
    path = write_wfdb(tmp_path, comments=["43 M 1878 356 x1"])
    recording = read_recording(Path(f"{path}{suffix}"))
    assert (recording.name, recording.sampling_hz) == ("rec", HZ)
    assert recording.leads == ("MLII", "V1") and recording.subject == "43 years, male"
    assert recording.signal_mv.dtype == np.float32 and recording.notes == ()
    assert np.abs(recording.signal_mv - SIGNAL).max() <= STEP_MV / 2 + 1e-6


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212", "508", "516"])
def test_formats_and_gaps(tmp_path, fmt):
    signal = SIGNAL.copy()
    signal[1000:1500, 1] = np.nan
    gain = 20 if fmt in ("80", "508") else 80
    path = write_wfdb(tmp_path, signal=signal, fmt=[fmt] * 2, adc_gain=[gain] * 2)
    read = read_recording(path).signal_mv
    assert np.array_equal(np.isnan(read), np.isnan(signal))
    assert np.nanmax(np.abs(read - signal)) <= 0.5 / gain + 1e-6


def test_parts_make_no_difference(tmp_path, monkeypatch):
    path = write_wfdb(tmp_path, fmt=["212", "212"])
    whole = read_recording(path).signal_mv
    monkeypatch.setattr("ecg.files.wfdb_recording.PART_VALUES", 2222)
    assert np.array_equal(read_recording(path).signal_mv, whole)


def test_microvolts_and_volts_become_millivolts(tmp_path):
    path = write_wfdb(
        tmp_path, signal=SIGNAL * [1000, 0.001], units=["uV", "V"], adc_gain=[0.2, 200_000]
    )
    assert np.abs(read_recording(path).signal_mv - SIGNAL).max() <= STEP_MV / 2 + 1e-5


def test_what_is_no_voltage_is_left_out(tmp_path):
    path = write_wfdb(tmp_path, leads=("II", "RESP"), units=["mV", "Ohm"])
    recording = read_recording(path)
    assert recording.leads == ("II",) and "RESP [Ohm]" in recording.notes[0]


def test_a_record_without_voltage_is_refused(tmp_path):
    path = write_wfdb(tmp_path, leads=("ABP", "RESP"), units=["mmHg", "Ohm"])
    with pytest.raises(InputError, match="no ECG lead in volts.*ABP"):
        read_recording(path)


def test_units_can_be_given_where_the_header_has_none(tmp_path):
    path = write_wfdb(tmp_path, units=["NU", "NU"])
    with pytest.raises(InputError, match="--units"):
        read_recording(path)
    assert read_recording(path, units="mV").leads == ("MLII", "V1")


def test_leads_of_one_name_are_numbered(tmp_path):
    path = write_wfdb(tmp_path, leads=("ECG", "ECX"))
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace("ECX", "ECG"))
    recording = read_recording(path)
    assert recording.leads == ("ECG", "ECG (2)") and "numbered" in recording.notes[0]
    assert np.array_equal(recording.lead_mv("ecg (2)"), recording.signal_mv[:, 1])


def test_a_missing_lead_is_told_with_those_there_are(tmp_path):
    with pytest.raises(InputError, match="no lead V6; its leads: MLII, V1"):
        read_recording(write_wfdb(tmp_path)).lead_mv("V6")


def test_leads_whose_file_is_missing_are_left_out(tmp_path):
    path = write_wfdb(tmp_path)
    write_wfdb(tmp_path, "other")
    lines = path.with_suffix(".hea").read_text().splitlines()
    lines[2] = lines[2].replace("rec.dat", "rec.xyz")
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")
    wfdb.wrsamp(
        "rec",
        HZ,
        ["mV"],
        ["MLII"],
        SIGNAL[:, :1].astype(float),
        fmt=["16"],
        write_dir=str(tmp_path),
    )
    one = path.with_suffix(".hea").read_text().splitlines()
    path.with_suffix(".hea").write_text(
        "\n".join([one[0].replace("rec 1", "rec 2"), one[1], lines[2]]) + "\n"
    )
    recording = read_recording(path)
    assert recording.leads == ("MLII",) and "rec.xyz is missing: V1" in recording.notes[0]


def test_segments_follow_each_other_with_gaps_between(tmp_path):
    half = len(SIGNAL) // 2
    write_wfdb(tmp_path, "one", SIGNAL[:half])
    write_wfdb(
        tmp_path,
        "two",
        SIGNAL[half:, ::-1] * 1000,
        leads=("V1", "MLII"),
        units=["uV"] * 2,
        adc_gain=[0.2, 0.2],
    )
    text = f"rec/3 2 {HZ} {len(SIGNAL) + 100}\none {half}\n~ 100\ntwo {len(SIGNAL) - half}\n"
    (tmp_path / "rec.hea").write_text(text)
    recording = read_recording(tmp_path / "rec")
    assert recording.leads == ("MLII", "V1")
    assert np.isnan(recording.signal_mv[half : half + 100]).all()
    recorded = np.delete(recording.signal_mv, slice(half, half + 100), axis=0)
    assert np.abs(recorded - SIGNAL).max() <= STEP_MV / 2 + 1e-5


def test_a_layout_segment_names_the_leads(tmp_path):
    write_wfdb(tmp_path, "one", SIGNAL[:, :1], leads=("V1",))
    (tmp_path / "lay.hea").write_text(
        f"lay 2 {HZ} 0\n~ 0 200 0 0 0 0 0 II\n~ 0 200 0 0 0 0 0 V1\n"
    )
    (tmp_path / "rec.hea").write_text(f"rec/2 2 {HZ} {len(SIGNAL)}\nlay 0\none {len(SIGNAL)}\n")
    recording = read_recording(tmp_path / "rec")
    assert recording.leads == ("II", "V1") and "Nothing was recorded in II." in recording.notes
    assert np.abs(recording.signal_mv[:, 1] - SIGNAL[:, 0]).max() <= STEP_MV


def test_leads_with_several_samples_a_frame_keep_them(tmp_path):
    path = tmp_path / "rec"
    wfdb.Record(
        record_name="rec",
        n_sig=2,
        fs=90,
        sig_len=len(SIGNAL) // 4,
        samps_per_frame=[4, 1],
        file_name=["rec.dat"] * 2,
        fmt=["16"] * 2,
        adc_gain=[200.0] * 2,
        baseline=[0] * 2,
        units=["mV"] * 2,
        adc_res=[16] * 2,
        adc_zero=[0] * 2,
        block_size=[0] * 2,
        init_value=[0, 0],
        checksum=[0, 0],
        sig_name=["II", "V1"],
        e_d_signal=[
            np.round(SIGNAL[:, 0] * 200).astype(int),
            np.round(SIGNAL[::4, 1] * 200).astype(int),
        ],
    ).wrsamp(expanded=True, write_dir=str(tmp_path))
    recording = read_recording(path)
    assert recording.leads == ("II",) and recording.sampling_hz == HZ
    assert "V1" in recording.notes[0]
    assert np.abs(recording.signal_mv[:, 0] - SIGNAL[:, 0]).max() <= STEP_MV


def test_more_bytes_than_promised_are_left_and_told(tmp_path):
    path = write_wfdb(tmp_path)
    with path.with_suffix(".dat").open("ab") as file:
        file.write(bytes(4000))
    recording = read_recording(path)
    assert len(recording.signal_mv) == len(SIGNAL) and "4,000 bytes more" in recording.notes[0]


def test_a_header_without_length_reads_all(tmp_path):
    path = write_wfdb(tmp_path)
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace(f" {HZ} {len(SIGNAL)}", f" {HZ}"))
    assert len(read_recording(path).signal_mv) == len(SIGNAL)


def cut(path: Path) -> None:
    file = path.with_suffix(".dat")
    file.write_bytes(file.read_bytes()[:-1000])


def damage(path: Path) -> None:
    file = path.with_suffix(".dat")
    file.write_bytes(file.read_bytes()[:-2] + b"\x12\x34")


def empty(path: Path) -> None:
    path.with_suffix(".dat").write_bytes(b"")


def remove(path: Path) -> None:
    path.with_suffix(".dat").unlink()


def rewrite(old: str, new: str):
    def change(path: Path) -> None:
        header = path.with_suffix(".hea")
        text = header.read_text()
        assert old in text
        header.write_text(text.replace(old, new))

    return change


def random_header(path: Path) -> None:
    path.with_suffix(".hea").write_bytes(np.random.default_rng(0).bytes(500))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut, "28,800.*cut short|27,800 bytes where rec.hea promises 28,800"),
        (empty, "0 bytes where"),
        (damage, "does not match the checksum"),
        (remove, "rec.dat is missing"),
        (rewrite(" 7200", " 9000"), "promises 36,000"),
        (rewrite(" 7200", " 0"), "0 samples"),
        (rewrite(" 7200", " 1"), "does not match|at least 1 s"),
        (rewrite(" 360 ", " 0 "), "rate of 0 Hz.*--sampling-hz"),
        (rewrite(" 360 ", " -360 "), "rate of -360 Hz.*--sampling-hz"),
        (rewrite(" 360 ", " 1e9 "), "--sampling-hz"),
        (rewrite(" 360 ", " nan "), "--sampling-hz"),
        (rewrite(" 360 ", " 50 "), "at least 100 Hz"),
        (rewrite("rec 2 360 7200", "rec 2"), "no sampling rate; pass it with --sampling-hz"),
        (rewrite("rec 2 ", "rec 5 "), "promises 5 signals and describes 2"),
        (rewrite("rec 2 ", "rec 0 "), "promises 0 signals"),
        (rewrite("rec.dat 16 ", "rec.dat 999 "), "sample format 999; one of 8, 16,"),
        (rewrite(" 7200", " 7200000000000"), "promises 28,800,000,000,000"),
        (rewrite("200.0(0)/mV", "200.0(0)/mmHg"), "no ECG lead in volts"),
        (rewrite("200.0(0)/mV", "0.2(0)/mV"), "pass --units uV"),
        (rewrite("200.0(0)/mV", "200.0(0)/uV"), "pass --units mV"),
        (random_header, "rec.hea cannot be read|rec.hea promises"),
        (lambda path: path.with_suffix(".hea").write_bytes(b""), "cannot be read"),
    ],
)
def test_a_damaged_record_is_told_in_a_sentence(tmp_path, change, message):
    path = write_wfdb(tmp_path)
    change(path)
    with pytest.raises(InputError, match=message) as error:
        read_recording(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "option"),
    [
        (rewrite(" 360 ", " 0 "), {"sampling_hz": 360.0}),
        (rewrite("200.0(0)/mV", "0.2(0)/mV"), {"units": "uV"}),
        (rewrite("200.0(0)/mV", "200.0(0)/uV"), {"units": "mV"}),
    ],
)
def test_the_way_out_that_a_message_names_is_one(tmp_path, header, option):
    path = write_wfdb(tmp_path)
    header(path)
    recording = read_recording(path, **option)
    assert recording.sampling_hz == HZ
    assert np.abs(recording.signal_mv - SIGNAL).max() <= STEP_MV


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="999.hea is missing"):
        read_recording(tmp_path / "999")
    with pytest.raises(InputError, match="is missing"):
        read_recording(tmp_path / "999.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_recording(tmp_path)
    (tmp_path / "x.docx").write_bytes(b"PK")
    with pytest.raises(InputError, match="expected; rename it"):
        read_recording(tmp_path / "x.docx")


@pytest.mark.parametrize("units", ["mA", "", "kV"])
def test_unknown_units_are_refused(tmp_path, units):
    with pytest.raises(InputError, match="one of mV, uV, V expected"):
        read_recording(write_wfdb(tmp_path), units=units)


@pytest.mark.parametrize("sampling_hz", [0, -1, np.nan, np.inf, 20])
def test_impossible_rates_are_refused(tmp_path, sampling_hz):
    with pytest.raises(InputError, match="--sampling-hz"):
        read_recording(write_wfdb(tmp_path), sampling_hz=sampling_hz)


@pytest.mark.parametrize("hz", [1500, 2000, 2048, 4000])
def test_high_rates_are_brought_to_1000_hz(tmp_path, hz):
    truth = generate_record(np.random.default_rng(1), 10, hz, noise=0).signal_mv
    truth[3 * hz : 4 * hz] = np.nan
    recording = read_recording(write_wfdb(tmp_path, signal=truth, hz=hz, leads=("II",)))
    assert (
        recording.sampling_hz == pytest.approx(1000, abs=0.5) and "Resampled" in recording.notes[0]
    )
    lead = recording.signal_mv[:, 0]
    assert (
        np.isnan(lead).sum() == pytest.approx(1000, abs=3)
        and np.isnan(lead[3000:4000]).mean() > 0.99
    )
    times_s = np.arange(100, 2900) / recording.sampling_hz
    original = np.interp(times_s, np.arange(len(truth)) / hz, truth[:, 0])
    assert np.abs(lead[100:2900] - original).max() < 0.05


# EDF


def test_edf_is_read(tmp_path):
    path = write_edf(
        tmp_path / "a.edf",
        [
            edf_signal(),
            edf_signal(SIGNAL[:, 1] * 1000, unit="uV", label="V1", physical_range=(-20000, 20000)),
        ],
    )
    recording = read_recording(path)
    assert recording.leads == ("ECG", "V1") and recording.sampling_hz == HZ
    assert np.abs(recording.signal_mv - SIGNAL).max() < 0.01


def test_edf_plus_with_annotations_and_a_patient(tmp_path):
    path = write_edf(
        tmp_path / "a.edf",
        [edf_signal()],
        patient=edfio.Patient(sex="F", name="Jane_Doe"),
        annotations=[edfio.EdfAnnotation(1, None, "walk")],
    )
    recording = read_recording(path)
    assert recording.subject == "female" and recording.leads == ("ECG",)
    assert len(recording.signal_mv) == len(SIGNAL)


def test_the_ecg_of_a_sleep_recording_is_found(tmp_path):
    slow = np.zeros(20)
    path = write_edf(
        tmp_path / "a.edf",
        [
            edf_signal(label="EEG C3-A2", unit="uV"),
            edf_signal(label="ECG II"),
            edf_signal(SIGNAL[::2, 1], HZ / 2, label="ECG slow"),
            edf_signal(slow, 1, label="SaO2", unit="%"),
            edf_signal(slow, 1, label="Position", unit=""),
        ],
    )
    recording = read_recording(path)
    assert recording.leads == ("ECG II",) and recording.sampling_hz == HZ
    notes = " ".join(recording.notes)
    assert "EEG" in notes and "SaO2" in notes and "ECG slow" in notes


def test_bdf_is_read(tmp_path):
    path = tmp_path / "a.bdf"
    edfio.Bdf(
        [
            edfio.BdfSignal(
                SIGNAL[:, 0].astype(float),
                HZ,
                label="ECG",
                physical_dimension="mV",
                physical_range=(-100, 100),
            )
        ]
    ).write(path)
    assert np.abs(read_recording(path).signal_mv[:, 0] - SIGNAL[:, 0]).max() < 1e-4


def edit(begin: int, field: bytes):
    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[begin : begin + len(field)] = field
        path.write_bytes(bytes(content))

    return change


def keep(size: int):
    return lambda path: path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (keep(0), "no EDF file"),
        (keep(100), "no EDF file"),
        (keep(300), "cut short"),
        (keep(-1000), "13,912 bytes where its header promises 14,912: the file was cut short"),
        (edit(252, b"9999"), "cut short"),
        (edit(252, b"-1  "), "cut short|no EDF"),
        (edit(252, b"????"), "no EDF file: the number of signals expected"),
        (edit(244, b"0       "), "no duration"),
        (edit(244, b"100     "), "at least 100 Hz"),
        (edit(192, b"EDF+D"), "with gaps"),
        (edit(256 + 16 + 80, b"mmHg    "), "no ECG lead in volts"),
        (edit(256 + 16 + 80, b"uV      "), "pass --units mV"),
        (edit(256 + 16 + 80, b"V       "), "pass --units mV"),
        (edit(256 + 16 + 80 + 8, b"100     "), "no calibration"),
        (edit(256 + 16 + 80 + 8, b"abc     "), "cannot be read as EDF"),
    ],
)
def test_a_damaged_edf_is_told_in_a_sentence(tmp_path, change, message):
    path = write_edf(tmp_path / "a.edf", [edf_signal()])
    change(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=message) as error:
            read_recording(path)
    assert "\n" not in str(error.value)


def test_more_data_records_than_promised_are_left_and_told(tmp_path):
    path = write_edf(tmp_path / "a.edf", [edf_signal()])
    edit(236, b"12      ")(path)
    recording = read_recording(path)
    assert len(recording.signal_mv) == 12 * HZ and "8.0 data records more" in recording.notes[0]


def test_an_edf_of_unknown_length_is_read_to_its_end(tmp_path):
    path = write_edf(tmp_path / "a.edf", [edf_signal()])
    edit(236, b"-1      ")(path)
    assert len(read_recording(path).signal_mv) == len(SIGNAL)


# Tables


@pytest.mark.parametrize(
    ("delimiter", "decimal"),
    [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), (" ", "."), ("  ", ",")],
)
@pytest.mark.parametrize("header", [True, False])
def test_tables_of_any_style(tmp_path, delimiter, decimal, header):
    names = delimiter.join(["II", "V1"]) + "\n" if header else ""
    path = write_text(
        tmp_path / "a.csv", table(delimiter=delimiter, decimal=decimal, header=names)
    )
    recording = read_recording(path, sampling_hz=HZ, units="mV")
    assert np.abs(recording.signal_mv - SIGNAL).max() < 1e-4
    assert recording.leads == (("II", "V1") if header else ("lead 1", "lead 2"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_tables_of_any_encoding(tmp_path, encoding):
    path = write_text(tmp_path / "a.txt", table(header="II,V1\n"), encoding)
    recording = read_recording(path, sampling_hz=HZ, units="mV")
    assert recording.leads == ("II", "V1") and np.abs(recording.signal_mv - SIGNAL).max() < 1e-4


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_one_column_with_a_decimal_comma(tmp_path, ending):
    text = "lead II\n" + table(SIGNAL[:, :1], decimal=",")
    path = write_text(tmp_path / "a.csv", text.replace("\n", ending))
    recording = read_recording(path, sampling_hz=HZ, units="mV")
    assert np.abs(recording.signal_mv - SIGNAL[:, :1]).max() < 1e-4


def test_a_comma_that_can_be_either_is_not_guessed(tmp_path):
    rows = [f"{a},{b}" for a, b in np.random.default_rng(0).integers(1, 99, (400, 2))]
    path = write_text(tmp_path / "a.csv", "\n".join(rows))
    with pytest.raises(InputError, match="decimal comma or stand between two columns"):
        read_recording(path, sampling_hz=HZ, units="mV")


def with_time(header: str, scale=1.0, form="{:.6f}", hz=HZ):
    times = np.arange(len(SIGNAL)) / hz * scale
    rows = [
        f"{form.format(time)},{value:.4f}" for time, value in zip(times, SIGNAL[:, 0], strict=True)
    ]
    return header + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("text", "hz"),
    [
        (with_time("time,II\n"), HZ),
        (with_time("Time (s),II\n", form="{:.3f}"), HZ),
        (with_time("t_ms,II\n", 1000), HZ),
        (with_time("ms,II\n", 1000, "{:.0f}", hz=500), 500),
        (with_time("", hz=250), 250),
        (with_time("", form="{:.3f}"), HZ),
        (with_time("time,II\n", form="{:.4f}"), HZ),
        (with_time("'Elapsed time','II'\n'seconds','mV'\n"), HZ),
    ],
)
def test_the_rate_comes_from_a_column_of_times(tmp_path, text, hz):
    recording = read_recording(write_text(tmp_path / "a.csv", text), units="mV")
    assert recording.sampling_hz == hz and len(recording.leads) == 1
    assert any("from column" in note for note in recording.notes)
    assert np.abs(recording.signal_mv[:, 0] - SIGNAL[:, 0]).max() < 1e-4


def test_times_as_physionet_writes_them(tmp_path):
    rows = [
        f"'{int(i / HZ // 60)}:{i / HZ % 60:06.3f}',{value:.4f}"
        for i, value in enumerate(SIGNAL[:, 0])
    ]
    text = "'Elapsed time','MLII'\n'hh:mm:ss.mmm','mV'\n" + "\n".join(rows)
    recording = read_recording(write_text(tmp_path / "a.csv", text))
    assert recording.sampling_hz == HZ and recording.leads == ("MLII",)
    assert np.abs(recording.signal_mv[:, 0] - SIGNAL[:, 0]).max() < 1e-4


def test_a_column_that_counts_samples_is_no_lead(tmp_path):
    rows = "".join(f"{i},{value:.4f}\n" for i, value in enumerate(SIGNAL[:, 0]))
    path = write_text(tmp_path / "a.csv", rows)
    assert read_recording(path, units="mV", sampling_hz=HZ).signal_mv.shape == (len(SIGNAL), 1)
    with pytest.raises(InputError, match="--sampling-hz"):
        read_recording(path, units="mV")


def test_units_in_the_header_are_taken(tmp_path):
    path = write_text(tmp_path / "a.csv", table(SIGNAL * 1000, header="II (uV),V1_uV\n"))
    recording = read_recording(path, sampling_hz=HZ)
    assert recording.leads == ("II", "V1") and "uV" in recording.notes[0]
    assert np.abs(recording.signal_mv - SIGNAL).max() < 1e-4


def test_empty_cells_are_not_recorded(tmp_path):
    rows = table().splitlines()
    rows[100], rows[101], rows[102] = ",0.1", "0.1,NaN", ","
    path = write_text(tmp_path / "a.csv", "\n".join(rows))
    recording = read_recording(path, sampling_hz=HZ, units="mV")
    assert np.isnan(recording.signal_mv).sum() == 4 and "4 empty cells" in recording.notes[-1]
    assert np.isnan(recording.signal_mv[[100, 101], [0, 1]]).all()


def test_empty_lines_of_a_single_column_are_not_recorded(tmp_path):
    rows = table(SIGNAL[:, :1]).splitlines()
    rows[50] = ""
    path = write_text(tmp_path / "a.csv", "\n".join(rows))
    signal = read_recording(path, sampling_hz=HZ, units="mV").signal_mv[:, 0]
    assert len(signal) == len(SIGNAL) and np.flatnonzero(np.isnan(signal)).tolist() == [50]


@pytest.mark.parametrize("row", [0, 1, 150, 5000])
def test_text_in_a_cell_is_told_with_its_place(tmp_path, row):
    rows = table().splitlines()
    rows[row] = "0.1,broken"
    path = write_text(tmp_path / "a.csv", "\n".join(rows))
    with pytest.raises(InputError, match=f"row {row + 1}, column 2: a number expected.*broken"):
        read_recording(path, sampling_hz=HZ, units="mV")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("II,V1\n", "no line of numbers"),
        ('"time_s,II\n' + "0.1,0.2\n" * 500, "a.csv"),
        ("0.1,0.2\n", "1 samples.*at least 1 s"),
        (table(SIGNAL[:1000]) + "1,2,3\n" + table(), "row 1001: 2 cells expected"),
        (table() + "1,2,3,4,5\n", "a.csv.*in line 7201"),
        (table(np.zeros((400, 187)) + 0.5), "187 columns"),
        (table(SIGNAL * 1000), "pass --units uV"),
        (table(SIGNAL * 1e6), "convert the values"),
    ],
)
def test_a_bad_table_is_told_in_a_sentence(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_recording(write_text(tmp_path / "a.csv", text), sampling_hz=HZ, units="mV")
    assert "\n" not in str(error.value)


def test_binary_rubbish_is_no_table(tmp_path):
    for seed in range(20):
        path = tmp_path / "a.csv"
        path.write_bytes(np.random.default_rng(seed).bytes(3000))
        with pytest.raises(InputError, match="no text file"):
            read_recording(path, sampling_hz=HZ, units="mV")


@pytest.mark.parametrize("content", [b"\0", b"\xe1", b"\xff\xfe"])
def test_a_file_of_half_a_character_is_no_table(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a.csv"):
        read_recording(path, sampling_hz=HZ, units="mV")


def test_rate_and_units_must_be_known(tmp_path):
    path = write_text(tmp_path / "a.csv", table())
    with pytest.raises(InputError, match="--sampling-hz"):
        read_recording(path, units="mV")
    with pytest.raises(InputError, match="--units"):
        read_recording(path, sampling_hz=HZ)


def test_a_jump_in_time_is_told_with_its_row(tmp_path):
    rows = with_time("time,II\n").splitlines()
    del rows[3000:3100]
    path = write_text(tmp_path / "a.csv", "\n".join(rows))
    with pytest.raises(InputError, match="row 300[01]: time goes from"):
        read_recording(path, units="mV")


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_a_flat_recording_is_read(tmp_path, value):
    path = write_text(tmp_path / "a.csv", table(np.full((2000, 1), value)))
    assert read_recording(path, sampling_hz=HZ, units="mV").signal_mv.shape == (2000, 1)


def test_parts_of_a_table_make_no_difference(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.csv", with_time("time,II\n"))
    whole = read_recording(path, units="mV")
    monkeypatch.setattr("ecg.files.csv_recording.PART_ROWS", 501)
    parts = read_recording(path, units="mV")
    assert np.array_equal(parts.signal_mv, whole.signal_mv)
    assert parts.sampling_hz == whole.sampling_hz


# Real recordings


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("database", "leads"), [("mitdb", 2), ("ptbdb", 12), ("ludb", 12), ("ptbxl", 12)]
)
def test_real_records_are_read(database, leads):
    headers = sorted((data_folder() / database).rglob("*.hea"))[:20]
    if not headers:
        pytest.skip(f"no {database} under $ECG_DATA")
    for header in headers:
        recording = read_recording(header.with_suffix(""))
        assert (
            recording.signal_mv.shape[1] == leads
            and np.isfinite(recording.signal_mv).mean() > 0.99
        )
        if header.with_suffix(".xyz").name in header.read_text():
            assert "vx, vy, vz" in recording.notes[0]


MEASURE = """
import resource, sys
from pathlib import Path
from ecg.reading import read_recording
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
recording = read_recording(Path(sys.argv[1]))
print(len(recording.signal_mv), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["212", "edf"])
def test_a_day_of_one_lead_takes_little_memory(tmp_path, form):
    """Half of what the issue allows; the recording itself takes 119 MiB."""
    day = np.tile(SIGNAL[:, :1], (24 * 180, 1))
    if form == "edf":
        path = write_edf(tmp_path / "day.edf", [edf_signal(day[:, 0])])
    else:
        adc = np.round(day / STEP_MV).astype(np.int16)
        path = tmp_path / "day"
        wfdb.wrsamp(
            "day",
            HZ,
            ["mV"],
            ["II"],
            d_signal=adc,
            fmt=["212"],
            adc_gain=[1 / STEP_MV],
            baseline=[0],
            write_dir=str(tmp_path),
        )
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    samples, mebibytes = done.stdout.split()
    assert int(samples) == len(day) and float(mebibytes) < 250
