"""Results kept on disk come back whole, or are refused with a reason; nothing else happens."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from utils.result_file import Identity, IncompatibleState, Result, ResultFile

VALUES = {"data": "stamps", "settings": {"width": 4, "seeds": [1, 2]}, "layout": 1}
IDENTITY = Identity(VALUES)
RESULT = Result({"score": 0.5, "notes": ["a", None]}, {"values": np.arange(6.0).reshape(2, 3)})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)
json_objects = st.dictionaries(st.text(max_size=9), json_values, max_size=3)
arrays = st.dictionaries(
    st.from_regex(r"[a-z]+-[0-9]", fullmatch=True),
    arrays_of.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
    max_size=2,
)
quick = settings(deadline=None, max_examples=30)  # each writes a file to the disk


@pytest.fixture
def file(tmp_path):
    return ResultFile(tmp_path / "stamps.result", IDENTITY, arrays=("values",))


@pytest.fixture
def kept(file):
    file.write(RESULT)
    return file


def assert_same(one: Result, other: Result) -> None:
    assert one.facts == other.facts
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype and array.shape == other.arrays[name].shape
        assert array.tobytes() == other.arrays[name].tobytes()  # NaN is itself here


class TestIdentity:
    def test_values_are_those_that_json_gives_back(self):
        assert Identity({"seeds": (1, 2), 3: "three"}).values == {"seeds": [1, 2], "3": "three"}

    def test_the_digest_is_that_of_the_sorted_json(self):
        text = '{"data": "stamps", "layout": 1, "settings": {"seeds": [1, 2], "width": 4}}'
        expected = hashlib.sha256(text.encode()).hexdigest()[:8]
        assert IDENTITY.digest == Identity(dict(reversed(VALUES.items()))).digest == expected
        assert IDENTITY.extended(part=1).digest != IDENTITY.digest

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"data": "coins"}, "data"),
            ({"settings": {"width": 5, "seeds": [1, 2]}}, "width"),
            ({"settings": {"width": 5, "seeds": []}, "layout": 2}, "width, seeds, layout"),
            ({"settings": {"width": 4, "seeds": [1, 2], "new": None}}, "new"),
            ({"settings": {"width": 4}}, "seeds"),
            ({"settings": 3}, "settings"),
            ({"more": 1}, "more"),
        ],
    )
    def test_every_difference_is_named(self, change, named):
        with pytest.raises(IncompatibleState, match=f"^it is of other {named}$"):
            IDENTITY.check({**VALUES, **change})

    @pytest.mark.parametrize("kept", [None, [], "text", 3])
    def test_what_is_no_identity_is_refused(self, kept):
        with pytest.raises(IncompatibleState, match="other settings"):
            IDENTITY.check(kept)

    def test_nan_is_refused_since_it_never_equals_itself(self):
        with pytest.raises(ValueError, match="JSON compliant"):
            Identity({"rate": float("nan")})

    @quick
    @given(values=json_objects)
    @pytest.mark.slow
    def test_it_equals_itself_after_json(self, values):
        Identity(values).check(json.loads(json.dumps(values)))


class TestRoundTrip:
    @quick
    @given(facts=json_objects.filter(lambda one: "identity" not in one), arrays=arrays)
    def test_what_is_written_is_read(self, tmp_path_factory, facts, arrays):
        file = ResultFile(tmp_path_factory.mktemp("kept") / "x.result", IDENTITY)
        file.write(Result(facts, arrays))
        assert_same(file.read(), Result(facts, arrays))

    def test_nothing_is_there_before_the_first_and_after_a_removal(self, file, capsys):
        assert file.read() is None and file.read_or_report("none") is None
        file.remove()
        file.write(RESULT)
        file.remove()
        assert file.read() is None and capsys.readouterr().out == ""

    def test_the_second_takes_the_place_of_the_first(self, kept):
        other = Result({"score": 0.75}, {"values": np.zeros(3)})
        kept.write(other)
        assert_same(kept.read(), other)
        assert [path.name for path in kept.path.parent.iterdir()] == ["stamps.result"]

    def test_names_that_the_format_needs_and_pickles_are_refused(self, file):
        for wrong in (
            Result({"identity": 1}),
            Result({}, {"facts": np.zeros(1)}),
            Result({}, {"objects": np.array([{}], object)}),
        ):
            with pytest.raises(ValueError):
                file.write(wrong)
        assert file.read() is None


class TestDamage:
    def test_a_truncation_is_found(self, kept):
        whole = kept.path.read_bytes()
        for length in range(0, len(whole), 7):
            kept.path.write_bytes(whole[:length])
            with pytest.raises(IncompatibleState, match="^it is damaged$"):
                kept.read()

    def test_a_flipped_byte_is_found_wherever_it_is(self, kept):
        whole = kept.path.read_bytes()
        for place in range(0, len(whole), 5):
            flipped = bytes([whole[place] ^ 0x40])
            kept.path.write_bytes(whole[:place] + flipped + whole[place + 1 :])
            with pytest.raises(IncompatibleState, match="^it is damaged$"):
                kept.read()

    @quick
    @given(content=st.binary(max_size=200))
    def test_any_other_file_is_refused(self, tmp_path_factory, content):
        path = tmp_path_factory.getbasetemp() / "any.result"
        path.write_bytes(content)
        with pytest.raises(IncompatibleState):
            ResultFile(path, IDENTITY).read()
        path.write_bytes(hashlib.sha256(content).digest() + content)  # whole, but not ours
        with pytest.raises(IncompatibleState):
            ResultFile(path, IDENTITY).read()

    def test_a_line_says_what_is_not_used_why_and_what_happens(self, kept, capsys, monkeypatch):
        monkeypatch.chdir(kept.path.parent)
        kept.path.write_bytes(kept.path.read_bytes()[:-1])
        assert kept.read_or_report("it is counted again") is None
        said = "stamps.result is not used: it is damaged; it is counted again\n"
        assert capsys.readouterr().out == said

    def test_another_identity_is_refused_and_its_file_is_left(self, kept):
        other = ResultFile(kept.path, Identity({**VALUES, "data": "coins"}))
        with pytest.raises(IncompatibleState, match="it is of other data"):
            other.read()
        assert_same(kept.read(), RESULT)

    def test_a_result_without_its_arrays_is_refused(self, file):
        ResultFile(file.path, IDENTITY).write(Result({}))
        with pytest.raises(IncompatibleState, match="it has no values"):
            file.read()

    def test_what_cannot_be_read_is_refused(self, file):
        file.path.mkdir()
        with pytest.raises(IncompatibleState, match="it cannot be read"):
            file.read()


class TestKills:
    @pytest.mark.parametrize("step", ["write_bytes", "replace", "fsync"])
    def test_an_interrupted_write_leaves_the_result_before_it(self, kept, monkeypatch, step):
        def interrupted(*_arguments, **_options):
            raise KeyboardInterrupt

        monkeypatch.setattr(Path if step == "write_bytes" else os, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            kept.write(Result({}, {"values": np.zeros(9)}))
        monkeypatch.undo()
        assert_same(kept.read(), RESULT)
        assert [path.name for path in kept.path.parent.iterdir()] == ["stamps.result"]

    def test_a_process_killed_at_any_moment_leaves_a_whole_result(self, file):
        """Each of its results says its number and holds it a million times."""
        program = (
            "import sys, pathlib, itertools, numpy as np\n"
            "from utils.result_file import Identity, Result, ResultFile\n"
            f"file = ResultFile(pathlib.Path(sys.argv[1]), Identity({VALUES!r}))\n"
            "for n in itertools.count(1):\n"
            "    file.write(Result({'number': n}, {'values': np.full(1_000_000, n)}))\n"
        )
        numbers = []
        for wait_s in (0.0, 0.013, 0.041):
            process = subprocess.Popen([sys.executable, "-c", program, file.path])
            deadline = time.monotonic() + 60
            while not file.path.exists() and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(wait_s)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kept = file.read()
            assert kept and (kept.arrays["values"] == kept.facts["number"]).all()
            numbers.append(kept.facts["number"])
            file.remove()
        assert min(numbers) >= 1


class TestEarlierVersions:
    """They kept two files: facts in JSON, arrays in an archive of the same stem."""

    @pytest.fixture
    def former(self, tmp_path):
        np.savez_compressed(tmp_path / "stamps.npz", **RESULT.arrays)
        digest = hashlib.sha256((tmp_path / "stamps.npz").read_bytes()).hexdigest()
        facts = {"identity": VALUES, **RESULT.facts, "arrays_digest": digest}
        (tmp_path / "stamps.json").write_text(json.dumps(facts))
        return self.file(tmp_path)

    @staticmethod
    def file(folder: Path) -> ResultFile:
        path = folder / "stamps.result"
        return ResultFile(path, IDENTITY, arrays=("values",), former=folder / "stamps.json")

    def test_they_are_read_until_a_new_one_is_there(self, former):
        assert_same(former.read(), RESULT)
        new = Result({}, {"values": np.zeros(2)})
        former.write(new)
        assert_same(former.read(), new)

    def test_without_an_identity_of_its_own_or_a_digest_the_folders_count(self, former):
        former.former.write_text(json.dumps(RESULT.facts))
        assert_same(former.read(), RESULT)

    def test_without_arrays_it_is_one_file(self, tmp_path):
        (tmp_path / "x.json").write_text('{"0.001": [0.5, 0.6]}')
        file = ResultFile(tmp_path / "x.result", IDENTITY, former=tmp_path / "x.json")
        assert_same(file.read(), Result({"0.001": [0.5, 0.6]}))

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("stamps.npz", None, "its arrays are missing"),
            ("stamps.npz", b"half", "its arrays are not the ones that it describes"),
            ("stamps.json", b"{", "it is damaged"),
            ("stamps.json", b"\xff\xfe\x00", "it is damaged"),
            ("stamps.json", b"[1]", "it is damaged"),
            ("stamps.json", b'{"identity": {}}', "it is of other data"),
        ],
    )
    def test_half_of_one_is_not_used(self, former, capsys, name, content, reason):
        path = former.path.with_name(name)
        path.unlink() if content is None else path.write_bytes(content)
        assert former.read_or_report("counted again") is None
        said = capsys.readouterr().out
        assert "stamps.json is not used: " + reason in said and said.count("\n") == 1

    @given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    @quick
    def test_a_damaged_archive_without_a_digest_is_the_same_or_refused(
        self, tmp_path_factory, place, bit
    ):
        folder = tmp_path_factory.mktemp("former")
        archive = io.BytesIO()
        np.savez_compressed(archive, **RESULT.arrays)
        content = bytearray(archive.getvalue())
        content[int(place * len(content))] ^= 1 << bit
        (folder / "stamps.npz").write_bytes(content)
        (folder / "stamps.json").write_text(json.dumps(RESULT.facts))
        try:
            assert_same(self.file(folder).read(), RESULT)
        except IncompatibleState:
            pass
