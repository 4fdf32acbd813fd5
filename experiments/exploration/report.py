"""The report on a data set: a table of its classes, and figures of its beats."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from evaluation.assessment import TITLES
from experiments.exploration import beat_statistics, plots
from experiments.exploration.beat_statistics import embed
from heartbeats import catalog, mixture, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from utils.errors import InputError
from utils.page import heading, note, table
from utils.picture import Picture, Stack
from utils.report import Report

# Drawn beats that are compared with real ones: enough for shares of a per cent.
MEASURED_BEATS = 600
SYNTHETIC_NOTICE = "Synthetic beats, made by a program. They say nothing about hearts."
HEADERS = (
    "class",
    "meaning",
    "beats",
    "share",
    "official test",
    "records",
    "half of them in",
    "median length",
)
CAPTIONS = {
    "counts": "How rare the rare classes are. Accuracy alone is won by the common class.",
    "mean_beats": "What tells the classes apart, and how far single beats stray from the mean.",
    "examples": "Single beats, as the networks see them.",
    "lengths": "A beat lasts until a little after the next one comes, so its length tells of the "
    "pause behind it, not of how early it came.",
    "embedding": "Where classes lie on top of each other, a straight line cannot part them. The "
    "padding behind short beats is part of what is embedded.",
    "augmentation": "What training may do to a beat, each change by itself and stronger than it "
    "is used. Training beats alone.",
    "mixture": "Beats drawn from Gaussian mixtures, one for each rare class, fitted to training "
    "beats alone. Some are too short, too long or too smooth: look before you train on them.",
    "records": "Where few records hold most of a class, a split by beat has the same hearts in "
    "training and in test.",
}
# What a narrow screen does with grids of small panels, whose rows and columns belong together.
STACKS: dict[str, Stack] = {
    "examples": "none",
    "lengths": "narrow",
    "augmentation": "none",
    "mixture": "none",
}


def class_rows(beats: BeatSet) -> list[list[str]]:
    """One row for each class, under HEADERS; a dash where the source does not know."""
    lengths_s = beats.beat_lengths() / beats.sampling_hz
    rows = []
    for label, (name, count) in enumerate(
        zip(beats.class_names, beats.class_counts(), strict=True)
    ):
        own = np.asarray(beats.labels) == label
        test, records = beats.official_test, beats.records
        rows.append(
            [
                name,
                catalog.class_meanings(beats.name).get(name, ""),
                f"{count:,}",
                f"{count / max(len(beats), 1):.2%}",
                "–" if test is None else f"{np.count_nonzero(test[own]):,}",
                *_records_of_class(records, own),
                f"{np.median(lengths_s[own]):.2f} s" if count and beats.keeps_time else "–",
            ]
        )
    return rows


def _records_of_class(records: np.ndarray | None, own: np.ndarray) -> tuple[str, str]:
    """How many records have such beats, and how few of them hold half of all."""
    if records is None or not own.any():
        return "–", "–"
    _names, beats = np.unique(records[own], return_counts=True)
    held = np.cumsum(np.sort(beats)[::-1])
    few = int((held < own.sum() / 2).sum()) + 1
    return f"{len(beats):,}", f"{few:,} record{'s' if few > 1 else ''}"


def draw_all(beats: BeatSet, seed: int) -> dict[str, Figure]:
    """All figures that suit the data set, by the name of their file."""
    figures = {
        "counts": plots.counts_figure(beats),
        "mean_beats": plots.mean_beats_figure(beats),
        "examples": plots.examples_figure(beats, seed),
        "lengths": plots.lengths_figure(beats),
        "embedding": plots.embedding_figure(beats, embed(beats), seed),
        "records": plots.records_figure(beats),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def draw_augmented(beats: BeatSet, seed: int) -> tuple[dict[str, Figure], list[str]]:
    """Training beats of the customary protocol, changed and drawn as training may.

    Returns:
        the figures, and a sentence for each class on how real its drawn beats look.

    Raises:
        InputError: all classes but the most common one are too small for a mixture.
    """
    chosen, _validation = splits.development(beats, splits.allowed(beats)[0], seed=0)
    train = beats.select(chosen)
    counts = train.class_counts()
    enough = (counts >= mixture.FEWEST_BEATS) & (counts < counts.max())
    rare = [name for name, fits in zip(beats.class_names, enough, strict=True) if fits]
    if not rare:
        raise InputError(
            f"no class but the most common one has {mixture.FEWEST_BEATS} training beats, which "
            "a mixture takes; leave --augmented out"
        )
    labels = np.asarray(train.labels)
    mixtures = mixture.fit_all(
        train.signals, labels, beats.class_names, rare, sampling_hz=beats.sampling_hz, seed=seed
    )
    sentences = []
    for label, one in mixtures.items():
        real = np.asarray(train.signals[labels == label])
        drawn = one.draw(MEASURED_BEATS, np.random.default_rng(seed))
        quality = beat_statistics.measure(real, drawn, seed)
        sentences.append(f"drawn beats of class {one.class_name}: {quality.sentence()}")
    figures = {
        "augmentation": plots.augmentation_figure(train, seed),
        "mixture": plots.mixture_figure(train, mixtures, seed),
    }
    return figures, sentences


def write(
    folder: Path, beats: BeatSet, rows: list[list[str]], figures: Mapping[str, Figure]
) -> list[Path]:
    """Write each figure as PNG and all of them on one page; the paths, the page first."""
    return build(beats, rows, figures).write(folder)


def build(beats: BeatSet, rows: list[list[str]], figures: Mapping[str, Figure]) -> Report:
    """The report: the page with the table of classes, and all figures."""
    kind = "synthetic beats" if beats.is_synthetic else "beats"
    protocols = [f"{name}: {PROTOCOLS[name]}." for name in splits.allowed(beats)]
    known = "" if beats.records is not None else " The source does not tell the records."
    return Report(
        f"{TITLES.get(beats.name, beats.name)}: what the data look like",
        f"{len(beats):,} {kind} of {len(beats.class_names)} classes, {beats.signals.shape[1]} "
        f"samples {_pace(beats)}. Fingerprint {beats.fingerprint}.",
        [
            note(
                "Everything here describes the whole data set, test beats included; nothing is "
                "fitted for a model. Do not choose settings by what you see of the test beats."
                + known
            ),
            note("Protocols. " + " ".join(protocols)),
            heading("Classes"),
            table(HEADERS, rows, text_columns=2),
            *(
                Picture(name, figure, CAPTIONS[name], STACKS.get(name, "panels"))
                for name, figure in figures.items()
            ),
        ],
        "Made by data_exploratory.py of Beatsweep.",
        [SYNTHETIC_NOTICE] if beats.is_synthetic else [],
        page="explore.html",
    )


def _pace(beats: BeatSet) -> str:
    return f"at {beats.sampling_hz:g} Hz" if beats.keeps_time else "to which each was stretched"
