"""The report on a cross-validation: JSON, CSV and PNG files, and one HTML page."""

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from evaluation.folds import page, tables
from evaluation.folds.cross_validation import DIVISIONS, CrossValidation
from evaluation.plots import confusion_figure
from evaluation.report_files import write_figures, write_page, write_table
from utils.files import write_json
from utils.style import INK, MUTED, class_colour, new_figure, styled
from utils.versions import commit, versions


def write(folder: Path, reached: CrossValidation) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    Returns:
        the files, the page first.
    """
    figures = {
        "confusion": confusion_figure(
            reached.joined("labels"),
            reached.joined("predicted"),
            reached.class_names,
            f"{reached.title}, pooled",
        ),
        "folds": folds_figure(reached),
    }
    html = write_page(folder / "report.html", page.build(reached, figures))
    paths = [html, folder / "scores.json", *write_figures(folder, figures)]
    write_json(paths[1], as_dict(reached))
    paths.append(write_table(folder / "per_fold.csv", tables.per_fold(reached)))
    paths.append(write_table(folder / "per_class.csv", tables.per_class(reached)))
    return paths


def as_dict(reached: CrossValidation) -> dict[str, Any]:
    """All scores and where they come from, in plain numbers and lists."""
    return {
        "architecture": reached.architecture,
        "data": reached.data,
        "synthetic": reached.is_synthetic,
        "fingerprint": reached.fingerprint,
        "protocol": reached.protocol or None,
        "division": DIVISIONS[reached.by],
        "by": reached.by,
        "planned_folds": reached.planned,
        "warnings": page.warnings_of(reached),
        "class_names": list(reached.class_names),
        "accuracy": asdict(reached.accuracy),
        "macro_f1": asdict(reached.macro_f1),
        "classes": [
            {
                "name": name,
                **{score: asdict(reached.of_class(index, score)) for score in tables.SCORES},
            }
            for index, name in enumerate(reached.class_names)
        ],
        "pooled": reached.pooled.as_dict(),
        "folds": [
            {
                "number": fold.number,
                "beats": len(fold.labels),
                **fold.facts,
                **fold.scores.as_dict(),
            }
            for fold in reached.folds
        ],
        "settings": reached.settings,
        "commit": commit(),
        "versions": versions(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


@styled
def folds_figure(reached: CrossValidation) -> Figure:
    """F1 of each class and macro-F1, a point for each fold and a bar at the mean."""
    groups: dict[str, list[float]] = {"macro-F1": [fold.scores.macro_f1 for fold in reached.folds]}
    for index, name in enumerate(reached.class_names):
        scores = reached.class_scores(index)
        groups[f"F1 {name}"] = [one.f1 for one in scores if one.support]
    figure = new_figure(
        max(1.1 * len(groups) + 1, 7),
        4.2,
        f"{reached.title}: F1 of each fold",
        "points: folds, in their order from left to right; bars: means",
    )
    axes = figure.subplots()
    for place, values in enumerate(groups.values()):
        colour = INK if place == 0 else class_colour(place - 1)
        if values:
            spots = place + np.linspace(-0.22, 0.22, len(values))
            axes.scatter(spots, values, s=34, color=colour, zorder=3, clip_on=False)
            axes.hlines(np.mean(values), place - 0.34, place + 0.34, color=MUTED, lw=1.4)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.tick_params(axis="x", length=0)
    axes.set(xlim=(-0.5, len(groups) - 0.5), ylabel="F1 on the held-out fold")
    lowest = min((value for values in groups.values() for value in values), default=0)
    axes.set_ylim(max(-0.02, lowest - 0.08 * (1 - lowest) - 0.005), 1.005)
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)
    return figure
