"""The report on a cross-validation as one HTML page."""

import json
from collections.abc import Mapping

from matplotlib.figure import Figure

from evaluation.folds import tables
from evaluation.folds.cross_validation import DIVISIONS, CrossValidation, FoldResult
from evaluation.folds.tables import spread_text
from evaluation.metrics import ClassScore
from evaluation.report_page import SYNTHETIC_NOTICE
from utils.page import Bar, Cell, Ranged, folded, footer, heading, note, page, picture, table

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


def build(reached: CrossValidation, figures: Mapping[str, Figure]) -> str:
    """The page; `figures` are ``confusion`` and ``folds``."""
    of = f" The training part of protocol {reached.protocol} was divided. {UNTOUCHED}"
    meaning = DIVISIONS[reached.by]
    return page(
        reached.title,
        f"{meaning[:1].upper()}{meaning[1:]}.{of if reached.protocol else ''}",
        [
            heading("Scores"),
            _score_table(reached),
            *(note(text) for text in (SPREAD_MEANING, POOLED_MEANING, SELECTION)),
            picture(figures["folds"], "folds", "Each point is one fold's F1; bars are the means."),
            heading("Confusion, all folds pooled"),
            picture(
                figures["confusion"],
                "confusion",
                "Rows: true classes. Every beat is counted once, when it was held out.",
            ),
            heading("Each class"),
            _class_table(reached),
            heading("Trainings"),
            _training_table(reached),
            folded("all settings", json.dumps(reached.settings, indent=2)),
            footer(
                "Made by training.cross_validate of Beatsweep. Research software, not a "
                "medical device."
            ),
        ],
        warnings=warnings_of(reached),
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
            *map(_f1_of_fold, fold.scores.classes),
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
            *map(_f1_cell, pooled.classes),
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


def _f1_of_fold(of_class: ClassScore) -> Cell:
    return f"{of_class.f1:.3f}" if of_class.support else "no beats"


def _f1_cell(of_class: ClassScore) -> Cell:
    if not of_class.support:
        return "no beats"
    return Ranged(f"{of_class.f1:.3f}", f"of {of_class.support:,}")


def _class_table(reached: CrossValidation) -> str:
    rows: list[list[Cell]] = []
    for index, pooled in enumerate(reached.pooled.classes):
        folds = sum(one.support > 0 for one in reached.class_scores(index))
        row: list[Cell] = [pooled.name, pooled.support, folds]
        for name in tables.SCORES:
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
        None if score is None else f"{score:.4f}",
        None if seconds is None else f"{seconds:,.0f}",
    ]
