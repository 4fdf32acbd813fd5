"""WFDB records among uploads: a header opens nothing but what was sent, and promises no more."""

from pathlib import Path

import numpy as np
import pytest

from serving.settings import Limits, TooLarge
from serving.wfdb_files import WfdbRecord, gather
from utils.errors import InputError

DAT = np.arange(2000, dtype="<i2").tobytes()
SIGNALS = "rec.dat 16 200(0)/mV 16 0 0 0 0 II\nrec.dat 16 200(0)/mV 16 0 0 0 0 V1\n"
HEADER = f"rec 2 250 1000\n{SIGNALS}"


@pytest.fixture
def gathered(tmp_path):
    """The record among files of these names and contents."""

    def gathered(files: dict[str, str | bytes], limits=None) -> WfdbRecord:
        spool, folder = tmp_path / "spool", tmp_path / "record"
        spool.mkdir()
        folder.mkdir()
        sent = []
        for number, (name, content) in enumerate(files.items()):
            path = spool / f"{number}"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            sent.append((name, path))
        return gather(sent, folder, limits or Limits())

    return gathered


@pytest.fixture
def fault(gathered, tmp_path):
    """The sentence about files that cannot be used, which must not tell where they lie."""

    def fault(files: dict[str, str | bytes], limits=None, kind=InputError) -> str:
        with pytest.raises(kind) as caught:
            gathered(files, limits)
        assert str(tmp_path) not in str(caught.value)
        return str(caught.value)

    return fault


def test_a_record_is_put_together(gathered):
    record = gathered({"rec.hea": HEADER, "rec.dat": DAT, "rec.atr": b"\0"})
    assert record.path.name == "rec"
    assert record.used == ("rec.hea", "rec.dat")
    assert record.path.with_suffix(".dat").read_bytes() == DAT
    assert not record.path.with_suffix(".atr").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "~/secrets.dat",
        "~root",
        "http://x.org/a.dat",
        "s3://bucket/a.dat",
        "simplecache::a.dat",
        "|reboot",
        "..",
        ".",
        "*",
        "a/b.dat",
        "..\\a.dat",
        "rec.hea",
        "other.hea",
        "/dev/zero",
        "/dev/stdin",
        "-",
    ],
)
def test_a_header_names_no_file_outside(fault, name):
    secret = fault({"rec.hea": HEADER.replace("rec.dat", name), "rec.dat": DAT})
    assert secret.startswith("rec.hea ")


@pytest.mark.parametrize(
    "name", ["../one", "/etc/passwd", "~root", "..", "http://x.org/one", "a/b"]
)
def test_a_header_names_no_segment_outside(fault, name):
    assert "rec.hea" in fault({"rec.hea": f"rec/1 2 250 1000\n{name} 1000\n", "rec.dat": DAT})


@pytest.mark.parametrize("name", [".hea", "~.hea", "a b.hea", "-r.hea", "ä.hea", "(1).hea"])
def test_a_record_has_a_plain_name(fault, name):
    assert "letters, digits, - and _ expected" in fault({name: HEADER, "rec.dat": DAT})


def test_a_missing_signal_file_is_told(fault):
    message = fault({"rec.hea": HEADER, "100.dat": DAT})
    assert message == "rec.hea names rec.dat, which is not among the files sent; send it as well"


def test_a_missing_segment_is_told(fault):
    message = fault({"rec.hea": "rec/2 2 250 1000\none 500\ntwo 500\n"})
    assert "rec.hea names the segment one.hea, which is not among the files" in message


def test_a_record_that_is_its_own_segment_is_told(fault):
    assert "names itself" in fault({"rec.hea": "rec/1 2 250 1000\nrec 1000\n"})


@pytest.mark.parametrize("count, more", [(3, ""), (30, " and 22 more")])
def test_several_records_are_told(fault, count, more):
    message = fault({f"r{n}.hea": HEADER for n in range(count)} | {"rec.dat": DAT})
    assert message.startswith(f"there are {count} records, r0, r1, r2")
    assert message.endswith(f"{more}; send one of them")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "# only a comment\n",
        "<html>not found</html>",
        "nonsense",
        "rec\n",
        "rec x y\n",
        "rec -1 250 10\n",
        b"\x80\x04pickle",
        bytes(300),
        b"PK\x03\x04",
        "x" * 2000,
        "rec 1 250 10\nrec.dat\n",
        "rec 2 250 " + "9" * 900 + "\n" + SIGNALS,
        "\n".join("x" * 70000),
        "rec/2 2 250 1000\n",
    ],
)
def test_what_is_no_header_is_told(fault, content):
    assert "rec.hea" in fault({"rec.hea": content, "rec.dat": DAT})


@pytest.mark.parametrize(
    "header",
    [
        "rec 2 250 1000000000000\n" + SIGNALS,
        "rec 2 250 1000\n" + SIGNALS.replace("16 200", "16x1000000 200"),
        "rec/2 2 250 1000000000000\n~ 999999999000\none 1000\n",
        "rec/2 2 250 2000\n~ 1999999000\none 1000\n",
        "rec/3 2 250\n~ 999999999000\none 1000\n~ 999999999000\n",
    ],
)
def test_absurd_sizes_are_refused(fault, header):
    files = {"rec.hea": header, "rec.dat": DAT}
    if "one" in header:
        files["one.hea"] = HEADER.replace("rec 2", "one 2")
    assert "samples; at most 100,000,000 are accepted" in fault(files, kind=TooLarge)


@pytest.mark.parametrize("fmt", ["8", "16", "80", "212", "310", "311"])
def test_more_samples_than_a_file_can_hold_are_refused(fault, fmt):
    header = HEADER.replace(" 16 200", f" {fmt} 200").replace("1000", "40000000")
    message = fault({"rec.hea": header, "rec.dat": DAT})
    assert "rec.hea promises 80,000,000 samples of rec.dat, which has 4,000 bytes" in message


def test_too_many_signals_are_refused(fault):
    lines = "".join(f"rec.dat 16 200(0)/mV 16 0 0 0 0 L{n}\n" for n in range(65))
    header = f"rec 65 250 10\n{lines}"
    assert "more than 64 signals" in fault({"rec.hea": header, "rec.dat": DAT}, kind=TooLarge)


def test_links_lead_to_the_files_that_were_sent(gathered):
    folder = gathered({"rec.hea": HEADER, "rec.dat": DAT}).path.parent
    targets = {path.resolve().parent.name for path in folder.iterdir()}
    assert targets == {"spool"} and isinstance(folder, Path)
