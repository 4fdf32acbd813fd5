"""RR intervals over time, with a lane for each kind of event, and each against the next one."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recordings.analysis import Analysis
from recordings.pictures.signs import (
    COMMON,
    IRREGULAR,
    IRREGULAR_ALPHA,
    TRACE,
    clock_axis,
    colour_of,
    hatched,
    legend_of,
    merged,
    usable,
)
from utils.style import MUTED, new_figure, styled

WIDTH_INCHES, PLOT_INCHES, LANE_INCHES = 12.0, 4.3, 0.22
# Axes reach this many times as far from the median as 99 % of the intervals do: a real pause is
# inside, a missed segment is not.
REACH = 1.6
NARROWEST_S = 0.3
# More points than these are drawn as pixels: a page should stay small.
MOST_VECTOR_POINTS = 1500
# Lines between more points than these hide them.
MOST_JOINED_POINTS = 250
# Of more points than these the common ones are drawn more faintly, so that crowds can be seen.
FULL_INK_POINTS = 4000
# The smallest width of an event, as a share of the axis.
SHORTEST_EVENT = 0.003
MOST_LANES = 8
# Marks of the heart rate's axis, per minute.
RATES = (20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 90, 100, 110, 120, 150, 200, 300)
TICK_DISTANCE = 0.07
NO_INTERVALS = "no intervals: fewer than two beats follow each other"


@styled
def rhythm_figure(analysis: Analysis) -> Figure:
    """Tachogram, lanes of events below it, and Poincaré plot.

    Args:
        analysis: what was found in a recording.
    """
    lanes = _lanes(analysis)
    lanes_inches = LANE_INCHES * max(len(lanes), 1) + 0.35
    figure = new_figure(
        WIDTH_INCHES, PLOT_INCHES + lanes_inches, f"{analysis.name}, rhythm", _subtitle(analysis)
    )
    columns = figure.add_gridspec(1, 2, width_ratios=[2.3, 1])
    rows = columns[0].subgridspec(2, 1, height_ratios=[PLOT_INCHES - 1, lanes_inches])
    over_time = figure.add_subplot(rows[0])
    events = figure.add_subplot(rows[1], sharex=over_time)
    poincare = figure.add_subplot(columns[1], anchor="N")
    intervals = _intervals(analysis)
    limits = _limits(intervals["rr_s"][intervals["known"]].to_numpy(float))
    _draw_tachogram(over_time, intervals, analysis, limits)
    _draw_lanes(events, lanes, analysis.duration_s)
    _draw_poincare(poincare, intervals, limits)
    spans = merged(analysis.irregular), merged(analysis.unusable)
    handles = legend_of(usable(analysis.beats), *spans, rings=False)
    figure.legend(handles=handles, loc="upper right", ncols=max(len(handles), 1))
    return figure


def _subtitle(analysis: Analysis) -> str:
    intervals = _intervals(analysis)
    if not intervals["known"].any():
        return NO_INTERVALS
    known = intervals["rr_s"][intervals["known"]].to_numpy(float)
    low, high = _limits(known)
    beyond = int(((known < low) | (known > high)).sum())
    drawn = f"; {beyond} beyond the axes, drawn at their edge" if beyond else ""
    return f"RR intervals, coloured by the class of the beat that ends them{drawn}"


def _intervals(analysis: Analysis) -> pd.DataFrame:
    """`time_s`, `rr_s` and `class` of each beat; `known` where nothing unusable lies between."""
    beats = usable(analysis.beats)
    table = beats[["time_s", "rr_s", "class"]].reset_index(drop=True)
    begins = table["time_s"] - table["rr_s"]
    known = np.isfinite(table["rr_s"].to_numpy(float))
    for start, end in merged(analysis.unusable):
        known &= ~((begins < end) & (table["time_s"] > start)).to_numpy(bool)
    return table.assign(known=known)


def _limits(rr_s: np.ndarray) -> tuple[float, float]:
    """An axis for nearly all intervals, whatever the few longest are."""
    rr_s = rr_s[np.isfinite(rr_s)]
    if not len(rr_s):
        return 0.4, 1.4
    least, middle, most = np.percentile(rr_s, [0.5, 50, 99.5])
    low = max(middle - REACH * (middle - least), rr_s.min())
    high = min(middle + REACH * (most - middle), rr_s.max())
    air = max(0.06 * (high - low), (NARROWEST_S - (high - low)) / 2)
    return max(low - air, 0), high + air


def _draw_tachogram(
    axes: Axes, intervals: pd.DataFrame, analysis: Analysis, limits: tuple[float, float]
) -> None:
    irregular_look = {"facecolor": IRREGULAR, "alpha": IRREGULAR_ALPHA, "lw": 0}
    _shade(axes, merged(analysis.irregular), limits, irregular_look)
    _shade(axes, merged(analysis.unusable), limits, hatched())
    times = intervals["time_s"].to_numpy(float)
    rr = np.where(intervals["known"], intervals["rr_s"].astype(float), np.nan)
    if len(rr) <= MOST_JOINED_POINTS:
        axes.plot(times, rr, color=TRACE, lw=0.5, alpha=0.6, zorder=2)
    _scatter(axes, times, np.clip(rr, *limits), intervals["class"].to_numpy())
    axes.set(ylim=limits, ylabel="RR in s", title="each interval over time")
    axes.grid(True, axis="y")
    axes.tick_params(labelbottom=False, bottom=False)
    rate = axes.secondary_yaxis("right", functions=(_per_minute, _per_minute))
    rate.set_yticks(_rate_ticks(limits))
    rate.minorticks_off()
    rate.set_ylabel("beats a minute", color=MUTED)
    rate.spines["right"].set_visible(False)


def _per_minute(value):
    """Seconds to beats a minute, and back."""
    return 60 / np.maximum(value, 1e-3)


def _shade(axes: Axes, spans_s: np.ndarray, limits: tuple[float, float], look: dict) -> None:
    bars = [(start, end - start) for start, end in spans_s]
    axes.broken_barh(bars, (limits[0], limits[1] - limits[0]), zorder=0, **look)


def _rate_ticks(limits_s: tuple[float, float]) -> list[int]:
    """Round heart rates inside the limits, as many as fit."""
    apart = (limits_s[1] - limits_s[0]) * TICK_DISTANCE
    ticks: list[int] = []
    for rate in RATES:
        inside = limits_s[0] <= 60 / rate <= limits_s[1]
        if inside and (not ticks or 60 / ticks[-1] - 60 / rate >= apart):
            ticks.append(rate)
    return ticks


def _scatter(axes: Axes, xs: np.ndarray, ys: np.ndarray, names: np.ndarray) -> None:
    """Points of every class, the common one below the others, the fewer the larger."""
    few = len(xs) <= MOST_JOINED_POINTS
    for name in sorted(set(names), key=lambda one: one != COMMON):
        own = (names == name) & np.isfinite(xs) & np.isfinite(ys)
        thick = np.clip(FULL_INK_POINTS / max(len(xs), 1), 0.08, 1)
        size, alpha = (6, 0.65 * thick) if name == COMMON else (11, 0.85)
        if few:
            size, alpha = 3 * size, 0.9
        axes.scatter(
            xs[own],
            ys[own],
            s=size,
            color=colour_of(name),
            alpha=alpha,
            lw=0,
            rasterized=len(xs) > MOST_VECTOR_POINTS,
            zorder=3,
            clip_on=False,
        )


def _lanes(analysis: Analysis) -> dict[str, np.ndarray]:
    """Name of each kind of event that occurs -> (events, 2) start and end in seconds."""
    lanes = {
        "irregular": merged(analysis.irregular),
        "unusable": merged(analysis.unusable),
    }
    kinds = analysis.episodes["kind"].value_counts().index[: MOST_LANES - len(lanes)]
    for kind in kinds:
        own = analysis.episodes[analysis.episodes["kind"] == kind]
        lanes[str(kind)] = own[["start_s", "end_s"]].to_numpy(float)
    return {name: spans for name, spans in lanes.items() if len(spans)}


def _draw_lanes(axes: Axes, lanes: dict[str, np.ndarray], duration_s: float) -> None:
    for place, (name, spans) in enumerate(lanes.items()):
        widths = np.maximum(spans[:, 1] - spans[:, 0], SHORTEST_EVENT * duration_s)
        colour = {"irregular": IRREGULAR, "unusable": TRACE}.get(name, MUTED)
        bars = list(zip(spans[:, 0], widths, strict=True))
        axes.broken_barh(bars, (place - 0.32, 0.64), facecolor=colour, lw=0)
    labels = [f"{name} ({len(spans):,})" for name, spans in lanes.items()]
    axes.set_yticks(range(len(lanes)), labels)
    axes.set(xlim=(0, duration_s), ylim=(max(len(lanes), 1) - 0.4, -0.6))
    if not lanes:
        axes.text(0.5, 0.5, "no event", color=MUTED, ha="center", transform=axes.transAxes)
    clock_axis(axes, 0, duration_s)
    axes.spines.left.set_visible(False)
    axes.tick_params(axis="y", length=0)


def _draw_poincare(axes: Axes, intervals: pd.DataFrame, limits: tuple[float, float]) -> None:
    rr = np.where(intervals["known"], intervals["rr_s"].astype(float), np.nan)
    this, following = np.clip(rr[:-1], *limits), np.clip(rr[1:], *limits)
    axes.plot(limits, limits, color=MUTED, lw=0.7, ls=":", zorder=1)
    names = intervals["class"].to_numpy()[:-1]
    _scatter(axes, this, following, names)
    axes.set(
        xlim=limits,
        ylim=limits,
        aspect="equal",
        xlabel="RR in s",
        ylabel="next RR in s",
        title="each interval and the next",
    )
    axes.grid(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
