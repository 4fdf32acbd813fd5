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


def test_folders_follow_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_DATA", str(tmp_path))
    monkeypatch.setenv("ECG_RUNS", "~/runs")
    assert paths.data_folder() == tmp_path
    assert "~" not in str(paths.runs_folder())
    monkeypatch.delenv("ECG_DATA")
    monkeypatch.delenv("ECG_RUNS")
    assert paths.data_folder() == paths.PROJECT_FOLDER / "data"
    assert paths.runs_folder() == paths.PROJECT_FOLDER / "runs"


def test_shown_paths_are_short_below_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert paths.shown(tmp_path / "a" / "b") == "a/b"
    assert paths.shown(tmp_path.parent) == str(tmp_path.parent)


def test_versions_name_what_made_a_result():
    assert {"python", "keras", "numpy", "wandb"} <= set(versions())
    assert commit() is None or len(commit().rstrip("+")) == 40
