"""What the figures of a study share: score axes, marks, colours."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.markers import CARETDOWN, CARETUP, MarkerStyle

from sweeps.study_report.study_table import (
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    StudyTable,
    shortened,
)
from utils.style import HIT, MISS, MUTED, PAPER

STATE_COLOURS = {FINISHED: HIT, STOPPED: "#e69f00", FAILED: MUTED, RUNNING: "#009e73"}
BEST = MISS
# From so many marks on, a page draws them as one picture instead of one by one.
MANY = 400
# Tukey's fence: scores so many quartile distances worse than the nearer quartile leave the axis.
FAR_OUT = 1.5
WIDTH = 11.5


def score_limits(table: StudyTable, scores: Iterable[float]) -> tuple[float, float]:
    """The ends of a score axis that a few very bad trials do not stretch.

    Args:
        table: says which direction is bad.
        scores: all that might be drawn, at least one.
    """
    values = np.asarray(list(scores), dtype=float)
    low, high = values.min(), values.max()
    quartiles = np.quantile(values, [0.25, 0.75])
    reach = FAR_OUT * max(np.ptp(quartiles), 1e-12)
    if table.is_maximised and low < quartiles[0] - reach:
        low = values[values >= quartiles[0] - reach].min()
    elif not table.is_maximised and high > quartiles[1] + reach:
        high = values[values <= quartiles[1] + reach].max()
    margin = 0.06 * (high - low) or 0.01 * max(abs(high), 1e-9)
    return low - margin, high + margin


def set_score_axis(axes: Axes, table: StudyTable, limits: tuple[float, float]) -> None:
    """Limits and label; the label tells which direction is good."""
    axes.set_ylim(*limits)
    better = "higher" if table.is_maximised else "lower"
    axes.set_ylabel(f"{shortened(table.metric, 32)} ({better} is better)")
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def mark(
    axes: Axes,
    x: pd.Series | np.ndarray,
    scores: pd.Series,
    limits: tuple[float, float],
    state: str,
    *,
    label: str | None = None,
) -> None:
    """Marks of trials in one state; those beyond the limits are triangles at the edge."""
    x, y = np.asarray(x, dtype=float), scores.to_numpy()
    inside = (y >= limits[0]) & (y <= limits[1])
    look: dict[str, Any] = {
        "color": STATE_COLOURS[state],
        "linewidths": 0,
        "alpha": 0.75,
        "zorder": 3,
        "rasterized": len(y) > MANY,
    }
    size = 26 if len(y) < 100 else 14
    axes.scatter(x[inside], y[inside], s=size, label=label, **look)
    for beyond, marker, edge in (
        (y < limits[0], CARETUP, limits[0]),
        (y > limits[1], CARETDOWN, limits[1]),
    ):
        at = np.full(beyond.sum(), edge)
        axes.scatter(x[beyond], at, s=30, marker=MarkerStyle(marker), clip_on=False, **look)


def mark_best(axes: Axes, x: float, y: float, *, label: str | None = None) -> None:
    """The star of the best trial."""
    axes.scatter(
        [x],
        [y],
        s=130,
        marker="*",
        color=BEST,
        edgecolors=PAPER,
        linewidths=0.6,
        zorder=6,
        label=label,
    )
