"""Reading LUDB's marks."""

import shutil

import numpy as np
import pytest
import wfdb

from ecg.files import ludb
from utils.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """A data folder with one record: a whole P wave, a complex without onset, a lonely T peak."""
    records = tmp_path / "ludb" / "data"
    records.mkdir(parents=True)
    signal = np.random.default_rng(0).normal(size=(1000, 12)).round(2)
    wfdb.wrsamp(
        "7", 500, ["mV"] * 12, list(ludb.LEADS), signal, fmt=["16"] * 12, write_dir=str(records)
    )
    marks = [("(", 10), ("p", 20), (")", 30), ("N", 60), (")", 70), ("t", 150)]
    symbols, samples = zip(*marks, strict=True)
    wfdb.wrann("7", "marks", np.array(samples), list(symbols), write_dir=str(records))
    for lead in ludb.LEADS:  # wfdb writes no extension with a digit, but reads them
        shutil.copy(records / "7.marks", records / f"7.{lead}")
    return tmp_path


def test_marks_are_triples_with_gaps_where_one_is_missing(folder):
    leads = ludb.load(folder, 7)
    assert tuple(leads) == ludb.LEADS
    lead = leads["v3"]
    assert lead.p.tolist() == [[10, 20, 30]]
    assert lead.qrs.tolist() == [[-1, 60, 70]]
    assert lead.t.tolist() == [[-1, 150, -1]]
    assert lead.signal_mv.shape == (1000,)


def test_a_missing_record_is_told(folder):
    with pytest.raises(InputError, match="no LUDB record 8"):
        ludb.load(folder, 8)
