"""How all figures look: colours that colour-blind readers can tell apart, type, margins."""

import io
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1c2630", "#5f6b77", "#d9dfe5", "#fefefe"
HIT, MISS = "#0072b2", "#d55e00"
# Okabe M, Ito K, Color Universal Design (2008), with a grey in front: the first class is the
# common one in every data set here, and the others are to stand out from it.
CLASS_COLOURS = ("#8a97a3", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MODEL_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MODEL_LINES = ("-", "--", "-.", ":")
PNG_DPI = 160
HEADING_INCHES = 0.5
SUBTITLE_LINE_INCHES = 0.16
# What the two lines over a figure are called inside of it.
TITLE, SUBTITLE = "title", "subtitle"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
}
styled = rc_context(STYLE)  # a decorator: figures are drawn in this style, others keep theirs


def class_colour(index: int) -> str:
    """The colour of the class with this label, the same in every figure."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def new_figure(width: float, height: float, title: str, subtitle: str = "") -> Figure:
    """An empty figure with its heading; sizes in inches, the heading included."""
    figure = Figure(figsize=(width, height), layout="constrained")
    lines = subtitle.count("\n") + 1
    room = (HEADING_INCHES + lines * SUBTITLE_LINE_INCHES) / height
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, 0, 1, 1 - room), w_pad=0.08, h_pad=0.08)  # type: ignore[call-arg]
    left = 0.14 / width
    top, below = 1 - 0.14 / height, 1 - 0.44 / height
    figure.text(left, top, title, size=13, weight="bold", va="top", gid=TITLE)
    figure.text(left, below, subtitle, size=9.5, color=MUTED, va="top", gid=SUBTITLE)
    return figure


def bare(axes: Axes) -> None:
    """Take away the frame and the tick marks, and keep the labels."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI)
    return buffer.getvalue()
