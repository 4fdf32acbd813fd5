import pytest

from utils.files import write_json, write_whole


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "kept.json"
    write_json(path, {"score": 1})

    def fail(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, fail)
    assert path.read_text() == '{\n  "score": 1\n}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]


def test_folders_are_made_and_the_suffix_is_kept(tmp_path):
    seen = []
    path = tmp_path / "new" / "model.keras"
    write_whole(path, lambda temporary: seen.append(temporary.suffix) or temporary.write_text("x"))
    assert seen == [".keras"] and path.read_text() == "x"


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"score": float("nan")})
    assert not list(tmp_path.iterdir())
