"""Figures of a transfer study: learning curves, confusion matrices."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from evaluation.transfer.scores import METRICS
from evaluation.transfer.summary import Study, deviation, percent
from utils.style import GRID, HIT, INK, MISS, MODEL_COLOURS, MUTED, bare, new_figure, styled

MARKERS = ("o", "s", "^", "D")
# Modes stand beside each other at each fraction, so that their error bars can be told apart.
DODGE = 1.07
# Above a perfect score, for the marker; error bars may not promise more than that.
HEADROOM = 0.01


@styled
def learning_curves(study: Study) -> Figure:
    """Score against the fraction of the labels, a line for each mode; columns are metrics.

    Rows are beats and, where they were scored, records.
    """
    units = ["beat", "record"] if study.has_records else ["beat"]
    shown = [metric for metric in METRICS if metric != "accuracy"]
    figure = new_figure(10, 3.4 * len(units) + 1.3, title(study), _subtitle(study))
    grid = figure.subplots(len(units), len(shown), squeeze=False, sharex=True)
    for row, unit in enumerate(units):
        for column, metric in enumerate(shown):
            _draw_curves(grid[row, column], study, metric, unit)
    for axes in grid[-1]:
        axes.set_xlabel(f"share of the training {study.facts['unit']} (log scale), and how many")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(study.modes))
    return figure


@styled
def confusions(study: Study, fractions: list[float]) -> Figure:
    """Confusion matrices, a row for each fraction and a column for each mode.

    Cells are per cent of the true class's test beats, means over the seeds.
    """
    classes = len(study.test.class_names)
    width, height = 0.62 * classes + 1.4, 0.62 * classes + 1.1
    subtitle = "% of the true class's test beats, mean over the seeds"
    figure = new_figure(
        max(width * len(study.modes), 7),
        height * len(fractions) + 0.9,
        title(study),
        f"{_protocol(study)}\n{subtitle}; hits blue, confusions orange",
    )
    grid = figure.subplots(len(fractions), len(study.modes), squeeze=False)
    for row, fraction in enumerate(fractions):
        for column, mode in enumerate(study.modes):
            shares = _mean_shares(study, mode, fraction)
            _draw_matrix(grid[row, column], shares, study.test.class_names)
            grid[row, column].set_title(f"{mode}, {percent(fraction)}")
        grid[row, 0].set_ylabel("true")
    for axes in grid[-1]:
        axes.set_xlabel("predicted")
    return figure


def title(study: Study) -> str:
    """What was transferred where."""
    facts = study.facts
    return f"{facts['arch']} from {facts['source']} to {facts['target']}"


def _protocol(study: Study) -> str:
    return f"{study.facts['target']}: {study.facts['protocol_meaning']}"


def _subtitle(study: Study) -> str:
    seeds = len(study.seeds)
    bars = "; bars: standard deviation over seeds" if seeds > 1 else ""
    return f"{_protocol(study)}\nmeans of {seeds} seeds on the held-out test part{bars}"


def _draw_curves(axes: Axes, study: Study, metric: str, unit: str) -> None:
    middle = (len(study.modes) - 1) / 2
    for number, mode in enumerate(study.modes):
        of_mode = [study.scores(mode, fraction, metric, unit) for fraction in study.fractions]
        places = 100 * np.array(study.fractions) * DODGE ** (number - middle)
        axes.errorbar(
            places,
            [one.mean() for one in of_mode],
            [deviation(one) or 0 for one in of_mode],
            label=mode,
            color=MODEL_COLOURS[number],
            marker=MARKERS[number],
            ms=5,
            capsize=2.5,
            elinewidth=1,
        )
    axes.set_xscale("log")
    axes.set_xticks([100 * one for one in study.fractions], _ticks(study))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(f"{METRICS[metric]} by {unit}")
    axes.set_ylabel(METRICS[metric])
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.0 + HEADROOM))
    axes.grid(True)
    axes.set_axisbelow(True)


def _ticks(study: Study) -> list[str]:
    """Each fraction with the patients or beats that it really meant, on average over the seeds."""
    used = [
        np.mean([one.units for one in study.of(study.modes[0], fraction)])
        for fraction in study.fractions
    ]
    return [
        f"{percent(fraction)}\n{mean:,.0f}"
        for fraction, mean in zip(study.fractions, used, strict=True)
    ]


def _mean_shares(study: Study, mode: str, fraction: float) -> np.ndarray:
    """(classes, classes) in per cent; NaN in the rows of classes without test beats."""
    matrices = np.array([one.by_beat.confusion for one in study.of(mode, fraction)], float)
    support = matrices.sum(axis=2, keepdims=True)
    shares = np.divide(matrices, support, out=np.full_like(matrices, np.nan), where=support > 0)
    return 100 * shares.mean(axis=0)


def _draw_matrix(axes: Axes, shares: np.ndarray, class_names: tuple[str, ...]) -> None:
    places = range(len(class_names))
    for row in places:
        for column in places:
            _draw_cell(axes, row, column, shares[row, column])
    axes.set_xticks(places, class_names)
    axes.set_yticks(places, class_names)
    axes.set(xlim=(-0.5, len(places) - 0.5), ylim=(len(places) - 0.5, -0.5), aspect="equal")
    bare(axes)


def _draw_cell(axes: Axes, row: int, column: int, share: float) -> None:
    strength = 0.0 if np.isnan(share) else share / 100
    hue = HIT if row == column else MISS
    for colour, alpha in ((GRID, 0.3), (hue, strength)):
        axes.add_patch(
            Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, fc=colour, alpha=alpha, lw=0)
        )
    text = "–" if np.isnan(share) else f"{share:.1f}"
    colour = "#ffffff" if strength > 0.6 else INK if strength else MUTED
    axes.text(column, row, text, ha="center", va="center", color=colour, size=9)
