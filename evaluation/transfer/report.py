"""The report of a transfer study: one HTML page, PNG figures, CSV tables, JSON."""

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from evaluation.report_files import write_figures, write_page, write_table
from evaluation.transfer import plots
from evaluation.transfer.scores import METRICS
from evaluation.transfer.summary import BASELINE, HEADLINE_FRACTION, Study, percent
from utils.files import write_json
from utils.page import Cell, Ranged, footer, heading, note, page, picture, table

MEANINGS = {
    "scratch": "new weights, the whole network learns",
    "frozen": "the source's body, frozen, batch normalisation with the source's statistics; a new "
    "head learns",
    "last_block": "the source's body; its last block and a new head learn",
    "whole": "the source's body and a new head, all of it learns",
}
SYNTHETIC_NOTICE = (
    "Synthetic beats. These scores show that the programs work; they say nothing about hearts."
)


def write(folder: Path, study: Study) -> list[Path]:
    """Write the whole report; files of an older one in the same folder are replaced.

    Returns:
        the files, the page first.
    """
    figures = {
        "learning_curves": plots.learning_curves(study),
        "confusion": plots.confusions(study, _fractions_to_show(study)),
    }
    paths = [write_page(folder / "report.html", _page(study, figures)), folder / "scores.json"]
    write_json(paths[1], as_dict(study))
    paths += write_figures(folder, figures)
    paths.append(write_table(folder / "table.csv", study.table()))
    paths.append(write_table(folder / "trainings.csv", study.every_training()))
    return paths


def as_dict(study: Study) -> dict[str, Any]:
    """All that the study found, in plain numbers and lists."""
    return {
        "facts": study.facts,
        "test_part_read": "after each training, to score it",
        "rates": {
            mode: {"chosen": rate, "tried": _named(study.tried[mode])}
            for mode, rate in study.rates.items()
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
            for gain in study.gains
        ],
        "trainings": [asdict(one) for one in study.results],
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _named(tried: dict[float, list[float]]) -> dict[str, list[float]]:
    return {f"{rate:g}": scores for rate, scores in tried.items()}


def _fractions_to_show(study: Study) -> list[float]:
    """10 % and all of the labels, or what comes next to them."""
    nearest = min(study.fractions, key=lambda one: abs(one - HEADLINE_FRACTION))
    return sorted({nearest, study.fractions[-1]})


def _page(study: Study, figures: dict[str, Figure]) -> str:
    facts = study.facts
    return page(
        f"Transfer: {plots.title(study)}",
        f"{facts['target']} is {facts['protocol_meaning']}.",
        [
            heading("What transfer adds"),
            *(f"<p>{sentence}</p>" for sentence in study.sentences()),
            _gain_table(study),
            note(
                "Macro-F1 by beat, minus that of training from scratch with the same labels and "
                "seed. The spread is the largest of three standard deviations over seeds: of the "
                "mode, of scratch, and of their differences. The interval is a bootstrap over the "
                f"test {facts['unit']} with the trainings kept as they are."
            ),
            heading("Learning curves"),
            picture(figures["learning_curves"], "learning_curves", _curve_caption(study)),
            heading("Scores on the test part"),
            _score_table(study),
            note(_auc_note(study)),
            heading("Confusion"),
            picture(figures["confusion"], "confusion", "Rows: true classes."),
            heading("How it was done"),
            *(f"<p>{text}</p>" for text in method(study)),
            _part_table(study),
            _rate_table(study),
            footer(
                "Made by training.transfer of Beatsweep. Research software, not a medical device."
            ),
        ],
        warnings=_warnings(study),
    )


def method(study: Study) -> list[str]:
    """What was done, sentence by sentence."""
    facts = study.facts
    modes = "; ".join(f"{mode}: {MEANINGS[mode]}" for mode in study.modes)
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
        _rates_sentence(study),
    ]


def _rates_sentence(study: Study) -> str:
    if not any(study.tried.values()):
        return "The learning rate was given, the same for every mode."
    tuning = study.facts["tuning"]
    seeds = ", ".join(str(seed) for seed in tuning["seeds"])
    return (
        f"The learning rate of each mode was chosen once on the target's validation part, at "
        f"{percent(tuning['fraction'])} of the labels, with seeds {seeds}, none of those "
        "reported. Those validation labels are beyond the fractions; every mode had the same."
    )


def _curve_caption(study: Study) -> str:
    return (
        f"Below each share: the {study.facts['unit']} that it meant, of "
        f"{study.results[0].of_units:,}, on average over seeds."
    )


def _auc_note(study: Study) -> str:
    names = study.test.class_names
    area = (
        f"AUC: area under the ROC curve of class {names[1]}."
        if len(names) == 2
        else "AUC: mean area under the ROC curves of the classes, each against the rest."
    )
    record = " A record's probability is the mean of its beats'." if study.has_records else ""
    return f"Means and standard deviations of {len(study.seeds)} seeds. {area}{record}"


def _gain_table(study: Study) -> str:
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
        for gain in study.gains
    ]
    headers = ["labels", "modes", "macro-F1 gained", "spread", "seeds ahead", "so it is"]
    return table(headers, rows, text_columns=2)


def _score_table(study: Study) -> str:
    units = ["beat", "record"] if study.has_records else ["beat"]
    columns = [(unit, metric) for unit in units for metric in METRICS]
    rows = [
        [
            percent(row["percent"] / 100),
            row["mode"],
            f"{row['units']:,.0f}",
            f"{row['beats']:,.0f}",
            *(_score_cell(row, f"{unit}_{metric}") for unit, metric in columns),
        ]
        for row in study.table().to_dict("records")
    ]
    unit = study.facts["unit"]
    headers = ["labels", "mode", f"{unit} used", "beats used", *[METRICS[m] for _, m in columns]]
    groups = [("", 4), *((f"by {one}", len(METRICS)) for one in units)]
    return table(headers, rows, text_columns=2, groups=groups)


def _score_cell(row: dict, key: str) -> Cell:
    spread = row[f"{key}_deviation"]
    if spread is None or pd.isna(spread):
        return f"{row[key]:.3f}"
    return Ranged(f"{row[key]:.3f}", f"± {spread:.3f}")


def _part_table(study: Study) -> str:
    names = study.test.class_names
    rows = [
        [
            part,
            *(_count(one[key]) for key in ("patients", "records")),
            one["beats"],
            *(one["of_class"][name] for name in names),
        ]
        for part, one in study.facts["parts"].items()
    ]
    return table(["part", "patients", "records", "beats", *names], rows)


def _count(number: int | None) -> Cell:
    return "unknown" if number is None else number


def _rate_table(study: Study) -> str:
    if not any(study.tried.values()):
        return ""
    rows = [
        [
            mode,
            f"{rate:g}",
            ", ".join(f"{score:.3f}" for score in scores),
            "chosen" if rate == study.rates[mode] else None,
        ]
        for mode in study.modes
        for rate, scores in study.tried[mode].items()
    ]
    headers = ["mode", "learning rate", "validation macro-F1 of each tuning seed", ""]
    return table(headers, rows)


def _warnings(study: Study) -> list[str]:
    found = [SYNTHETIC_NOTICE] if study.facts["synthetic"] else []
    if study.facts["unit"] != "patients":
        found.append(
            f"{study.facts['target']} was split by beat: the same patients are very likely in "
            "training and in test, and every score flatters."
        )
    if len(study.seeds) < 3:
        found.append(f"{len(study.seeds)} seeds: the spread is hardly known.")
    return found
