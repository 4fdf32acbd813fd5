"""A small MIT-BIH look-alike on disk, and beats to split."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from heartbeats.beat_set import AAMI_CLASSES, BeatSet


@pytest.fixture
def record_folder(tmp_path: Path) -> Path:
    """One WFDB record `100` of ten seconds, two channels, with a beat every 0.8 s."""
    rng = np.random.default_rng(0)
    signal = rng.integers(900, 1200, (3600, 2))
    wfdb.wrsamp(
        "100",
        fs=360,
        units=["mV", "mV"],
        sig_name=["MLII", "V5"],
        d_signal=signal,
        fmt=["212", "212"],
        adc_gain=[200, 200],
        baseline=[1024, 1024],
        write_dir=str(tmp_path),
    )
    samples = np.arange(20, 3600, 288)
    symbols = ["+"] + ["N", "V", "A", "F"] * 3
    wfdb.wrann("100", "atr", samples, symbols[: len(samples)], write_dir=str(tmp_path))
    return tmp_path


def make_beats(patients: int = 12, each: int = 40, seed: int = 0) -> BeatSet:
    """Random beats with all five classes in every patient, and an official test set."""
    rng = np.random.default_rng(seed)
    beats = patients * each
    labels = np.tile(np.repeat(np.arange(5), each // 5), patients).astype(np.uint8)
    names = np.repeat([f"p{number:02d}" for number in range(patients)], each)
    return BeatSet(
        "invented",
        signals=rng.random((beats, 187), dtype=np.float32),
        labels=labels,
        class_names=AAMI_CLASSES,
        sampling_hz=120.0,
        official_test=rng.random(beats) < 0.2,
        records=names,
        patients=names,
        times_s=np.arange(beats, dtype=float),
        symbols=np.full(beats, "N"),
    )


@pytest.fixture
def beats() -> BeatSet:
    return make_beats()
