"""The page of one recording, a self-contained HTML file: warnings, figures, pictures, tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecg.recording import Recording
from evaluation.report_parts import folded_json, made_by
from heartbeats.beat_set import AAMI_MEANINGS
from recordings.analysis import Analysis
from recordings.pictures.signs import occurring, usable
from recordings.summary import ECTOPIC
from recordings.wording import UNKNOWN, clock, duration, known, number, percent, sentence
from utils.page import Bar, Cell, Ranged, columns, heading, note, table
from utils.picture import Picture
from utils.report import Report, Section

# The most rows of a table, and of one kind of episodes.
MOST_ROWS, MOST_OF_A_KIND = 20, 6
# These kinds of `ecg.episodes` come first, in this order.
GRAVE = ("V run", "pause", "V couplet", "tachycardia", "bradycardia")
CLUSTER_HEADERS = [
    "cluster",
    "class",
    "classes of its beats",
    "beats",
    "share",
    "unknown",
    "median anomaly",
]
CAVEAT = (
    "Beats, waves, classes and rhythm were found by a program; no cardiologist has looked at "
    "them. In people whose beats the network was not trained on, supraventricular (S) and fusion "
    "beats (F) are often missed, and normal ones taken for them."
)
NO_BEATS = "No usable heartbeat was found, so rhythm, waves and classes are unknown."
CAPTIONS = {
    "strip": "Each beat that is not N is coloured, with its letter above it (a tick where rows "
    "are long). The trace is drawn from its lowest and highest value in each pixel; what reaches "
    "beyond a row is cut off.",
    "zoom": "The segment that shows most classes, then the best signal.",
    "rhythm": "Intervals that hold an unusable segment are left out. A point of the right plot is "
    "an interval and the one behind it, in the colour of the beat between them.",
    "beats": "Classes are by the network, timing and shape together. A beat is drawn until the "
    "next one begins.",
    "clusters": "Beats of like shape and timing, grouped without labels; the letter is the class "
    "that most of them were given. At most twelve clusters, the largest first.",
}
# Long pictures that run in time: a narrow screen moves along them.
IN_TIME = ("strip", "zoom")
TITLES = {
    "strip": "The whole recording",
    "zoom": "A closer look",
    "rhythm": "Rhythm",
    "beats": "Mean beats",
    "clusters": "Shapes of beats",
}
INTERVALS = {
    "p_ms": "P wave",
    "pr_ms": "PR: P onset to QRS onset",
    "qrs_ms": "QRS",
    "qt_ms": "QT: QRS onset to T end",
    "qtc_ms": "QTc: QT corrected for the heart rate",
}


def build(
    analysis: Analysis,
    recording: Recording,
    figures: Mapping[str, Figure],
    *,
    pngs: bool = True,
) -> Report:
    """The report: the page and its pictures.

    Args:
        analysis: what was found.
        recording: what it was found in.
        figures: from `recordings.pictures.draw_all`.
        pngs: whether each picture becomes a file too.
    """
    return Report(
        f"Recording {analysis.name}",
        _lead(analysis, recording),
        [
            columns(
                [heading("At a glance"), table(["", ""], _facts(analysis), text_columns=2)],
                [*_classes(analysis), *_intervals(analysis)],
            ),
            *_pictures(figures),
            *episodes(analysis),
            *irregular(analysis),
            *unusable_segments(analysis),
            *clusters(analysis),
            *_provenance(analysis),
        ],
        made_by("analyse_record.py"),
        _warnings(analysis, recording),
        pngs=pngs,
    )


def _lead(analysis: Analysis, recording: Recording) -> str:
    leads = ", ".join(analysis.leads)
    measured = f"; measured in {analysis.lead}" if len(analysis.leads) > 1 else ""
    count = "lead" if len(analysis.leads) == 1 else "leads"
    parts = [
        duration(analysis.duration_s),
        f"{count} {leads}{measured}",
        f"{analysis.sampling_hz:g} samples a second",
        recording.subject,
    ]
    return "; ".join(part for part in parts if part) + "."


def _warnings(analysis: Analysis, recording: Recording) -> list[str]:
    """The sentences to read first, each once."""
    notes = [*recording.notes, *analysis.notes]
    notes.append(NO_BEATS if usable(analysis.beats).empty else CAVEAT)
    return list(dict.fromkeys(sentence(text) for text in notes))


# At a glance


def _facts(analysis: Analysis) -> list[list[Cell]]:
    facts = analysis.summary
    unusable = len(analysis.beats) - len(usable(analysis.beats))
    left_out = f", {unusable:,} more in unusable segments" if unusable else ""
    counts = facts["episodes"]
    others = ", ".join(f"{kind} {n:,}" for kind, n in counts.items() if kind != "pause")
    return [
        ["beats", f"{len(analysis.beats) - unusable:,}{left_out}"],
        ["heart rate", _heart_rate(facts["heart_rate_bpm"])],
        [f"ectopic beats ({', '.join(ECTOPIC)})", percent(facts["ectopic_share"])],
        ["irregular rhythm", _irregular(facts)],
        ["pauses", f"{counts['pause']:,}" if counts.get("pause") else "none"],
        ["other episodes", others or "none"],
        ["beats of unknown kind", f"{facts['unknown_beats']:,}"],
        ["cannot be used", f"{percent(facts['unusable_share'])} of the recording"],
        ["signal quality", f"{number(facts['quality'], '.2f')} (median of the beats; 1 is best)"],
    ]


def _heart_rate(rate: Mapping[str, float] | None) -> str:
    if not rate or not known(rate["mean"]):
        return UNKNOWN
    return f"{rate['mean']:.0f} a minute, from {rate['min']:.0f} to {rate['max']:.0f}"


def _irregular(facts: Mapping[str, Any]) -> str:
    if not facts["irregular_minutes"]:
        return "none"
    minutes, share = number(facts["irregular_minutes"], ".1f"), percent(facts["irregular_share"])
    return f"{minutes} min, {share} of the usable time"


def _classes(analysis: Analysis) -> list[str]:
    """A table of the classes that occur, with bars."""
    beats = usable(analysis.beats)
    if beats.empty:
        return []
    rows: list[list[Cell]] = [
        [
            name,
            AAMI_MEANINGS.get(name, ""),
            int(own.sum()),
            Bar(percent(float(own.mean())), float(own.mean())),
            number(beats["probability"][own].median(), ".2f"),
        ]
        for name in occurring(beats)
        if (own := beats["class"] == name).any()
    ]
    headers = ["class", "meaning", "beats", "share", "probability"]
    return [
        heading("Beats by class"),
        table(headers, rows, text_columns=2),
        note(
            "Probability of the class chosen, by network, timing and shape together: the median."
        ),
    ]


def _intervals(analysis: Analysis) -> list[str]:
    measured = analysis.summary["intervals"]
    rows: list[list[Cell]] = [
        [
            name,
            Ranged(f"{one['median']:.0f} ms", f"{one['low']:.0f} – {one['high']:.0f}"),
            int(one["beats"]),
        ]
        for key, name in INTERVALS.items()
        if (one := measured.get(key)) and known(one["median"])
    ]
    if not rows:
        return []
    return [
        heading("Intervals"),
        table(["", "median", "beats"], rows),
        note("Small: the range of nine in ten beats. Only beats whose waves were found count."),
    ]


# Episodes, segments and clusters


def episodes(analysis: Analysis) -> list[str]:
    """The longest episodes of each kind, grave kinds first."""
    found = analysis.episodes
    if found.empty:
        return [heading("Episodes"), note("None.")]
    found = found.assign(length_s=found["end_s"] - found["start_s"])
    rows: list[list[Cell]] = []
    more = []
    for kind in sorted(found["kind"].unique(), key=_gravity):
        own = found[found["kind"] == kind].sort_values(
            ["length_s", "start_s"], ascending=[False, True]
        )
        rows += [
            [str(kind), str(detail), clock(start), duration(length), int(beats)]
            for start, length, beats, detail in own[["start_s", "length_s", "beats", "detail"]]
            .head(MOST_OF_A_KIND)
            .itertuples(index=False)
        ]
        if len(own) > MOST_OF_A_KIND:
            more.append(f"{len(own) - MOST_OF_A_KIND:,} of {kind}")
    not_shown = [note(f"The longest of each kind; not shown: {', '.join(more)}.")] if more else []
    headers = ["kind", "detail", "begins", "lasts", "beats"]
    return [heading("Episodes"), table(headers, rows, text_columns=2), *not_shown]


def irregular(analysis: Analysis) -> list[str]:
    """The segments of irregular rhythm, the longest first."""
    spans = _longest(analysis.irregular)
    rows: list[list[Cell]] = []
    for start, end in spans[["start_s", "end_s"]].head(MOST_ROWS).itertuples(index=False):
        beats = usable(analysis.beats)
        beats = beats[(beats["time_s"] >= start) & (beats["time_s"] < end)]
        rr_s = beats["rr_s"].astype(float).median()
        rows.append(
            [clock(start), clock(end), duration(end - start), len(beats), number(60 / rr_s, ".0f")]
        )
    title = heading("Irregular rhythm")
    if not rows:
        return [title, note("No segment of irregular rhythm.")]
    headers = ["begins", "ends", "lasts", "beats", "median heart rate"]
    return [title, table(headers, rows, text_columns=0), *_more(spans)]


def unusable_segments(analysis: Analysis) -> list[str]:
    """The segments that cannot be used, the longest first; nothing where there are none."""
    spans = _longest(analysis.unusable)
    if spans.empty:
        return []
    rows: list[list[Cell]] = [
        [str(reason), clock(start), clock(end), duration(end - start)]
        for start, end, reason in spans[["start_s", "end_s", "reason"]]
        .head(MOST_ROWS)
        .itertuples(index=False)
    ]
    headers = ["reason", "begins", "ends", "lasts"]
    return [heading("What cannot be used"), table(headers, rows), *_more(spans)]


def clusters(analysis: Analysis) -> list[str]:
    """The clusters of beats by shape and timing, the largest first."""
    beats = usable(analysis.beats)
    beats = beats[beats["cluster"] >= 0]
    if beats.empty:
        return []
    sizes = beats["cluster"].value_counts()
    rows = [
        _cluster_row(str(cluster), beats[beats["cluster"] == cluster], len(beats))
        for cluster in sizes.index[:MOST_ROWS]
    ]
    return [
        heading("Clusters"),
        table(CLUSTER_HEADERS, rows, text_columns=3),
        *_more(sizes.to_frame()),
        note(
            "Unknown: the share of the cluster's beats that resemble no known kind. Anomaly: how "
            "odd a beat looks, the median of the cluster."
        ),
    ]


def _cluster_row(name: str, own: pd.DataFrame, all_beats: int) -> list[Cell]:
    share, odd = len(own) / all_beats, float(own["unknown"].astype(bool).mean())
    return [
        name,
        str(own["cluster_class"].iloc[0]),
        _mixture(own["class"]),
        len(own),
        Bar(percent(share), share),
        percent(odd),
        number(own["anomaly"].median(), ".2f"),
    ]


def _gravity(kind: str) -> tuple[int, str]:
    return GRAVE.index(kind) if kind in GRAVE else len(GRAVE), kind


def _longest(spans: pd.DataFrame) -> pd.DataFrame:
    length = (spans["end_s"] - spans["start_s"]).to_numpy(float)
    return spans.iloc[np.argsort(-length, kind="stable")]


def _mixture(classes: pd.Series) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in classes.value_counts().items())


def _more(rows: pd.DataFrame) -> list[str]:
    left = len(rows) - MOST_ROWS
    return [note(f"{left:,} shorter or smaller ones are not shown.")] if left > 0 else []


# Pictures and provenance


def _pictures(figures: Mapping[str, Figure]) -> list[Section]:
    """Each picture under its title; the pages of a long strip under one."""
    parts: list[Section] = []
    for name, figure in figures.items():
        kind = name.split("_")[0]
        if name in (kind, f"{kind}_1"):
            parts += [heading(TITLES.get(kind, kind)), note(CAPTIONS.get(kind, ""))]
        parts.append(Picture(name, figure, stack="none" if kind in IN_TIME else "panels"))
    return parts


def _provenance(analysis: Analysis) -> list[str]:
    made_with = analysis.provenance
    rows: list[list[Cell]] = [
        [str(name), str(value)] for name, value in made_with.items() if not isinstance(value, dict)
    ]
    return [
        heading("Made with"),
        table(["", ""], rows, text_columns=2),
        folded_json("all settings and versions", made_with),
    ]
