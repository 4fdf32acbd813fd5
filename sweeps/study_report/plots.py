"""Figures of a study: history, early stopping, importances, cost; and the marks of trials."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETUP, MarkerStyle
from matplotlib.ticker import MaxNLocator

from sweeps.study_report.findings import Importances
from sweeps.study_report.study_table import (
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    StudyTable,
    shortened,
)
from utils.style import HIT, INK, MISS, MUTED, PAPER, new_figure, styled

STATE_COLOURS = {FINISHED: HIT, STOPPED: "#e69f00", FAILED: MUTED, RUNNING: "#009e73"}
BEST = MISS
# More marks than these become one picture in the page, instead of one drawing each.
MANY = 400
# Tukey's fence: scores that are worse than the nearer quartile by more than this many quartile
# distances are left off the axis.
FAR_OUT = 1.5
WIDTH = 11.5
HOUR_S = 3600.0


# --- Axes and marks, also of `space_plots` -----------------------------------------------------


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
    """Limits and label; the label says which direction is better."""
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
    style: dict[str, Any] = {
        "color": STATE_COLOURS[state],
        "linewidths": 0,
        "alpha": 0.75,
        "zorder": 3,
        "rasterized": len(y) > MANY,
    }
    size = 26 if len(y) < 100 else 14
    axes.scatter(x[inside], y[inside], s=size, label=label, **style)
    for beyond, marker, edge in (
        (y < limits[0], CARETUP, limits[0]),
        (y > limits[1], CARETDOWN, limits[1]),
    ):
        at = np.full(beyond.sum(), edge)
        axes.scatter(x[beyond], at, s=30, marker=MarkerStyle(marker), clip_on=False, **style)


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


# --- Figures -----------------------------------------------------------------------------------


@styled
def history_figure(table: StudyTable) -> Figure:
    """Every trial's score, and the best so far against trials, elapsed time and training time.

    Args:
        table: with at least one scored trial.
    """
    figure = new_figure(WIDTH, 4.2, "How the search went", _history_subtitle(table))
    wide, elapsed, spent = figure.subplots(1, 3, width_ratios=(2.2, 1, 1), sharey=True)
    limits = score_limits(table, table.scored["score"])
    _draw_trials(wide, table, limits)
    finished = table.ranked.dropna(subset=["end", "seconds"]).sort_values("end")
    ended = table.trials.dropna(subset=["end", "seconds"]).sort_values("end")
    hours_elapsed = (ended["end"] - table.trials["start"].min()).dt.total_seconds() / HOUR_S
    hours_spent = ended["seconds"].cumsum() / HOUR_S
    for axes, hours, name in (
        (elapsed, hours_elapsed, "elapsed since the first start"),
        (spent, hours_spent, "training, all trials together"),
    ):
        _draw_best_so_far(axes, table, finished["score"], hours, name)
    set_score_axis(wide, table, limits)
    for axes in (elapsed, spent):
        axes.grid(True, axis="y")
        axes.tick_params(labelleft=True)  # a phone shows each panel by itself
    return figure


def _history_subtitle(table: StudyTable) -> str:
    low, high = score_limits(table, table.scored["score"])
    beyond = int((~table.scored["score"].between(low, high)).sum())
    if not beyond:
        return ""
    return f"triangles at the edge: trials far worse than the others ({beyond:,})"


def _draw_trials(axes: Axes, table: StudyTable, limits: tuple[float, float]) -> None:
    for state in (STOPPED, FINISHED):
        of_state = table.scored[table.scored["state"] == state]
        if len(of_state):
            label = f"{state} ({len(of_state):,})"
            mark(axes, of_state.index, of_state["score"], limits, state, label=label)
    _draw_failures(axes, table)
    _draw_best_by_number(axes, table)
    if table.target is not None and limits[0] <= table.target <= limits[1]:
        axes.axhline(table.target, ls=":", color=MUTED, lw=1.2, label="target")
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, -0.14),
        ncols=6,
        handletextpad=0.4,
        columnspacing=1.2,
        borderaxespad=0,
    )


def _draw_failures(axes: Axes, table: StudyTable) -> None:
    """Crosses at the bottom: failed trials have no score."""
    failed = table.trials.index[table.trials["state"] == FAILED]
    if len(failed):
        axes.plot(
            failed,
            np.full(len(failed), 0.015),
            "x",
            color=STATE_COLOURS[FAILED],
            ms=5,
            mew=1.2,
            transform=axes.get_xaxis_transform(),
            label=f"failed ({len(failed):,})",
        )


def _draw_best_by_number(axes: Axes, table: StudyTable) -> None:
    """The best so far as a step line over trial numbers, and a star at the best of all."""
    finished = table.ranked["score"].sort_index()
    if finished.empty:
        return
    best = table.best_so_far(finished)
    numbers = [*best.index, table.trials.index.max()]
    scores = [*best, best.iloc[-1]]
    axes.step(numbers, scores, where="post", color=INK, lw=1.2, label="best so far")
    first = table.ranked.iloc[0]
    mark_best(axes, float(table.ranked.index[0]), first["score"], label="best")


def _draw_best_so_far(
    axes: Axes, table: StudyTable, scores: pd.Series, hours: pd.Series, name: str
) -> None:
    unit, factor = ("hours", 1.0) if len(hours) and hours.max() > 2 else ("minutes", 60.0)
    axes.set_xlabel(f"{unit}\n{name}")
    if scores.empty:
        return
    best = table.best_so_far(scores)
    x = [*(hours[best.index] * factor), hours.max() * factor]
    axes.step(x, [*best, best.iloc[-1]], where="post", color=INK, lw=1.4)
    number = table.ranked.index[0]
    if number in hours.index:
        mark_best(axes, hours[number] * factor, table.ranked["score"].iloc[0])
    axes.set_xlim(0, None)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))


@styled
def early_stopping_figure(table: StudyTable) -> Figure | None:
    """The metric of each trial after each log call; None where nothing was logged twice.

    Args:
        table: any study.
    """
    curves = {number: curve for number, curve in table.curves.items() if len(curve)}
    if not curves or max(len(curve) for curve in curves.values()) < 2:
        return None
    last = max(curve[-1, 0] for curve in curves.values())
    brackets = [one for one in table.brackets if one <= last]
    figure = new_figure(WIDTH, 4.4, "Every trial as it ran", _bracket_subtitle(brackets))
    axes = figure.subplots()
    for state in (FINISHED, STOPPED, FAILED, RUNNING):
        _draw_curves(axes, table, curves, state)
    best = table.ranked.index[:1]
    for number in best.intersection(list(curves)):
        axes.plot(*curves[number].T, color=BEST, lw=2.2, zorder=5, label=f"best, trial {number}")
    for bracket in brackets:
        axes.axvline(bracket, color=MUTED, ls=":", lw=1.1, zorder=1)
    set_score_axis(axes, table, score_limits(table, np.concatenate(list(curves.values()))[:, 1]))
    axes.set(xlim=(min(curve[0, 0] for curve in curves.values()), last))
    axes.set_xlabel("log calls with the metric")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def _bracket_subtitle(brackets: list[int]) -> str:
    if not brackets:
        return ""
    listed = " and ".join(map(str, brackets))
    return f"dotted: early stopping compares trials after {listed} log calls"


def _draw_curves(axes: Axes, table: StudyTable, curves: dict, state: str) -> None:
    numbers = table.trials.index[table.trials["state"] == state]
    shown = [curves[number] for number in numbers if number in curves]
    if not shown:
        return
    axes.add_collection(
        LineCollection(
            shown,
            colors=STATE_COLOURS[state],
            linewidths=1.0 if len(shown) < 100 else 0.6,
            alpha=0.7 if len(shown) < 100 else 0.35,
            rasterized=len(shown) > MANY // 4,
            label=f"{state} ({len(shown):,})",
        )
    )
    if state != FINISHED:
        ends = np.array([curve[-1] for curve in shown])
        axes.scatter(
            ends[:, 0],
            ends[:, 1],
            s=9,
            color=STATE_COLOURS[state],
            linewidths=0,
            zorder=3,
            rasterized=len(shown) > MANY // 4,
        )


@styled
def importances_figure(importances: Importances) -> Figure:
    """Bars of main effects, and what random numbers reach.

    Args:
        importances: with something found.
    """
    found = importances.found[::-1]
    figure = new_figure(
        WIDTH,
        1.7 + 0.25 * len(found),
        "What the score depends on",
        "main effect of each parameter, and which way is better (rank correlation)",
    )
    axes = figure.subplots()
    shares = np.array([one.share for one in found])
    colours = [HIT if share > importances.chance_level else MUTED for share in shares]
    axes.barh(range(len(found)), 100 * shares, color=colours, height=0.7)
    for row, one in enumerate(found):
        axes.text(
            1.01,
            row,
            _direction(one.correlation, importances.trials),
            va="center",
            size=9,
            color=MUTED,
            transform=axes.get_yaxis_transform(),
        )
    axes.axvline(100 * importances.chance_level, color=MISS, ls="--", lw=1.2)
    axes.set_yticks(range(len(found)), [shortened(one.name, 34) for one in found])
    axes.set(
        xlabel="% of all main effects; dashed: the most that random numbers reach",
        ylim=(-0.6, len(found) - 0.4),
        xlim=(0, 105 * max(shares.max(), importances.chance_level)),
    )
    axes.tick_params(axis="y", length=0)
    return figure


def _direction(correlation: float | None, trials: int) -> str:
    """Which way is better, where chance would seldom order as many trials as well."""
    if correlation is None or abs(correlation) < 2 / np.sqrt(trials):
        return ""
    return f"{'higher' if correlation > 0 else 'lower'} is better ({correlation:+.2f})"


@styled
def cost_figure(table: StudyTable) -> Figure | None:
    """The score against training time and against the number of weights, as far as known."""
    known = [
        (column, label)
        for column, label in (
            ("seconds", "seconds of training"),
            ("parameter_count", "parameters of the network"),
        )
        if table.scored[column].nunique() > 1
    ]
    if not known:
        return None
    figure = new_figure(
        WIDTH, 4.0, "What a score costs", "line: the best finished trial at each cost"
    )
    panels = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
    limits = score_limits(table, table.scored["score"])
    for axes, (column, label) in zip(panels, known, strict=True):
        _draw_cost(axes, table, column, limits)
        axes.set_xlabel(label)
        axes.grid(True, axis="y")
    set_score_axis(panels[0], table, limits)
    panels[0].legend(loc="lower right")
    return figure


def _draw_cost(axes: Axes, table: StudyTable, column: str, limits: tuple[float, float]) -> None:
    costs = table.scored.dropna(subset=[column])
    for state in (STOPPED, FINISHED):
        of_state = costs[costs["state"] == state]
        if len(of_state):
            mark(axes, of_state[column], of_state["score"], limits, state, label=state)
    finished = costs[costs["state"] == FINISHED].sort_values(column)
    if len(finished):
        axes.step(
            finished[column], table.best_so_far(finished["score"]), where="post", color=INK, lw=1.1
        )
    if costs[column].min() > 0 and costs[column].max() / costs[column].min() > 10:
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
