"""YAML from outside: plain data, or a sentence with its line."""

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import yaml_text
from utils.errors import InputError

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
# Texts of the characters that mean something to YAML.
PIECES = st.sampled_from(
    ["a", "1", "e5", ".", "-", ": ", "- ", "? ", "[", "]", "{", "}", ",", "&x ", "*x", "<<: ", "!"]
    + [
        "!!int ",
        "!!python/name:os.system ",
        "!foo ",
        "|",
        ">",
        "'",
        '"',
        "#",
        "%",
        "@",
        "\\",
        "\t",
    ]
    + [
        "\n",
        "\n  ",
        "\n- ",
        "---\n",
        "...\n",
        "2021-99-99",
        "~",
        "=",
        "0x",
        "1:2:3",
        ".inf",
        "\x00",
    ]
)


@given(PLAIN)
def test_plain_data_comes_through(content):
    assert yaml_text.parse(yaml.safe_dump(content), "x").content == content


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_read_or_refused_in_a_sentence(text):
    try:
        yaml_text.parse(text, "x.yaml")
    except InputError as error:
        assert str(error).startswith("x.yaml") and "\n" not in str(error)


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    "text, told",
    [
        ("a: !foo 1", "line 1: the tag !foo is none of plain data"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", "line 2: the tag tag:yaml.org,2002:pyt"),
        ("a: 1\n? [b]\n: 2", "line 2: a key is a word"),
        ("a: &x [*x]", "line 1: an alias stands inside of what it stands for"),
        ("a: 1\n<<: 5", "line 2: is not YAML"),
        ("a: " + "7" * 5000, "line 1: a number has 5,000 characters"),
        ("a: !!int word", "line 1: 'word' is no int"),
        ("a: !!bool 7", "line 1: '7' is no bool"),
        ("[" * 5000, "nested too deeply"),
        ("[" * 100 + "]" * 100, "line 1: it is nested more than 60 levels deep"),
        (BOMB, "with its aliases it has more than 200,000 entries"),
        ("a: [1", "line 1: is not YAML"),
        ("a: *nobody", "line 1: is not YAML"),
        ("a: 1\n\tb: 2", "line 2: is not YAML"),
        ("a: \x00", "x: is not YAML"),
        ("--- 1\n--- 2", "line 2: is not YAML"),
        ("x" * 1_000_001, "has 1,000,001 characters"),
    ],
)
def test_what_is_wrong_is_told_at_once(text, told):
    began = time.process_time()
    with pytest.raises(InputError) as error:
        yaml_text.parse(text, "x")
    assert told in str(error.value) and "\n" not in str(error.value)
    assert time.process_time() - began < 2


def test_dates_are_texts_and_aliases_are_followed():
    found = yaml_text.parse("day: 2021-99-99\nb: &b {x: 1}\nc: {<<: *b, y: 2}", "x").content
    assert found == {"day": "2021-99-99", "b": {"x": 1}, "c": {"x": 1, "y": 2}}
    assert yaml_text.parse("", "x") == yaml_text.Document(None, None)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(InputError, match="is not a text file in UTF-8"):
        yaml_text.read(tmp_path / "bytes.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        yaml_text.read(tmp_path)
