"""What a result was made with."""

import pytest

from utils import versions


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("ours/a.py", "ours/deeper/b.npz", "other/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(versions, "PROJECT_FOLDER", tmp_path)
    return tmp_path


def digest() -> str:
    versions.code_digest.cache_clear()
    return versions.code_digest("ours")


@pytest.mark.parametrize("name", ["other/c.py", "ours/__pycache__/a.pyc", "ours/.a.py.swp"])
def test_other_folders_and_what_python_and_editors_leave_have_no_say(project, name):
    before = digest()
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("changed")
    assert digest() == before


@pytest.mark.parametrize("name", ["ours/a.py", "ours/deeper/b.npz", "ours/new.py"])
def test_a_changed_or_new_file_changes_the_digest(project, name):
    before = digest()
    (project / name).write_text("changed")
    assert digest() != before


def test_a_renamed_or_removed_file_changes_the_digest(project):
    digests = [digest()]
    (project / "ours" / "a.py").rename(project / "ours" / "z.py")
    digests.append(digest())
    (project / "ours" / "z.py").unlink()
    digests.append(digest())
    assert len(set(digests)) == 3
