"""Figures of a study's search space: parallel coordinates and slices."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from sweeps.study_report.plots import (
    BEST,
    MANY,
    WIDTH,
    mark,
    mark_best,
    score_limits,
    set_score_axis,
)
from sweeps.study_report.study_table import (
    FINISHED,
    STOPPED,
    Scale,
    StudyTable,
    shortened,
    shown_value,
)
from utils.style import GRID, INK, PAPER, new_figure, styled

MOST_AXES = 10
MOST_SLICES = 24
COLUMNS = 4
MOST_TICKS = 12
# Bad trials are pale on light and dark paper alike, good ones strong.
SCORES = LinearSegmentedColormap.from_list(
    "scores", [(*to_rgb("#8a97a3"), 0.35), (*to_rgb("#4f9ccb"), 0.7), (*to_rgb("#0072b2"), 1.0)]
)
# Shares of the gap between two values by which marks are spread, and of an axis for lines.
JITTER, LINE_JITTER = 0.3, 0.025
FEWEST_FOR_MEDIAN = 3
SEED = 0


def ticks(scale: Scale) -> list[tuple[float, str]]:
    """Positions in [0, 1] and their labels; of a long list of numbers every n-th."""
    if scale.choices:
        step = math.ceil(len(scale.choices) / MOST_TICKS)
        shown = scale.choices[::step] if scale.is_ordered else scale.choices[:MOST_TICKS]
        return [(scale.position(one), shown_value(one)) for one in shown]
    assert scale.low is not None and scale.high is not None
    values = _log_ticks(scale.low, scale.high) if scale.is_log else _linear_ticks(scale)
    return [(scale.position(one), shown_value(float(one))) for one in values]


def _linear_ticks(scale: Scale) -> np.ndarray:
    assert scale.low is not None and scale.high is not None
    is_integer = scale.steps > 0 and (scale.high - scale.low) / scale.steps >= 1
    locator = MaxNLocator(nbins=5, integer=is_integer)
    found = np.asarray(locator.tick_values(scale.low, scale.high))
    slack = 1e-9 * (scale.high - scale.low)
    return found[(found >= scale.low - slack) & (found <= scale.high + slack)]


def _log_ticks(low: float, high: float) -> np.ndarray:
    decades = math.log10(high / low)
    parts = (1.0,) if decades > 2.5 else (1.0, 3.0) if decades > 1.2 else (1.0, 2.0, 5.0)
    found = np.asarray(LogLocator(subs=parts, numticks=100).tick_values(low, high))
    found = found[(found >= low * (1 - 1e-9)) & (found <= high * (1 + 1e-9))]
    return found if len(found) > 1 else np.array([low, high])


@styled
def parallel_figure(table: StudyTable, order: list[str]) -> Figure | None:
    """One line for each scored trial through its settings, coloured by its score.

    Args:
        table: a study.
        order: names of the parameters to show, the most important first.

    Returns:
        the figure, or None where fewer than two trials have a score or nothing varies.
    """
    scored = table.scored[table.scored["has_settings"]]
    scales = _ordered(table, order)[:MOST_AXES]
    if len(scored) < 2 or not scales:
        return None
    figure = new_figure(WIDTH, 5.4, "Settings and scores", _parallel_subtitle(table, scales))
    axes = figure.subplots()
    limits = score_limits(table, scored["score"])
    lines = _lines(table, scored, scales, limits)
    norm = Normalize(*limits)
    _draw_lines(axes, table, scored, lines)
    if table.ranked["has_settings"].any():
        best = table.ranked.index[table.ranked["has_settings"]][0]
        row = scored.index.get_loc(best)
        axes.plot(range(len(scales) + 1), lines[row], color=BEST, lw=2.2, zorder=4)
    for position, scale in enumerate(scales):
        _draw_axis(axes, position, ticks(scale), shortened(scale.name, 26))
    labels = np.asarray(MaxNLocator(nbins=6).tick_values(*limits))
    labels = labels[(labels >= limits[0]) & (labels <= limits[1])]
    _draw_axis(
        axes,
        len(scales),
        [(norm(one), shown_value(float(one))) for one in labels],
        shortened(table.metric, 26),
    )
    axes.set(xlim=(-0.35, len(scales) + 0.6), ylim=(-0.04, 1.04), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return figure


def _parallel_subtitle(table: StudyTable, scales: list[Scale]) -> str:
    left_out = len(table.scales) - len(scales)
    more = f"; the {left_out} least important parameters are left out" if left_out else ""
    return f"one line per trial, bluer the higher its rank; orange: the best finished trial{more}"


def _ordered(table: StudyTable, order: list[str]) -> list[Scale]:
    known = {scale.name: scale for scale in table.scales}
    return [known[name] for name in dict.fromkeys([*order, *known])]


def _lines(
    table: StudyTable, scored: pd.DataFrame, scales: list[Scale], limits: tuple[float, float]
) -> np.ndarray:
    """(trials, axes) positions in [0, 1]; equal choices are spread, so that all are seen."""
    rng = np.random.default_rng(SEED)
    columns = [
        _positions(table, scored.index, scale, rng, min(JITTER / 3, LINE_JITTER * _gaps(scale)))
        for scale in scales
    ]
    scores = np.clip((scored["score"] - limits[0]) / (limits[1] - limits[0]), 0, 1)
    return np.column_stack([*columns, scores])


def _positions(
    table: StudyTable, numbers: pd.Index, scale: Scale, rng: np.random.Generator, jitter: float
) -> np.ndarray:
    """Places of trials on a scale; those of few values are spread by a share of their gap."""
    positions = np.array(
        [scale.position(value) for value in table.values.loc[numbers, scale.name]]
    )
    if 0 < _gaps(scale) <= MOST_TICKS and not scale.is_log:
        positions = positions + rng.uniform(-1, 1, len(positions)) * jitter / _gaps(scale)
    return positions


def _gaps(scale: Scale) -> int:
    return len(scale.choices) - 1 if scale.choices else scale.steps


def _draw_lines(axes: Axes, table: StudyTable, scored: pd.DataFrame, lines: np.ndarray) -> None:
    """The lines, coloured by rank, the best on top."""
    goodness = scored["score"].rank(ascending=table.is_maximised, pct=True).to_numpy()
    rising = np.argsort(goodness, kind="stable")
    positions = np.arange(lines.shape[1])
    axes.add_collection(
        LineCollection(
            [np.column_stack([positions, lines[row]]) for row in rising],
            # Squared, so that the better half takes most of the colours.
            colors=SCORES(goodness[rising] ** 2),
            linewidths=1.1 if len(lines) <= 100 else 0.6,
            rasterized=len(lines) > MANY // 4,
            zorder=2,
        )
    )


def _draw_axis(axes: Axes, x: int, labels: list[tuple[float, str]], name: str) -> None:
    axes.plot([x] * 2, [0, 1], color=INK, lw=0.9, zorder=3)
    box = {"facecolor": PAPER, "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
    for y, text in labels:
        axes.plot([x - 0.03, x], [y] * 2, color=INK, lw=0.8, zorder=3)
        axes.text(x + 0.05, y, shortened(text, 13), size=8, va="center", zorder=5, bbox=box)
    axes.text(x, 1.05, name, size=8.5, weight="bold", rotation=22, ha="left", va="bottom")


@styled
def slices_figure(table: StudyTable, order: list[str]) -> Figure | None:
    """The score against each parameter that varies.

    Args:
        table: a study.
        order: names of the parameters, the most important first.
    """
    scored = table.scored[table.scored["has_settings"]]
    scales = _ordered(table, order)[:MOST_SLICES]
    if scored.empty or not scales:
        return None
    columns = min(COLUMNS, len(scales))
    rows = math.ceil(len(scales) / columns)
    figure = new_figure(
        WIDTH,
        2.3 * rows + 0.8,
        "The score along each parameter",
        "bars: medians of three or more finished trials; star: the best",
    )
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    limits = score_limits(table, scored["score"])
    rng = np.random.default_rng(SEED)
    for axes, scale in zip(grid.flat, scales, strict=False):
        _draw_slice(axes, table, scored, scale, limits, rng)
        axes.tick_params(labelleft=True)  # a phone shows each panel by itself
    for axes in grid.flat[len(scales) :]:
        axes.set_visible(False)
    for row in grid:
        set_score_axis(row[0], table, limits)
        row[0].set_ylabel(shortened(table.metric, 24))
    return figure


def _draw_slice(
    axes: Axes,
    table: StudyTable,
    scored: pd.DataFrame,
    scale: Scale,
    limits: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    positions = pd.Series(_positions(table, scored.index, scale, rng, JITTER), scored.index)
    for state in (STOPPED, FINISHED):
        of_state = scored[scored["state"] == state]
        mark(axes, positions[of_state.index], of_state["score"], limits, state)
    finished = scored[scored["state"] == FINISHED]
    if 0 < _gaps(scale) <= MOST_TICKS:
        _draw_medians(axes, table, finished, scale)
    best = table.ranked.index.intersection(scored.index, sort=False)
    if len(best):
        mark_best(axes, positions[best[0]], scored.at[best[0], "score"])
    labels = ticks(scale)
    axes.set_xticks(
        [position for position, _ in labels], [shortened(text, 12) for _, text in labels]
    )
    if sum(min(len(text), 12) + 2 for _, text in labels) > 34:
        axes.tick_params(axis="x", labelrotation=40)
        for text in axes.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", labelsize=8)
    margin = 0.5 / _gaps(scale) if 0 < _gaps(scale) <= MOST_TICKS else 0.05
    axes.set_xlim(-margin, 1 + margin)
    axes.grid(True, axis="y", color=GRID)
    suffix = " (log)" if scale.is_log else ""
    axes.set_title(shortened(scale.name, 30) + suffix, size=9.5)


def _draw_medians(axes: Axes, table: StudyTable, finished: pd.DataFrame, scale: Scale) -> None:
    positions = np.array(
        [scale.position(one) for one in table.values.loc[finished.index, scale.name]]
    )
    half = 0.32 / max(_gaps(scale), 1)
    for position in np.unique(positions):
        scores = finished["score"][positions == position]
        if len(scores) >= FEWEST_FOR_MEDIAN:
            ends = [position - half, position + half]
            axes.plot(ends, [scores.median()] * 2, color=INK, lw=1.8, zorder=4)
