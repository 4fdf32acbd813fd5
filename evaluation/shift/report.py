"""The report on shifts: JSON and CSV for programs, a PNG and one HTML page for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.assessment import TITLES
from evaluation.report_files import write_figures, write_page, write_table
from evaluation.shift import page
from evaluation.shift.findings import findings
from evaluation.shift.measure import Point, table
from evaluation.shift.plots import shift_figure
from utils.files import write_json


def write(
    folder: Path, points: Sequence[Point], facts: dict[str, Any], warnings: Sequence[str]
) -> None:
    """Write ``shift.html shift.png shift.csv shift.json``.

    Args:
        folder: made where it is missing.
        points: from `shift.measure`.
        facts: what was measured, on what, and how; `studies.shift` gathers them.
        warnings: sentences that must stand beside every score.
    """
    kind = "synthetic test beats" if facts["synthetic"] else "test beats"
    title = f"{TITLES.get(facts['data'], facts['data'])}, protocol {facts['protocol']}: shift"
    amount = f"{facts['measured_beats']:,} of {facts['test_beats']:,} {kind}"
    origins = ", ".join(f"{name} {origin}" for name, origin in facts["noise_origin"].items())
    figure = shift_figure(points, title, f"{amount}; noise: {origins}")
    html = page.build(
        points,
        figure,
        title=title,
        lead=f"Scores on {amount}, changed as recordings change.",
        notes=_notes(facts, origins),
        warnings=warnings,
    )
    rows = table(points).assign(noise_seed=facts["noise_seed"])
    write_page(folder / "shift.html", html)
    write_figures(folder, {"shift": figure})
    write_table(folder / "shift.csv", rows)
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    said = {"warnings": list(warnings), "findings": findings(points)}
    write_json(folder / "shift.json", {**facts, **said, "points": plain})


def _notes(facts: dict[str, Any], origins: str) -> list[str]:
    bootstrap = facts["bootstrap"]
    drawn = (
        f" They were drawn by class (seed {facts['draw_seed']}); --limit=0 takes all."
        if facts["draw_seed"] is not None
        else ""
    )
    return [
        facts["how"],
        f"Noise: {origins}. One draw (seed {facts['noise_seed']}), the same at every level and "
        "for every model.",
        f"{facts['measured_beats']:,} of {facts['test_beats']:,} test beats.{drawn} Intervals: "
        f"95 % bootstrap over {bootstrap['unit']} ({bootstrap['rounds']:,} draws, seed "
        f"{bootstrap['seed']}); they do not tell how far another draw of noise might move a "
        "score.",
    ]
