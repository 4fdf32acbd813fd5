"""The main figures of a recording."""

from typing import Any

import numpy as np
import pandas as pd

from heartbeats.beat_set import AAMI_CLASSES
from recordings.beat_table import DURATIONS

# Beats of these classes did not come from the sinus node at its own time.
ECTOPIC = ("S", "V", "F")
# The range of durations and rates in percentiles, without single wrong measurements.
LOW, HIGH = 5, 95
# The heart rate is the median over this many intervals, as one interval says little.
RATE_BEATS = 8


def summarise(
    duration_s: float,
    beats: pd.DataFrame,
    irregular: pd.DataFrame,
    episodes: pd.DataFrame,
    unusable: pd.DataFrame,
) -> dict[str, Any]:
    """Counts, shares and ranges; None where there are no beats.

    Args:
        duration_s: length of the recording.
        beats, irregular, episodes, unusable: as `Analysis` describes them. Beats that are not
            usable count only in `beats`.
    """
    good = beats[beats["usable"]]
    irregular_s, unusable_s = _seconds(irregular), _seconds(unusable)
    return {
        "duration_s": round(duration_s, 3),
        "beats": len(beats),
        "usable_beats": len(good),
        "heart_rate_bpm": _heart_rate(good),
        "classes": {name: int((good["class"] == name).sum()) for name in AAMI_CLASSES},
        "ectopic_share": _share(good["class"].isin(ECTOPIC)),
        "unknown_beats": int(good["unknown"].sum()),
        "irregular_minutes": round(irregular_s / 60, 2),
        "irregular_share": _part(irregular_s, duration_s - unusable_s),
        "unusable_share": _part(unusable_s, duration_s),
        "quality": None if beats.empty else round(float(beats["quality"].median()), 3),
        "anomaly": _quantile(good["anomaly"]),
        "intervals": {name: _range(good[name]) for name in DURATIONS},
        "episodes": {str(kind): int(n) for kind, n in episodes["kind"].value_counts().items()},
    }


def _seconds(parts: pd.DataFrame) -> float:
    """Their total duration; overlaps count once."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(zip(parts["start_s"], parts["end_s"], strict=True)):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _heart_rate(good: pd.DataFrame) -> dict[str, float] | None:
    """Slowest, mean and fastest, per minute."""
    rr_s = good["rr_s"].dropna()
    if rr_s.empty:
        return None
    smooth = rr_s.rolling(min(RATE_BEATS, len(rr_s))).median().dropna()
    mean = rr_s.mean()  # of few beats it may lie beyond all medians
    slowest, fastest = max(smooth.max(), mean), min(smooth.min(), mean)
    rates = {"min": slowest, "mean": mean, "max": fastest}
    return {name: round(60 / float(seconds), 1) for name, seconds in rates.items()}


def _quantile(anomaly: pd.Series) -> float | None:
    """The 95th percentile, which shows a few odd beats."""
    there = anomaly.dropna()
    return None if there.empty else round(float(np.percentile(there, HIGH)), 4)


def _range(values: pd.Series) -> dict[str, float] | None:
    there = values.dropna()
    if there.empty:
        return None
    low, median, high = np.percentile(there, [LOW, 50, HIGH])
    return {
        "median": round(float(median), 1),
        "low": round(float(low), 1),
        "high": round(float(high), 1),
        "beats": len(there),
    }


def _share(hits: pd.Series) -> float | None:
    return round(float(hits.mean()), 5) if len(hits) else None


def _part(part: float, whole: float) -> float | None:
    return round(min(1.0, part / whole), 5) if whole > 0 else None
