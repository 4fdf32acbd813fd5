"""The report on anomaly detectors: JSON and CSV for programs, PNG and one HTML page for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.report_parts import as_sentence, folded_json, made_by
from evaluation.significance import Interval
from experiments.anomaly_detection import detectors
from experiments.anomaly_detection.detectors import VERDICTS, Detector, Lead, Quality
from models.facts import CheckpointFacts
from utils.page import Bar, Cell, Ranged, heading, note, paragraph, table
from utils.picture import Picture
from utils.report import Report, Section
from utils.style import HIT, INK, MISS, MUTED, new_figure, styled

BINS = 80
RIGHT, WRONG = "right", "wrong"


@styled
def histogram_figure(detector: Detector, is_anomaly: np.ndarray, title: str) -> Figure:
    """Scores of normal and of anomalous beats on a logarithmic axis, and the threshold.

    Args:
        detector: positive scores and their threshold.
        is_anomaly: (beats,) bool.
        title: says the data.
    """
    figure = new_figure(9, 4.4, title, "Scores right of the line are called anomalies.")
    axes = figure.subplots()
    low, high = detector.scores.min(), detector.scores.max()
    edges = np.geomspace(max(low, 1e-9), max(high, 2e-9), BINS + 1)
    for kind, colour, name in ((~is_anomaly, HIT, "normal"), (is_anomaly, MISS, "anomaly")):
        scores = detector.scores[kind]
        right = (scores > detector.threshold) == (name == "anomaly")
        label = f"{name}: {len(scores):,} beats, {int((~right).sum()):,} misjudged"
        axes.hist(scores, edges.tolist(), color=colour, alpha=0.65, label=label)
    axes.axvline(
        detector.threshold, color=INK, lw=1.4, ls="--", label=f"threshold {detector.threshold:.3g}"
    )
    axes.set(xscale="log", xlabel=f"score of {detector.name} (log scale)", ylabel="beats")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def examples_figure(
    inputs: np.ndarray,
    reconstructions: np.ndarray,
    detector: Detector,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    rows: np.ndarray,
    title: str,
) -> Figure:
    """Beats with their reconstructions, normal ones above, and the verdict on each.

    Args:
        inputs: (beats, samples), as the detector read them.
        reconstructions: (beats, samples), the mean over its nets.
        detector: the scores and the threshold.
        labels, class_names: the truth.
        rows: which beats to draw, from `choose_examples`.
        title: says the data.
    """
    columns = len(rows) // 2
    figure = new_figure(
        max(3.4 * columns, 7),
        6.2,
        title,
        f"A score above {detector.threshold:.3g} makes a beat an anomaly.",
    )
    grid = figure.subplots(2, columns, squeeze=False, sharex=True, sharey=True)
    for axes, row in zip(grid.ravel(), rows, strict=True):
        _draw_beat(axes, inputs[row], reconstructions[row])
        verdict = int(detector.verdicts[row])
        is_right = verdict == int(labels[row] != 0)
        axes.set_title(
            f"truth: {class_names[labels[row]]}\nverdict: {VERDICTS[verdict]}, "
            f"{RIGHT if is_right else WRONG} (score {detector.scores[row]:.3g})",
            color=INK if is_right else MISS,
            size=9.5,
        )
    for axes in grid[-1]:
        axes.set_xlabel("sample of the beat")
    for axes in grid[:, 0]:
        axes.set_ylabel("scaled amplitude")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def choose_examples(is_anomaly: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of `count` normal and of `count` anomalous beats, drawn without a look at any score.

    Fewer of each where there are fewer; as many of both.
    """
    kinds = [np.flatnonzero(~is_anomaly), np.flatnonzero(is_anomaly)]
    count = min(count, *(len(kind) for kind in kinds))
    return np.concatenate([rng.choice(kind, count, replace=False) for kind in kinds])


def _draw_beat(axes: Axes, beat: np.ndarray, made: np.ndarray) -> None:
    samples = np.arange(len(beat))
    axes.plot(samples, beat, color=INK, label="beat")
    axes.plot(samples, made, color=HIT, ls="--", label="reconstruction")
    axes.fill_between(samples, beat, made, color=MISS, alpha=0.25, lw=0, label="difference")
    axes.axhline(0, color=MUTED, lw=0.5)


POSITIVE = (
    "An anomaly is the positive class of every score. The threshold of each detector was chosen "
    "on held-back normal training beats alone, with the same share of false alarms. The "
    "autoencoder and the baselines read the same numbers: the same training beats, folds and "
    "scaling."
)


@dataclass(frozen=True)
class Results:
    """Detectors on one test set, the autoencoder first.

    Attributes:
        title, protocol_meaning: say the test set in words.
        facts: what the autoencoder's checkpoint says.
        detectors: scores and thresholds.
        labels: (beats,) int.
        class_names: names in the order of the labels.
        normal: the label of normal beats.
        warnings: sentences that a reader must know before any score.
    """

    title: str
    protocol_meaning: str
    facts: CheckpointFacts
    detectors: list[Detector]
    labels: np.ndarray
    class_names: tuple[str, ...]
    normal: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def is_anomaly(self) -> np.ndarray:
        return self.labels != self.normal

    def qualities(self) -> list[Quality]:
        return [detectors.quality(one, self.is_anomaly) for one in self.detectors]

    def leads(self) -> list[Lead]:
        return detectors.leads(self.detectors, self.is_anomaly)

    def class_rows(self) -> list[dict[str, str | float | int]]:
        return detectors.by_class(self.detectors, self.labels, self.class_names, self.normal)


CAPTIONS = {
    "histogram": "Every test beat once; what lies on the wrong side of the line is a mistake.",
    "examples": "Beats drawn by a seed, without a look at their scores; normal ones above.",
}


def write(folder: Path, results: Results, figures: Mapping[str, Figure]) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    Args:
        folder: made where it is missing.
        results: what was measured.
        figures: ``histogram`` and ``examples``.

    Returns:
        the files, the page first.
    """
    return build(results, figures).write(folder)


def build(results: Results, figures: Mapping[str, Figure]) -> Report:
    """The report: page, figures, tables and numbers."""
    qualities, leads, classes = results.qualities(), results.leads(), results.class_rows()
    return Report(
        results.title,
        as_sentence(results.protocol_meaning),
        [
            *_overview(qualities, leads),
            heading("Each class of anomaly"),
            _class_table(classes),
            note("AUC of each class against the normal beats, and the share called anomalies."),
            *_pictures(figures),
            folded_json("all that the checkpoint says", results.facts.to_json()),
        ],
        made_by("eval.py"),
        results.warnings,
        tables={
            "detectors.csv": pd.DataFrame(map(asdict, qualities)),
            "per_class.csv": pd.DataFrame(classes),
            "scores_per_beat.csv": _per_beat(results),
        },
        numbers={
            "scores.json": {
                "title": results.title,
                "verdict": verdict(qualities, leads),
                "detectors": [asdict(one) for one in qualities],
                "thresholds": {one.name: one.threshold for one in results.detectors},
                "leads": [asdict(one) for one in leads],
                "classes": classes,
                "facts": results.facts.to_json(),
            }
        },
    )


def _overview(qualities: list[Quality], leads: list[Lead]) -> list[Section]:
    return [
        heading("Detectors"),
        paragraph(verdict(qualities, leads), strong=True),
        _quality_table(qualities),
        *(paragraph(lead_sentence(qualities[0].name, one)) for one in leads),
        note(
            f"{POSITIVE} Differences have 95 % intervals: of AUC by DeLong's paired "
            "comparison, of F1 by the paired bootstrap; both take beats as independent."
        ),
    ]


def _pictures(figures: Mapping[str, Figure]) -> list[Section]:
    return [
        part
        for name, figure in figures.items()
        for part in (heading(name.capitalize()), Picture(name, figure, CAPTIONS[name]))
    ]


def verdict(qualities: list[Quality], leads: list[Lead]) -> str:
    """Whether the first detector leads every other one, in plain words."""
    first, *others = qualities
    behind = [one for one in others if one.auc >= first.auc]
    unsure = [one.other for one in leads if one.auc.low <= 0 < one.auc.value]
    if behind:
        names = ", ".join(f"{one.name} ({one.auc:.4f})" for one in behind)
        return f"By AUC {first.name} ({first.auc:.4f}) is not ahead of {names}."
    sentence = f"By AUC {first.name} ({first.auc:.4f}) is ahead of every baseline"
    return (
        f"{sentence}; its lead over {', '.join(unsure)} may be chance."
        if unsure
        else (f"{sentence}, each time by more than chance.")
    )


def lead_sentence(first: str, lead: Lead) -> str:
    """One difference with its interval."""
    return f"{first} minus {lead.other}: AUC {_signed(lead.auc)}, F1 {_signed(lead.f1)}" + (
        "" if lead.auc.excludes_zero else "; the AUCs may be equal"
    )


def _signed(value: Interval) -> str:
    return f"{value.value:+.4f} ({value.low:+.4f} to {value.high:+.4f})"


def _quality_table(qualities: list[Quality]) -> str:
    headers = [
        "detector",
        "AUC",
        "average precision",
        "accuracy",
        "precision",
        "recall",
        "F1",
        "F1 of normal",
        "false alarms",
    ]
    rows: list[list[Cell]] = [
        [
            one.name,
            f"{one.auc:.4f}",
            f"{one.average_precision:.4f}",
            f"{one.accuracy:.2%}",
            f"{one.precision:.4f}",
            f"{one.recall:.4f}",
            Bar(f"{one.f1:.4f}", one.f1),
            f"{one.f1_normal:.4f}",
            f"{one.false_alarms:.2%}",
        ]
        for one in qualities
    ]
    return table(headers, rows)


def _class_table(classes: list[dict[str, str | float | int]]) -> str:
    if not classes:
        return note("The test set has no anomaly.")
    names = [key.removesuffix(" AUC") for key in classes[0] if key.endswith(" AUC")]
    rows: list[list[Cell]] = [
        [
            str(row["class"]),
            int(row["beats"]),
            *(
                Ranged(f"{row[f'{name} AUC']:.4f}", f"{row[f'{name} caught']:.1%} caught")
                for name in names
            ),
        ]
        for row in classes
    ]
    return table(["class", "beats", *names], rows)


def _per_beat(results: Results) -> pd.DataFrame:
    columns: dict[str, Sequence | np.ndarray] = {
        "truth": [results.class_names[label] for label in results.labels]
    }
    for one in results.detectors:
        columns[f"{one.name} score"] = one.scores
        columns[f"{one.name} verdict"] = [detectors.VERDICTS[verdict] for verdict in one.verdicts]
    return pd.DataFrame(columns)
