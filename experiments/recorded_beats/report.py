"""How beats that were found in recordings are classified, by several methods: scores, a page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from evaluation.metrics import Scores, score
from evaluation.report_parts import made_by
from heartbeats.beat_set import AAMI_CLASSES
from utils.page import Bar, Cell, Ranged, heading, note, table
from utils.report import Report, Section

# Q has 7 beats in DS2 of MIT-BIH, so the mean of the other four says more.
MEAN_OF = ("N", "S", "V", "F")
LITERATURE = (
    "For comparison, with annotated R peaks, trained on DS1 and tested on DS2: de Chazal 2004 "
    "F1 of S .51 and V .79; Mondejar-Guerra 2019 accuracy .945 and j-kappa .773. As their authors "
    "report them; lists of beats differ a little."
)


@dataclass(frozen=True)
class Method:
    """One way to classify, on the beats that an annotator marked.

    Attributes:
        name: short.
        how: a sentence.
        labels, predicted: (beats,) int.
    """

    name: str
    how: str
    labels: np.ndarray
    predicted: np.ndarray

    @property
    def scores(self) -> Scores:
        return score(self.labels, self.predicted, AAMI_CLASSES)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        reached = self.scores
        return {
            "name": self.name,
            "how": self.how,
            **reached.as_dict(),
            "macro_f1_nsvf": macro_f1(reached),
            "j_kappa": j_kappa(self.labels, self.predicted),
        }


@dataclass(frozen=True)
class UnknownBeats:
    """How well the verdict "unknown" finds the beats that a method got wrong.

    Attributes:
        beats: how many there are.
        unknown: how many were called unknown.
        errors: how many are classified wrongly.
        errors_among_unknown, errors_among_others: shares.
        found: the share of the errors that are among the unknown.
        auc_anomaly: how well the reconstruction error tells errors from the others.
        auc_doubt: the same for one minus the largest probability.
    """

    beats: int
    unknown: int
    errors: int
    errors_among_unknown: float | None
    errors_among_others: float | None
    found: float | None
    auc_anomaly: float | None
    auc_doubt: float | None


@dataclass(frozen=True)
class Part:
    """All methods on the beats of one origin.

    Attributes:
        origin: ``found`` or ``annotated``.
        methods: the ways to classify.
        unknown: of the last of them.
        missed: annotated beats that were not found, by class.
        invented: found beats that nobody annotated, by the class that the last method gives them.
    """

    origin: str
    methods: tuple[Method, ...]
    unknown: UnknownBeats
    missed: dict[str, int]
    invented: dict[str, int]


def macro_f1(scores: Scores) -> float:
    """The mean F1 of N, S, V and F."""
    return float(np.mean([one.f1 for one in scores.classes if one.name in MEAN_OF]))


def j_kappa(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Half of Cohen's kappa and an eighth of the sensitivities and PPVs of S and V; 1 is best.

    Source: Mar T, Zaunseder S, Martinez JP, Llamedo M, Poll R. Optimization of ECG classification
    by means of feature selection. IEEE Trans Biomed Eng 58(8):2168-2177 (2011).
    """
    reached = score(labels, predicted, AAMI_CLASSES)
    j = sum(one.recall + one.precision for one in reached.classes if one.name in ("S", "V"))
    kappa = cohen_kappa_score(labels, predicted, labels=np.arange(len(AAMI_CLASSES)))
    return float(kappa / 2 + j / 8)


def unknown_beats(
    wrong: np.ndarray, unknown: np.ndarray, anomaly: np.ndarray, probability: np.ndarray
) -> UnknownBeats:
    """Measure it; what cannot be measured, since nothing or all is wrong, is None.

    Args:
        wrong, unknown: (beats,) bool.
        anomaly: (beats,), NaN counts as the strangest.
        probability: (beats,), of the class that each is taken for.
    """
    strange = np.nan_to_num(anomaly, nan=np.inf)
    strange = np.minimum(strange, np.finfo(np.float32).max)
    return UnknownBeats(
        len(wrong),
        int(unknown.sum()),
        int(wrong.sum()),
        _share(wrong[unknown]),
        _share(wrong[~unknown]),
        _share(unknown[wrong]),
        _auc(wrong, strange),
        _auc(wrong, -probability),
    )


def by_record(records: np.ndarray, methods: Sequence[Method]) -> pd.DataFrame:
    """A row for each record and method: beats of each class, sensitivity, PPV, F1, accuracy.

    Args:
        records: (beats,) str, the record of each beat, in the order of the methods' labels.
        methods: what to score.
    """
    rows = []
    for record in np.unique(records):
        own = records == record
        for method in methods:
            reached = score(method.labels[own], method.predicted[own], AAMI_CLASSES)
            row: dict[str, Any] = {
                "record": str(record),
                "method": method.name,
                "accuracy": reached.accuracy,
            }
            for one in reached.classes:
                row |= {
                    f"{one.name} beats": one.support,
                    f"{one.name} sensitivity": one.recall,
                    f"{one.name} PPV": one.precision,
                    f"{one.name} F1": one.f1,
                }
            rows.append(row)
    return pd.DataFrame(rows)


def as_dict(parts: Sequence[Part], facts: dict[str, Any]) -> dict[str, Any]:
    """All numbers, for JSON."""
    return {
        **facts,
        "parts": {
            part.origin: {
                "methods": [one.as_dict() for one in part.methods],
                "unknown": asdict(part.unknown),
                "missed": part.missed,
                "invented": part.invented,
            }
            for part in parts
        },
    }


def build(
    parts: Sequence[Part],
    tables: Mapping[str, pd.DataFrame],
    facts: dict[str, Any],
    warnings: Sequence[str],
) -> Report:
    """The report: page, tables and numbers.

    Args:
        parts: the methods on the beats of each origin.
        tables: file name -> scores of each record, from `by_record`.
        facts: what was measured, with what.
        warnings: sentences that a reader must know before any score.
    """
    sections: list[Section] = []
    for part in parts:
        sections += [
            heading(ORIGINS[part.origin]),
            _table(part.methods),
            *(_methods(part.methods) if part is parts[0] else []),
            note(found_sentence(part)),
            note(unknown_sentence(part.unknown)),
        ]
    return Report(
        f"{facts['records']} recordings: their beats, classified in several ways",
        f"{facts['data']}; the network: {facts['checkpoint']}",
        [*sections, note(LITERATURE)],
        made_by("experiments.recorded_beats"),
        warnings,
        tables=tables,
        numbers={"record-beats.json": as_dict(parts, facts)},
        page="record-beats.html",
    )


ORIGINS = {
    "found": "Beats found by ecg.detect, matched to the annotations within 150 ms",
    "annotated": "Beats where the annotators put them",
}


def found_sentence(part: Part) -> str:
    """What was missed and invented."""
    if part.origin == "annotated":
        return "Every annotated beat is scored."
    missed = ", ".join(f"{count:,} {name}" for name, count in part.missed.items() if count)
    invented = ", ".join(f"{count:,} as {name}" for name, count in part.invented.items() if count)
    return (
        f"{sum(part.missed.values()):,} annotated beats were not found ({missed or 'none'}) and "
        f"{sum(part.invented.values()):,} beats were found that are not annotated (classified "
        f"{invented or 'none'}); scores are over beats that were found and annotated."
    )


def unknown_sentence(unknown: UnknownBeats) -> str:
    """How well doubt finds errors."""
    return (
        f"{unknown.unknown:,} of {unknown.beats:,} beats ({unknown.unknown / unknown.beats:.1%}) "
        f"are called unknown. Of these {_text(unknown.errors_among_unknown)} are classified "
        f"wrongly, of the others {_text(unknown.errors_among_others)}; "
        f"{_text(unknown.found)} of all errors are among them. AUC for errors: of the anomaly "
        f"{_text(unknown.auc_anomaly, '.3f')}, of one minus the largest probability "
        f"{_text(unknown.auc_doubt, '.3f')}."
    )


def _table(methods: Sequence[Method]) -> str:
    shown = [name for name in AAMI_CLASSES if any(_class(m, name).support for m in methods)]
    rows: list[list[Cell]] = []
    for method in methods:
        reached = method.scores
        cells: list[Cell] = [
            method.name,
            f"{reached.accuracy:.2%}",
            f"{macro_f1(reached):.3f}",
            f"{reached.macro_f1:.3f}",
            f"{j_kappa(method.labels, method.predicted):.3f}",
        ]
        for name in shown:
            one = _class(method, name)
            cells += [
                Ranged(f"{one.recall:.3f}", f"{one.precision:.3f}"),
                Bar(f"{one.f1:.3f}", one.f1),
            ]
        rows.append(cells)
    groups = [("", 5), *((f"{name} ({_class(methods[0], name).support:,})", 2) for name in shown)]
    headers = [
        "method",
        "accuracy",
        "macro-F1 NSVF",
        "macro-F1",
        "j-kappa",
        *["sensitivity, PPV", "F1"] * len(shown),
    ]
    return table(headers, rows, groups=groups)


def _methods(methods: Sequence[Method]) -> list[str]:
    return [note(f"{one.name}: {one.how}") for one in methods]


def _class(method: Method, name: str):
    return method.scores.classes[AAMI_CLASSES.index(name)]


def _share(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _auc(wrong: np.ndarray, values: np.ndarray) -> float | None:
    return float(roc_auc_score(wrong, values)) if 0 < wrong.sum() < len(wrong) else None


def _text(value: float | None, form: str = ".1%") -> str:
    return "none" if value is None else format(value, form)
