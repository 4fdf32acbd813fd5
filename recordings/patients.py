"""Ranking of a database's recordings: which stand out, and why."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

COLUMNS = (
    "rank",
    "record",
    "flagged",
    "score",
    "reasons",
    "duration_s",
    "beats",
    "heart_rate_bpm",
    "ectopic_share",
    "s_share",
    "v_share",
    "irregular_minutes",
    "irregular_share",
    "unknown_share",
    "anomaly",
    "pauses",
    "ventricular_runs",
    "quality",
    "unusable_share",
    "error",
)


@dataclass(frozen=True)
class Reason:
    """Why a recording may stand out.

    Attributes:
        column: of the patients' table.
        flagged_from: the recording is flagged at this value or above.
        full_from: the severity is 1 at this value or above.
        words: value -> text in the table.
    """

    column: str
    flagged_from: float
    full_from: float
    words: Callable[[float], str]

    def severity(self, value: float | None) -> float:
        """From 0 to 1; flagged from 0.5."""
        if value is None or pd.isna(value) or value <= 0:
            return 0.0
        if value < self.flagged_from:
            return 0.5 * value / self.flagged_from
        span = self.full_from - self.flagged_from
        return 0.5 + 0.5 * min(1.0, (value - self.flagged_from) / span)


# Guidelines call ectopic beats frequent from one in a hundred (10 in 1,000 to 30 an hour, by
# source) and worth treating from one in ten on; an episode of atrial fibrillation counts from
# 30 seconds (Hindricks G et al., Eur Heart J 42(5):373-498, 2021).
REASONS = (
    Reason("ectopic_share", 0.01, 0.2, lambda x: f"{x:.1%} ectopic beats"),
    Reason("irregular_minutes", 0.5, 15.0, lambda x: f"{x:.1f} min of irregular rhythm"),
    Reason("unknown_share", 0.02, 0.2, lambda x: f"{x:.1%} beats of unknown kind"),
    Reason("pauses", 1, 5, lambda x: f"{x:.0f} pause{'s' if x > 1 else ''}"),
    Reason("ventricular_runs", 1, 5, lambda x: f"{x:.0f} ventricular run{'s' if x > 1 else ''}"),
)
# Unusable segments say nothing about the patient, but somebody should look at the recording.
UNREADABLE_FROM = 0.2


def row(summary: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the patients' table, from a recording's summary file."""
    usable = summary["usable_beats"]
    classes, counts = summary["classes"], summary["episodes"]
    rate = summary["heart_rate_bpm"]

    def share(beats: int) -> float | None:
        return beats / usable if usable else None

    values = {
        "record": summary["name"],
        "duration_s": summary["duration_s"],
        "beats": summary["beats"],
        "heart_rate_bpm": rate["mean"] if rate else None,
        "ectopic_share": summary["ectopic_share"],
        "s_share": share(classes["S"]),
        "v_share": share(classes["V"]),
        "irregular_minutes": summary["irregular_minutes"],
        "irregular_share": summary["irregular_share"],
        "unknown_share": share(summary["unknown_beats"]),
        "anomaly": summary["anomaly"],
        "pauses": counts.get("pause", 0),
        "ventricular_runs": counts.get("V run", 0),
        "quality": summary["quality"],
        "unusable_share": summary["unusable_share"],
        "error": "",
    }
    return values | judge(values)


def judge(values: Mapping[str, Any]) -> dict[str, Any]:
    """`score` (0 to 1), `flagged` and `reasons`.

    The score is the root mean square of the severities: several reasons increase it, and one
    severe reason outweighs a few mild ones.
    """
    severities, words = [], []
    for reason in sorted(REASONS, key=lambda r: -r.severity(values[r.column])):
        severity = reason.severity(values[reason.column])
        severities.append(severity)
        if severity >= 0.5:
            words.append(reason.words(values[reason.column]))
    unusable = values["unusable_share"]
    if unusable is not None and unusable >= UNREADABLE_FROM:
        words.append(f"{unusable:.0%} of it cannot be read")
    if not values["beats"]:
        words.append("no heartbeat was found")
    score = math.sqrt(sum(severity**2 for severity in severities) / len(severities))
    return {"score": round(score, 3), "flagged": bool(words), "reasons": "; ".join(words)}


def failed(record: str, error: str) -> dict[str, Any]:
    """The row of a recording that could not be analysed."""
    return {"record": record, "flagged": False, "score": None, "reasons": "", "error": error}


def table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """All recordings, those that stand out most first; those that failed at the end."""
    found = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "rank"])
    found = found.sort_values(
        ["score", "record"], ascending=[False, True], na_position="last", ignore_index=True
    )
    found.insert(0, "rank", range(1, len(found) + 1))
    return found
