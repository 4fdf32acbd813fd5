"""Annotations that other tools read: what wfdb reads back is what was found."""

import dataclasses

import numpy as np
import pytest
import wfdb

from ecg.files.writing import record_name, write_annotations
from recordings import results
from tests.recordings import examples


@pytest.fixture(scope="module")
def analysis():
    return examples.make(20, irregular=[(3.0, 7.5)], unusable=[(8.0, 9.0)])[0]


def test_beats_rhythm_and_quality_are_read_back(analysis, tmp_path):
    beats, _waves = results.write_wfdb_annotations(analysis, tmp_path)
    read = wfdb.rdann(str(beats.with_suffix("")), "bsw")
    assert read.fs == analysis.sampling_hz
    symbols = np.array(read.symbol)
    is_beat = np.isin(symbols, list("NSVFQ"))
    assert read.sample[is_beat].tolist() == analysis.beats["sample"].tolist()
    assert symbols[is_beat].tolist() == analysis.beats["class"].tolist()
    notes = [note.rstrip("\0") for note in read.aux_note]
    rhythm = [
        (s / read.fs, n) for s, k, n in zip(read.sample, symbols, notes, strict=True) if k == "+"
    ]
    assert rhythm == [(0, "(REG"), (3.0, "(IRREG"), (7.5, "(REG")]
    assert [n for k, n in zip(symbols, notes, strict=True) if k == "~"] == ["noise", "usable"]


def test_wave_marks_are_read_back(analysis, tmp_path):
    _beats, waves = results.write_wfdb_annotations(analysis, tmp_path)
    read = wfdb.rdann(str(waves.with_suffix("")), "bwv")
    times_s = read.sample[np.array(read.symbol) == "t"] / read.fs
    expected = analysis.beats["t_peak_s"].dropna()
    assert np.abs(times_s - expected).max() <= 0.5 / read.fs + 1e-9


def test_a_recording_without_beats_gives_files_that_can_be_read(analysis, tmp_path):
    empty = dataclasses.replace(analysis, beats=analysis.beats[:0])
    beats, waves = results.write_wfdb_annotations(empty, tmp_path)
    assert len(wfdb.rdann(str(beats.with_suffix("")), "bsw").sample) == 5
    assert waves.read_bytes() == b"\0\0"


def test_marks_may_come_in_any_order(tmp_path):
    write_annotations(tmp_path / "a.qrs", np.array([300, 5, 70000]), ["V", "N", "S"], 257.0)
    read = wfdb.rdann(str(tmp_path / "a"), "qrs")
    assert read.sample.tolist() == [5, 300, 70000] and read.symbol == ["N", "V", "S"]


def test_names_that_wfdb_does_not_allow_are_changed():
    assert record_name("night 3.b") == "night_3_b" and record_name("100") == "100"
