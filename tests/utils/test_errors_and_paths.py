import importlib
import sys

import pytest

from utils import paths
from utils.errors import InputError, exit_plainly
from utils.versions import commit, versions


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (InputError("row 3 is short"), 2, "error: row 3 is short"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (KeyboardInterrupt(), 130, "Ctrl-C"),
    ],
)
def test_what_users_can_mend_is_told_in_a_sentence(capsys, error, status, told):
    @exit_plainly
    def main():
        raise error

    assert main() == status
    captured = capsys.readouterr()
    assert told in captured.err and "Traceback" not in captured.err


def test_what_they_cannot_mend_keeps_its_traceback():
    @exit_plainly
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()


def test_none_is_success():
    assert exit_plainly(lambda: None)() == 0


@pytest.mark.parametrize("name", ["utils.nothing", "sqlite3.nothing", "numpy.nothing"])
def test_a_missing_module_of_ours_keeps_its_traceback(name):
    @exit_plainly
    def main():
        importlib.import_module(name)

    with pytest.raises(ModuleNotFoundError):
        main()


@pytest.mark.parametrize(
    ("prefix", "way_out"),
    [
        (sys.base_prefix, "activate the project's environment with `source "),
        ("/an/environment", "is not installed in /an/environment"),
    ],
)
def test_a_missing_library_is_told_with_the_way_out(monkeypatch, capsys, prefix, way_out):
    @exit_plainly
    def main():
        importlib.import_module("no_such_library.part")

    monkeypatch.setattr(sys, "prefix", prefix)
    assert main() == 2
    assert "error: no_such_library" in (told := capsys.readouterr().err)
    assert way_out in told and "Traceback" not in told


def test_folders_follow_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_DATA", str(tmp_path))
    monkeypatch.setenv("ECG_RUNS", "~/runs")
    assert paths.data_folder() == tmp_path
    assert "~" not in str(paths.runs_folder())


@pytest.fixture
def project(monkeypatch, tmp_path):
    """A project's folder in place of the real one, with no variable that names another."""
    monkeypatch.delenv("ECG_DATA", raising=False)
    monkeypatch.delenv("ECG_RUNS", raising=False)
    monkeypatch.setattr(paths, "PROJECT_FOLDER", tmp_path / "project")
    (tmp_path / "project" / "docs").mkdir(parents=True)
    return tmp_path / "project"


@pytest.mark.parametrize("below", ["", "docs"])
def test_inside_the_project_its_own_folders_are_used(monkeypatch, project, below):
    monkeypatch.chdir(project / below)
    assert paths.data_folder() == project / "data"
    assert paths.runs_folder() == project / "runs"


def test_elsewhere_files_go_below_the_working_folder(monkeypatch, project):
    here = project.parent / "project-2"  # not inside, for all that its name begins so
    here.mkdir()
    monkeypatch.chdir(here)
    assert paths.runs_folder() == here / "runs"
    assert paths.data_folder() == here / "data"
    (project / "data").mkdir()
    assert paths.data_folder() == project / "data", "what was downloaded before is found"
    (here / "data").mkdir()
    assert paths.data_folder() == here / "data"


def test_shown_paths_are_short_below_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert paths.shown(tmp_path / "a" / "b") == "a/b"
    assert paths.shown(tmp_path.parent) == str(tmp_path.parent)


def test_versions_name_what_made_a_result():
    assert {"python", "keras", "numpy", "wandb"} <= set(versions())
    assert commit() is None or len(commit().rstrip("+")) == 40
