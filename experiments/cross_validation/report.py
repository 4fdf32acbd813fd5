"""The report on a cross-validation: JSON, CSV and PNG files, and one HTML page."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich import box
from rich.table import Table

from evaluation.metrics import Scores
from evaluation.plots import confusion_figure
from evaluation.report_parts import (
    SYNTHETIC_NOTICE,
    as_sentence,
    f1_text,
    f1_with_support,
    folded_json,
    made_by,
    number_text,
    provenance,
)
from experiments.cross_validation.results import CrossValidation, FoldResult, Spread
from experiments.cross_validation.settings import DIVISIONS
from utils.page import Bar, Cell, heading, note, table
from utils.picture import Picture
from utils.report import Report
from utils.style import INK, MUTED, class_colour, new_figure, styled

SCORES = ("precision", "recall", "f1")


def per_fold(reached: CrossValidation) -> pd.DataFrame:
    """One row for each fold: its beats, its training, accuracy, macro-F1 and F1 of each class.

    A class without held-out beats has no F1.
    """
    return pd.DataFrame([_fold_row(fold) for fold in reached.folds])


def per_class(reached: CrossValidation) -> pd.DataFrame:
    """One row for each class: mean and deviation over folds, and the pooled scores."""
    rows = []
    for index, pooled in enumerate(reached.pooled.classes):
        row: dict = {"class": pooled.name, "beats": pooled.support}
        row["folds_with_beats"] = sum(one.support > 0 for one in reached.class_scores(index))
        for name in SCORES:
            spread = reached.of_class(index, name)
            row[f"{name}_mean"], row[f"{name}_deviation"] = spread.mean, spread.deviation
            row[f"{name}_pooled"] = getattr(pooled, name) if pooled.support else None
        rows.append(row)
    return pd.DataFrame(rows)


def terminal_table(reached: CrossValidation) -> Table:
    """Fold by fold, then the mean with its deviation, then all folds pooled."""
    table = Table(
        title=reached.title,
        caption=f"{DIVISIONS[reached.by]}\n±: standard deviation over folds",
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("fold", no_wrap=True)
    # Narrow enough for 80 columns with five classes.
    headers = ("beats", "accuracy", "macro-F1", *(f"F1 {name}" for name in reached.class_names))
    for name in headers:
        table.add_column(name, justify="right", no_wrap=True)
    for fold in reached.folds:
        table.add_row(str(fold.number), f"{len(fold.labels):,}", *_scores_text(fold.scores))
    table.add_section()
    of_classes = [reached.of_class(index) for index in range(len(reached.class_names))]
    table.add_row(
        "mean",
        "",
        spread_text(reached.accuracy, percent=True),
        *(spread_text(one) for one in (reached.macro_f1, *of_classes)),
    )
    beats = sum(one.support for one in reached.pooled.classes)
    table.add_row("pooled", f"{beats:,}", *_scores_text(reached.pooled))
    return table


def spread_text(spread: Spread, *, percent: bool = False, separator: str = "\n±") -> str:
    """The mean with its standard deviation, e.g. ``0.871 ± 0.012``."""
    if spread.mean is None:
        return "–"
    mean = f"{spread.mean:.2%}" if percent else f"{spread.mean:.3f}"
    if spread.deviation is None:
        return mean
    deviation = f"{100 * spread.deviation:.2f}" if percent else f"{spread.deviation:.3f}"
    return f"{mean}{separator}{deviation}"


def _scores_text(scores: Scores) -> list[str]:
    return [f"{scores.accuracy:.2%}", f"{scores.macro_f1:.3f}", *map(f1_text, scores.classes)]


def _fold_row(fold: FoldResult) -> dict:
    return {
        "fold": fold.number,
        "beats": len(fold.labels),
        **fold.facts,
        "accuracy": fold.scores.accuracy,
        "macro_f1": fold.scores.macro_f1,
        **{f"f1_{one.name}": one.f1 if one.support else None for one in fold.scores.classes},
        **{f"beats_{one.name}": one.support for one in fold.scores.classes},
    }


TEST_BEATS_NOTICE = (
    "The test set's beats were divided too, as in much of the literature. The scores are not "
    "those of any protocol's test set, and settings chosen by them have seen the test beats."
)
UNTOUCHED = "The protocol's test set took no part."
# The three sources are named where the page leans on them.
SPREAD_MEANING = (
    "± is the standard deviation of the folds' scores (n − 1). It tells how far one fold's score "
    "lies from another's. It is no standard error: any two of the trainings share most of their "
    "beats, so the scores are not independent, and no unbiased estimate of the mean's variance "
    "can be had from one cross-validation (Bengio Y, Grandvalet Y. No unbiased estimator of the "
    "variance of k-fold cross-validation. Journal of Machine Learning Research 5, 2004)."
)
POOLED_MEANING = (
    "Pooled: all held-out predictions counted together, every beat once. Where a class is rare, "
    "this F1 is less biased than the mean over folds (Forman G, Scholz M. Apples-to-apples in "
    "cross-validation studies. ACM SIGKDD Explorations 12(1), 2010). The mean leaves out folds "
    "that have no beat of the class."
)
SELECTION = (
    "Settings that were chosen on these same beats make the scores somewhat too good (Cawley G, "
    "Talbot N. On over-fitting in model selection. Journal of Machine Learning Research 11, 2010)."
)


def write(folder: Path, reached: CrossValidation) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    Returns:
        the files, the page first.
    """
    return build(reached).write(folder)


def build(reached: CrossValidation) -> Report:
    """The report: page, figures, tables and numbers."""
    divided = f" The training part of protocol {reached.protocol} was divided. {UNTOUCHED}"
    confusion = confusion_figure(
        reached.joined("labels"),
        reached.joined("predicted"),
        reached.class_names,
        f"{reached.title}, pooled",
    )
    return Report(
        reached.title,
        f"{as_sentence(DIVISIONS[reached.by])}{divided if reached.protocol else ''}",
        [
            heading("Scores"),
            _score_table(reached),
            *map(note, (SPREAD_MEANING, POOLED_MEANING, SELECTION)),
            Picture(
                "folds", folds_figure(reached), "Each point is one fold's F1; bars are the means."
            ),
            heading("Confusion, all folds pooled"),
            Picture(
                "confusion",
                confusion,
                "Rows: true classes. Every beat is counted once, when it was held out.",
            ),
            heading("Each class"),
            _class_table(reached),
            heading("Trainings"),
            _training_table(reached),
            folded_json("all settings", reached.settings),
        ],
        made_by("training.cross_validate"),
        warnings_of(reached),
        tables={"per_fold.csv": per_fold(reached), "per_class.csv": per_class(reached)},
        numbers={"scores.json": as_dict(reached)},
    )


def warnings_of(reached: CrossValidation) -> list[str]:
    """What must be read before any number."""
    synthetic = [SYNTHETIC_NOTICE] if reached.is_synthetic else []
    missing = reached.planned - len(reached.folds)
    cut = [f"{missing} of {reached.planned} folds are missing."] if missing else []
    return [*synthetic, *cut, *([] if reached.protocol else [TEST_BEATS_NOTICE])]


def _score_table(reached: CrossValidation) -> str:
    rows: list[list[Cell]] = [
        [
            str(fold.number),
            len(fold.labels),
            f"{fold.scores.accuracy:.2%}",
            f"{fold.scores.macro_f1:.4f}",
            *(f1_text(one, "no beats") for one in fold.scores.classes),
        ]
        for fold in reached.folds
    ]
    of_classes = [reached.of_class(index) for index in range(len(reached.class_names))]
    rows.append(
        [
            "mean ± deviation",
            None,
            spread_text(reached.accuracy, percent=True, separator=" ± "),
            *(spread_text(one, separator=" ± ") for one in (reached.macro_f1, *of_classes)),
        ]
    )
    pooled = reached.pooled
    rows.append(
        [
            "pooled",
            sum(one.support for one in pooled.classes),
            f"{pooled.accuracy:.2%}",
            f"{pooled.macro_f1:.4f}",
            *map(f1_with_support, pooled.classes),
        ]
    )
    headers = [
        "fold",
        "held-out beats",
        "accuracy",
        "macro-F1",
        *(f"F1 {name}" for name in reached.class_names),
    ]
    return table(headers, rows)


def _class_table(reached: CrossValidation) -> str:
    rows: list[list[Cell]] = []
    for index, pooled in enumerate(reached.pooled.classes):
        folds = sum(one.support > 0 for one in reached.class_scores(index))
        row: list[Cell] = [pooled.name, pooled.support, folds]
        for name in SCORES:
            row.append(spread_text(reached.of_class(index, name), separator=" ± "))
            value = getattr(pooled, name)
            row.append(Bar(f"{value:.3f}", value) if pooled.support else "–")
        rows.append(row)
    groups = [("", 3), *((name, 2) for name in ("precision", "recall", "F1"))]
    headers = ["class", "beats", "folds with it", *["mean ± deviation", "pooled"] * 3]
    return table(headers, rows, groups=groups)


def _training_table(reached: CrossValidation) -> str:
    headers = [
        "fold",
        "training beats",
        "validation beats",
        "held-out patients",
        "seed",
        "epochs",
        "best epoch",
        "validation score",
        "seconds",
    ]
    return table(headers, [_training_row(fold) for fold in reached.folds])


def _training_row(fold: FoldResult) -> list[Cell]:
    facts = fold.facts
    whole = [facts.get(name) for name in ("training_beats", "validation_beats", "patients")]
    counts = [str(facts.get(name, "")) for name in ("seed", "epochs", "best_epoch")]
    score, seconds = facts.get("validation_score"), facts.get("seconds")
    return [
        str(fold.number),
        *whole,
        *counts,
        number_text(score, 4),
        None if seconds is None else f"{seconds:,.0f}",
    ]


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
        "warnings": warnings_of(reached),
        "class_names": list(reached.class_names),
        "accuracy": asdict(reached.accuracy),
        "macro_f1": asdict(reached.macro_f1),
        "classes": [
            {
                "name": name,
                **{score: asdict(reached.of_class(index, score)) for score in SCORES},
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
        **provenance(),
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
