"""The report on a test set: JSON and CSV for programs, PNG and one HTML page for people."""

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluation import plots, report_page, tables
from evaluation.assessment import Assessment, representatives
from evaluation.comparison import Comparison, compare
from evaluation.curves import class_curves
from evaluation.report_files import write_figures, write_page, write_table
from evaluation.significance import ROUNDS, SEED
from utils.files import write_json
from utils.paths import shown
from utils.versions import commit, versions

PER_RECORD_FILE = "per_patient.csv"


def write(folder: Path, assessments: list[Assessment]) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    The figures show one model for each variant and one of the baselines, those that
    validated best; tables and JSON hold all of them.

    Args:
        folder: made where it is missing.
        assessments: of the same test set, at least one.

    Returns:
        the files, the page first.
    """
    comparison = compare(assessments)
    shown_ones = representatives(assessments)
    figures = {
        "confusion": plots.confusion_figures(shown_ones),
        "curves": plots.curves_figure(shown_ones),
    }
    page = report_page.build(comparison, figures)
    paths = [write_page(folder / "report.html", page), folder / "scores.json"]
    write_json(paths[-1], as_dict(comparison))
    paths += write_figures(folder, figures)
    paths.append(write_table(folder / "per_class.csv", tables.per_class(assessments)))
    records = tables.per_record(assessments)
    if records is None:
        (folder / PER_RECORD_FILE).unlink(missing_ok=True)  # an older report's would mislead
    else:
        paths.append(write_table(folder / PER_RECORD_FILE, records))
    paths.append(write_table(folder / "predictions.csv", tables.per_beat(assessments)))
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
        "warnings": report_page.warnings_of(comparison),
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
