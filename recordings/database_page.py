"""The page of a database of recordings: who stands out and why, all figures, failures."""

import html
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from evaluation.report_parts import made_by
from recordings.beat_table import rounded
from recordings.page import CAVEAT
from recordings.pictures.signs import IRREGULAR, TRACE, colour_of
from recordings.results import PAGE
from recordings.wording import duration, known, number, percent
from utils.page import Bar, Cell, heading, note, table
from utils.picture import Picture
from utils.report import Report, Section
from utils.style import GRID, INK, MUTED, bare, new_figure, styled

WIDTH_INCHES, ROW_INCHES, AROUND_INCHES = 12.0, 0.19, 1.6
# The most rows of the figure; the table has all.
MOST_ROWS = 60
BAR = 0.66
# The smallest limit of an axis: two beats in a thousand should not look like many.
SHORTEST_AXIS = 0.02
PANELS = {
    "score": ("score", 1.2),
    "ectopic": ("ectopic beats, %", 2.4),
    "irregular": ("irregular, % of time", 1.5),
    "unknown": ("unknown kind, %", 1.2),
    "unusable": ("unusable, %", 1.2),
}

# The most lines of the list; the table below has all.
MOST_LINES = 60
CAPTION = (
    "A row for each recording, the highest score first. Axes differ from panel to panel; a score "
    "of 1 is the worst."
)


TABLE, DATABASE_PAGE = "patients.csv", "patients.html"


def write(folder: Path, name: str, table: pd.DataFrame, *, linked: bool) -> list[Path]:
    """Write ``patients.html``, ``patients.png`` and ``patients.csv``; their paths.

    Args:
        folder: of the database's results.
        name: of the database.
        table: from `patients.table`.
        linked: whether each recording has a page of its own to link to.
    """
    return build(name, table, linked=linked).write(folder)


def build(name: str, patients: pd.DataFrame, *, linked: bool = False) -> Report:
    """The report: page, figure and table.

    Args:
        name: of the database.
        patients: from `recordings.patients.table`, those that stand out most first.
        linked: whether each recording has a page of its own to link to, below this one.
    """
    analysed = patients[patients["score"].notna()]
    failed = patients[patients["score"].isna()]
    sections: list[Section] = [
        heading("Who stands out"),
        *_flagged(analysed[analysed["flagged"].astype(bool)], linked),
        heading("At a glance"),
        Picture("patients", patients_figure(patients), CAPTION, stack="none"),
        heading("All recordings"),
        _table(analysed),
        *(_links(analysed) if linked else []),
        *_failures(failed),
    ]
    return Report(
        f"Recordings of {name}",
        _lead(analysed),
        sections,
        made_by("analyse_record.py"),
        [*_failure_warning(failed), CAVEAT],
        tables={TABLE: rounded(patients)},
        page=DATABASE_PAGE,
    )


def _lead(analysed: pd.DataFrame) -> str:
    seconds = float(analysed["duration_s"].sum())
    flagged = int(analysed["flagged"].astype(bool).sum())
    return (
        f"{len(analysed):,} recordings, {duration(seconds) or '0 s'} together; {flagged:,} "
        "flagged."
    )


def _flagged(flagged: pd.DataFrame, linked: bool) -> list[str]:
    """The flagged recordings with their reasons, as a list."""
    if flagged.empty:
        return [note("No recording is flagged.")]
    lines = [
        f"<li>{_name(record, linked)}: {html.escape(str(reasons))}</li>"
        for record, reasons in flagged[["record", "reasons"]]
        .head(MOST_LINES)
        .itertuples(index=False)
    ]
    return [f"<ol>{''.join(lines)}</ol>", *_more(len(flagged))]


def _name(record: str, linked: bool) -> str:
    text = html.escape(str(record))
    return f'<a href="{quote(str(record))}/{PAGE}">{text}</a>' if linked else text


def _more(count: int) -> list[str]:
    return [note(f"{count - MOST_LINES:,} more are in the table.")] if count > MOST_LINES else []


def _links(analysed: pd.DataFrame) -> list[str]:
    names = ", ".join(_name(record, True) for record in analysed["record"])
    return [f"<p>Pages: {names}.</p>"]


def _table(analysed: pd.DataFrame) -> str:
    burden = max(float(analysed["ectopic_share"].max() or 0), 1e-9)
    minutes = max(float(analysed["irregular_minutes"].max() or 0), 1e-9)
    headers = [
        "record",
        "",
        "score",
        "length",
        "beats",
        "heart rate",
        "ectopic",
        "irregular min",
        "unknown",
        "anomaly",
        "pauses",
        "V runs",
        "quality",
        "unusable",
    ]
    rows = [_row(row, burden, minutes) for row in analysed.to_dict("records")]
    return table(headers, rows, text_columns=2) + note(
        "Ectopic: beats of classes S, V and F. Bars are relative to the largest value of the "
        "column. Anomaly: how far beats are from what the network was trained on. Quality: "
        "median of the beats, 1 is best."
    )


def _row(row: dict, burden: float, minutes: float) -> list[Cell]:
    ectopic, irregular = row["ectopic_share"], row["irregular_minutes"]
    return [
        str(row["record"]),
        "flagged" if row["flagged"] else "",
        _bar(number(row["score"], ".2f"), row["score"], 1),
        duration(row["duration_s"]),
        int(row["beats"]),
        number(row["heart_rate_bpm"], ".0f"),
        _bar(f"{percent(ectopic)}", ectopic, burden),
        _bar(number(irregular, ".1f"), irregular, minutes),
        percent(row["unknown_share"]),
        number(row["anomaly"], ".2f"),
        number(row["pauses"], ".0f"),
        number(row.get("ventricular_runs"), ".0f"),
        number(row["quality"], ".2f"),
        percent(row["unusable_share"]),
    ]


def _bar(text: str, value: float | None, most: float) -> Cell:
    return Bar(text, float(value) / most) if value is not None and known(value) else text


def _failures(failed: pd.DataFrame) -> list[str]:
    if failed.empty:
        return []
    lines = [
        f"<li>{html.escape(str(record))}: {html.escape(str(error))}</li>"
        for record, error in failed[["record", "error"]].itertuples(index=False)
    ]
    return [heading("Not analysed"), f"<ul>{''.join(lines)}</ul>"]


def _failure_warning(failed: pd.DataFrame) -> list[str]:
    if failed.empty:
        return []
    count = f"{len(failed):,} recordings" if len(failed) > 1 else "1 recording"
    return [f"{count} could not be analysed; the reasons stand at the end."]


# The figure: a row for each recording, a panel for each measure


@styled
def patients_figure(table: pd.DataFrame) -> Figure:
    """Bars of every recording, those that stand out most first.

    Args:
        table: from `recordings.patients.table`: `record`, `score`, `flagged`, `s_share`,
            `v_share`, `ectopic_share`, `irregular_share`, `unknown_share`, `unusable_share`,
            `error`.
    """
    analysed = table[table["score"].notna()].sort_values("score", ascending=False, kind="stable")
    shown = analysed.head(MOST_ROWS)
    height = ROW_INCHES * max(len(shown), 3) + AROUND_INCHES
    figure = new_figure(WIDTH_INCHES, height, "Who stands out", _words(table, analysed))
    widths = [width for _title, width in PANELS.values()]
    panels = figure.subplots(
        1, len(PANELS), sharey=True, squeeze=False, gridspec_kw={"width_ratios": widths}
    )[0]
    for axes, (name, (title, _width)) in zip(panels, PANELS.items(), strict=True):
        _draw_bars(axes, _parts(name, shown))
        axes.set_title(title, weight="normal", size=9.5)
    panels[0].set_xlim(0, 1)
    _name_rows(panels[0], shown)
    handles = [Patch(color=colour_of(name), label=name) for name in ("S", "V", "F")]
    figure.legend(handles=handles, loc="upper right", ncols=3)
    return figure


def _words(table: pd.DataFrame, analysed: pd.DataFrame) -> str:
    flagged = int(analysed["flagged"].astype(bool).sum())
    words = f"{len(analysed):,} recordings, {flagged:,} flagged (bold)"
    if len(analysed) > MOST_ROWS:
        words += f"; shown: the {MOST_ROWS} of the highest score"
    failed = len(table) - len(analysed)
    return words + (f"; {failed:,} could not be analysed" if failed else "")


def _parts(panel: str, shown: pd.DataFrame) -> list[tuple[np.ndarray, list[str] | str]]:
    """Lengths and colours of the bars of a panel, from left to right."""

    def share(column: str) -> np.ndarray:
        return np.nan_to_num(shown[column].to_numpy(float))

    if panel == "score":
        return [(share("score"), [INK if f else TRACE for f in shown["flagged"].astype(bool)])]
    if panel == "ectopic":
        fusion = np.clip(share("ectopic_share") - share("s_share") - share("v_share"), 0, None)
        shares = {"S": share("s_share"), "V": share("v_share"), "F": fusion}
        return [(100 * values, colour_of(name)) for name, values in shares.items()]
    colour = {"irregular": IRREGULAR, "unknown": MUTED, "unusable": TRACE}[panel]
    return [(100 * share(f"{panel}_share"), colour)]


def _draw_bars(axes: Axes, parts: list[tuple[np.ndarray, list[str] | str]]) -> None:
    """Bars of several parts, one behind another."""
    left = np.zeros(len(parts[0][0]))
    for values, colour in parts:
        axes.barh(np.arange(len(left)), values, left=left, color=colour, height=BAR, lw=0)
        left = left + values
    axes.set_xlim(0, 1.05 * max(float(left.max(initial=0)), 100 * SHORTEST_AXIS))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.tick_top()
    axes.grid(True, axis="x", color=GRID)
    axes.set_axisbelow(True)
    bare(axes)


def _name_rows(axes: Axes, shown: pd.DataFrame) -> None:
    axes.set_yticks(np.arange(len(shown)), shown["record"].astype(str), size=8.5)
    axes.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    flagged = shown["flagged"].astype(bool)
    for label, is_flagged in zip(axes.get_yticklabels(), flagged, strict=True):
        if is_flagged:
            label.set_fontweight("bold")
