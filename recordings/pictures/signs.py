"""Signs that all pictures of a recording share: class colours, shades, clock times, legends."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from heartbeats.beat_set import AAMI_CLASSES
from recordings.wording import clock
from utils.style import INK, MUTED, class_colour

# Lines of many samples are drawn as pixels, which cannot take the page's ink: a grey that can be
# read on white and on dark paper (contrast 3.6 and 4.9).
TRACE = "#7c8894"
# Shades lie behind traces, light enough for both papers.
IRREGULAR, IRREGULAR_ALPHA = "#e69f00", 0.22
HATCH_ALPHA = 0.55
# The class that is drawn like the trace, so that the others stand out.
COMMON = "N"
RING_POINTS = 9.0
# Steps of time axes, in seconds: what a clock is divided by.
CLOCK_STEPS_S = (
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    14400,
    21600,
    43200,
    86400,
)


def colour_of(name: str) -> str:
    """The colour of a beat class, the same in every figure of this project."""
    return class_colour(AAMI_CLASSES.index(name)) if name in AAMI_CLASSES else MUTED


def usable(beats: pd.DataFrame) -> pd.DataFrame:
    """The beats outside of unusable segments."""
    return beats[beats["usable"].astype(bool)]


def occurring(beats: pd.DataFrame) -> list[str]:
    """The classes that occur, in AAMI's order."""
    found = set(beats["class"])
    others = sorted(str(name) for name in found - set(AAMI_CLASSES))
    return [name for name in AAMI_CLASSES if name in found] + others


def clock_step_s(span_s: float, most: int) -> float:
    """The smallest step of a clock that divides a span into at most `most` parts."""
    fitting = [step for step in CLOCK_STEPS_S if span_s / step <= most]
    return fitting[0] if fitting else CLOCK_STEPS_S[-1]


def clock_axis(axes: Axes, start_s: float, end_s: float, most: int = 8) -> None:
    """Label an x axis in seconds with clock times."""
    step = clock_step_s(end_s - start_s, most)
    first = np.ceil(start_s / step) * step
    axes.set_xticks(np.arange(first, end_s + 1e-9, step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: _label(value, step)))


def _label(seconds: float, step_s: float) -> str:
    return (
        clock(seconds) if step_s >= 1 else f"{clock(seconds)}{seconds % 1:.1f}".replace("0.", ".")
    )


def merged(spans: pd.DataFrame) -> np.ndarray:
    """(spans, 2) start and end in seconds, with those that overlap or touch made one.

    Args:
        spans: with columns ``start_s`` and ``end_s``.
    """
    ordered = spans[["start_s", "end_s"]].to_numpy(float)
    ordered = ordered[np.argsort(ordered[:, 0], kind="stable")]
    if not len(ordered):
        return ordered
    reach = np.maximum.accumulate(ordered[:, 1])
    begins = np.append(True, ordered[1:, 0] > reach[:-1])
    ends = np.append(np.flatnonzero(begins)[1:] - 1, len(ordered) - 1)
    return np.column_stack([ordered[begins, 0], reach[ends]])


def legend_of(
    beats: pd.DataFrame, irregular_s: np.ndarray, unusable_s: np.ndarray, *, rings: bool = True
) -> list[Line2D | Patch]:
    """Handles for a legend that lists only what occurs.

    Args:
        beats: those that are drawn.
        irregular_s, unusable_s: (spans, 2) start and end of what is shaded.
        rings: whether unknown beats are marked.
    """
    counts = beats["class"].value_counts()
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour_of(name), lw=3, label=f"{name} ({counts[name]:,})")
        for name in occurring(beats)
    ]
    unknown = int(beats["unknown"].astype(bool).sum())
    if rings and unknown:
        handles.append(Line2D([], [], **ring(), label=f"unknown ({unknown:,})"))
    if len(irregular_s):
        handles.append(irregular_patch())
    if len(unusable_s):
        handles.append(unusable_patch())
    return handles


def ring() -> dict:
    """The mark of a beat of unknown kind."""
    return {"marker": "o", "ms": RING_POINTS, "mfc": "none", "mec": INK, "mew": 0.9, "lw": 0}


def irregular_patch() -> Patch:
    return Patch(color=IRREGULAR, alpha=2 * IRREGULAR_ALPHA, lw=0, label="irregular rhythm")


def unusable_patch() -> Patch:
    return Patch(**hatched(), label="unusable")


def hatched() -> dict:
    """The style of an unusable segment; SVG shows hatches only without a face colour."""
    return {
        "facecolor": "none",
        "edgecolor": to_rgba(MUTED, HATCH_ALPHA),
        "hatch": "////",
        "lw": 0,
    }
