"""The report on a test set: JSON and CSV for programs, PNG and one HTML page for people."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

from evaluation import plots, training_curves
from evaluation.assessment import Assessment, representatives
from evaluation.comparison import Comparison, Result, compare
from evaluation.metrics import ClassScore, class_curves
from evaluation.report_files import write_figures, write_page, write_table
from evaluation.score_tables import per_beat, per_class, per_record
from evaluation.significance import ROUNDS, SEED, Interval
from utils.files import write_json
from utils.page import Bar, Cell, Ranged, folded, footer, heading, note, page, picture, table
from utils.paths import shown
from utils.versions import commit, versions


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


SYNTHETIC_NOTICE = (
    "Synthetic beats. These scores show that the programs work; they say nothing about hearts."
)
# The ectopic beats of AAMI's classes, what a per-patient table is read for.
ECTOPIC = ("S", "V")


def build(comparison: Comparison, figures: Mapping[str, Figure]) -> str:
    """The page.

    Args:
        comparison: all models on the test set.
        figures: ``confusion`` and ``curves``, and ``training_curves`` where they are known.
    """
    assessments = [result.assessment for result in comparison.results]
    first = assessments[0]
    return page(
        first.test_title,
        f"{first.protocol_meaning[:1].upper()}{first.protocol_meaning[1:]}.",
        [
            *_overview(comparison),
            heading("Confusion"),
            picture(figures["confusion"], "confusion", _caption(comparison, "Rows: true classes")),
            heading("Each class"),
            _class_table(assessments),
            heading("Curves"),
            picture(
                figures["curves"],
                "curves",
                _caption(comparison, "Rates below one in ten thousand are drawn at the left edge"),
            ),
            *_record_section(representatives(assessments)),
            *_training_section(figures.get("training_curves")),
            *_checkpoints(comparison.results),
            footer("Made by eval.py of Beatsweep. Research software, not a medical device."),
        ],
        warnings=warnings_of(comparison),
    )


def _training_section(figure: Figure | None) -> list[str]:
    if figure is None:
        return []
    return [heading("Training"), picture(figure, "training_curves", training_curves.CAPTION)]


def warnings_of(comparison: Comparison) -> list[str]:
    """What must be read before any number, each sentence once."""
    assessments = [result.assessment for result in comparison.results]
    synthetic = [SYNTHETIC_NOTICE] if assessments[0].is_synthetic else []
    return [*synthetic, *dict.fromkeys(text for one in assessments for text in one.warnings)]


def _overview(comparison: Comparison) -> list[str]:
    class_names = comparison.results[0].assessment.class_names
    rows = [
        [
            one.name,
            Ranged(
                f"{one.accuracy.value:.2%}", f"{one.accuracy.low:.2%} – {one.accuracy.high:.2%}"
            ),
            Ranged(
                f"{one.macro_f1.value:.4f}", f"{one.macro_f1.low:.3f} – {one.macro_f1.high:.3f}"
            ),
            *(
                _f1_cell(of_class.f1, of_class.support)
                for of_class in one.assessment.scores.classes
            ),
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
        *(f"<p>{sentence}</p>" for sentence in sentences),
        note(comparison.method),
    ]


def _f1_cell(f1: float, support: int) -> Cell:
    return Bar(f"{f1:.3f}", f1) if support else "no beats"


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
            *(_optional(row[key], 4) for key in ("roc_auc", "average_precision")),
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


def _record_section(assessments: list[Assessment]) -> list[str]:
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
        *(f"<p>{_concentration(name, one)}</p>" for name, one in of_model.items()),
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


def _optional(value: float | None, decimals: int) -> str | None:
    return None if value is None or pd.isna(value) else f"{value:.{decimals}f}"


def _checkpoints(results: tuple[Result, ...]) -> list[str]:
    rows = [
        [
            one.name,
            shown(one.assessment.checkpoint),
            _trained_on(one.assessment),
            _optional(one.assessment.facts.get("score"), 4),
            one.assessment.facts.get("epoch"),
            one.assessment.facts.get("parameters"),
        ]
        for one in results
    ]
    headers = ["model", "checkpoint", "trained on", "validation score", "epoch", "parameters"]
    return [
        heading("Checkpoints"),
        table(headers, rows, text_columns=3),
        *(
            folded(
                f"all that {one.name}'s checkpoint says",
                json.dumps(one.assessment.facts, indent=2),
            )
            for one in results
        ),
    ]


def _trained_on(one: Assessment) -> str:
    return f"{one.facts.get('data', 'unknown')}, protocol {one.facts.get('protocol', 'unknown')}"


PER_RECORD_FILE = "per_patient.csv"


def write(
    folder: Path,
    assessments: list[Assessment],
    histories: Mapping[tuple[str, int], training_curves.Epochs] | None = None,
) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    The figures show one model for each variant and one of the baselines, those that
    validated best; tables and JSON hold all of them.

    Args:
        folder: made where it is missing.
        assessments: of the same test set, at least one.
        histories: (architecture, seed) -> the metrics of each epoch of that training, as
            `training` logs them; those of assessed checkpoints are shown as training curves.

    Returns:
        the files, the page first.
    """
    comparison = compare(assessments)
    shown_ones = representatives(assessments)
    figures = {
        "confusion": plots.confusion_figures(shown_ones),
        "curves": plots.curves_figure(shown_ones),
    }
    trainings = training_curves.trainings_of(assessments, histories or {})
    if trainings:
        figures["training_curves"] = training_curves.figure(trainings, assessments[0].test_title)
    page = build(comparison, figures)
    paths = [write_page(folder / "report.html", page), folder / "scores.json"]
    write_json(paths[-1], as_dict(comparison))
    paths += write_figures(folder, figures)
    paths.append(write_table(folder / "per_class.csv", per_class(assessments)))
    records = per_record(assessments)
    if records is None:
        (folder / PER_RECORD_FILE).unlink(missing_ok=True)  # an older report's would mislead
    else:
        paths.append(write_table(folder / PER_RECORD_FILE, records))
    paths.append(write_table(folder / "predictions.csv", per_beat(assessments)))
    if trainings:
        epochs = training_curves.table(trainings)
        paths.append(write_table(folder / "training_curves.csv", epochs))
    return paths


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
                "facts": result.assessment.facts,
            }
            for result in comparison.results
        ],
        "differences": [asdict(one) for one in comparison.differences],
        "spreads": [asdict(one) for one in comparison.spreads],
        "notes": list(comparison.notes),
        "commit": commit(),
        "versions": versions(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _areas(one: Assessment) -> dict[str, dict[str, float] | None]:
    curves = class_curves(one.labels, one.probabilities)
    return {
        name: {"roc_auc": curve.auc, "average_precision": curve.average_precision}
        if curve
        else None
        for name, curve in zip(one.class_names, curves, strict=True)
    }
