"""The command: files in, tables, pictures and plain sentences out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import wfdb

import analyse_record
from ecg import rhythm
from ecg.reading import find_recordings
from ecg.synthetic.record import generate_record
from recordings import classify, database
from utils.paths import data_folder


def write_record(folder: Path, name: str, seconds=30, seed=0, **shares) -> Path:
    truth = generate_record(np.random.default_rng(seed), seconds, 360, shares=shares, noise=0.3)
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=360,
        units=["mV"],
        sig_name=["II"],
        p_signal=truth.signal_mv.astype(float),
        fmt=["16"],
        write_dir=str(folder),
    )
    return folder / name


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs" / "recordings"


@pytest.mark.slow
def test_a_record_gives_tables_pictures_page_and_annotations(tmp_path, runs, capsys):
    path = write_record(tmp_path, "one", V=0.1)
    assert analyse_record.main([str(path), "--html", "--annotate"]) == 0
    folder = runs / "one"
    beats = pd.read_csv(folder / "beats.csv")
    rows = json.loads((folder / "beats.json").read_text())
    assert len(rows) == len(beats) > 20
    assert rows[3]["class"] == beats["class"][3] and rows[0]["rr_s"] is None
    for name in ("strip.png", "zoom.png", "rhythm.png", "beats.png", "report.html", "one.bsw"):
        assert (folder / name).stat().st_size > 0
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["beats"] == len(beats)
    assert "report.html" in capsys.readouterr().out


@pytest.mark.slow
def test_a_csv_file_needs_its_rate_and_units(tmp_path, runs, capsys):
    truth = generate_record(np.random.default_rng(0), 20, 250, noise=0.3)
    file = tmp_path / "strip.csv"
    pd.DataFrame({"II": truth.signal_mv[:, 0]}).to_csv(file, index=False)
    for options, missing in (([], "--units"), (["--units", "mV"], "--sampling-hz")):
        assert analyse_record.main([str(file), *options]) == 2
        assert missing in capsys.readouterr().err
    asked = ["--sampling-hz", "250", "--units", "mV", "--no-pictures"]
    assert analyse_record.main([str(file), *asked]) == 0
    assert (runs / "strip" / "beats.csv").is_file()
    assert not list((runs / "strip").glob("*.png"))


@pytest.mark.parametrize("name", ["nowhere/none", "empty.csv", "folder"])
def test_what_is_no_recording_gets_a_sentence(tmp_path, capsys, name):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder").mkdir()
    assert analyse_record.main([str(tmp_path / name)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and "Traceback" not in told


def test_a_threshold_out_of_range_is_told(tmp_path, capsys):
    path = write_record(tmp_path, "one")
    assert analyse_record.main([str(path), "--irregular-from", "2"]) == 2
    assert "threshold between 0 and 1 expected, got 2" in capsys.readouterr().err


def test_the_help_states_the_defaults_of_the_rhythm():
    assert analyse_record.WINDOW_BEATS == rhythm.DEFAULTS.window_beats
    assert analyse_record.IRREGULAR_FROM == rhythm.DEFAULTS.threshold


def test_neither_record_nor_database_is_asked_for(capsys):
    with pytest.raises(SystemExit):
        analyse_record.main([])
    with pytest.raises(SystemExit):
        analyse_record.main(["--database", "x", "--units", "mV"])


@pytest.mark.slow
def test_a_database_is_ranked_resumed_and_not_ended_by_a_broken_record(tmp_path, runs, capsys):
    folder = tmp_path / "db"
    write_record(folder, "calm", 60)
    write_record(folder / "deeper", "ill", 60, seed=1, V=0.3)
    broken = write_record(folder, "broken")
    data = broken.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[:1000])
    asked = ["--database", str(folder), "--jobs", "2", "--no-pictures", "--html"]
    assert analyse_record.main(asked) == 0
    table = pd.read_csv(runs / "db" / "patients.csv", keep_default_na=False)
    assert table["record"].tolist() == ["deeper/ill", "calm", "broken"]
    assert "ectopic" in table["reasons"][0] and "promises" in table["error"][2]
    page = (runs / "db" / "patients.html").read_text()
    assert "deeper/ill/report.html" in page
    capsys.readouterr()

    before = (runs / "db" / "calm" / "summary.json").stat().st_mtime_ns
    write_record(folder, "broken")
    assert analyse_record.main(asked) == 0
    assert "2 of 3 recordings had been analysed before" in capsys.readouterr().out
    assert (runs / "db" / "calm" / "summary.json").stat().st_mtime_ns == before
    assert not (runs / "db" / "broken" / "error.json").exists()


@pytest.mark.slow
def test_a_process_that_dies_costs_no_recording(tmp_path, runs, monkeypatch):
    folder = tmp_path / "db"
    for name in "abc":
        write_record(folder, name)
    checkpoint = classify.best_checkpoint()
    job = database.Job(checkpoint=checkpoint.path, pictures=False)
    outcomes = {}
    for one in database.run(find_recordings(folder), folder, runs, job, workers=1):
        outcomes[one.record] = one
        if len(outcomes) == 1:
            for process in psutil.Process().children(recursive=True):
                if "spawn_main" in " ".join(process.cmdline()):
                    process.kill()
    assert set(outcomes) == {"a", "b", "c"}
    assert not any(one.row["error"] for one in outcomes.values())


def test_a_folder_without_recordings_is_told(tmp_path, capsys):
    assert analyse_record.main(["--database", str(tmp_path)]) == 2
    assert "no recording" in capsys.readouterr().err


@pytest.mark.real_data
@pytest.mark.slow
def test_a_real_record(runs):
    path = data_folder() / "mitdb" / "200"
    if not path.with_suffix(".hea").is_file():
        pytest.skip("no MIT-BIH records under $ECG_DATA")
    assert analyse_record.main([str(path), "--html"]) == 0
    summary = json.loads((runs / "200" / "summary.json").read_text())
    assert 2550 < summary["beats"] < 2650  # annotated: 2,601, of them 826 V
    assert 650 < summary["classes"]["V"] < 950
