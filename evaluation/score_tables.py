"""The tables of a report on a test set: by class, by record and by beat."""

import numpy as np
import pandas as pd

from evaluation import metrics
from evaluation.assessment import Assessment, names
from evaluation.metrics import class_curves


def per_class(assessments: list[Assessment]) -> pd.DataFrame:
    """One row for each model and class: precision, recall, F1, support, AUC, average precision.

    The last two are empty for a class without test beats.
    """
    rows = []
    for name, one in zip(names(assessments), assessments, strict=True):
        curves = class_curves(one.labels, one.probabilities)
        for of_class, curve in zip(one.scores.classes, curves, strict=True):
            rows.append(
                {
                    "model": name,
                    "class": of_class.name,
                    "precision": of_class.precision,
                    "recall": of_class.recall,
                    "f1": of_class.f1,
                    "support": of_class.support,
                    "roc_auc": curve.auc if curve else None,
                    "average_precision": curve.average_precision if curve else None,
                }
            )
    return pd.DataFrame(rows)


def per_record(assessments: list[Assessment]) -> pd.DataFrame | None:
    """One row for each model and record; None where the records are not known.

    Columns: model, record, patient, beats, wrong, accuracy, macro_f1 (over the classes that the
    record has), beats_X and f1_X for each class X (f1_X is empty where the record has no such
    beat), and the most frequent confusion, such as ``S as N (12)``.
    """
    rows = [
        {"model": name, **_record_row(one, record)}
        for name, one in zip(names(assessments), assessments, strict=True)
        if one.records is not None
        for record in np.unique(one.records)
    ]
    return pd.DataFrame(rows) if rows else None


def per_beat(assessments: list[Assessment]) -> pd.DataFrame:
    """One row for each test beat: its origin, its class, and what each model predicts."""
    first = assessments[0]
    class_names = np.array(first.class_names)
    table: dict[str, np.ndarray] = {"test_beat": np.arange(len(first.labels))}
    for column in ("records", "times_s"):
        if (values := getattr(first, column)) is not None:
            table[column.replace("records", "record").replace("times_s", "time_s")] = values
    table["true"] = class_names[first.labels]
    for name, one in zip(names(assessments), assessments, strict=True):
        table[name] = class_names[one.predicted]
        table[f"{name} probability"] = one.probabilities.max(axis=1).round(6)
    return pd.DataFrame(table)


def _record_row(one: Assessment, record: str) -> dict:
    assert one.records is not None
    own = one.records == record
    scores = metrics.score(one.labels[own], one.predicted[own], one.class_names)
    patient = {} if one.patients is None else {"patient": one.patients[own][0]}
    beats = int(own.sum())
    return {
        "record": record,
        **patient,
        "beats": beats,
        "wrong": beats - int(np.trace(scores.confusion)),
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        **{f"beats_{of_class.name}": of_class.support for of_class in scores.classes},
        **{
            f"f1_{of_class.name}": of_class.f1 if of_class.support else None
            for of_class in scores.classes
        },
        "most_frequent_confusion": most_frequent_confusion(scores.confusion, one.class_names),
    }


def most_frequent_confusion(confusion: np.ndarray, class_names: tuple[str, ...]) -> str:
    """The commonest error in words, e.g. ``S as N (12)``; empty where there is none."""
    errors = confusion - np.diag(np.diag(confusion))
    if not errors.any():
        return ""
    true, predicted = np.unravel_index(errors.argmax(), errors.shape)
    return f"{class_names[true]} as {class_names[predicted]} ({errors[true, predicted]})"
