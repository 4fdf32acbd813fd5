"""All recordings of a database at a glance: a row for each, a panel for each thing looked at."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from recordings.pictures.signs import IRREGULAR, TRACE, colour_of
from utils.style import GRID, INK, MUTED, bare, new_figure, styled

WIDTH_INCHES, ROW_INCHES, AROUND_INCHES = 12.0, 0.19, 1.6
# More rows than these are no glance; the table has them all.
MOST_ROWS = 60
BAR = 0.66
# An axis reaches at least so far: two beats in a thousand should not look like a burden.
SHORTEST_AXIS = 0.02
PANELS = {
    "score": ("score", 1.2),
    "ectopic": ("ectopic beats, %", 2.4),
    "irregular": ("irregular, % of time", 1.5),
    "unknown": ("unknown kind, %", 1.2),
    "unusable": ("unusable, %", 1.2),
}


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
