"""The report of a study as one HTML page, with a PNG of each figure."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from sweeps.study_report import plots, space_plots
from sweeps.study_report.findings import (
    Importances,
    captions,
    introduction,
    luck,
    seed_noise,
    shown_score,
    warnings_of,
)
from sweeps.study_report.study_table import FAILED, StudyTable, shortened, shown_value
from utils.page import Cell, heading, note, table
from utils.paths import shown
from utils.picture import Picture
from utils.report import Report, Section

TOP = 10
MOST_FAILURES = 30
LONGEST_VALUE = 40
FAILURE_HEADERS = ("trial", "reason", "repeated by", "attempts", "host", "output")
LONGEST_REASON = 100
ORDER = ("history", "early_stopping", "importances", "parallel", "slices", "cost")


def write(study: StudyTable, found: Importances, folder: Path) -> Path:
    """Write the page and a PNG of each figure into `folder`; the path of the page."""
    return build(study, found, draw_all(study, found)).write(folder)[0]


def draw_all(study: StudyTable, found: Importances) -> dict[str, Figure]:
    """All figures that the study has the trials for, by the name of their file."""
    if study.scored.empty:
        return {}
    order = by_importance(study, found)
    figures: dict[str, Figure | None] = {
        "history": plots.history_figure(study),
        "early_stopping": plots.early_stopping_figure(study),
        "importances": plots.importances_figure(found) if found.found else None,
        "parallel": space_plots.parallel_figure(study, order),
        "slices": space_plots.slices_figure(study, order),
        "cost": plots.cost_figure(study),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def build(study: StudyTable, found: Importances, figures: Mapping[str, Figure]) -> Report:
    """The report: the page and its figures.

    Args:
        study: all trials.
        found: the importances of the parameters.
        figures: those that could be drawn, by name: some of ORDER.
    """
    return Report(
        study.name,
        introduction(study),
        [
            *_description(study),
            *_top(study, by_importance(study, found)),
            *_pictures(study, found, figures),
            *_failures(study),
            *_constants(study),
        ],
        "Made by sweeps/report.py of Beatsweep.",
        warnings_of(study),
    )


def _pictures(
    study: StudyTable, found: Importances, figures: Mapping[str, Figure]
) -> list[Section]:
    texts = captions(study, found)
    pictures: dict[str, Section] = {
        name: Picture(name, figure, texts[name], "none" if name == "parallel" else "panels")
        for name, figure in figures.items()
    }
    if found.why_not and study.scales and len(study.scored):
        pictures["importances"] = note(f"No importances: {found.why_not}")
    return [pictures[name] for name in ORDER if name in pictures]


def _description(study: StudyTable) -> list[str]:
    text = study.sweep.get("description")
    return [note(" ".join(str(text).split()))] if text else []


def by_importance(study: StudyTable, found: Importances) -> list[str]:
    """The parameters that vary, the most important first; as defined where that is not known."""
    return [one.name for one in found.found] or [scale.name for scale in study.scales]


def _top(study: StudyTable, names: list[str]) -> list[str]:
    if study.ranked.empty:
        return [note("No trial has finished, so there is no ranking.")]
    head = study.ranked.head(TOP)
    rows = [
        _top_row(study, names, rank, number) for rank, number in enumerate(head.index, start=1)
    ]
    headers = ["rank", "trial", study.metric, "seconds", *names]
    return [
        heading(f"The best {len(rows)} finished trials" if len(rows) > 1 else "The one finished"),
        table(headers, rows, text_columns=0),
        note(luck(study, seed_noise(study))),
    ]


def _top_row(study: StudyTable, names: list[str], rank: int, number: int) -> list[Cell]:
    row = study.ranked.loc[number]
    seconds = "" if pd.isna(row["seconds"]) else f"{row['seconds']:,.0f}"
    has_settings = bool(row["has_settings"])
    return [
        rank,
        str(number),
        shown_score(row["score"]),
        seconds,
        *(
            shortened(shown_value(study.values.at[number, name]), LONGEST_VALUE)
            if has_settings
            else "?"
            for name in names
        ),
    ]


def _failures(study: StudyTable) -> list[str]:
    failed = study.trials[study.trials["state"] == FAILED]
    if failed.empty:
        return []
    repeats = study.trials["retry_of"].dropna().astype(int)
    again = {of: number for number, of in repeats.items()}
    rows = [
        [
            str(number),
            _text(row["reason"], "unknown"),
            _retried(study, again.get(number)),
            _count(row["attempts"]),
            _text(row["host"]),
            shown(Path(row["log"])) if isinstance(row["log"], str) else "",
        ]
        for number, row in failed.tail(MOST_FAILURES).iterrows()
    ]
    left_out = len(failed) - len(rows)
    reasons = failed["reason"].fillna("unknown").value_counts()
    common = "; ".join(f"{shortened(str(why), 80)} ({n:,})" for why, n in reasons.head(5).items())
    return [
        heading("Failures"),
        _without_empty_columns(FAILURE_HEADERS, rows),
        *(
            [note(f"The last {len(rows)} of {len(failed):,}. By reason: {common}.")]
            if left_out
            else []
        ),
    ]


def _without_empty_columns(headers: tuple[str, ...], rows: list[list[str]]) -> str:
    kept = [place for place in range(len(headers)) if any(row[place] for row in rows)]
    cells = [[row[place] for place in kept] for row in rows]
    return table([headers[place] for place in kept], cells, text_columns=len(kept))


def _text(value: object, otherwise: str = "") -> str:
    return shortened(value, LONGEST_REASON) if isinstance(value, str) and value else otherwise


def _count(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.0f}"


def _retried(study: StudyTable, number: int | None) -> str:
    return "" if number is None else f"trial {number}: {study.trials.at[number, 'state']}"


def _constants(study: StudyTable) -> list[str]:
    if not study.constants:
        return []
    text = ", ".join(f"{name} {shown_value(value)}" for name, value in study.constants.items())
    return [heading("Held constant"), note(f"{text}.")]
