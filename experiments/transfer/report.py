"""The report of a transfer experiment: one HTML page, PNG figures, CSV tables, JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from evaluation.plots import draw_matrix, shares_of
from evaluation.report_parts import SYNTHETIC_NOTICE, created, made_by
from experiments.transfer.results import (
    BASELINE,
    HEADLINE_FRACTION,
    METRICS,
    TransferResults,
    deviation,
    percent,
)
from utils.page import Cell, Ranged, heading, note, paragraph, table
from utils.picture import Picture
from utils.report import Report
from utils.style import MODEL_COLOURS, new_figure, styled

MARKERS = ("o", "s", "^", "D")
# At each fraction the modes are drawn side by side, so that their error bars do not overlap.
DODGE = 1.07
# Above a perfect score, for the marker; error bars may not promise more than that.
HEADROOM = 0.01


@styled
def learning_curves(results: TransferResults) -> Figure:
    """Score against the fraction of the labels, a line for each mode; columns are metrics.

    Rows are beats and, where they were scored, records.
    """
    units = ["beat", "record"] if results.has_records else ["beat"]
    shown = [metric for metric in METRICS if metric != "accuracy"]
    figure = new_figure(10, 3.4 * len(units) + 1.3, title(results), _subtitle(results))
    grid = figure.subplots(len(units), len(shown), squeeze=False, sharex=True)
    for row, unit in enumerate(units):
        for column, metric in enumerate(shown):
            _draw_curves(grid[row, column], results, metric, unit)
    for axes in grid[-1]:
        axes.set_xlabel(f"share of the training {results.facts['unit']} (log scale), and how many")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(results.modes))
    return figure


@styled
def confusions(results: TransferResults, fractions: list[float]) -> Figure:
    """Confusion matrices, a row for each fraction and a column for each mode.

    Cells are per cent of the true class's test beats, means over the seeds.
    """
    classes = len(results.test.class_names)
    width, height = 0.62 * classes + 1.4, 0.62 * classes + 1.1
    subtitle = "% of the true class's test beats, mean over the seeds"
    figure = new_figure(
        max(width * len(results.modes), 7),
        height * len(fractions) + 0.9,
        title(results),
        f"{_protocol(results)}\n{subtitle}; hits blue, confusions orange",
    )
    grid = figure.subplots(len(fractions), len(results.modes), squeeze=False)
    for row, fraction in enumerate(fractions):
        for column, mode in enumerate(results.modes):
            axes = grid[row, column]
            draw_matrix(axes, _mean_shares(results, mode, fraction), results.test.class_names)
            axes.set_title(f"{mode}, {percent(fraction)}")
            axes.set_ylabel("true")
    return figure


def title(results: TransferResults) -> str:
    """What was transferred where."""
    facts = results.facts
    return f"{facts['arch']} from {facts['source']} to {facts['target']}"


def _protocol(results: TransferResults) -> str:
    return f"{results.facts['target']}: {results.facts['protocol_meaning']}"


def _subtitle(results: TransferResults) -> str:
    seeds = len(results.seeds)
    bars = "; bars: standard deviation over seeds" if seeds > 1 else ""
    return f"{_protocol(results)}\nmeans of {seeds} seeds on the held-out test part{bars}"


def _draw_curves(axes: Axes, results: TransferResults, metric: str, unit: str) -> None:
    middle = (len(results.modes) - 1) / 2
    for number, mode in enumerate(results.modes):
        of_mode = [results.scores(mode, fraction, metric, unit) for fraction in results.fractions]
        places = 100 * np.array(results.fractions) * DODGE ** (number - middle)
        axes.errorbar(
            places,
            [one.mean() for one in of_mode],
            [deviation(one) or 0 for one in of_mode],
            label=mode,
            color=MODEL_COLOURS[number],
            marker=MARKERS[number],
            ms=5,
            capsize=2.5,
            elinewidth=1,
        )
    axes.set_xscale("log")
    axes.set_xticks([100 * one for one in results.fractions], _ticks(results))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(f"{METRICS[metric]} by {unit}")
    axes.set_ylabel(METRICS[metric])
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.0 + HEADROOM))
    axes.grid(True)
    axes.set_axisbelow(True)


def _ticks(results: TransferResults) -> list[str]:
    """Each fraction with the patients or beats that it really meant, on average over the seeds."""
    used = [
        np.mean([one.units for one in results.of(results.modes[0], fraction)])
        for fraction in results.fractions
    ]
    return [
        f"{percent(fraction)}\n{mean:,.0f}"
        for fraction, mean in zip(results.fractions, used, strict=True)
    ]


def _mean_shares(results: TransferResults, mode: str, fraction: float) -> np.ndarray:
    """(classes, classes), means over the seeds; NaN in the rows of classes without test beats."""
    matrices = [np.array(one.by_beat.confusion) for one in results.of(mode, fraction)]
    return np.mean([shares_of(one) for one in matrices], axis=0)


MEANINGS = {
    "scratch": "new weights, the whole network learns",
    "frozen": "the source's body, frozen, batch normalisation with the source's statistics; a new "
    "head learns",
    "last_block": "the source's body; its last block and a new head learn",
    "whole": "the source's body and a new head, all of it learns",
}


def write(folder: Path, results: TransferResults) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    Returns:
        the files, the page first.
    """
    return build(results).write(folder)


def build(results: TransferResults) -> Report:
    """The report: page, figures, tables and numbers."""
    facts = results.facts
    return Report(
        f"Transfer: {title(results)}",
        f"{facts['target']} is {facts['protocol_meaning']}.",
        [
            heading("What transfer adds"),
            *map(paragraph, results.sentences()),
            _gain_table(results),
            note(
                "Macro-F1 by beat, minus that of training from scratch with the same labels and "
                "seed. The spread is the largest of three standard deviations over seeds: of the "
                "mode, of scratch, and of their differences. The interval is a bootstrap over the "
                f"test {facts['unit']} with the trainings kept as they are."
            ),
            heading("Learning curves"),
            Picture("learning_curves", learning_curves(results), _curve_caption(results)),
            heading("Scores on the test part"),
            _score_table(results),
            note(_auc_note(results)),
            heading("Confusion"),
            Picture(
                "confusion",
                confusions(results, _fractions_to_show(results)),
                "Rows: true classes.",
            ),
            heading("How it was done"),
            *map(paragraph, method(results)),
            _part_table(results),
            _rate_table(results),
        ],
        made_by("training.transfer"),
        _warnings(results),
        tables={"table.csv": results.table(), "trainings.csv": results.every_training()},
        numbers={"scores.json": as_dict(results)},
    )


def as_dict(results: TransferResults) -> dict[str, Any]:
    """All that was found, in plain numbers and lists."""
    return {
        "facts": results.facts,
        "test_part_read": "after each training, to score it",
        "rates": {
            mode: {"chosen": rate, "tried": _named(results.tried[mode])}
            for mode, rate in results.rates.items()
        },
        "gains": [
            {
                "mode": gain.mode,
                "fraction": gain.fraction,
                "mean": gain.mean,
                "spread": gain.spread,
                "differences": gain.differences.tolist(),
                "over_tests": asdict(gain.over_tests),
                "verdict": gain.verdict,
            }
            for gain in results.gains
        ],
        "trainings": [asdict(one) for one in results.trainings],
        "created": created(),
    }


def _named(tried: dict[float, list[float]]) -> dict[str, list[float]]:
    return {f"{rate:g}": scores for rate, scores in tried.items()}


def _fractions_to_show(results: TransferResults) -> list[float]:
    """10 % and all of the labels, or what comes next to them."""
    nearest = min(results.fractions, key=lambda one: abs(one - HEADLINE_FRACTION))
    return sorted({nearest, results.fractions[-1]})


def method(results: TransferResults) -> list[str]:
    """What was done, sentence by sentence."""
    facts = results.facts
    modes = "; ".join(f"{mode}: {MEANINGS[mode]}" for mode in results.modes)
    return [
        f"Source: {facts['arch']} trained on {facts['source']}, protocol "
        f"{facts['source_protocol']}, {facts['source_checkpoint']}, validation score there "
        f"{facts['source_score']:.4f}. Modes: {modes}.",
        f"Fractions are shares of the training {facts['unit']}, drawn anew for each seed with the "
        "classes' shares kept, the smaller within the larger; a fraction too small for that still "
        "has every class, and the tables say how many were used. All modes of a seed have the "
        "same labels.",
        f"Every training has {facts['steps']} steps of {facts['batch_size']} beats with a cosine "
        "schedule. Nothing is stopped or selected on validation, so a training sees no label "
        "beyond its fraction, and the last weights are scored. The test part is read then, and "
        "chooses nothing.",
        _rates_sentence(results),
    ]


def _rates_sentence(results: TransferResults) -> str:
    if not any(results.tried.values()):
        return "The learning rate was given, the same for every mode."
    tuning = results.facts["tuning"]
    seeds = ", ".join(str(seed) for seed in tuning["seeds"])
    return (
        f"The learning rate of each mode was chosen once on the target's validation part, at "
        f"{percent(tuning['fraction'])} of the labels, with seeds {seeds}, none of those "
        "reported. Those validation labels are beyond the fractions; every mode had the same."
    )


def _curve_caption(results: TransferResults) -> str:
    return (
        f"Below each share: the {results.facts['unit']} that it meant, of "
        f"{results.trainings[0].of_units:,}, on average over seeds."
    )


def _auc_note(results: TransferResults) -> str:
    names = results.test.class_names
    area = (
        f"AUC: area under the ROC curve of class {names[1]}."
        if len(names) == 2
        else "AUC: mean area under the ROC curves of the classes, each against the rest."
    )
    record = " A record's probability is the mean of its beats'." if results.has_records else ""
    return f"Means and standard deviations of {len(results.seeds)} seeds. {area}{record}"


def _gain_table(results: TransferResults) -> str:
    rows: list[list[Cell]] = [
        [
            percent(gain.fraction),
            f"{gain.mode} - {BASELINE}",
            Ranged(
                f"{gain.mean:+.4f}", f"{gain.over_tests.low:+.3f} to {gain.over_tests.high:+.3f}"
            ),
            f"{gain.spread:.4f}",
            f"{gain.ahead} of {len(gain.differences)}",
            gain.verdict,
        ]
        for gain in results.gains
    ]
    headers = ["labels", "modes", "macro-F1 gained", "spread", "seeds ahead", "so it is"]
    return table(headers, rows, text_columns=2)


def _score_table(results: TransferResults) -> str:
    units = ["beat", "record"] if results.has_records else ["beat"]
    columns = [(unit, metric) for unit in units for metric in METRICS]
    rows = [
        [
            percent(row["percent"] / 100),
            row["mode"],
            f"{row['units']:,.0f}",
            f"{row['beats']:,.0f}",
            *(_score_cell(row, f"{unit}_{metric}") for unit, metric in columns),
        ]
        for row in results.table().to_dict("records")
    ]
    unit = results.facts["unit"]
    headers = ["labels", "mode", f"{unit} used", "beats used", *[METRICS[m] for _, m in columns]]
    groups = [("", 4), *((f"by {one}", len(METRICS)) for one in units)]
    return table(headers, rows, text_columns=2, groups=groups)


def _score_cell(row: dict, key: str) -> Cell:
    spread = row[f"{key}_deviation"]
    if spread is None or pd.isna(spread):
        return f"{row[key]:.3f}"
    return Ranged(f"{row[key]:.3f}", f"± {spread:.3f}")


def _part_table(results: TransferResults) -> str:
    names = results.test.class_names
    rows = [
        [
            part,
            *(_count(one[key]) for key in ("patients", "records")),
            one["beats"],
            *(one["of_class"][name] for name in names),
        ]
        for part, one in results.facts["parts"].items()
    ]
    return table(["part", "patients", "records", "beats", *names], rows)


def _count(number: int | None) -> Cell:
    return "unknown" if number is None else number


def _rate_table(results: TransferResults) -> str:
    if not any(results.tried.values()):
        return ""
    rows = [
        [
            mode,
            f"{rate:g}",
            ", ".join(f"{score:.3f}" for score in scores),
            "chosen" if rate == results.rates[mode] else None,
        ]
        for mode in results.modes
        for rate, scores in results.tried[mode].items()
    ]
    headers = ["mode", "learning rate", "validation macro-F1 of each tuning seed", ""]
    return table(headers, rows)


def _warnings(results: TransferResults) -> list[str]:
    found = [SYNTHETIC_NOTICE] if results.facts["synthetic"] else []
    if results.facts["unit"] != "patients":
        found.append(
            f"{results.facts['target']} was split by beat: the same patients are very likely in "
            "training and in test, and every score flatters."
        )
    if len(results.seeds) < 3:
        found.append(f"{len(results.seeds)} seeds: the spread is hardly known.")
    return found
