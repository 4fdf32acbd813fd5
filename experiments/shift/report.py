"""The report on shifts: JSON and CSV for programs, a PNG and one HTML page for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evaluation.assessment import TITLES
from evaluation.report_parts import interval_cell, made_by
from evaluation.significance import Interval
from experiments.shift.measure import (
    Change,
    Point,
    curves,
    findings,
    score_table,
    worst_for_each_class,
)
from utils.page import Cell, heading, note, paragraph, table
from utils.picture import Picture
from utils.report import Report
from utils.style import MODEL_COLOURS, MUTED, new_figure, styled

# Inches for each tested level, and for the room around them.
LEVEL_INCHES, PANEL_INCHES = 0.22, 0.5
NARROWEST_INCHES = 1.5
ROW_INCHES = 1.45
MARGIN_INCHES = 0.9
# How far right of the clean point the levels begin, counted in levels.
GAP = 1.4


@styled
def shift_figure(points: Sequence[Point], title: str, subtitle: str) -> Figure:
    """Macro-F1 and each class's F1 against the strength of every change.

    Args:
        points: from `shift.measure`.
        title, subtitle: what was measured, on what, and how.
    """
    changes = list(dict.fromkeys(point.change for point in points))
    models = list(dict.fromkeys(point.model for point in points))
    rows = _rows(points[0])
    widths = [_width_inches(change) for change in changes]
    width, height = sum(widths) + MARGIN_INCHES, ROW_INCHES * len(rows) + 1.6
    figure = new_figure(width, height, title, subtitle)
    grid = figure.subplots(
        len(rows),
        len(changes),
        sharey=True,
        sharex="col",
        squeeze=False,
        gridspec_kw={"width_ratios": widths},
    )
    for change, model, own in curves(points):
        column = changes.index(change)
        for axes, place in zip(grid[:, column], rows.values(), strict=True):
            _draw(axes, change, own, place, models.index(model))
    for axes, change in zip(grid[0], changes, strict=True):
        axes.set_title(change.title)
    for axes, change in zip(grid[-1], changes, strict=True):
        _name_levels(axes, change)
    for row, name in zip(grid, rows, strict=True):
        row[0].set(
            ylabel=name,
            ylim=(-0.02, 1.02),
            yticks=(0, 0.25, 0.5, 0.75, 1),
            yticklabels=("0", "", "0.5", "", "1"),
        )
        for axes in row[1:]:  # a phone shows each column by itself
            axes.tick_params(labelleft=True)
            axes.text(0.03, 0.05, name.split("\n")[0], color=MUTED, size=8, **_inside(axes))
    handles = [Line2D([], [], label=model, **_look(place)) for place, model in enumerate(models)]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(models), fontsize=10)
    return figure


def _inside(axes: Axes) -> dict:
    return {"transform": axes.transAxes, "va": "bottom", "zorder": 1}


def _width_inches(change: Change) -> float:
    wanted = LEVEL_INCHES * (len(_ticks(change)[0]) + GAP) + PANEL_INCHES
    return max(wanted, NARROWEST_INCHES)


def _rows(point: Point) -> dict[str, int | None]:
    """The label of each row, and the class it shows; None for macro-F1."""
    found: dict[str, int | None] = {"macro-F1": None}
    for place, of_class in enumerate(point.scores.classes):
        if of_class.support:
            found[f"F1 of {of_class.name}\n({of_class.support:,} beats)"] = place
    return found


def _draw(axes: Axes, change: Change, own: list[Point], place: int | None, model: int) -> None:
    """One model's curve, with the band of its bootstrap intervals."""
    clean, *changed = own
    values = [_interval(point, place) for point in _in_order(change, clean, changed)]
    xs = np.arange(len(values)) + GAP
    if change.neutral is None:  # from clean to ever stronger: one line
        values, xs = [_interval(clean, place), *values], np.append(0, xs)
    heights = [one.value for one in values]
    look = _look(model)
    axes.fill_between(
        xs,
        [one.low for one in values],
        [one.high for one in values],
        color=look["color"],
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(xs, heights, markersize=3, **look)
    first = _interval(clean, place).value
    axes.axhline(first, color=look["color"], lw=0.8, ls=":", alpha=0.8)
    axes.plot(0, first, "o", color=look["color"], markersize=5, clip_on=False, zorder=3)
    axes.grid(True, axis="y")


def _in_order(change: Change, clean: Point, changed: list[Point]) -> list[Point]:
    """The points of a curve; where a level changes nothing, the clean scores stand there."""
    if change.neutral is None:
        return changed
    below = [p for p in changed if p.level is not None and p.level < change.neutral]
    return [*below, clean, *changed[len(below) :]]


def _interval(point: Point, place: int | None) -> Interval:
    return point.macro_f1 if place is None else point.class_f1[place]


def _ticks(change: Change) -> tuple[list[float], list[str]]:
    levels = sorted([*change.levels, change.neutral]) if change.neutral is not None else None
    names = [f"{level:g}" for level in levels or change.levels]
    if change.kind == "inversion":
        names = ["inverted"]
    return [0, *(np.arange(len(names)) + GAP)], ["clean", *names]


def _name_levels(axes: Axes, change: Change) -> None:
    places, names = _ticks(change)
    axes.set_xticks(places, names, rotation=90, fontsize=8.5)
    axes.set_xlim(-0.5, places[-1] + 0.5)
    unit = {"dB": "SNR in dB", "x": "factor", "ms": "ms", "%": "%"}.get(change.unit, "")
    axes.set_xlabel(unit, color=MUTED)


def _look(place: int) -> dict:
    return {"color": MODEL_COLOURS[place % len(MODEL_COLOURS)], "marker": "o", "lw": 1.4}


CAPTION = (
    "Leftmost point of each panel and dotted line: clean beats. Band: 95 % bootstrap interval. "
    "Between levels lines only guide the eye; levels are not evenly spaced."
)


def write(
    folder: Path, points: Sequence[Point], facts: dict[str, Any], warnings: Sequence[str]
) -> list[Path]:
    """Write ``shift.html shift.png shift.csv shift.json``; their paths, the page first.

    Args:
        folder: made where it is missing.
        points: from `shift.measure`.
        facts: what was measured, on what, and how; `experiments.shift.shift` gathers them.
        warnings: sentences that a reader must know before any score.
    """
    return build(points, facts, warnings).write(folder)


def build(points: Sequence[Point], facts: dict[str, Any], warnings: Sequence[str]) -> Report:
    """The report: page, figure, table and numbers; arguments as in `write`."""
    kind = "synthetic test beats" if facts["synthetic"] else "test beats"
    title = f"{TITLES.get(facts['data'], facts['data'])}, protocol {facts['protocol']}: shift"
    amount = f"{facts['measured_beats']:,} of {facts['test_beats']:,} {kind}"
    origins = ", ".join(f"{name} {origin}" for name, origin in facts["noise_origin"].items())
    figure = shift_figure(points, title, f"{amount}; noise: {origins}")
    rows = score_table(points).assign(noise_seed=facts["noise_seed"])
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    sentences = findings(points)
    return Report(
        title,
        f"Scores on {amount}, changed as recordings change.",
        [
            heading("In words"),
            *map(paragraph, sentences),
            heading("Curves"),
            Picture("shift", figure, CAPTION, stack="columns"),
            heading("What harms each class most"),
            _worst_table(points),
            note("Of all levels tried; a wider range of levels would give other answers."),
            heading("Macro-F1"),
            _score_table(points),
            heading("How it was done"),
            *map(note, _notes(facts, origins)),
        ],
        made_by("eval.py"),
        warnings,
        tables={"shift.csv": rows},
        numbers={
            "shift.json": {
                **facts,
                "warnings": list(warnings),
                "findings": sentences,
                "points": plain,
            }
        },
        page="shift.html",
    )


def _worst_table(points: Sequence[Point]) -> str:
    rows: list[list[Cell]] = [
        [
            model,
            class_name,
            worst.change.title,
            worst.label,
            f"{clean:.3f}",
            f"{next(c.f1 for c in worst.scores.classes if c.name == class_name):.3f}",
        ]
        for model, class_name, worst, clean in worst_for_each_class(points)
    ]
    headers = ["model", "class", "change", "level", "F1 clean", "F1 there"]
    return table(headers, rows, text_columns=4)


def _score_table(points: Sequence[Point]) -> str:
    """A row for each level, columns of each model's scores."""
    models = list(dict.fromkeys(point.model for point in points))
    classes = [c.name for c in points[0].scores.classes if c.support]
    by_row: dict[tuple[str, str], list[Cell]] = {}
    for change, _model, own in curves(points):
        for point in own:
            cells = by_row.setdefault((change.title, point.label), [change.title, point.label])
            cells += _cells(point)
    groups = [("", 2), *((model, 1 + len(classes)) for model in models)]
    headers = ["change", "level", *["macro-F1", *classes] * len(models)]
    return table(headers, by_row.values(), text_columns=2, groups=groups)


def _cells(point: Point) -> list[Cell]:
    f1s = [f"{one.f1:.2f}" for one in point.scores.classes if one.support]
    return [interval_cell(point.macro_f1), *f1s]


def _notes(facts: dict[str, Any], origins: str) -> list[str]:
    bootstrap = facts["bootstrap"]
    drawn = (
        f" They were drawn by class (seed {facts['draw_seed']}); --limit=0 takes all."
        if facts["draw_seed"] is not None
        else ""
    )
    return [
        facts["how"],
        f"Noise: {origins}. One draw (seed {facts['noise_seed']}), the same at every level and "
        "for every model.",
        f"{facts['measured_beats']:,} of {facts['test_beats']:,} test beats.{drawn} Intervals: "
        f"95 % bootstrap over {bootstrap['unit']} ({bootstrap['rounds']:,} draws, seed "
        f"{bootstrap['seed']}); they do not tell how far another draw of noise might move a "
        "score.",
    ]
