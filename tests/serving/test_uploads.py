"""What was uploaded is recognised by its content, and put together without leaving its folder."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import edfio
import numpy as np
import pytest

from ecg.files.writing import write_wfdb
from ecg.reading import read_recording
from ecg.recording import Recording
from heartbeats.csv_beats import beats_file
from serving.settings import Limits, TooLarge, UnsupportedUpload
from serving.uploads import Upload, recognise
from utils.errors import InputError

HZ = 250.0
SIGNAL_MV = np.random.default_rng(0).normal(0, 0.3, (1000, 2)).astype(np.float32)
BEATS = "".join(",".join(["0.5"] * 187) + f",{label}\n" for label in (0, 1, 4))


def wfdb_files(folder: Path, name: str = "100") -> dict[str, bytes]:
    """Name -> content of the files of a record."""
    folder.mkdir(exist_ok=True)
    paths = write_wfdb(Recording(name, SIGNAL_MV, HZ, ("MLII", "V5")), folder)
    return {path.name: path.read_bytes() for path in paths}


def edf_bytes(folder: Path) -> bytes:
    signal = edfio.EdfSignal(
        SIGNAL_MV[:, 0].astype(float),
        HZ,
        label="ECG",
        physical_dimension="mV",
        physical_range=(-5, 5),
    )
    edfio.Edf([signal]).write(folder / "made.edf")
    return (folder / "made.edf").read_bytes()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, inside in files.items():
            archive.writestr(name, inside)
    return content.getvalue()


def bytes_of(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@pytest.fixture
def sent(tmp_path):
    """Recognises files of these names and contents, spooled under names that say nothing."""

    def sent(files: dict[str, str | bytes], limits=None, **how) -> Upload:
        spool, folder = tmp_path / "spool", tmp_path / "request"
        spool.mkdir()
        folder.mkdir()
        spooled = []
        for number, (name, content) in enumerate(files.items()):
            (spool / f"{number}").write_bytes(bytes_of(content))
            spooled.append((name, spool / f"{number}"))
        try:
            return recognise(spooled, folder, limits or Limits(), **how)
        finally:
            for path in folder.rglob("*"):
                assert path.resolve().is_relative_to(tmp_path.resolve())

    return sent


@pytest.fixture
def record(tmp_path):
    """The files of a WFDB record called 100."""
    return wfdb_files(tmp_path / "made")


def assert_is_the_record(upload: Upload) -> None:
    assert (upload.kind, upload.name) == ("recording", "100")
    recording = read_recording(upload.path)
    assert recording.leads == ("MLII", "V5") and recording.sampling_hz == HZ
    assert np.abs(recording.signal_mv - SIGNAL_MV).max() < 0.01


# What is taken


@pytest.mark.parametrize("name", ["beats.csv", "beats.txt", "beats", "../x/beats.dat"])
def test_beats(sent, name):
    upload = sent({name: BEATS})
    assert (upload.kind, upload.name, upload.notes) == ("beats", name.split("/")[-1], ())
    assert beats_file.read(upload.path, 187, 5).labels.tolist() == [0, 1, 4]


def test_beats_in_a_zip(sent):
    files = {"d/beats.csv": BEATS, "d/README.txt": "1,2\n", "__MACOSX/d/._beats.csv": b"\0\5"}
    upload = sent({"beats.zip": zipped({k: bytes_of(v) for k, v in files.items()})})
    assert (upload.kind, upload.name) == ("beats", "beats.csv")
    assert upload.notes == ("Not read: README.txt.",)
    assert beats_file.read(upload.path, 187, 5).labels.tolist() == [0, 1, 4]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_beats_in_other_encodings(sent, encoding):
    assert sent({"beats.csv": BEATS.encode(encoding)}).kind == "beats"


@pytest.mark.parametrize("as_recording", [True, False])
def test_beats_are_no_recording_whatever_the_sender_says(sent, as_recording):
    assert sent({"beats.csv": BEATS}, as_recording=as_recording).kind == "beats"


def test_a_record(sent, record):
    assert_is_the_record(sent(record))


def test_a_record_in_a_zip(sent, record):
    files = {f"mitdb/{name}": content for name, content in record.items()}
    upload = sent({"100.zip": zipped({**files, "mitdb/100.atr": b"\1\2", "LICENSE": b"mine"})})
    assert_is_the_record(upload)
    assert upload.notes == ("Not read: 100.atr, LICENSE.",)


def test_names_of_a_record_may_differ_in_case(sent, record):
    assert_is_the_record(sent({"100.HEA": record["100.hea"], "100.DAT": record["100.dat"]}))


def test_a_record_without_some_of_its_files(sent, record):
    header = record["100.hea"].decode().replace("100.dat", "other.dat", 1)
    second = np.frombuffer(record["100.dat"], "<i2").reshape(-1, 2)[:, 1].tobytes()
    recording = read_recording(sent({"100.hea": header, "100.dat": second}).path)
    assert recording.leads == ("V5",) and "other.dat is missing: MLII" in recording.notes[0]


def test_a_record_of_segments(sent, tmp_path):
    files = wfdb_files(tmp_path / "made", "one") | wfdb_files(tmp_path / "made", "two")
    files["rec.hea"] = f"rec/3 2 {HZ:g} 2100\none 1000\n~ 100\ntwo 1000\n".encode()
    upload = sent(files)
    assert upload.name == "rec" and upload.notes == ()
    assert len(read_recording(upload.path).signal_mv) == 2100


@pytest.mark.parametrize("name", ["sleep.edf", "SLEEP.EDF", "sleep.rec", "sleep", "sleep.csv"])
def test_edf(sent, tmp_path, name):
    upload = sent({name: edf_bytes(tmp_path)})
    assert (upload.kind, upload.name) == ("recording", name)
    assert read_recording(upload.path).sampling_hz == HZ


def test_bdf_is_known_by_its_beginning(sent):
    upload = sent({"x.bin": b"\xffBIOSEMI" + b" " * 300})
    assert upload.kind == "recording" and upload.path.suffix == ".bdf"


def table(header: str, time: bool = True) -> str:
    rows = [
        [f"{k / HZ:.3f}"] * time + [f"{v:.3f}" for v in row] for k, row in enumerate(SIGNAL_MV)
    ]
    return header + "\n".join(",".join(row) for row in rows) + "\n"


def test_a_table_with_times_is_a_recording(sent):
    upload = sent({"strip.csv": table("time (s),II (mV),V5 (mV)\n")})
    assert (upload.kind, upload.name) == ("recording", "strip.csv")
    recording = read_recording(upload.path)
    assert recording.sampling_hz == HZ and recording.leads == ("II", "V5")


def test_a_table_without_times_is_a_recording_where_the_sender_says_so(sent):
    upload = sent({"strip": table("", time=False)}, as_recording=True)
    assert upload.kind == "recording"
    recording = read_recording(upload.path, sampling_hz=HZ, units="mV")
    assert recording.signal_mv.shape == SIGNAL_MV.shape


def test_a_table_without_times_is_taken_for_beats(sent):
    upload = sent({"strip.csv": table("", time=False)})
    assert upload.kind == "beats"
    with pytest.raises(InputError, match="a recording, a row for each sample, goes with its"):
        beats_file.read(upload.path, 187, 5)


# What is refused


@pytest.mark.parametrize(
    "content, kind",
    [
        (pickle.dumps([1.0]), "a Python pickle"),
        (b"\x93NUMPY\1\0", "a NumPy array"),
        (b"PAR1", "a Parquet file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"<html>", "an HTML page"),
        (json.dumps({"beats": []}), "a JSON file"),
        (zipped({"[Content_Types].xml": b"<Types/>"}), "an Excel or Word file"),
        (zipped({"arr_0.npy": b"\x93NUMPY"}), "a NumPy archive"),
        (bytes(range(256)), "a binary file"),
        (bytes(5000), "a binary file"),
        (b"\0", "a binary file"),
        (b"\xe1", "a binary file"),
    ],
)
def test_other_kinds_are_named(sent, content, kind):
    with pytest.raises(UnsupportedUpload, match=f"^beats.csv looks like {kind}.*CSV file of"):
        sent({"beats.csv": content})


@pytest.mark.parametrize("content", ["", "\n", " \r\n ", b"\xff\xfe", b"\xef\xbb\xbf\n"])
def test_empty_files_are_told(sent, content):
    with pytest.raises(InputError, match="beats.csv is empty"):
        sent({"beats.csv": content})


def test_no_file_is_told(sent):
    with pytest.raises(InputError, match="no file was sent"):
        sent({})


def test_two_tables_are_told(sent):
    with pytest.raises(InputError, match="2 files to read, a.csv, b.csv; send one of them"):
        sent({"a.csv": BEATS, "b.csv": BEATS})


def test_files_of_one_name_are_told(sent):
    with pytest.raises(InputError, match="two files called a.csv"):
        sent({"x/a.csv": BEATS, "y/A.csv": BEATS})


def test_a_zip_comes_alone(sent):
    with pytest.raises(InputError, match="a.zip came with other files"):
        sent({"a.zip": zipped({"a.csv": b"1"}), "b.csv": BEATS})


def test_a_zip_in_a_zip_is_refused(sent):
    with pytest.raises(UnsupportedUpload, match="holds a zip archive, 'in.zip'"):
        sent({"a.zip": zipped({"in.zip": zipped({"a.csv": b"1"})})})


def test_a_zip_of_what_cannot_be_read_is_told(sent):
    with pytest.raises(UnsupportedUpload, match="none of a.bin, b.png can be read"):
        sent({"a.zip": zipped({"a.bin": bytes(99), "b.png": b"\x89PNG\r\n\x1a\n"})})


def test_limits_hold(sent, tmp_path):
    for limits, files in [
        (Limits(max_upload_bytes=100), {"a.csv": BEATS}),
        (Limits(max_files=1), {"a.csv": BEATS, "b.csv": BEATS}),
        (Limits(max_unpacked_bytes=100), {"a.zip": zipped({"a.csv": BEATS.encode()})}),
        (Limits(max_samples=100), {"a.edf": edf_bytes(tmp_path)}),
        (Limits(max_samples=100), {"a.csv": table("time (s),II (mV),V5 (mV)\n")}),
    ]:
        with pytest.raises(TooLarge):
            sent(files, limits=limits)
        for folder in ("spool", "request"):
            for path in sorted((tmp_path / folder).rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            (tmp_path / folder).rmdir()


@pytest.mark.parametrize("seed", range(60))
def test_garbage_is_an_input_error_or_is_recognised(sent, record, seed):
    """Whatever comes, neither this nor reading what it makes of it raises another error."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(["a.csv", "a.hea", "a.dat", "a.edf", "a.zip", "..", "a\0b", ""]))
    starts = (b"", b"0       ", b"\xffBIOSEMI", b"PK\x03\x04", b"100 2 360 1000\n", b"time,II\n")
    content = starts[seed % len(starts)] + rng.bytes(int(rng.integers(0, 2000)))
    if seed % 2:
        content = bytes(byte % 96 + 32 if byte > 30 else 10 for byte in content)
    files = {name: content}
    if seed % 5 == 0:
        changed = bytearray(record["100.hea"])
        for place in rng.integers(0, len(changed), 3):
            changed[place] = rng.integers(32, 127)
        files = {"100.hea": bytes(changed), "100.dat": record["100.dat"]}
    try:
        upload = sent(files, as_recording=bool(rng.integers(2)))
        if upload.kind == "beats":
            beats_file.read(upload.path, 187, 5)
        else:
            read_recording(upload.path, sampling_hz=HZ, units="mV")
    except InputError as error:
        assert str(error)


def test_a_relative_path_is_found(tmp_path, monkeypatch, record):
    monkeypatch.chdir(tmp_path)
    os.mkdir("request")
    upload = recognise([(name, Path("made") / name) for name in record], Path("request"), Limits())
    assert_is_the_record(upload)
