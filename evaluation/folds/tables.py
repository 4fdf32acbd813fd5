"""The tables of a cross-validation: for CSV, for pages, and for the terminal."""

import pandas as pd
from rich import box
from rich.table import Table

from evaluation.folds.cross_validation import DIVISIONS, CrossValidation, FoldResult, Spread
from evaluation.metrics import ClassScore, Scores

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


def f1_text(of_class: ClassScore) -> str:
    return f"{of_class.f1:.3f}" if of_class.support else "–"


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
