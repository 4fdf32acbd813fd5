"""A database's recordings as one page: who stands out and why, all figures, what failed."""

import html
from urllib.parse import quote

import pandas as pd
from matplotlib.figure import Figure

from recordings.page import CAVEAT, FOOTER, sized
from recordings.results import PAGE
from recordings.wording import duration, known, number, percent
from utils.page import Bar, Cell, footer, heading, note, page, picture, table

# More lines than these are not read; the table below has all.
MOST_LINES = 60
CAPTION = (
    "A row for each recording, the highest score first. Axes differ from panel to panel; a score "
    "of 1 is the worst."
)


def build_database_page(
    name: str, patients: pd.DataFrame, figure: Figure, *, linked: bool = False
) -> str:
    """The page.

    Args:
        name: of the database.
        patients: from `recordings.patients.table`, those that stand out most first.
        figure: from `pictures.patients.patients_figure`.
        linked: whether each recording has a page of its own to link to, below this one.
    """
    analysed = patients[patients["score"].notna()]
    failed = patients[patients["score"].isna()]
    return page(
        f"Recordings of {name}",
        _lead(analysed),
        [
            heading("Who stands out"),
            *_flagged(analysed[analysed["flagged"].astype(bool)], linked),
            heading("At a glance"),
            sized(picture(figure, "patients", ""), figure.get_figwidth()),
            note(CAPTION),
            heading("All recordings"),
            _table(analysed),
            *(_links(analysed) if linked else []),
            *_failures(failed),
            footer(FOOTER),
        ],
        warnings=[*_failure_warning(failed), CAVEAT],
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
