"""Figures of predictions: confusion matrices, ROC and precision-recall curves."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from evaluation.assessment import Assessment, names
from evaluation.metrics import ClassCurves, class_curves, score
from utils.style import (
    GRID,
    HIT,
    INK,
    MISS,
    MODEL_COLOURS,
    MODEL_LINES,
    MUTED,
    PAPER,
    bare,
    new_figure,
    styled,
)

# Where the logarithmic axis of false positive rates begins.
SMALLEST_RATE = 1e-4
COLOUR_KEY = "colour: share of the true class's beats, hits blue, confusions orange"


@styled
def confusion_figure(
    labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...], title: str
) -> Figure:
    """One confusion matrix, as counts and as shares of each true class.

    Args:
        labels: (beats,) int, the true classes.
        predicted: (beats,) int.
        class_names: names in the order of the labels.
        title: says the model, the data and the protocol.
    """
    scores = score(labels, predicted, class_names)
    figure = _matrix_page(1, 2, len(class_names), title, _summary(scores, len(labels)))
    counts, shares = figure.subplots(1, 2)
    _draw_confusion(counts, scores.confusion, class_names, "beats", in_shares=False)
    _draw_confusion(shares, scores.confusion, class_names, "% of the true class", in_shares=True)
    return figure


@styled
def confusion_figures(assessments: list[Assessment]) -> Figure:
    """The confusion matrices of all models side by side: counts above, shares below.

    Args:
        assessments: of the same test set, at least one.
    """
    first = assessments[0]
    figure = _matrix_page(
        2,
        len(assessments),
        len(first.class_names),
        first.test_title,
        f"{first.protocol_meaning}\n{COLOUR_KEY}".strip(),
    )
    grid = figure.subplots(2, len(assessments), squeeze=False)
    for column, (name, one) in enumerate(zip(names(assessments), assessments, strict=True)):
        head = f"{name}: accuracy {one.scores.accuracy:.2%}, macro-F1 {one.scores.macro_f1:.3f}"
        matrix = one.scores.confusion
        _draw_confusion(grid[0, column], matrix, one.class_names, head, in_shares=False)
        below = f"{name}: % of the true class"
        _draw_confusion(grid[1, column], matrix, one.class_names, below, in_shares=True)
    return figure


@styled
def curves_figure(assessments: list[Assessment]) -> Figure:
    """ROC curves (above) and precision-recall curves (below), a column for each class.

    Args:
        assessments: of the same test set, at least one.
    """
    first = assessments[0]
    curves = {
        name: class_curves(one.labels, one.probabilities)
        for name, one in zip(names(assessments), assessments, strict=True)
    }
    support = np.bincount(first.labels, minlength=len(first.class_names))
    width = max(2.6 * len(first.class_names) + 0.4, 7)
    subtitle = (
        f"{first.protocol_meaning}\none class against the rest; AUC: area under the ROC curve, "
        "AP: average precision; dotted: guessing"
    )
    figure = new_figure(width, 6.6, first.test_title, subtitle.strip())
    grid = figure.subplots(2, len(first.class_names), squeeze=False)
    for index, class_name in enumerate(first.class_names):
        of_class = {name: lines[index] for name, lines in curves.items()}
        title = f"{class_name} ({support[index]:,} beats)"
        _draw_roc(grid[0, index], of_class, title)
        _draw_precision_recall(grid[1, index], of_class, title)
    return figure


def _matrix_page(rows: int, columns: int, classes: int, title: str, subtitle: str) -> Figure:
    side = max(0.62 * classes + 1.0, 3.2)
    return new_figure(max(columns * (side + 0.8), 7), rows * (side + 0.4) + 0.8, title, subtitle)


def _summary(scores, beats: int) -> str:
    figures = f"accuracy {scores.accuracy:.2%}, macro-F1 {scores.macro_f1:.3f}, {beats:,} beats"
    return f"{figures}\n{COLOUR_KEY}"


def _draw_confusion(
    axes: Axes, matrix: np.ndarray, class_names: tuple[str, ...], title: str, *, in_shares: bool
) -> None:
    support = matrix.sum(axis=1)
    counts = [[f"{count:,}" for count in row] for row in matrix]
    draw_matrix(axes, shares_of(matrix), class_names, None if in_shares else counts)
    if not in_shares:
        rows = [f"{n} ({s:,})" for n, s in zip(class_names, support, strict=True)]
        axes.set_yticks(range(len(rows)), rows)
    axes.set_ylabel("true" if in_shares else "true (beats)")
    axes.set_title(title)


def shares_of(confusion: np.ndarray) -> np.ndarray:
    """(classes, classes) shares of each true class, in rows; NaN in rows of classes without beats.

    Args:
        confusion: (classes, classes) counts, rows are the true classes.
    """
    support = confusion.sum(axis=1, keepdims=True)
    nothing = np.full(confusion.shape, np.nan)
    return np.divide(confusion, support, out=nothing, where=support > 0)


def draw_matrix(
    axes: Axes,
    shares: np.ndarray,
    class_names: tuple[str, ...],
    texts: list[list[str]] | None = None,
) -> None:
    """Draw a confusion matrix, hits in blue and confusions in orange.

    Args:
        axes: drawn on.
        shares: (classes, classes) of each true class, in rows; NaN where there are no beats.
        class_names: names in the order of the labels.
        texts: what each cell says; by default its share in per cent.
    """
    places = range(len(class_names))
    for row in places:
        for column in places:
            share = shares[row, column]
            text = texts[row][column] if texts else _share_text(share)
            _draw_cell(axes, row, column, share, text)
    axes.set_xticks(places, class_names)
    axes.set_yticks(places, class_names)
    axes.set(xlim=(-0.5, len(places) - 0.5), ylim=(len(places) - 0.5, -0.5), aspect="equal")
    axes.set_xlabel("predicted")
    bare(axes)


def _draw_cell(axes: Axes, row: int, column: int, share: float, text: str) -> None:
    has_beats = not np.isnan(share)
    # The square root lifts the few per cent of a confusion out of the background.
    hue, strength = (HIT, share) if row == column else (MISS, np.sqrt(share))
    for colour, alpha in ((GRID, 0.3), (hue, strength if has_beats else 0.0)):
        axes.add_patch(
            Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=colour, alpha=alpha, lw=0)
        )
    text = text if has_beats else "–"
    colour = MUTED if text in ("0", "–") else "#ffffff" if strength > 0.6 else INK
    axes.text(column, row, text, ha="center", va="center", color=colour, size=9)


def _share_text(share: float) -> str:
    """Per cent; what is rounded never reads as none or as all."""
    if share in (0, 1):
        return f"{100 * share:.0f}"
    if share < 0.0005:
        return "<0.1"
    return ">99.9" if share >= 0.9995 else f"{100 * share:.1f}"


def _draw_roc(axes: Axes, curves: Mapping[str, ClassCurves | None], title: str) -> None:
    axes.set_title(title)
    if not _can_be_drawn(axes, curves):
        return
    rates = np.geomspace(SMALLEST_RATE, 1, 100)
    axes.plot(rates, rates, ":", color=MUTED, lw=1)
    for number, (name, one) in enumerate(curves.items()):
        if one:
            rate = np.maximum(one.false_positive_rate, SMALLEST_RATE)
            label = f"{name}  AUC {_truncated(one.auc)}"
            axes.plot(rate, one.true_positive_rate, label=label, **_line(number))
    axes.set(xscale="log", xlim=(SMALLEST_RATE, 1), ylim=(0, 1.01))
    axes.set(xlabel="false positive rate (log scale)", ylabel="true positive rate (recall)")
    axes.xaxis.set_minor_locator(NullLocator())
    _finish(axes, "lower right")


def _draw_precision_recall(
    axes: Axes, curves: Mapping[str, ClassCurves | None], title: str
) -> None:
    axes.set_title(title)
    if not _can_be_drawn(axes, curves):
        return
    for number, (name, one) in enumerate(curves.items()):
        if one:
            label = f"{name}  AP {_truncated(one.average_precision)}"
            axes.plot(one.recall, one.precision, label=label, **_line(number))
            axes.axhline(one.prevalence, ls=":", color=MUTED, lw=1)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xlabel="recall", ylabel="precision")
    _finish(axes, "lower left")


def _can_be_drawn(axes: Axes, curves: Mapping[str, ClassCurves | None]) -> bool:
    if any(curves.values()):
        return True
    axes.text(
        0.5,
        0.5,
        "no curve: the test set\nhas no such beats,\nor no others",
        ha="center",
        va="center",
        color=MUTED,
        transform=axes.transAxes,
    )
    axes.set(xticks=[], yticks=[])
    bare(axes)
    return False


def _finish(axes: Axes, place: Literal["lower left", "lower right"]) -> None:
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.legend(loc=place, handlelength=1.6, frameon=True, facecolor=PAPER, edgecolor="none")


def _line(number: int) -> dict:
    return {
        "color": MODEL_COLOURS[number % len(MODEL_COLOURS)],
        "ls": MODEL_LINES[number % len(MODEL_LINES)],
    }


def _truncated(value: float) -> str:
    """Four decimals, cut rather than rounded: 1.0000 is printed for a perfect curve alone."""
    return f"{np.floor(value * 1e4) / 1e4:.4f}"
