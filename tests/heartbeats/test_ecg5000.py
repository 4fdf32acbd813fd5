"""ECG5000: three file forms, the same beats; bad files are named with row and column."""

from pathlib import Path

import numpy as np
import pytest

from heartbeats import ecg5000
from utils.errors import InputError
from utils.paths import data_folder

BEATS = 5
VALUES = np.random.default_rng(0).standard_normal((BEATS, ecg5000.SAMPLES))
LABELS = np.array([1, 2, 3, 4, 5])
HEADS = {
    ".arff": "%why\n@relation x\n@attribute a1 numeric\n\n@data\n",
    ".ts": "#why\n@missing false\n@data\n",
}


def text(form: str, values=VALUES, labels=LABELS) -> str:
    rows = []
    for beat, label in zip(values, labels, strict=True):
        if form in ecg5000.LABEL_FIRST:
            fields = [f"{label:.7e}", *(f"{value:.7e}" for value in beat)]
            rows.append("".join(f"{field:>16}" for field in fields))
        else:
            mark = ":" if form == ".ts" else ","
            rows.append(",".join(f"{value:.7e}" for value in beat) + f"{mark}{label}")
    return HEADS.get(form, "") + "\n".join(rows) + "\n"


def put(folder: Path, form: str, content: str | None = None) -> Path:
    path = folder / f"ECG5000_TRAIN{form}"
    path.write_text(text(form) if content is None else content)
    return path


@pytest.mark.parametrize("form", ecg5000.FORMS)
def test_every_form_gives_the_same_beats(tmp_path, form):
    values, labels = ecg5000.read(put(tmp_path, form), beats=BEATS)
    assert np.abs(values - VALUES).max() < 1e-6
    assert labels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("form", ecg5000.FORMS)
def test_a_whole_set_is_scaled_and_split(tmp_path, monkeypatch, form):
    monkeypatch.setattr(ecg5000, "PUBLISHED_BEATS", {"TRAIN": BEATS, "TEST": BEATS})
    put(tmp_path, form)
    (tmp_path / f"ECG5000_TEST{form}").write_text(text(form, VALUES * 3 + 1))
    beats = ecg5000.load(tmp_path)
    assert beats.official_test.tolist() == [False] * BEATS + [True] * BEATS
    assert (beats.signals.min(axis=1) == 0).all() and (beats.signals.max(axis=1) == 1).all()
    assert np.allclose(beats.signals[:BEATS], beats.signals[BEATS:], atol=1e-6)
    assert ecg5000.source_files(tmp_path)[0].suffix == form


def refused(path: Path, beats: int = BEATS) -> str:
    with pytest.raises(InputError) as caught:
        ecg5000.read(path, beats=beats)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("form", [".arff", ".ts"])
def test_a_missing_value_is_named_with_row_and_column(tmp_path, form):
    lines = text(form).splitlines()
    first = len(HEADS[form].splitlines())
    fields = lines[first + 1].split(",")
    fields[6] = "?"
    lines[first + 1] = ",".join(fields)
    message = refused(put(tmp_path, form, "\n".join(lines) + "\n"))
    assert f"row {first + 2}, column 7" in message and "missing value" in message


def test_a_row_with_too_few_columns_is_named(tmp_path):
    lines = text(".txt").splitlines()
    lines[2] = " ".join(lines[2].split()[:-4])
    message = refused(put(tmp_path, ".txt", "\n".join(lines)))
    assert "row 3: expected 141 columns" in message and "found 137" in message


@pytest.mark.parametrize("cut", [3, 200, 3000])
@pytest.mark.parametrize("form", [".txt", ".arff", ".ts"])
def test_a_file_that_was_cut_short_is_refused(tmp_path, form, cut):
    refused(put(tmp_path, form, text(form)[:-cut]))


def test_a_file_that_only_lacks_its_last_newline_is_whole(tmp_path):
    values, _ = ecg5000.read(put(tmp_path, ".txt", text(".txt")[:-1]), beats=BEATS)
    assert len(values) == BEATS


def test_other_faults_are_told(tmp_path):
    assert "expected 9 beats, found 5" in refused(put(tmp_path, ".txt"), beats=9)
    assert "`@data`" in refused(put(tmp_path, ".arff", "@relation x\n"))
    wrong = text(".ts", labels=[1, 2, 7, 4, 5])
    assert "row 6, column 141: expected a class, 1 to 5, found 7" in refused(
        put(tmp_path, ".ts", wrong)
    )
    flat = text(".txt", values=np.zeros_like(VALUES))
    assert "row 1: all 140 values are 0" in refused(put(tmp_path, ".txt", flat))


def test_one_file_alone_is_not_a_set(tmp_path):
    assert ecg5000.find_folder(tmp_path) is None
    put(tmp_path, ".ts")
    assert ecg5000.find_folder(tmp_path) == tmp_path
    with pytest.raises(InputError, match="ECG5000_TRAIN and ECG5000_TEST"):
        ecg5000.load(tmp_path)


@pytest.mark.slow
@pytest.mark.real_data
def test_the_published_files_agree():
    folder = ecg5000.find_folder(data_folder())
    if folder is None:
        pytest.skip("no ECG5000 here")
    beats = ecg5000.load(folder)
    assert beats.class_counts().tolist() == [2919, 1767, 96, 194, 24]
    assert (~beats.official_test).sum() == 500
    forms = [form for form in ecg5000.FORMS if (folder / f"ECG5000_TRAIN{form}").is_file()]
    read = [ecg5000.read(folder / f"ECG5000_TRAIN{form}", beats=500) for form in forms]
    for values, labels in read[1:]:
        assert (values == read[0][0]).all() and (labels == read[0][1]).all()
