"""Kaggle's beats from the raw records."""

import os

import numpy as np
import pytest

from heartbeats import kaggle_csv, mitdb
from heartbeats.beat_set import fingerprint
from utils.errors import InputError
from utils.paths import data_folder

needs_records = pytest.mark.skipif(
    mitdb.find_folder(data_folder()) is None, reason="no MIT-BIH records under $ECG_DATA"
)


@pytest.fixture(scope="module")
def mitbih():
    return mitdb.load(mitdb.find_folder(data_folder()))


def test_missing_records_are_named(record_folder):
    with pytest.raises(InputError, match=r"lacks 47 of the 48.*101.*heartbeats.download mitdb"):
        mitdb.load(record_folder)


def test_a_record_gives_its_beats_with_time_and_symbol(record_folder):
    part = mitdb._load_record(record_folder / "100")
    assert part["symbols"].tolist() == ["N", "V", "A", "F"] * 2 + ["N", "V", "A"]
    assert part["labels"].tolist()[:4] == [0, 2, 1, 3]
    assert np.isclose(part["times_s"][0], (20 + 288) / 360)


def test_a_short_dat_file_is_told(record_folder):
    file = record_folder / "100.dat"
    os.truncate(file, file.stat().st_size - 600)
    with pytest.raises(
        InputError, match=r"100\.dat has 10,200 bytes where 100\.hea promises 10,8"
    ):
        mitdb._load_record(record_folder / "100")


def test_a_damaged_dat_file_is_told(record_folder):
    file = record_folder / "100.dat"
    content = bytearray(file.read_bytes())
    content[300] ^= 0x55
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"100\.dat.*does not match the checksum"):
        mitdb._load_record(record_folder / "100")


def test_a_missing_annotation_file_is_told(record_folder):
    (record_folder / "100.atr").unlink()
    with pytest.raises(InputError, match=r"100\.atr is missing"):
        mitdb._load_record(record_folder / "100")


def test_a_missing_dat_file_is_told(record_folder):
    (record_folder / "100.dat").unlink()
    with pytest.raises(InputError, match=r"100\.dat is missing, though 100\.hea names it"):
        mitdb._load_record(record_folder / "100")


def test_a_broken_header_is_told(record_folder):
    (record_folder / "100.hea").write_text("not a header\n")
    with pytest.raises(InputError, match=r"100\.hea cannot be read as a WFDB header"):
        mitdb._load_record(record_folder / "100")


def test_the_halves_are_those_of_de_chazal():
    assert len(mitdb.DS1) == len(mitdb.DS2) == 22
    assert not set(mitdb.DS1) & set(mitdb.DS2)
    assert set(mitdb.RECORDS) - set(mitdb.DS1) - set(mitdb.DS2) == {"102", "104", "107", "217"}


@needs_records
@pytest.mark.slow
@pytest.mark.real_data
class TestRealRecords:
    def test_class_counts_are_those_that_kaggle_published(self, mitbih):
        assert mitbih.class_counts().tolist() == [90589, 2779, 7236, 803, 8039]
        test = mitbih.select(mitbih.official_test)
        assert test.class_counts().tolist() == [18118, 556, 1448, 162, 1608]

    def test_first_published_test_row(self, mitbih):
        """Kaggle's mitbih_test.csv begins 1.0, 0.758, 0.112, as public notebooks show."""
        first = mitbih.signals[np.flatnonzero(mitbih.official_test)[0]]
        assert np.allclose(first[:3], [1.0, 0.758, 0.112], atol=5e-4)

    def test_every_beat_is_scaled(self, mitbih):
        assert mitbih.signals.min() == 0
        assert mitbih.signals.max() == 1

    @pytest.mark.slow
    def test_exported_csv_files_read_back_as_the_same_beats(self, mitbih, tmp_path, monkeypatch):
        from heartbeats import catalog, export

        assert export.main(["mitbih", str(tmp_path / "kaggle")]) == 0
        monkeypatch.setenv("ECG_DATA", str(tmp_path))
        monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
        read = catalog.load("mitbih")
        assert np.array_equal(read.signals, mitbih.signals)
        assert np.array_equal(read.labels, mitbih.labels)
        assert np.array_equal(read.official_test, mitbih.official_test)
        assert read.fingerprint == fingerprint(mitbih)
        assert read.records is None
        # As published by Kaggle: 87,554 and 21,892 rows of 188 numbers of 25 bytes each.
        assert (tmp_path / "kaggle" / "mitbih_train.csv").stat().st_size == 87554 * 188 * 25
        signals, labels = kaggle_csv.read(tmp_path / "kaggle" / "mitbih_test.csv")
        assert np.array_equal(signals, mitbih.signals[mitbih.official_test])
        assert np.array_equal(labels, mitbih.labels[mitbih.official_test])
