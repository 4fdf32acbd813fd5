"""The beats of a recording as one table, a row for each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecg.delineate import Waves
from ecg.intervals import Intervals
from ecg.quality import UnusableSegment
from heartbeats.beat_set import AAMI_CLASSES
from recordings.kinds.beat_timing import since_beat_before

MARKS = ("onset", "peak", "end")
DURATIONS = ("p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms")
# Decimals in files; more would have no meaning.
DECIMALS = {"_s": 4, "_ms": 1}
OTHER_DECIMALS = 4


def timing(r_peaks: np.ndarray, sampling_hz: float, breaks: np.ndarray) -> pd.DataFrame:
    """`sample`, `time_s` and `rr_s`, the time since the beat before.

    Args:
        r_peaks: (beats,) int, ascending sample indices.
        sampling_hz: samples per second.
        breaks: ascending samples; an interval that contains one is NaN.
    """
    rr_s = since_beat_before(r_peaks, sampling_hz, breaks)
    return pd.DataFrame({"sample": r_peaks, "time_s": r_peaks / sampling_hz, "rr_s": rr_s})


def kinds(probabilities: np.ndarray) -> pd.DataFrame:
    """`class`, its `probability`, and `p_N` ... `p_Q`, from (beats, 5) probabilities."""
    best = probabilities.argmax(axis=1)
    table = {
        "class": np.array(AAMI_CLASSES, object)[best],
        "probability": probabilities[np.arange(len(best)), best],
    }
    for index, name in enumerate(AAMI_CLASSES):
        table[f"p_{name}"] = probabilities[:, index]
    return pd.DataFrame(table)


def wave_times(waves: Waves, sampling_hz: float) -> pd.DataFrame:
    """`p_onset_s` ... `t_end_s`, NaN where a wave is absent."""
    table = {}
    for name, marks in (("p", waves.p), ("qrs", waves.qrs), ("t", waves.t)):
        times_s = np.where(marks < 0, np.nan, marks / sampling_hz)
        for mark, column in zip(MARKS, times_s.T, strict=True):
            table[f"{name}_{mark}_s"] = column
    return pd.DataFrame(table)


def durations(measured: Intervals) -> pd.DataFrame:
    """`p_ms`, `pr_ms`, `qrs_ms`, `qt_ms`, `qtc_ms`."""
    return pd.DataFrame({name: getattr(measured, name) for name in DURATIONS})


def inside(times_s: np.ndarray, segments: Sequence[UnusableSegment]) -> np.ndarray:
    """(times,) bool: whether each lies in one of the segments."""
    hit = np.zeros(len(times_s), bool)
    for one in segments:
        hit |= (times_s >= one.start_s) & (times_s < one.end_s)
    return hit


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the decimals of files."""
    decimals = {
        name: next((n for end, n in DECIMALS.items() if name.endswith(end)), OTHER_DECIMALS)
        for name in table.select_dtypes("float").columns
    }
    return table.round(decimals)
