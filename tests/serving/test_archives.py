"""Uploaded zips: what is safe is unpacked under plain names, the rest is refused in a sentence."""

import io
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest

from serving.archives import safe_name, unpack
from serving.settings import Limits, TooLarge, UnsupportedUpload
from utils.errors import InputError

NAME = "sent.zip"


def packed(path, members, method=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.fixture
def unpacked(tmp_path):
    """Unpacks a zip of the members; name -> content."""

    def unpacked(*members, limits=None, change=None, **how) -> dict[str, bytes]:
        archive = packed(tmp_path / "spooled", members, **how)
        if change is not None:
            archive.write_bytes(change(archive.read_bytes()))
        folder = tmp_path / "request" / "unpacked"
        folder.mkdir(parents=True)
        try:
            found = unpack(archive, NAME, folder, limits or Limits())
        finally:
            outside = {path.name for path in tmp_path.iterdir()} - {"spooled", "request"}
            assert not outside and [path.name for path in folder.parent.iterdir()] == ["unpacked"]
        assert all(path.parent == folder and not path.is_symlink() for _name, path in found)
        return {name: path.read_bytes() for name, path in found}

    return unpacked


def renamed(old: bytes, new: bytes):
    """Puts another name of the same length into the archive, which zipfile would not write."""
    assert len(old) == len(new)
    return lambda content: content.replace(old, new)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_come_out_whole(unpacked, method):
    content = np.random.default_rng(0).bytes(3_000_000)
    found = unpacked(
        ("folder/", b""), ("folder/100.dat", content), ("100.hea", b"x"), method=method
    )
    assert found == {"100.dat": content, "100.hea": b"x"}


@pytest.mark.parametrize(
    "name, plain",
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\windows\\beats.csv", "beats.csv"),
        ("C:\\beats.csv", "beats.csv"),
        ("C:beats.csv", "beats.csv"),
        ("a/b/c/beats 1 (2).csv", "beats 1 (2).csv"),
        ("~root", "_root"),
        ("$(reboot).csv", "_(reboot).csv"),
        ("a\nb.csv", "a_b.csv"),
        ("CON", "_CON"),
        ("nul.csv", "_nul.csv"),
        ("beats.csv\0.png", "beats.csv"),
        ("s3::x.csv", "x.csv"),
        ("..", ""),
        ("...", ""),
        ("a/", ""),
        ("", ""),
        ("herzschläge.csv", "herzschläge.csv"),
    ],
)
def test_names_become_plain(name, plain):
    assert safe_name(name) == plain


def test_long_names_become_shorter():
    assert len(safe_name("x" * 5000 + ".csv")) <= 100
    assert safe_name("x" * 5000 + ".csv").endswith("x.csv")
    assert 0 < len(safe_name("x" * 5000)) <= 100


@pytest.mark.parametrize("name", ["../../up.csv", "/root/up.csv", "C:\\up.csv", "a\\..\\up.csv"])
def test_paths_lead_nowhere(unpacked, name):
    assert unpacked((name, b"x")) == {"up.csv": b"x"}


def test_names_with_nulls_end_there(unpacked):
    found = unpacked(("beatsX.csv", b"x"), change=renamed(b"beatsX.csv", b"beats\0.csv"))
    assert found == {"beats": b"x"}


def test_names_of_nothing_are_refused(unpacked):
    with pytest.raises(InputError, match="without a usable name, 'a:'"):
        unpacked(("a:", b"x"))


def test_clutter_is_left_out(unpacked):
    found = unpacked(
        ("__MACOSX/._a.csv", b"x"),
        (".DS_Store", b"x"),
        ("d/.hidden", b"x"),
        ("Thumbs.db", b"x"),
        ("a.csv", b"1"),
    )
    assert found == {"a.csv": b"1"}


def test_two_files_of_one_name_are_refused(unpacked):
    with pytest.raises(InputError, match="two files called A.csv, as 'x/a.csv' and 'y/A.csv'"):
        unpacked(("x/a.csv", b"1"), ("y/A.csv", b"2"))


def test_an_empty_zip_is_told(unpacked):
    with pytest.raises(InputError, match="holds no files"):
        unpacked()


def test_links_are_refused(unpacked):
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match="holds a link, 'a.csv'"):
        unpacked((link, b"/etc/passwd"))


def test_passwords_are_refused(unpacked):
    def encrypted(content: bytes) -> bytes:
        table = content.index(b"PK\x01\x02")
        return content[: table + 8] + b"\x01\x00" + content[table + 10 :]

    with pytest.raises(InputError, match="has a password"):
        unpacked(("a.csv", b"x"), change=encrypted)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_refused(unpacked, method):
    with pytest.raises(UnsupportedUpload, match="by method"):
        unpacked(("a.csv", b"x" * 100), method=method)


def zip_bytes(*members) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, inside in members:
            archive.writestr(name, inside)
    return content.getvalue()


@pytest.mark.parametrize(
    "content, kind",
    [(zip_bytes(("a.csv", b"1")), "a zip archive"), (b"\x1f\x8b\x08" + bytes(50), "a gzip file")],
)
def test_archives_inside_are_refused(unpacked, content, kind):
    with pytest.raises(UnsupportedUpload, match=f"holds {kind}, 'a.csv'"):
        unpacked(("a.csv", content))


def test_what_unpacks_to_too_much_is_refused(unpacked):
    noise = np.random.default_rng(0).bytes(3_000_000)
    with pytest.raises(TooLarge, match="unpacks to more than 5,000,000 bytes"):
        unpacked(("a", noise), ("b", noise), limits=Limits(max_unpacked_bytes=5_000_000))


def test_a_bomb_is_refused_by_its_ratio(unpacked, tmp_path):
    with pytest.raises(TooLarge, match="more than 200 times its size, as zip bombs do"):
        unpacked(("a.csv", bytes(30_000_000)))
    written = sum(path.stat().st_size for path in (tmp_path / "request").rglob("*"))
    assert written < 20_000_000


def test_a_size_that_lies_is_not_believed(unpacked):
    """A table that says ten bytes where a bomb comes out."""

    def lying(content: bytes) -> bytes:
        table = content.index(b"PK\x01\x02")
        content = content[: table + 24] + struct.pack("<I", 10) + content[table + 28 :]
        return content[:22] + struct.pack("<I", 10) + content[26:]

    with pytest.raises(InputError):
        unpacked(("a.csv", bytes(30_000_000)), change=lying)


def test_files_that_share_their_bytes_are_refused(unpacked):
    """As zip bombs do that hold one file under thousands of names."""

    def shared(content: bytes) -> bytes:
        table = content.index(b"PK\x01\x02")
        end = content.index(b"PK\x05\x06")
        entry = content[table:end]
        many = b"".join(entry.replace(b"0000", b"%04d" % number) for number in range(50))
        place = struct.pack("<HHII", 50, 50, len(many), table)
        return content[:table] + many + content[end : end + 8] + place + b"\0\0"

    noise = np.random.default_rng(0).bytes(1_000_000)
    with pytest.raises(InputError):
        unpacked(("0000", noise), change=shared, limits=Limits(max_unpacked_bytes=10_000_000))


@pytest.mark.parametrize("count", [11, 5000])
def test_too_many_files_are_refused(unpacked, count):
    with pytest.raises(TooLarge, match="more than 10 files"):
        unpacked(*((f"{n}.csv", b"") for n in range(count)), limits=Limits(max_files=10))


def test_a_zip64_table_is_refused(unpacked):
    def zip64(content: bytes) -> bytes:
        end = content.index(b"PK\x05\x06")
        table = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 10**9, 0)
        locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
        return content[:end] + table + locator + content[end:]

    with pytest.raises(InputError, match="zip64"):
        unpacked(("a.csv", b"1"), change=zip64)


def test_a_full_disk_is_not_the_archives_fault(unpacked, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.archives._unpack_one", full)
    with pytest.raises(OSError, match="No space left"):
        unpacked(("a.csv", b"1"))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-10],
        lambda content: content[40:],
        lambda content: content[: len(content) // 2],
        lambda content: content[:60] + bytes(40) + content[100:],
        lambda content: b"PK\x03\x04",
        lambda content: b"PK\x05\x06" + bytes(18),
    ],
)
def test_a_damaged_zip_is_told(unpacked, change):
    with pytest.raises(InputError, match=f"^{NAME} "):
        unpacked(("a.csv", b"0.5,0.25\n" * 100), change=change, method=zipfile.ZIP_STORED)


@pytest.mark.parametrize("seed", range(40))
def test_garbage_is_an_input_error_or_is_unpacked(unpacked, seed):
    rng = np.random.default_rng(seed)

    def garbled(content: bytes) -> bytes:
        changed = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 8)):
            changed[place] = rng.integers(0, 256)
        # most harm is done in the table at the end
        changed[-rng.integers(1, 150)] = rng.integers(0, 256)
        return bytes(changed)

    content = b"0.5,0.25\n" * 20
    try:
        found = unpacked(("a.csv", content), ("b.csv", content), change=garbled)
    except InputError as error:
        assert str(error).startswith(NAME)
    else:
        assert all(len(inside) < 10_000 for inside in found.values())
        assert any(zlib.crc32(inside) == zlib.crc32(content) for inside in found.values())
