"""Terminal output for recordings: progress, the figures of one, the ranking of many."""

from collections.abc import Iterable, Iterator

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from recordings.analysis import Analysis
from recordings.database import Outcome
from recordings.wording import clock

# This many patients fit on a screen; the file has all.
MOST_PATIENTS = 30
INTERVAL_NAMES = {
    "p_ms": "P wave",
    "pr_ms": "PR interval",
    "qrs_ms": "QRS complex",
    "qt_ms": "QT interval",
    "qtc_ms": "QTc (Fridericia)",
}


def watched(outcomes: Iterable[Outcome], total: int, console: Console) -> Iterator[Outcome]:
    """Pass outcomes on and show progress: a bar on a terminal, else a line for each."""
    if not console.is_terminal:
        for count, one in enumerate(outcomes, 1):
            console.print(Text(f"{count}/{total} {_outcome_in_words(one)}"))
            yield one
        return
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("recordings", total=total)
        for one in outcomes:
            if one.row["error"]:
                bar.console.print(Text(_outcome_in_words(one), "red"))
            bar.advance(task)
            yield one


def _outcome_in_words(one: Outcome) -> str:
    if one.row["error"]:
        return f"{one.record}: {one.row['error']}"
    found = one.row["reasons"] or "nothing stands out"
    return f"{one.record}: {'done before' if one.resumed else found}"


def summary_table(analysis: Analysis) -> Table:
    """The main figures of one recording."""
    facts = analysis.summary
    table = Table(
        title=f"{analysis.name}, lead {analysis.lead}",
        title_justify="left",
        title_style="bold",
        show_header=False,
    )
    table.add_row("length", f"{clock(facts['duration_s'])} at {analysis.sampling_hz:g} Hz")
    table.add_row("beats", _beats_in_words(facts))
    rate = facts["heart_rate_bpm"]
    if rate:
        table.add_row(
            "heart rate", f"{rate['mean']:.0f} a minute ({rate['min']:.0f} to {rate['max']:.0f})"
        )
    for name, words in INTERVAL_NAMES.items():
        value = facts["intervals"][name]
        if value:
            table.add_row(
                words, f"{value['median']:.0f} ms ({value['low']:.0f} to {value['high']:.0f})"
            )
    table.add_row("irregular rhythm", f"{facts['irregular_minutes']:.1f} minutes")
    for kind, count in facts["episodes"].items():
        table.add_row(kind, f"{count:,}")
    if facts["unusable_share"]:
        reasons = ", ".join(analysis.unusable["reason"].unique())
        table.add_row("unusable", f"{facts['unusable_share']:.2%} of the recording: {reasons}")
    return table


def _beats_in_words(facts: dict) -> str:
    counts = ", ".join(f"{name} {n:,}" for name, n in facts["classes"].items() if n)
    unknown = f"; {facts['unknown_beats']:,} of unknown kind" if facts["unknown_beats"] else ""
    return f"{facts['beats']:,}" + (f": {counts}{unknown}" if counts else "")


def patients_table(patients: pd.DataFrame) -> Table:
    """The recordings that stand out most."""
    failed = int(patients["error"].astype(bool).sum())
    left = len(patients) - MOST_PATIENTS
    notes = [f"{left} more in patients.csv"] if left > 0 else []
    notes += [f"{failed} could not be analysed"] if failed else []
    table = Table(
        title=f"{int(patients['flagged'].sum())} of {len(patients)} recordings stand out",
        caption="; ".join(notes) or None,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
    )
    table.add_column("record", no_wrap=True)
    for name in ("score", "beats", "ectopic", "irregular", "quality"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    for one in patients.head(MOST_PATIENTS).itertuples():
        if one.error:
            table.add_row(one.record, "", "", "", "", "", Text(one.error, "red"))
            continue
        table.add_row(
            one.record,
            f"{one.score:.2f}",
            f"{one.beats:,.0f}",
            _form(one.ectopic_share, ".1%"),
            _form(one.irregular_minutes, ".1f", " min"),
            _form(one.quality, ".2f"),
            one.reasons,
        )
    return table


def _form(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None or pd.isna(value) else f"{value:{form}}{unit}"
