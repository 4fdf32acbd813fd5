"""The report on a test set: JSON and CSV for programs, PNG and one HTML page for people."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from evaluation import plots, training_curves
from evaluation.assessment import Assessment, representatives
from evaluation.comparison import Comparison, Result
from evaluation.metrics import ClassScore, class_curves
from evaluation.report_parts import (
    SYNTHETIC_NOTICE,
    as_sentence,
    f1_text,
    folded_json,
    interval_cell,
    made_by,
    number_text,
    provenance,
)
from evaluation.score_tables import per_beat, per_class, per_record
from evaluation.significance import ROUNDS, SEED, Interval
from evaluation.training_curves import Epochs, Training
from utils.page import Bar, Cell, Ranged, heading, note, paragraph, table
from utils.paths import shown
from utils.picture import Picture
from utils.report import Report, Section


def results_table(comparison: Comparison) -> Table:
    """One row for each model: accuracy and macro-F1 with 95 % intervals, F1 of each class."""
    first = comparison.results[0].assessment
    table = Table(
        title=first.test_title,
        caption=first.protocol_meaning,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
    )
    table.add_column("model", no_wrap=True)
    for name in ("accuracy", "macro-F1", *(f"F1 {name}" for name in first.class_names)):
        table.add_column(name, justify="right", no_wrap=True)
    for one in comparison.results:
        table.add_row(
            one.name,
            _with_interval(one.accuracy, ".2%"),
            _with_interval(one.macro_f1, ".4f"),
            *map(_f1, one.assessment.scores.classes),
        )
    return table


def _with_interval(score: Interval, form: str) -> str:
    return f"{score.value:{form}}\n[dim]{score.low:{form}} – {score.high:{form}}[/dim]"


def _f1(of_class: ClassScore) -> str:
    return f"{of_class.f1:.3f}\n[dim]of {of_class.support:,}[/dim]" if of_class.support else "–"


# The ectopic beats of AAMI's classes, what a per-patient table is read for.
ECTOPIC = ("S", "V")


def write(
    folder: Path,
    comparison: Comparison,
    histories: Mapping[tuple[str, int], Epochs] | None = None,
) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    The figures show one model for each variant and one of the baselines, those that
    validated best; tables and JSON hold all of them.

    Args:
        folder: made where it is missing.
        comparison: all models on the test set, at least one.
        histories: (architecture, seed) -> the metrics of each epoch of that training, as
            `training` logs them; those of assessed checkpoints are shown as training curves.

    Returns:
        the files, the page first.
    """
    assessments = [result.assessment for result in comparison.results]
    trainings = training_curves.trainings_of(assessments, histories or {})
    return build(comparison, trainings).write(folder)


def build(comparison: Comparison, trainings: list[Training]) -> Report:
    """The report.

    Args:
        comparison: all models on the test set.
        trainings: those whose epochs are known; may be empty.
    """
    assessments = [result.assessment for result in comparison.results]
    chosen = representatives(assessments)
    first = assessments[0]
    return Report(
        first.test_title,
        as_sentence(first.protocol_meaning),
        [
            *_overview(comparison),
            heading("Confusion"),
            Picture(
                "confusion",
                plots.confusion_figures(chosen),
                _caption(comparison, "Rows: true classes"),
            ),
            heading("Each class"),
            _class_table(assessments),
            heading("Curves"),
            Picture(
                "curves",
                plots.curves_figure(chosen),
                _caption(
                    comparison,
                    "False positive rates below one in ten thousand are drawn at the left edge",
                ),
            ),
            *_record_section(chosen),
            *_training_section(trainings, first.test_title),
            *_checkpoints(comparison.results),
        ],
        made_by("eval.py"),
        warnings_of(comparison),
        tables={
            "per_class.csv": per_class(assessments),
            "per_patient.csv": per_record(assessments),
            "predictions.csv": per_beat(assessments),
            "training_curves.csv": training_curves.table(trainings) if trainings else None,
        },
        numbers={"scores.json": as_dict(comparison)},
    )


def _training_section(trainings: list[Training], title: str) -> list[Section]:
    if not trainings:
        return []
    figure = training_curves.figure(trainings, title)
    return [heading("Training"), Picture("training_curves", figure, training_curves.CAPTION)]


def warnings_of(comparison: Comparison) -> list[str]:
    """What must be read before any number, each sentence once."""
    assessments = [result.assessment for result in comparison.results]
    synthetic = [SYNTHETIC_NOTICE] if assessments[0].is_synthetic else []
    return [*synthetic, *dict.fromkeys(text for one in assessments for text in one.warnings)]


def _overview(comparison: Comparison) -> list[str]:
    class_names = comparison.results[0].assessment.class_names
    rows: list[list[Cell]] = [
        [
            one.name,
            interval_cell(one.accuracy, ".2%", ".2%"),
            interval_cell(one.macro_f1, ".4f"),
            *map(_f1_bar, one.assessment.scores.classes),
        ]
        for one in comparison.results
    ]
    headers = ["model", "accuracy", "macro-F1", *(f"F1 {name}" for name in class_names)]
    sentences = [one.sentence() for one in comparison.spreads]
    sentences += [one.sentence() for one in comparison.differences]
    sentences += comparison.notes
    return [
        heading("Scores"),
        table(headers, rows),
        *map(paragraph, sentences),
        note(comparison.method),
    ]


def _f1_bar(of_class: ClassScore) -> Cell:
    return Bar(f1_text(of_class), of_class.f1) if of_class.support else "no beats"


def _caption(comparison: Comparison, text: str) -> str:
    chosen = representatives([one.assessment for one in comparison.results])
    if len(chosen) == len(comparison.results):
        return f"{text}."
    shown_ones = ", ".join(one.name for one in comparison.results if one.assessment in chosen)
    kinds = ["each network the training"] if comparison.spreads else []
    kinds += ["the baselines the one"] if any(one.is_baseline for one in chosen) else []
    return f"{text}. Shown: {shown_ones}, of {' and of '.join(kinds)} that validated best."


def _class_table(assessments: list[Assessment]) -> str:
    rows = [
        [
            row["class"],
            row["model"],
            row["support"],
            *(Bar(f"{row[key]:.3f}", row[key]) for key in ("precision", "recall", "f1")),
            *(number_text(row[key], 4) for key in ("roc_auc", "average_precision")),
        ]
        for row in _by_class(per_class(assessments))
    ]
    headers = ["class", "model", "beats", "precision", "recall", "F1", "AUC", "average precision"]
    return table(headers, rows, text_columns=2)


def _by_class(frame: pd.DataFrame) -> list[dict]:
    """Models beside each other within a class, classes in their own order."""
    order = {name: place for place, name in enumerate(frame["class"].unique())}
    frame = frame.sort_values("class", key=lambda column: column.map(order), kind="stable")
    return frame.to_dict("records")


def _record_section(assessments: list[Assessment]) -> list[Section]:
    frame = per_record(assessments)
    if frame is None:
        return [
            heading("Each record"),
            note("Not known: Kaggle's CSV files do not say which record a beat is from."),
        ]
    ectopic = [name for name in ECTOPIC if name in assessments[0].class_names]
    of_model = dict(iter(frame.groupby("model", sort=False)))
    first = next(iter(of_model.values())).set_index("record")
    worst = max(int(frame["wrong"].max()), 1)
    errors = frame.groupby("record")["wrong"].sum().sort_values(ascending=False, kind="stable")
    rows = [
        [
            str(record),
            int(first.loc[record, "beats"]),
            *(
                cell
                for one in of_model.values()
                for cell in _record_cells(one.set_index("record").loc[record], ectopic, worst)
            ),
        ]
        for record in errors.index
    ]
    columns = ["wrong", "accuracy", "macro-F1", *(f"F1 {name}" for name in ectopic), "mostly"]
    headers = ["record", "beats", *columns * len(of_model)]
    groups = [("", 2), *((name, len(columns)) for name in of_model)]
    return [
        heading("Each record"),
        *(paragraph(_concentration(name, one)) for name, one in of_model.items()),
        table(headers, rows, groups=groups),
        note(
            "Records with the most errors first. Macro-F1 is over the classes that the record "
            "has; small numbers beside an F1 count the record's beats of that class; “mostly” is "
            "the commonest error."
        ),
    ]


def _record_cells(row: pd.Series, classes: list[str], worst: int) -> list[Cell]:
    f1s: list[Cell] = [
        Ranged(f"{row[f'f1_{name}']:.2f}", f"{row[f'beats_{name}']:,}")
        if row[f"beats_{name}"]
        else None
        for name in classes
    ]
    wrong = Bar(f"{row['wrong']:,}", row["wrong"] / worst)
    scores = [f"{row['accuracy']:.2%}", f"{row['macro_f1']:.3f}"]
    return [wrong, *scores, *f1s, row["most_frequent_confusion"]]


def _concentration(name: str, frame: pd.DataFrame) -> str:
    """How few records hold half of the errors."""
    wrong = frame["wrong"].sort_values(ascending=False)
    if not wrong.sum():
        return f"{name}: no error at all."
    few = int((wrong.cumsum() < wrong.sum() / 2).sum()) + 1
    return (
        f"{name}: {wrong.sum():,} errors, half of them in {few} of {len(wrong)} records; "
        f"{int((wrong == 0).sum())} records without any."
    )


def _checkpoints(results: tuple[Result, ...]) -> list[str]:
    rows = [
        [
            one.name,
            shown(one.assessment.checkpoint),
            _trained_on(one.assessment),
            number_text(one.assessment.facts.score, 4),
            one.assessment.facts.epoch,
            one.assessment.facts.parameters,
        ]
        for one in results
    ]
    headers = ["model", "checkpoint", "trained on", "validation score", "epoch", "parameters"]
    return [
        heading("Checkpoints"),
        table(headers, rows, text_columns=3),
        *(
            folded_json(f"all that {one.name}'s checkpoint says", one.assessment.facts.to_json())
            for one in results
        ),
    ]


def _trained_on(one: Assessment) -> str:
    return f"{one.facts.data}, protocol {one.facts.protocol}"


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """All scores and where they come from, in plain numbers and lists."""
    first = comparison.results[0].assessment
    return {
        "data": first.data,
        "synthetic": first.is_synthetic,
        "fingerprint": first.fingerprint,
        "protocol": first.protocol,
        "protocol_meaning": first.protocol_meaning,
        "test_beats": len(first.labels),
        "class_names": list(first.class_names),
        "warnings": warnings_of(comparison),
        "bootstrap": {
            "unit": comparison.unit,
            "units": comparison.units,
            "rounds": ROUNDS,
            "seed": SEED,
        },
        "models": [
            {
                "name": result.name,
                **result.assessment.scores.as_dict(),
                "accuracy_interval": asdict(result.accuracy),
                "macro_f1_interval": asdict(result.macro_f1),
                "curves": _areas(result.assessment),
                "checkpoint": shown(result.assessment.checkpoint),
                "facts": result.assessment.facts.to_json(),
            }
            for result in comparison.results
        ],
        "differences": [asdict(one) for one in comparison.differences],
        "spreads": [asdict(one) for one in comparison.spreads],
        "notes": list(comparison.notes),
        **provenance(),
    }


def _areas(one: Assessment) -> dict[str, dict[str, float] | None]:
    curves = class_curves(one.labels, one.probabilities)
    return {
        name: {"roc_auc": curve.auc, "average_precision": curve.average_precision}
        if curve
        else None
        for name, curve in zip(one.class_names, curves, strict=True)
    }
