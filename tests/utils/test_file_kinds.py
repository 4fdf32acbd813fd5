"""What files look like, and how their text is encoded."""

import pickle

import pytest

from utils.file_kinds import is_packed, looks_like, text_encoding


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_are_known_by_their_protocol(protocol):
    assert looks_like(pickle.dumps([1.0], protocol)) == "a Python pickle"


@pytest.mark.parametrize("head", [b"", b"0.5,0.25\n", b"time,II\n", b"\xef\xbb\xbf0.5\n", b"N,S"])
def test_plain_text_looks_like_nothing(head):
    assert looks_like(head) is None and not is_packed(head)


def test_packed_files():
    assert is_packed(b"\x1f\x8b\x08") and is_packed(b"PK\x03\x04" + bytes(50))
    assert not is_packed(b"\x89PNG\r\n\x1a\n")
    office = b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml"
    assert looks_like(office) == "an Excel or Word file" and not is_packed(office)


@pytest.mark.parametrize(
    "encoding, told",
    [
        ("ascii", "utf-8"),
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_encodings(encoding, told):
    assert text_encoding("Zeit,II\r\n0,5\n".encode(encoding)) == told


@pytest.mark.parametrize(
    "head", [bytes(100), b"\0", b"a\0b\0\1\0", b"0.5\x1b", bytes(range(256)), b"ab\0c"]
)
def test_what_is_no_text(head):
    assert text_encoding(head) is None
