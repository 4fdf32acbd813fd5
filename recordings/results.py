"""The files that an analysed recording leaves: tables, summary, pictures, page, annotations."""

from pathlib import Path
from typing import Any

import pandas as pd

from ecg.recording import Recording
from evaluation.report_files import write_figures, write_page, write_table
from recordings import page, wfdb_annotations
from recordings.analysis import Analysis
from recordings.beat_table import rounded
from recordings.pictures import draw_all
from utils.files import write_json, write_whole

# Written last: where it stands, all others do.
SUMMARY = "summary.json"
PAGE = "report.html"


def write(
    folder: Path,
    recording: Recording,
    analysis: Analysis,
    *,
    pictures: bool = True,
    html: bool = False,
    annotate: bool = False,
    made_with: dict[str, Any] | None = None,
) -> list[Path]:
    """Write what was asked for to `folder`; the paths, the summary's at the end.

    Args:
        folder: made where it is missing; files of the same names are replaced.
        recording: what was analysed.
        analysis: what was found.
        pictures: PNG files.
        html: one self-contained page.
        annotate: WFDB annotations.
        made_with: stands in the summary, for who wants to know whether it is out of date.
    """
    files = _tables(folder, analysis)
    if pictures or html:
        figures = draw_all(analysis, recording)
        if pictures:
            files += write_figures(folder, figures)
        if html:
            files.append(write_page(folder / PAGE, page.build(analysis, recording, figures)))
    if annotate:
        files += wfdb_annotations.write(analysis, folder)
    write_json(folder / SUMMARY, summary_of(analysis) | {"made_with": made_with or {}})
    return [*files, folder / SUMMARY]


def summary_of(analysis: Analysis) -> dict[str, Any]:
    """What the summary's file says."""
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
        "unusable": analysis.stretches,
    }
    files = [write_table(folder / f"{n}.csv", rounded(table)) for n, table in tables.items()]
    _write_records(folder / "beats.json", rounded(analysis.beats))
    return [*files, folder / "beats.json"]


def _write_records(path: Path, table: pd.DataFrame) -> None:
    """A list of objects, one a line, with null where a value is missing."""
    lines = table.to_json(orient="records", lines=True, double_precision=6).splitlines()
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))
