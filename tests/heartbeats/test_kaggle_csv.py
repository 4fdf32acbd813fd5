import io
from pathlib import Path

import numpy as np
import pytest

from heartbeats import kaggle_csv
from utils.errors import InputError

# The first values of mitbih_test.csv, as Kaggle's file has them.
PUBLISHED = "1.000000000000000000e+00,7.582644820213317871e-01,1.115702465176582336e-01"
ZERO = "0.000000000000000000e+00"


def beats(count: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Beats as the recipe makes them: whole numbers scaled to [0, 1] in float32, then zeros."""
    rng = np.random.default_rng(seed)
    adc = rng.integers(0, 400, (count, 187)).astype(np.float32)
    signals = (adc - adc.min(1, keepdims=True)) / np.ptp(adc, axis=1, keepdims=True)
    signals[:, 120:] = 0
    return signals, (np.arange(count) % 5).astype(np.uint8)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "mitbih_train.csv"
    kaggle_csv.write(path, *beats())
    return path


def change(path: Path, row: int, column: int, text: str) -> None:
    """Put `text` into one field; row and column count from 1."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    rows[row - 1][column - 1] = text
    path.write_text("".join(",".join(fields) + "\n" for fields in rows))


def fault(path: Path, **how) -> str:
    with pytest.raises(InputError) as caught:
        kaggle_csv.read(path, **how)
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


def test_a_row_of_kaggles_file_keeps_its_bits(tmp_path):
    path = tmp_path / "row.csv"
    path.write_text(",".join([PUBLISHED, *[ZERO] * 184, "3.000000000000000000e+00"]) + "\n")
    signals, labels = kaggle_csv.read(path)
    assert signals.shape == (1, 187) and signals.dtype == np.float32
    assert labels.tolist() == [3] and labels.dtype == np.uint8
    assert signals[0, :4].tolist() == [1.0, 0.7582644820213318, 0.11157024651765823, 0.0]
    again = tmp_path / "again.csv"
    kaggle_csv.write(again, signals, labels)
    assert again.read_bytes() == path.read_bytes()


def test_what_is_written_is_read_bit_for_bit(tmp_path):
    rng = np.random.default_rng(1)
    signals, labels = beats(40)
    signals[0] = rng.random(187, dtype=np.float32)
    signals[1] = np.float32(2.0) ** -rng.integers(0, 149, 187).astype(np.float32)  # down to tiny
    signals[2] = np.nextafter(np.float32(1), np.float32(0))
    path = tmp_path / "new" / "beats.csv"
    kaggle_csv.write(path, signals, labels)
    read_signals, read_labels = kaggle_csv.read(path)
    assert np.array_equal(read_signals.view(np.uint32), signals.view(np.uint32))
    assert np.array_equal(read_labels, labels)


def test_the_bytes_are_those_of_savetxt_whatever_the_parts(tmp_path, monkeypatch):
    signals, labels = beats(25)
    table = np.column_stack([signals, labels]).astype(np.float64)
    expected = io.BytesIO()
    np.savetxt(expected, table, delimiter=",")
    monkeypatch.setattr(kaggle_csv, "ROWS_AT_ONCE", 10)
    told: list[int] = []
    path = tmp_path / "beats.csv"
    kaggle_csv.write(path, signals, labels, progress=told.append)
    assert path.read_bytes() == expected.getvalue()
    assert told == [10, 10, 5]


def test_a_failed_write_leaves_the_old_file(csv):
    before = csv.read_bytes()

    def fail(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kaggle_csv.write(csv, *beats(5), progress=fail)
    assert csv.read_bytes() == before
    assert list(csv.parent.iterdir()) == [csv]


def test_labels_must_fit_the_beats(tmp_path):
    signals, labels = beats(5)
    with pytest.raises(ValueError, match="4 labels for 5 beats"):
        kaggle_csv.write(tmp_path / "x.csv", signals, labels[:4])


def test_other_widths_and_any_label_can_be_asked_for(tmp_path):
    path = tmp_path / "narrow.csv"
    kaggle_csv.write(path, np.zeros((2, 3), np.float32), np.array([7, 255]))
    _signals, labels = kaggle_csv.read(path, classes=None, samples=3)
    assert labels.tolist() == [7, 255]
    assert "row 1, column 4: expected a label, 0 to 4, found 7" in fault(path, samples=3)


def test_harmless_differences_are_read(csv):
    expected = kaggle_csv.read(csv)
    text = csv.read_text()
    for other in (text.rstrip("\n"), text + "\n\n", text.replace("\n", "\r\n"), "\ufeff" + text):
        csv.write_bytes(other.encode())
        signals, labels = kaggle_csv.read(csv)
        assert np.array_equal(signals, expected[0]) and np.array_equal(labels, expected[1])


def test_short_numbers_are_read_with_and_without_a_last_newline(tmp_path):
    path = tmp_path / "short.csv"
    for end in ("\n", ""):
        path.write_text("0,0.5,1\n1,.25,0" + end)
        signals, labels = kaggle_csv.read(path, samples=2)
        assert signals.tolist() == [[0, 0.5], [1, 0.25]] and labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("row", "column", "text", "expected"),
    [
        (3, 7, "abc", "row 3, column 7: expected a number, found 'abc'"),
        (3, 7, "", "row 3, column 7: expected a number, found nothing"),
        (1, 1, "1_0", "row 1, column 1: expected a number, found '1_0'"),
        (12, 187, "nan", "row 12, column 187: expected a finite number, found nan"),
        (5, 2, "-inf", "row 5, column 2: expected a finite number, found -inf"),
        (5, 2, "1e300", "row 5, column 2: expected a value from 0 to 1"),
        (5, 2, "-0.1", "found -0.1"),
        (5, 2, "1.01", "found 1.01"),
        (4, 188, "5", "row 4, column 188: expected a label, 0 to 4, found 5"),
        (4, 188, "2.5", "found 2.5"),
        (4, 188, "-1", "found -1"),
        (4, 188, "N", "row 4, column 188: expected a number, found 'N'"),
        (4, 188, "nan", "row 4, column 188: expected a finite number"),
        (6, 188, "0,0", "row 6: expected 188 columns"),
        (6, 188, "0,0", "found 189"),
    ],
)
def test_a_bad_field_is_named(csv, row, column, text, expected):
    change(csv, row, column, text)
    assert expected in fault(csv)


def test_rows_are_counted_as_an_editor_shows_them(csv):
    change(csv, 3, 7, "abc")
    csv.write_text("\n\n" + csv.read_text())
    assert "row 5, column 7" in fault(csv)


def test_a_value_that_rounds_to_one_is_not_blamed_for_another_fault(csv):
    change(csv, 1, 1, "1.00000000000001")
    kaggle_csv.read(csv)
    change(csv, 2, 2, "x")
    assert "row 2, column 2" in fault(csv)


def test_a_header_is_recognised(csv):
    names = ",".join(f"t{column}" for column in range(187)) + ",label"
    csv.write_text(names + "\n" + csv.read_text())
    assert "row 1 is a header ('t0', 't1' ...); Kaggle's files have none" in fault(csv)


@pytest.mark.parametrize("width", [1, 140, 187, 189])
def test_a_file_of_another_width_is_refused(tmp_path, width):
    path = tmp_path / "other.csv"
    path.write_text((",".join(["0"] * width) + "\n") * 3)
    expected = "row 1: expected 188 columns (187 values and the label, with commas between)"
    assert f"{expected}, found {width}" in fault(path)


@pytest.mark.parametrize("text", ["", "\n\n", "  \n"])
def test_an_empty_file_is_refused(tmp_path, text):
    path = tmp_path / "empty.csv"
    path.write_text(text)
    assert "is empty; fetch the file again" in fault(path)


@pytest.mark.parametrize("missing_bytes", [2, 10, 20, 24, 25, 26, 30, 49, 50, 2000, 4600])
def test_a_file_cut_in_its_last_row_is_refused(csv, missing_bytes):
    csv.write_bytes(csv.read_bytes()[:-missing_bytes])
    message = fault(csv)
    assert "row 12" in message and "the file ends" in message and "fetch the file again" in message


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\xff", b"\xff\xfe0\x00,\x001\x00"])
def test_something_else_entirely_is_refused(tmp_path, content):
    path = tmp_path / "picture.csv"
    path.write_bytes(content)
    assert "row 1" in fault(path)


def test_a_missing_file_says_how_to_fetch_it(tmp_path):
    assert "python -m heartbeats.download kaggle" in fault(tmp_path / "mitbih_train.csv")
