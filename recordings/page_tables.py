"""The tables of a recording's page: episodes, irregular and unusable stretches, clusters."""

import numpy as np
import pandas as pd

from recordings.analysis import Analysis
from recordings.pictures.signs import usable
from recordings.wording import clock, duration, number, percent
from utils.page import Bar, Cell, heading, note, table

# Rows of a table, and of one kind of episodes, before it says how many more there are.
MOST_ROWS, MOST_OF_A_KIND = 20, 6
# These kinds of `ecg.episodes` come first, in this order.
GRAVE = ("V run", "pause", "V couplet", "tachycardia", "bradycardia")


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
    told = [note(f"The longest of each kind; not shown: {', '.join(more)}.")] if more else []
    headers = ["kind", "detail", "begins", "lasts", "beats"]
    return [heading("Episodes"), table(headers, rows, text_columns=2), *told]


def irregular(analysis: Analysis) -> list[str]:
    """The stretches of irregular rhythm, the longest first."""
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
        return [title, note("No stretch of irregular rhythm.")]
    headers = ["begins", "ends", "lasts", "beats", "median heart rate"]
    return [title, table(headers, rows, text_columns=0), *_more(spans)]


def unusable(analysis: Analysis) -> list[str]:
    """The stretches that cannot be used, the longest first; nothing where there are none."""
    spans = _longest(analysis.stretches)
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
    """What the shapes of beats are, the commonest first."""
    beats = usable(analysis.beats)
    beats = beats[beats["cluster"] >= 0]
    if beats.empty:
        return []
    sizes = beats["cluster"].value_counts()
    rows: list[list[Cell]] = []
    for cluster in sizes.index[:MOST_ROWS]:
        own = beats[beats["cluster"] == cluster]
        share, odd = len(own) / len(beats), float(own["unknown"].astype(bool).mean())
        rows.append(
            [
                str(cluster),
                str(own["cluster_class"].iloc[0]),
                _mixture(own["class"]),
                len(own),
                Bar(percent(share), share),
                percent(odd),
                number(own["anomaly"].median(), ".2f"),
            ]
        )
    headers = [
        "cluster",
        "class",
        "classes of its beats",
        "beats",
        "share",
        "unknown",
        "median anomaly",
    ]
    return [
        heading("Clusters"),
        table(headers, rows, text_columns=3),
        *_more(sizes.to_frame()),
        note(
            "Unknown: the share of the cluster's beats that resemble no known kind. Anomaly: how "
            "odd a beat looks, the median of the cluster."
        ),
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
