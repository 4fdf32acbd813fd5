"""What was found, as WFDB annotations that other tools read."""

from pathlib import Path

import numpy as np
import pandas as pd

from ecg.files.annotation_writing import record_name, write_annotations
from recordings.analysis import Analysis
from recordings.beat_table import MARKS

# The annotators' names: beats with rhythm and quality, and wave marks.
BEATS, WAVES = "bsw", "bwv"
# WFDB's codes name a rhythm, such as (AFIB; irregular intervals do not tell which one it is, so
# these are our own.
REGULAR, IRREGULAR = "(REG", "(IRREG"
RHYTHM, QUALITY = "+", "~"
PEAK_SYMBOLS = {"p": "p", "qrs": "N", "t": "t"}


def write(analysis: Analysis, folder: Path) -> list[Path]:
    """Write ``NAME.bsw`` and ``NAME.bwv``; their paths.

    The first holds each beat by its AAMI class, changes of the rhythm (`+` with ``(IRREG`` or
    ``(REG``) and the beginning and end of unusable stretches (`~` with the reason). The second
    holds wave marks as LUDB writes them: ``(`` onset, ``p``, ``N`` or ``t`` peak, ``)`` end.
    """
    hz, stem = analysis.sampling_hz, record_name(analysis.name)
    paths = [folder / f"{stem}.{BEATS}", folder / f"{stem}.{WAVES}"]
    for path, marks in zip(paths, (beat_marks(analysis), wave_marks(analysis)), strict=True):
        samples = np.rint(marks["time_s"] * hz).astype(np.int64).to_numpy()
        write_annotations(path, samples, list(marks["symbol"]), hz, list(marks["note"]))
    return paths


def beat_marks(analysis: Analysis) -> pd.DataFrame:
    """`time_s`, `symbol` and `note` of beats, rhythm changes and unusable stretches."""
    beats = analysis.beats
    rows = [(0.0, RHYTHM, REGULAR)]
    for one in analysis.irregular.itertuples():
        rows += [(one.start_s, RHYTHM, IRREGULAR), (one.end_s, RHYTHM, REGULAR)]
    for one in analysis.stretches.itertuples():
        rows += [(one.start_s, QUALITY, one.reason), (one.end_s, QUALITY, "usable")]
    rows += [
        (time_s, kind, "") for time_s, kind in zip(beats["time_s"], beats["class"], strict=True)
    ]
    return pd.DataFrame(rows, columns=["time_s", "symbol", "note"])


def wave_marks(analysis: Analysis) -> pd.DataFrame:
    """`time_s`, `symbol` and `note` of every wave that was found."""
    parts = [pd.DataFrame({"time_s": [], "symbol": [], "note": []})]
    for wave, peak in PEAK_SYMBOLS.items():
        for mark, symbol in zip(MARKS, ("(", peak, ")"), strict=True):
            times_s = analysis.beats[f"{wave}_{mark}_s"].dropna()
            parts.append(pd.DataFrame({"time_s": times_s, "symbol": symbol, "note": ""}))
    return pd.concat(parts)
