"""CSV files of beats to classify: what is wrong is said with row and column."""

import numpy as np
import pandas as pd
import pytest

from evaluation import beats_file
from utils.errors import InputError


def save(path, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def rows(count=3, width=187):
    return np.random.default_rng(0).random((count, width)).round(6).tolist()


def test_beats_without_labels(tmp_path):
    beats = beats_file.read(save(tmp_path / "b.csv", rows()), 187, 5)
    assert beats.labels is None
    assert beats.signals.dtype == np.float32
    assert np.array_equal(beats.signals, np.array(rows(), np.float32))


def test_beats_with_labels(tmp_path):
    labelled = [[*row, label] for row, label in zip(rows(), (0, 4, 2), strict=True)]
    beats = beats_file.read(save(tmp_path / "b.csv", labelled), 187, 5)
    assert beats.labels.tolist() == [0, 4, 2]
    assert beats.signals.shape == (3, 187)


def test_blank_lines_and_a_byte_order_mark_are_no_beats(tmp_path):
    text = save(tmp_path / "b.csv", rows()).read_text().replace("\n", "\r\n\r\n")
    (tmp_path / "b.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert beats_file.read(tmp_path / "b.csv", 187, 5).signals.shape == (3, 187)


@pytest.mark.parametrize("width", [1, 140, 186, 189])
def test_another_width_is_told(tmp_path, width):
    with pytest.raises(InputError, match=rf"expected 187 values, or 188 .* found {width}$"):
        beats_file.read(save(tmp_path / "b.csv", rows(width=width)), 187, 5)


def test_a_short_row_is_told_with_its_number(tmp_path):
    ragged = rows()
    ragged[2] = ragged[2][:100]
    with pytest.raises(InputError, match="row 3: expected 187 values .* found 100"):
        beats_file.read(save(tmp_path / "b.csv", ragged), 187, 5)


@pytest.mark.parametrize("bad", ["x", "", "nan", "inf", "1.2", "-0.1"])
def test_a_bad_value_is_told_with_row_and_column(tmp_path, bad):
    table = rows()
    table[1][4] = bad
    with pytest.raises(InputError, match="row 2, column 5: expected a number from 0 to 1"):
        beats_file.read(save(tmp_path / "b.csv", table), 187, 5)


def test_an_unknown_label_is_told(tmp_path):
    with pytest.raises(InputError, match="expected a label, 0 to 4, found 7"):
        beats_file.read(save(tmp_path / "b.csv", [[*rows()[0], 7]]), 187, 5)


@pytest.mark.parametrize("content", [None, "", "\n \n"])
def test_a_missing_or_empty_file_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "b.csv").write_text(content)
    with pytest.raises(InputError, match="no file" if content is None else "is empty"):
        beats_file.read(tmp_path / "b.csv", 187, 5)


def test_predictions_are_written_row_by_row(tmp_path):
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2]])
    beats_file.write(tmp_path / "deep" / "p.csv", probabilities, ("N", "S"))
    table = pd.read_csv(tmp_path / "deep" / "p.csv")
    assert table["row"].tolist() == [1, 2]
    assert table["predicted"].tolist() == ["S", "N"]
    assert table["p_N"].tolist() == [0.1, 0.8]
