import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
import time
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

from heartbeats import download, fetching, sources
from tests.file_server import Fault, FileServer
from utils.paths import PROJECT_FOLDER

ROOT = "mitdb/1.0.0"
SUMS = f"{ROOT}/SHA256SUMS.txt"
DAT = f"{ROOT}/100.dat"
SIZE = 200_000
PIECE = fetching.CHUNK_BYTES


def database(root: str, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Files of a PhysioNet database, with their list of checksums."""
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in contents.items()
    )
    return {f"{root}/{name}": content for name, content in contents.items()} | {
        f"{root}/SHA256SUMS.txt": sums.encode()
    }


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch):
    monkeypatch.setattr(fetching, "WAITS_S", (0.0, 0.0, 0.0, 0.0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    rng = np.random.default_rng(0)
    names = ["100.hea", "100.atr", "101.dat", "101.hea", "101.atr", "x_108.dat", "102-0.atr"]
    contents = {name: rng.bytes(300) for name in names} | {"100.dat": rng.bytes(SIZE)}
    with FileServer(database(ROOT, contents)) as running:
        yield running


def fetch(server: FileServer, folder: Path, *words: str, data: str = "mitdb") -> int:
    return download.main([data, "--to", str(folder), "--from", server.url, *words])


def refused(server: FileServer, folder: Path, capsys, *words: str, data: str = "mitdb") -> str:
    """The sentence that the command ends with."""
    assert fetch(server, folder, *words, data=data) == 2
    message = capsys.readouterr().err
    assert message.count("error: ") == 1
    return message.rpartition("error: ")[2]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


WHOLE = {"SHA256SUMS.txt"} | {f"{r}.{kind}" for r in (100, 101) for kind in ("hea", "dat", "atr")}


def test_what_the_project_reads_is_fetched_and_checked(server, tmp_path, capsys):
    assert fetch(server, tmp_path) == 0
    folder = tmp_path / "mitdb"
    assert names_in(folder) == WHOLE
    for name in WHOLE:
        assert (folder / name).read_bytes() == server.files[f"{ROOT}/{name}"]
    said = capsys.readouterr()
    assert "6 files agree with the published checksums (6 fetched now, 0 were there)" in said.out
    assert "https://physionet.org/content/mitdb/1.0.0/" in said.out
    assert "6/6 files" in said.err


def test_what_is_complete_is_not_fetched_again(server, tmp_path, capsys):
    fetch(server, tmp_path)
    server.requests.clear()
    assert fetch(server, tmp_path) == 0
    assert server.requests == []
    assert "(0 fetched now, 6 were there)" in capsys.readouterr().out


def test_a_damaged_file_is_fetched_again(server, tmp_path):
    fetch(server, tmp_path)
    dat = tmp_path / "mitdb" / "100.dat"
    content = dat.read_bytes()
    dat.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    server.requests.clear()
    assert fetch(server, tmp_path) == 0
    assert server.requests == [(DAT, None)]
    assert dat.read_bytes() == content


def test_a_cut_transfer_goes_on_where_it_stopped(server, tmp_path):
    server.faults[DAT] = [Fault(cut_after=8 * PIECE), Fault(cut_after=3 * PIECE + 5)]
    assert fetch(server, tmp_path) == 0
    assert server.ranges_of(DAT) == [None, f"bytes={8 * PIECE}-", f"bytes={11 * PIECE}-"]
    assert (tmp_path / "mitdb" / "100.dat").read_bytes() == server.files[DAT]


def test_a_later_run_goes_on_with_what_an_earlier_one_left(server, tmp_path, capsys):
    server.faults[DAT] = [Fault(cut_after=6 * PIECE)]
    server.always[DAT] = Fault(status=503)
    assert "503" in refused(server, tmp_path, capsys)
    folder = tmp_path / "mitdb"
    assert (folder / "100.dat.part").stat().st_size == 6 * PIECE
    assert not (folder / "100.dat").exists()
    server.always.clear()
    server.requests.clear()
    assert fetch(server, tmp_path) == 0
    assert server.ranges_of(DAT) == [f"bytes={6 * PIECE}-"]
    assert names_in(folder) == WHOLE


@pytest.mark.parametrize("fault", [Fault(ignore_range=True), Fault(wrong_range=True)])
def test_a_server_without_ranges_serves_too(server, tmp_path, fault):
    server.faults[DAT] = [Fault(cut_after=70_000), fault]
    assert fetch(server, tmp_path) == 0
    assert (tmp_path / "mitdb" / "100.dat").read_bytes() == server.files[DAT]


def test_a_server_that_always_cuts_at_one_place_is_given_up(server, tmp_path, capsys):
    server.always[DAT] = Fault(cut_after=70_000, ignore_range=True)
    assert "could not be fetched" in refused(server, tmp_path, capsys)
    assert len(server.ranges_of(DAT)) == 5


@pytest.mark.parametrize("left", ["whole", "too long", "of another version"])
def test_an_odd_part_file_is_sorted_out(server, tmp_path, left):
    content = server.files[DAT]
    part = tmp_path / "mitdb" / "100.dat.part"
    part.parent.mkdir()
    part.write_bytes(
        {"whole": content, "too long": content + b"!", "of another version": b"?" * 90_000}[left]
    )
    assert fetch(server, tmp_path) == 0
    assert part.with_suffix("").read_bytes() == content
    assert names_in(part.parent) == WHOLE
    if left == "whole":
        assert server.ranges_of(DAT) == [f"bytes={SIZE}-"]


def test_passing_faults_are_tried_again_and_lasting_ones_told(server, tmp_path, capsys):
    server.faults[DAT] = [Fault(status=500), Fault(status=503)]
    assert fetch(server, tmp_path, "--records", "100") == 0
    server.always[f"{ROOT}/101.dat"] = Fault(status=500)
    message = refused(server, tmp_path, capsys)
    assert "the server answers 500" in message and "5 tries in a row" in message
    assert "101.dat" in message and "repeat the command" in message
    assert len(server.ranges_of(f"{ROOT}/101.dat")) == 5


def test_a_file_that_is_not_there_is_told_at_once(server, tmp_path, capsys):
    del server.files[DAT]
    message = refused(server, tmp_path, capsys)
    assert f"{server.url}/{DAT} cannot be fetched: the server answers 404" in message
    assert len(server.ranges_of(DAT)) == 1


def test_a_wrong_byte_is_noticed_and_the_file_removed(server, tmp_path, capsys):
    server.faults[DAT] = [Fault(flip=SIZE // 2)]
    message = refused(server, tmp_path, capsys)
    assert f"{server.url}/{DAT} is not what was published" in message and "removed" in message
    assert not {"100.dat", "100.dat.part"} & names_in(tmp_path / "mitdb")
    assert fetch(server, tmp_path) == 0


def test_no_connection_is_told(tmp_path, capsys):
    with FileServer() as gone:
        pass
    message = refused(gone, tmp_path, capsys)
    assert "there is no connection to the server" in message


def test_a_login_page_is_not_taken_for_checksums(server, tmp_path, capsys):
    good = server.files[SUMS]
    server.files[SUMS] = b"<html>Welcome to the hotel</html>"
    assert "lists none of the files" in refused(server, tmp_path, capsys)
    server.files[SUMS] = good
    assert fetch(server, tmp_path) == 0


def test_records_can_be_chosen(server, tmp_path, capsys):
    assert fetch(server, tmp_path, "--records", "101") == 0
    assert names_in(tmp_path / "mitdb") == {"SHA256SUMS.txt", "101.hea", "101.dat", "101.atr"}
    message = refused(server, tmp_path, capsys, "--records", "101", "333")
    assert "mitdb has no record '333'; it has 100, 101 ..." in message


def test_records_in_folders_are_chosen_by_folder_or_name(server, tmp_path):
    names = [f"patient001/s001{n}_re.{kind}" for n in (0, 4) for kind in ("hea", "dat", "xyz")]
    names += ["patient002/s0015lre.hea", "RECORDS", "../outside.hea", "/patient003/s1.hea"]
    server.files |= database("ptbdb/1.0.0", {name: name.encode() for name in names})
    folder = tmp_path / "ptbdb"
    assert fetch(server, tmp_path, "--records", "s0014_re", data="ptbdb") == 0
    assert {path.name for path in folder.rglob("s*")} == {
        f"s0014_re.{kind}" for kind in ("hea", "dat", "xyz")
    }
    assert fetch(server, tmp_path, "--records", "patient001", data="ptbdb") == 0
    assert len(list(folder.rglob("s*"))) == 6
    assert fetch(server, tmp_path, data="ptbdb") == 0
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == set(names[:8]) | {"SHA256SUMS.txt"}
    assert names_in(tmp_path) == {"ptbdb"}


@pytest.mark.parametrize(
    "words", [["ptb"], ["ecg5000", "--records", "1"], ["mitdb", "--from", "ftp://x"]]
)
def test_words_that_mean_nothing_are_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        download.main(words)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


def ecg5000_zip(train: int = 500, test: int = 4500, columns: int = 141, **more: str) -> bytes:
    row = "  ".join(["1.0000000e+00"] * columns) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ECG5000_TRAIN.txt", row * train)
        archive.writestr("folder/ECG5000_TEST.txt", row * test)
        archive.writestr("../../outside.txt", "no")
        archive.writestr("../ECG5000_TRAIN.ts", "@data")
        for name, content in more.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_ecg5000_is_unpacked_inside_its_folder_only(server, tmp_path, capsys):
    server.files["ECG5000.zip"] = ecg5000_zip(README="not wanted")
    server.faults["ECG5000.zip"] = [Fault(cut_after=PIECE + 1)]
    folder = tmp_path / "downloads" / "ecg5000"
    assert fetch(server, folder.parent, data="ecg5000") == 0
    assert names_in(folder) == {"ECG5000_TRAIN.txt", "ECG5000_TEST.txt", "ECG5000_TRAIN.ts"}
    assert names_in(tmp_path) == {"downloads"} and names_in(folder.parent) == {"ecg5000"}
    assert server.ranges_of("ECG5000.zip") == [None, f"bytes={PIECE}-"]
    assert fetch(server, folder.parent, data="ecg5000") == 0
    assert len(server.requests) == 2 and "was there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        (ecg5000_zip(test=4499), "expected 4,500 rows of 141 numbers, found (4499, 141)"),
        (ecg5000_zip(columns=140), "found (500, 140)"),
        (b"<html>Moved</html>", "File is not a zip file"),
    ],
)
def test_another_ecg5000_is_refused(server, tmp_path, capsys, archive, expected):
    server.files["ECG5000.zip"] = archive
    message = refused(server, tmp_path, capsys, data="ecg5000")
    assert expected in message and "removed" in message
    assert not {"ECG5000.zip", "ECG5000_TEST.txt"} & names_in(tmp_path / "ecg5000")


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    """A stand-in for kagglehub, whose download is a folder with small files."""
    rows = {name: 3 + place for place, name in enumerate(sources.KAGGLE_ROWS)}
    monkeypatch.setattr(sources, "KAGGLE_ROWS", rows)
    source = tmp_path / "hub" / "versions" / "1"
    source.mkdir(parents=True)
    for name, count in rows.items():
        (source / name).write_text("0,1\n" * count)
    module = types.ModuleType("kagglehub")
    module.asked = []
    module.dataset_download = lambda name: module.asked.append(name) or str(source.parent)
    module.source = source
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_kaggles_files_are_copied_once(kaggle, tmp_path):
    for _ in range(2):
        assert download.main(["kaggle", "--to", str(tmp_path)]) == 0
    assert kaggle.asked == ["shayanfazeli/heartbeat"]
    for name in sources.KAGGLE_ROWS:
        assert (tmp_path / "kaggle" / name).read_bytes() == (kaggle.source / name).read_bytes()
    (tmp_path / "kaggle" / "mitbih_test.csv").write_text("0,1\n")  # as after a cut copy by hand
    assert download.main(["kaggle", "--to", str(tmp_path)]) == 0
    assert len(kaggle.asked) == 2


def test_a_short_file_from_kaggle_is_refused(kaggle, tmp_path, capsys):
    (kaggle.source / "mitbih_test.csv").write_text("0,1\n")
    assert download.main(["kaggle", "--to", str(tmp_path)]) == 2
    assert "mitbih_test.csv has 1 rows, and Kaggle's has 4" in capsys.readouterr().err
    assert not (tmp_path / "kaggle" / "mitbih_test.csv").exists()


def test_without_kagglehub_the_way_out_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # what makes `import` fail
    assert download.main(["kaggle", "--to", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "pip install kagglehub" in message and "kaggle.com/datasets/shayanfazeli" in message


def test_a_failure_inside_kagglehub_is_one_sentence(kaggle, tmp_path, capsys):
    def fail(_name: str) -> str:
        raise RuntimeError("401 Unauthorized\nlong story")

    kaggle.dataset_download = fail
    assert download.main(["kaggle", "--to", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "(401 Unauthorized)" in message and "long story" not in message


def command(server: FileServer, folder: Path, **how) -> subprocess.Popen:
    """The command as a user types it."""
    return subprocess.Popen(
        [sys.executable, "-m", "heartbeats.download", "mitdb", "--from", server.url],
        cwd=PROJECT_FOLDER,
        env={**os.environ, "ECG_DATA": str(folder)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **how,
    )


@pytest.mark.slow
def test_ctrl_c_keeps_what_has_come_and_the_command_goes_on_with_it(server, tmp_path):
    server.faults[DAT] = [Fault(pause_s=0.05)]
    part = tmp_path / "mitdb" / "100.dat.part"
    process = command(server, tmp_path)
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _output, complaint = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped by Ctrl-C" in complaint and "is kept" in complaint
    assert "Traceback" not in complaint
    kept = part.stat().st_size
    assert 0 < kept < SIZE
    again = command(server, tmp_path)
    output, _complaint = again.communicate(timeout=60)
    assert again.returncode == 0 and "6 files agree" in output
    assert server.ranges_of(DAT) == [None, f"bytes={kept}-"]
    assert names_in(tmp_path / "mitdb") == WHOLE


def test_a_full_disk_is_one_sentence_and_loses_nothing(server, tmp_path):
    def allow_small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = command(server, tmp_path, preexec_fn=allow_small_files_only)
    _output, complaint = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "100.dat.part could not be written (File too large)" in complaint
    assert "What was received is kept" in complaint and "Traceback" not in complaint
    assert (tmp_path / "mitdb" / "100.dat.part").stat().st_size == 100_000
    assert fetch(server, tmp_path) == 0
