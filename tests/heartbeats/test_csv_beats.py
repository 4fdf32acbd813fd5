"""CSV files of beats to classify: what is clear is read, the rest is told with row and column."""

import io
import pickle
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heartbeats import kaggle_csv
from heartbeats.beat_set import AAMI_CLASSES
from heartbeats.csv_beats import beats_file, blocks
from heartbeats.csv_beats.layout import label_notes
from utils.errors import InputError

SAMPLES = 187


@dataclass(frozen=True)
class Dialect:
    """How a table may be written."""

    separator: str
    decimal: str
    end: str
    encoding: str
    labels: bool
    header: str


def header(separator: str, labels: bool) -> str:
    names = [f"t{number}" for number in range(SAMPLES)] + ["label"] * labels
    return separator.join(names) + "\n"


# A comma can be one of both, and the two-character separators have no names of columns.
DIALECTS = st.builds(
    lambda marks, labels, named, end, encoding: Dialect(
        *marks, end, encoding, labels, header(marks[0], labels) if named else ""
    ),
    marks=st.sampled_from(
        [(s, d) for s in (",", ";", "\t", " ", ", ", "  ") for d in ".,"]
    ).filter(lambda marks: "," not in marks[0] or marks[1] == "."),
    labels=st.booleans(),
    named=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
)


def values(count: int = 3, width: int = SAMPLES) -> np.ndarray:
    return np.random.default_rng(0).random((count, width)).round(6)


def text(table, separator: str = ",", decimal: str = ".", header: str = "") -> str:
    lines = [separator.join(str(cell).replace(".", decimal) for cell in row) for row in table]
    return header + "".join(f"{line}\n" for line in lines)


def save(path, content: str | bytes, encoding: str = "utf-8"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def labelled(labels=(0, 4, 2), place: int = SAMPLES) -> list[list]:
    rows = values(len(labels)).tolist()
    for row, label in zip(rows, labels, strict=True):
        row.insert(place, label)
    return rows


@pytest.fixture
def read(tmp_path):
    """Reads what is given as the file beats.csv."""

    def read(content: str | bytes, classes=5, encoding: str = "utf-8") -> beats_file.Beats:
        return beats_file.read(save(tmp_path / "beats.csv", content, encoding), SAMPLES, classes)

    return read


@pytest.fixture
def fault(read):
    """The sentence about what is given, which must be one line and name the file."""

    def fault(content: str | bytes, **how) -> str:
        with pytest.raises(InputError) as caught:
            read(content, **how)
        message = str(caught.value)
        assert "beats.csv" in message and "\n" not in message and len(message) < 400
        return message

    return fault


def read_or_told(path) -> None:
    """Read a file whose content nobody knows: numbers from 0 to 1, or a sentence."""
    try:
        beats = beats_file.read(path, SAMPLES, 5)
    except InputError as error:
        assert "beats.csv" in str(error) and "\n" not in str(error)
    else:
        assert beats.signals.shape[1] == SAMPLES
        assert (beats.signals >= 0).all() and (beats.signals <= 1).all()


def assert_values(beats: beats_file.Beats, labels=None) -> None:
    assert beats.signals.dtype == np.float32
    assert beats.signals.flags.c_contiguous
    assert np.array_equal(beats.signals, values(len(beats.signals)).astype(np.float32))
    assert (None if beats.labels is None else beats.labels.tolist()) == labels


# What is read


def test_beats_without_labels(read):
    assert_values(read(text(values())))


def test_beats_with_labels(read):
    beats = read(text(labelled()))
    assert_values(beats, [0, 4, 2])
    assert beats.labels.dtype == np.uint8


@given(dialect=DIALECTS)
def test_any_dialect_is_read(read, dialect):
    """What is written in any separator, decimal sign, ending of lines and encoding comes back."""
    table = labelled() if dialect.labels else values()
    content = dialect.header + text(table, dialect.separator, dialect.decimal)
    beats = read(content.replace("\n", dialect.end), encoding=dialect.encoding)
    assert_values(beats, [0, 4, 2] if dialect.labels else None)


@given(st.binary(max_size=400))
def test_any_bytes_are_beats_or_told(tmp_path, content):
    read_or_told(save(tmp_path / "beats.csv", content))


@given(place=st.integers(0, 8000), put=st.binary(max_size=6), cut=st.integers(0, 8000))
def test_damaged_files_are_read_or_told(tmp_path, place, put, cut):
    content = text(labelled()).encode()
    damaged = content[:place] + put + content[place + len(put) : max(cut, place)]
    read_or_told(save(tmp_path / "beats.csv", damaged))


def test_quotes_and_quoted_decimal_commas(read):
    quoted = [[f'"{cell}"'.replace(".", ",") for cell in row] for row in labelled()]
    assert_values(read("".join(",".join(row) + "\n" for row in quoted)), [0, 4, 2])
    header = ",".join(f'"t, {k}"' for k in range(SAMPLES)) + "\n"
    assert_values(read(text(values(), header=header)))


@pytest.mark.parametrize(
    "names",
    [
        [f"t{k}" for k in range(SAMPLES)] + ["label"],
        [f"t{k}" for k in range(SAMPLES)] + ["beat type"],
        [*map(str, range(SAMPLES)), "Class"],
        [*map(str, range(SAMPLES + 1))],
        [f"{k / 125:.3f}" for k in range(SAMPLES)] + ["target"],
    ],
)
def test_a_header_is_no_beat(read, names):
    assert_values(read(text(labelled(), header=",".join(names) + "\n")), [0, 4, 2])


@pytest.mark.parametrize("place", [0, 90])
def test_a_label_may_stand_where_the_header_says(read, place):
    names = [f"t{k}" for k in range(SAMPLES)]
    names.insert(place, "Label")
    assert_values(read(text(labelled(place=place), header=",".join(names) + "\n")), [0, 4, 2])


@pytest.mark.parametrize("name", ["", "index", "Row", "Unnamed: 0"])
def test_an_index_that_the_header_shows_is_left_out(read, name):
    rows = [[f"beat{number}", *row] for number, row in enumerate(labelled())]
    names = ",".join([name, *map(str, range(SAMPLES + 1))]) + "\n"
    assert_values(read(text(rows, header=names)), [0, 4, 2])


def test_labels_may_be_names_of_classes(read):
    assert_values(read(text(labelled(("N", "q", "V"))), classes=AAMI_CLASSES), [0, 4, 2])
    assert_values(read(text(labelled()), classes=AAMI_CLASSES), [0, 4, 2])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("blank", ["\n", " \n", "\t\n", "\t \t\n", "\r\n"])
def test_blank_lines_are_no_beats_but_count(read, fault, blank, separator):
    lines = text(values(), separator).splitlines(keepends=True)
    spaced = blank + lines[0] + blank * 2 + lines[1] + lines[2] + blank
    assert_values(read(spaced))
    wrong = separator.join(["0.5", "x", *lines[0].split(separator)[2:]])
    assert "row 8, column 2" in fault(spaced + wrong)


def test_a_separator_at_the_end_of_all_lines_says_nothing(read, fault):
    assert_values(read(text(values()).replace("\n", ",\n")))
    assert_values(read(text(labelled()).replace("\n", ",\n")), [0, 4, 2])
    lines = text(values()).replace("\n", ",\n").splitlines()
    lines[1] += "0.5"
    assert "row 2, column 188: expected nothing, as in row 1" in fault("\n".join(lines))


def test_a_last_newline_may_lack(read):
    assert_values(read(text(labelled()).rstrip("\n")), [0, 4, 2])


def test_other_spellings_of_numbers(read):
    cells = ["+0.5", ".5", "5.e-1", "5E-1", "-0.0", "1.", "0", "00.5"] + ["0"] * (SAMPLES - 8)
    beats = read(",".join(cells) + "\n")
    assert beats.signals[0, :8].tolist() == [0.5, 0.5, 0.5, 0.5, 0, 1, 0, 0.5]


def test_kaggles_files_are_read_bit_for_bit(tmp_path):
    path = tmp_path / "mitbih_test.csv"
    rng = np.random.default_rng(1)
    signals = rng.random((2000, SAMPLES)).astype(np.float32)
    signals[rng.random(signals.shape) < 0.3] = 0
    kaggle_csv.write(path, signals, rng.integers(0, 5, 2000))
    expected, labels = kaggle_csv.read(path)
    beats = beats_file.read(path, SAMPLES, AAMI_CLASSES)
    assert np.array_equal(beats.signals.view(np.uint32), expected.view(np.uint32))
    assert np.array_equal(beats.signals, signals)
    assert np.array_equal(beats.labels, labels)


def test_what_rounds_to_one_is_one(read):
    beats = read("1.00000001," + text(values(1, SAMPLES - 1)))
    assert beats.signals[0, 0] == 1


# Parts


@pytest.mark.parametrize("block_bytes", [7, 100, 5000, 4_000_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.slow
def test_blocks_make_no_difference(tmp_path, monkeypatch, block_bytes, end, encoding):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    content = text(labelled([0, 1, 2, 3, 4, 0, 1])).replace("\n", end)
    path = save(tmp_path / "beats.csv", content, encoding)
    parts = list(beats_file.parts(path, SAMPLES, 5, beats_at_once=3))
    assert [len(part.signals) for part in parts] == [3, 3, 1]
    signals = np.concatenate([part.signals for part in parts])
    assert np.array_equal(signals, values(7).astype(np.float32))
    assert [label for part in parts for label in part.labels] == [0, 1, 2, 3, 4, 0, 1]
    assert parts[-1].bytes_read == path.stat().st_size
    assert all(one.bytes_read <= another.bytes_read for one, another in pairwise(parts))


def test_a_fault_far_inside_comes_after_good_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5000)
    rows = values(20).tolist()
    rows[15][4] = "x"
    reading = beats_file.parts(save(tmp_path / "b.csv", text(rows)), SAMPLES, 5, beats_at_once=4)
    assert len(next(reading).signals) == 4
    with pytest.raises(InputError, match="row 16, column 5: expected a number from 0 to 1"):
        list(reading)


def test_errors_call_the_file_as_told(tmp_path):
    path = save(tmp_path / "spooled", text(values(3, 3)))
    with pytest.raises(InputError, match=r"^mine\.csv, row 1: expected 187 values"):
        list(beats_file.parts(path, SAMPLES, 5, name="mine.csv"))


def test_too_many_beats_are_told(tmp_path):
    path = save(tmp_path / "beats.csv", text(values(7)))
    assert sum(len(part) for part in beats_file.parts(path, SAMPLES, 5, limit=7)) == 7
    with pytest.raises(beats_file.TooManyBeats, match="more than 6 beats"):
        list(beats_file.parts(path, SAMPLES, 5, limit=6))


# What is told


@pytest.mark.parametrize("width", [1, 2, 140, 186, 189, 300])
def test_another_width_is_told(fault, width):
    message = fault(text(values(width=width)))
    assert "row 1: expected 187 values, or 188 with a label at the end, with" in message
    assert f"found {width}" in message
    assert ("a recording" in message) == (width < 65)


def test_a_header_of_another_width_is_told(fault):
    message = fault(text(values(), header="a,b,c\n"))
    assert "row 2: expected 3 columns as in the header, found 187" in message


def test_commas_for_everything_are_told(fault):
    message = fault(text(values()).replace(".", ","))
    assert "semicolons between the columns" in message


@pytest.mark.parametrize("width", [1, 100, 186, 188, 189, 400])
@pytest.mark.parametrize("block_bytes", [2000, 4_000_000])
def test_a_row_of_another_width_is_told_with_its_number(fault, monkeypatch, width, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    ragged = values(5).tolist()
    ragged[2] = values(1, width)[0].tolist()
    message = fault(text(ragged))
    assert "row 3: expected 187 values, 187 columns, as in row 1; found" in message
    assert message.endswith(f"found {width}")


BAD = [
    "x",
    "",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "1.2",
    "-0.1",
    "1_000",
    "1e",
    "0x1",
    "True",
    "false",
    "NA",
    "null",
    "0.5.5",
    "--1",
    "1e999",
    "0,5",
    "½",
    "٠.٥",
    "0.5 0.5",
    "a" * 5000,
    "'0.5'",
    "=1",
    "50%",
    "\x0c",
    "\xa0",
    "0.5\xa0",
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("row", [0, 1])
def test_a_bad_value_is_told_with_row_and_column(fault, bad, row):
    table = values().tolist()
    table[row][4] = bad
    message = fault(text(table, ";"))
    assert f"row {row + 1}, column 5: expected a number from 0 to 1" in message


def test_a_column_of_truths_is_told(fault):
    table = values().tolist()
    for row in table:
        row[4] = "True"
    assert "row 1, column 5: expected a number" in fault(text(table))
    assert "row 1, column 188: expected a label" in fault(text(labelled(("True",) * 3)))


def test_bytes_that_are_no_utf_8_are_told(fault):
    content = text(values()).encode().replace(b",0.", b",\xff\xfe", 3)
    assert "row 1, column 2: expected a number" in fault(content)


@pytest.mark.parametrize("label", ["5", "-1", "7", "0.5", "", "nan", "1e9", "N", "two"])
def test_an_unknown_label_is_told(fault, label):
    message = fault(text(labelled((0, label, 1))))
    assert "row 2, column 188: expected a label, 0 to 4, found" in message


def test_an_unknown_name_of_a_class_is_told(fault):
    message = fault(text(labelled(("N", "X", "1"))), classes=AAMI_CLASSES)
    assert "row 2, column 188: expected a label, 0 to 4 or N, S, V, F, Q, found 'X'" in message


def test_labels_without_a_header_stand_at_the_end(fault):
    assert "row 1, column 188: expected a label, 0 to 4" in fault(text(labelled(place=0)))


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff", "\ufeff\n\n"])
def test_an_empty_file_is_told(fault, content):
    assert "is empty; expected 187 values a row" in fault(content)


def test_a_header_alone_is_told(fault):
    header = ",".join(f"t{k}" for k in range(SAMPLES)) + "\n"
    assert "a header and no beats" in fault(header)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        beats_file.read(tmp_path / "beats.csv", SAMPLES, 5)


def numpy_bytes() -> bytes:
    content = io.BytesIO()
    np.save(content, values())
    return content.getvalue()


@pytest.mark.parametrize(
    "content, kind",
    [
        (pickle.dumps(values()), "a Python pickle"),
        (numpy_bytes(), "a NumPy array"),
        (b"PK\x03\x04" + bytes(100), "a zip archive"),
        (b"\x1f\x8b\x08" + bytes(100), "a gzip file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"PAR1" + bytes(100), "a Parquet file"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b'{"beats": []}', "a JSON file"),
        (b"0       X X", "an EDF recording"),
        (bytes(range(256)) * 10, "a binary file"),
        (bytes(1000), "a binary file"),
        (b"0.5,0.5\0,0.5\n", "a binary file"),
    ],
)
def test_other_files_are_told_what_they_look_like(fault, content, kind):
    assert kind in fault(content)


def test_a_line_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100_000)
    path = save(tmp_path / "b.csv", text(values()) + "0.5," * 1_000_000)
    with pytest.raises(InputError, match="row 4: more than 262,144 bytes without an end of line"):
        list(beats_file.parts(path, SAMPLES, 5))


def test_a_huge_cell_is_told_shortly(fault):
    table = values().tolist()
    table[1][7] = "9" * 200_000
    assert "row 2, column 8: expected a number from 0 to 1" in fault(text(table))
    table[1][7] = '"' + "9" * 200_000 + '"'
    assert "row 2, column 8: expected a number from 0 to 1" in fault(text(table))


def test_a_quote_ends_with_its_line(fault):
    table = values().tolist()
    table[1][7], table[2][7] = '"0.5', '0.5"'
    assert "row 2: a quote that is not closed in its line" in fault(text(table))


@pytest.mark.parametrize("missing", [1, 10, 23, 24, 25, 30, 60, 4000])
@pytest.mark.parametrize("with_labels", [True, False])
def test_a_cut_last_line_of_kaggles_form_is_told(fault, missing, with_labels):
    content = io.BytesIO()
    np.savetxt(content, np.array(labelled()) if with_labels else values(), delimiter=",")
    message = fault(content.getvalue().rstrip(b"\n")[:-missing])
    assert "row 3" in message and "cut short" in message


def test_a_cut_utf_16_file_is_told(fault):
    assert "UTF-16" in fault(text(values()).encode("utf-16")[:-1])


@pytest.mark.parametrize("seed", range(60))
def test_garbage_is_an_input_error_or_is_read(read, seed):
    """Whatever comes, nothing but an InputError is raised."""
    rng = np.random.default_rng(seed)
    good = text(labelled(), rng.choice([",", ";", "\t"])).encode()
    if seed % 3 == 0:
        content = rng.integers(0, 256, rng.integers(1, 3000), np.uint8).tobytes()
    elif seed % 3 == 1:
        signs = np.frombuffer(b'0123456789.,;\t\n\r "eE+-_nafi\x00\xff', np.uint8)
        content = rng.choice(signs, rng.integers(1, 8000)).tobytes()
    else:
        changed = bytearray(good)
        for place in rng.integers(0, len(good), rng.integers(1, 20)):
            changed[place] = rng.integers(0, 256)
        content = bytes(changed[: rng.integers(1, len(good))])
    try:
        beats = read(content)
    except InputError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert beats.signals.shape == (len(beats), SAMPLES)
        assert ((beats.signals >= 0) & (beats.signals <= 1)).all()


# Notes


def test_the_labels_of_ptb_are_explained():
    (note,) = label_notes("ptbdb_abnormal.csv", AAMI_CLASSES)
    assert "normal (0) and abnormal (1)" in note
    assert label_notes("ptbdb_normal.csv", ("normal", "abnormal")) == ()
    assert label_notes("mitbih_test.csv", AAMI_CLASSES) == ()
