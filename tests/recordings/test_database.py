"""What of a database was analysed before: taken up where nothing has changed, else done again."""

import dataclasses

import pytest

from ecg.reading import find_recordings
from ecg.rhythm import RhythmSettings
from recordings import database
from recordings.database import Job
from tests.test_architecture import TABLE
from utils.result_file import Result

ROW = {"record": "b/2", "score": 0.25, "heart_rate_bpm": None}


@pytest.fixture
def folder(tmp_path):
    """Two recordings, of which `b/2` is two files."""
    folder = tmp_path / "db"
    for name in ("a/1.edf", "b/2.hea", "b/2.dat"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"signals")
    return folder


@pytest.fixture
def job(tmp_path):
    (tmp_path / "cnn.json").write_text("{}")
    return Job(checkpoint=tmp_path / "cnn.json")


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    """Runs the database; nothing is analysed: what would be comes back by name."""
    asked = []

    def analysed(tasks, _job, _workers):
        asked.extend(task.record for task in tasks)
        yield from ()

    monkeypatch.setattr(database, "_analysed", analysed)

    def running(job):
        asked.clear()
        paths = find_recordings(folder)
        outcomes = list(database.run(paths, folder, tmp_path / "to", job, workers=1))
        return {one.record: one.row for one in outcomes if one.resumed}, list(asked)

    return running


@pytest.fixture
def task(folder, tmp_path, job):
    """`b/2`, analysed."""
    task = list(database._tasks([folder / "b" / "2"], folder, tmp_path / "to", job))[0]
    task.place.mkdir(parents=True)
    files = [task.place / "beats.csv", task.place / "summary.json"]
    for file in files:
        file.write_text("12345")
    task.finished.write(Result({"row": ROW, "bytes": database._sizes(files)}))
    return task


def test_what_is_whole_is_taken_up(run, task, job, capsys):
    assert run(job) == ({"b/2": ROW}, ["a/1.edf"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"lead": "V1"}, "lead"),
        ({"html": True, "pictures": False}, "html, pictures"),
        ({"rhythm": RhythmSettings(window_beats=24)}, "window_beats"),
    ],
)
def test_other_settings_are_named(run, task, job, capsys, change, named):
    assert run(dataclasses.replace(job, **change)) == ({}, ["a/1.edf", "b/2"])
    said = f"1 of 2 recordings are analysed again; what is kept: it is of other {named}\n"
    assert capsys.readouterr().out == said


def test_another_checkpoint_or_code_or_file_is_noticed(
    run, task, job, folder, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        patch.setattr(database, "code_digest", lambda *_rooms: "other")
        assert run(job)[0] == {}
    assert run(job)[0] == {"b/2": ROW}
    job.checkpoint.write_text('{"reference_digest": 1}')
    assert run(job)[0] == {}
    job.checkpoint.write_text("{}")
    (folder / "b" / "2.atr").write_bytes(b"annotations")
    assert run(job)[0] == {}
    told = capsys.readouterr().out.splitlines()
    assert [line.split("other ")[1] for line in told] == ["code", "checkpoint", "files"]


@pytest.mark.parametrize("content", [None, b"1234", b""])
def test_a_file_that_is_gone_or_cut_off_is_noticed(run, task, job, capsys, content):
    file = task.place / "beats.csv"
    file.unlink() if content is None else file.write_bytes(content)
    assert run(job)[0] == {}
    assert "one of its files is missing or was changed" in capsys.readouterr().out


def test_a_damaged_result_is_noticed(run, task, job, capsys):
    path = task.finished.path
    path.write_bytes(path.read_bytes()[:-1])
    assert run(job)[0] == {}
    assert "it is damaged" in capsys.readouterr().out


def test_a_recording_that_is_begun_again_is_not_finished_until_it_is(task, job, monkeypatch):
    """Else a kill would leave tables of the new settings under a result of the old ones."""

    def dies(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "_classifier", object())
    monkeypatch.setattr(database, "read_recording", dies)
    with pytest.raises(KeyboardInterrupt):
        database._one(task, job)
    assert task.finished.read() is None


def test_all_code_that_recordings_import_counts():
    assert set(database.ROOMS) == TABLE["recordings"] | {"recordings"}
