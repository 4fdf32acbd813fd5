"""The files of an analysed recording: tables, summary, pictures, page, WFDB annotations."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg.files.writing import record_name, write_annotations
from ecg.recording import Recording
from recordings import page
from recordings.analysis import Analysis
from recordings.beat_table import MARKS, rounded
from recordings.pictures import draw_all
from utils.files import write_json, write_whole
from utils.report import write_figures, write_table

# Written last: if it is there, all others are.
SUMMARY = "summary.json"
PAGE = "report.html"
# The annotators' names: beats with rhythm and quality, and wave marks.
BEATS, WAVES = "bsw", "bwv"
# WFDB's codes name a rhythm, such as (AFIB. Irregular intervals do not tell which one it is, so
# these codes are our own.
REGULAR, IRREGULAR = "(REG", "(IRREG"
RHYTHM, QUALITY = "+", "~"
PEAK_SYMBOLS = {"p": "p", "qrs": "N", "t": "t"}


def write(
    folder: Path,
    recording: Recording,
    analysis: Analysis,
    *,
    pictures: bool = True,
    html: bool = False,
    annotate: bool = False,
) -> list[Path]:
    """Write the files to `folder`; returns their paths, the summary's last.

    Args:
        folder: made where it is missing; files of the same names are replaced.
        recording: what was analysed.
        analysis: what was found.
        pictures: PNG files.
        html: one self-contained page.
        annotate: WFDB annotations.
    """
    files = _tables(folder, analysis)
    if pictures or html:
        figures = draw_all(analysis, recording)
        if html:
            files += page.build(analysis, recording, figures, pngs=pictures).write(folder)
        else:
            files += write_figures(folder, figures)
    if annotate:
        files += write_wfdb_annotations(analysis, folder)
    write_json(folder / SUMMARY, summary_of(analysis))
    return [*files, folder / SUMMARY]


def summary_of(analysis: Analysis) -> dict[str, Any]:
    """The content of the summary file."""
    return {
        "name": analysis.name,
        "sampling_hz": analysis.sampling_hz,
        "leads": analysis.leads,
        "lead": analysis.lead,
        **analysis.summary,
        "notes": analysis.notes,
        "provenance": analysis.provenance,
    }


def _tables(folder: Path, analysis: Analysis) -> list[Path]:
    tables = {
        "beats": analysis.beats,
        "rhythm_windows": analysis.windows,
        "irregular": analysis.irregular,
        "episodes": analysis.episodes,
        "unusable": analysis.unusable,
    }
    files = [write_table(folder / f"{n}.csv", rounded(table)) for n, table in tables.items()]
    _write_records(folder / "beats.json", rounded(analysis.beats))
    return [*files, folder / "beats.json"]


def _write_records(path: Path, table: pd.DataFrame) -> None:
    """A list of objects, one a line, with null where a value is missing."""
    lines = table.to_json(orient="records", lines=True, double_precision=6).splitlines()
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


# WFDB annotations, for other tools


def write_wfdb_annotations(analysis: Analysis, folder: Path) -> list[Path]:
    """Write ``NAME.bsw`` and ``NAME.bwv``; their paths.

    The first holds each beat by its AAMI class, changes of the rhythm (`+` with ``(IRREG`` or
    ``(REG``) and the beginning and end of unusable segments (`~` with the reason). The second
    holds wave marks as LUDB writes them: ``(`` onset, ``p``, ``N`` or ``t`` peak, ``)`` end.
    """
    hz, stem = analysis.sampling_hz, record_name(analysis.name)
    paths = [folder / f"{stem}.{BEATS}", folder / f"{stem}.{WAVES}"]
    for path, marks in zip(paths, (beat_marks(analysis), wave_marks(analysis)), strict=True):
        samples = np.rint(marks["time_s"] * hz).astype(np.int64).to_numpy()
        write_annotations(path, samples, list(marks["symbol"]), hz, list(marks["note"]))
    return paths


def beat_marks(analysis: Analysis) -> pd.DataFrame:
    """`time_s`, `symbol` and `note` of beats, rhythm changes and unusable segments."""
    beats = analysis.beats
    rows = [(0.0, RHYTHM, REGULAR)]
    for one in analysis.irregular.itertuples():
        rows += [(one.start_s, RHYTHM, IRREGULAR), (one.end_s, RHYTHM, REGULAR)]
    for one in analysis.unusable.itertuples():
        rows += [(one.start_s, QUALITY, one.reason), (one.end_s, QUALITY, "usable")]
    rows += [
        (time_s, kind, "") for time_s, kind in zip(beats["time_s"], beats["class"], strict=True)
    ]
    return pd.DataFrame(rows, columns=["time_s", "symbol", "note"])


def wave_marks(analysis: Analysis) -> pd.DataFrame:
    """`time_s`, `symbol` and `note` of every wave mark."""
    parts = [pd.DataFrame({"time_s": [], "symbol": [], "note": []})]
    for wave, peak in PEAK_SYMBOLS.items():
        for mark, symbol in zip(MARKS, ("(", peak, ")"), strict=True):
            times_s = analysis.beats[f"{wave}_{mark}_s"].dropna()
            parts.append(pd.DataFrame({"time_s": times_s, "symbol": symbol, "note": ""}))
    return pd.concat(parts)
