"""Figures of augmented and of drawn training beats, for the eye to judge."""

from collections.abc import Callable, Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator, PercentFormatter

from evaluation.assessment import TITLES
from experiments.exploration.beat_statistics import (
    Embedding,
    Shape,
    classes_by_record,
    draw,
    shape_of_class,
)
from heartbeats import augment
from heartbeats.beat_set import BeatSet, beat_lengths
from heartbeats.catalog import class_meanings
from heartbeats.mixture import ClassMixture
from utils.style import GRID, INK, MUTED, bare, class_colour, new_figure, styled

EXAMPLES = 6
POINTS_PER_CLASS = 1500
# So many fit over a panel of the embedding.
TITLE_LETTERS = 34


@styled
def counts_figure(beats: BeatSet) -> Figure:
    """Beats of each class, to scale on the left and on a logarithmic scale on the right."""
    counts = beats.class_counts()
    figure = new_figure(10, 0.42 * len(counts) + 1.7, *_heading(beats, "beats of each class"))
    to_scale, logarithmic = figure.subplots(1, 2, sharey=True)
    colours = [class_colour(label) for label in range(len(counts))]
    places = range(len(counts))
    to_scale.barh(places, counts, color=colours, height=0.62)
    to_scale.set_xlim(0, max(counts.max(), 1) * 1.32)
    for place, count in enumerate(counts):
        share = f"{count:,}  ({count / max(len(beats), 1):.1%})"
        to_scale.annotate(share, (count, place), (5, 0), textcoords="offset points", va="center")
    to_scale.set_title("to scale")
    to_scale.set_yticks(places, _class_labels(beats))
    to_scale.invert_yaxis()
    to_scale.set_xticks([])
    logarithmic.set_title("on a logarithmic scale")
    # Bars would need a zero, which this scale does not have.
    logarithmic.scatter(np.maximum(counts, 0.5), places, color=colours, s=70, zorder=3)
    logarithmic.set(xscale="log", xlim=(0.4, max(counts.max(), 10) * 2))
    for place, name in enumerate(beats.class_names):  # a phone shows each panel by itself
        spot = (max(counts[place], 0.5), place)
        logarithmic.annotate(name, spot, (8, 0), textcoords="offset points", va="center")
    logarithmic.grid(True, axis="x")
    logarithmic.xaxis.set_minor_locator(NullLocator())
    for axes in (to_scale, logarithmic):
        bare(axes)
    return figure


@styled
def mean_beats_figure(beats: BeatSet) -> Figure:
    """The mean beat of each class, with the band that holds the middle 80 % of its beats."""
    classes = len(beats.class_names)
    subtitle = "line: mean; band: 10th to 90th percentile; only beats that have not ended yet"
    figure = new_figure(max(2.5 * classes, 6), 3.6, *_heading(beats, "mean beats", subtitle))
    panels = figure.subplots(1, classes, sharey=True, squeeze=False)[0]
    counts = beats.class_counts()
    for label, axes in enumerate(panels):
        if (shape := shape_of_class(beats, label)) is not None:
            _draw_shape(axes, shape, class_colour(label))
        axes.set_title(f"{beats.class_names[label]} ({counts[label]:,})")
        axes.set(xlim=(0, _duration_s(beats)), ylim=(-0.02, 1.02), xlabel=_time_label(beats))
        axes.grid(True)
    panels[0].set_ylabel("scaled amplitude")
    return figure


@styled
def examples_figure(beats: BeatSet, seed: int) -> Figure:
    """Beats of each class, drawn at random: a row for each class."""
    classes = len(beats.class_names)
    subtitle = f"drawn at random (seed {seed}); a grey line is padding behind the beat's end"
    figure = new_figure(
        11, 1.25 * classes + 1.2, *_heading(beats, "examples of each class", subtitle)
    )
    grid = figure.subplots(classes, EXAMPLES, sharex=True, sharey=True, squeeze=False)
    chosen = draw(beats, EXAMPLES, seed)
    for label, row in enumerate(grid):
        own = chosen[np.asarray(beats.labels[chosen]) == label]
        for axes, position in zip(row, own, strict=False):
            _draw_beat(axes, beats, int(position), class_colour(label))
        for axes in row[len(own) :]:
            axes.set_axis_off()
        row[0].set_ylabel(
            beats.class_names[label], rotation=0, ha="right", va="center", weight="bold", size=12
        )
    for axes in grid[-1]:
        axes.set_xlabel("s" if beats.keeps_time else "share of the beat")
    grid[0, 0].set(xlim=(0, _duration_s(beats)), ylim=(-0.03, 1.03), yticks=[])
    return figure


@styled
def lengths_figure(beats: BeatSet) -> Figure | None:
    """How long the beats of each class are, each class scaled to its own peak.

    None where all beats were stretched to one length.
    """
    if not beats.keeps_time:
        return None
    lengths_s = beats.beat_lengths() / beats.sampling_hz
    duration_s = _duration_s(beats)
    subtitle = (
        "from a beat's R peak to a fifth of an interval behind the next one; tick: median\n"
        f"longer beats are cut at {duration_s:.2f} s, so they pile up there"
    )
    classes = len(beats.class_names)
    figure = new_figure(9, 0.8 * classes + 1.7, *_heading(beats, "beat lengths", subtitle))
    rows = figure.subplots(classes, 1, sharex=True, squeeze=False)[:, 0]
    bins = np.linspace(0, duration_s, 80)
    for label, axes in enumerate(rows):
        own = lengths_s[beats.labels == label]
        if len(own):
            axes.hist(own, bins=bins, color=class_colour(label), histtype="stepfilled")
            axes.axvline(np.median(own), color=INK, lw=1.4, ymax=0.35)
        axes.set_yticks([])
        axes.set_ylabel(
            beats.class_names[label], rotation=0, ha="right", va="center", weight="bold", size=12
        )
        axes.spines.left.set_visible(False)
    rows[-1].set(xlabel="length in s", xlim=(0, duration_s * 1.01))
    return figure


@styled
def embedding_figure(beats: BeatSet, embedding: Embedding, seed: int) -> Figure:
    """Principal components: all classes together, then each class before the others."""
    chosen = draw(beats, POINTS_PER_CLASS, seed)
    labels, points = np.asarray(beats.labels[chosen]), embedding.points[chosen]
    classes = len(beats.class_names)
    columns = min(classes + 1, 3)
    rows = -(-(classes + 1) // columns)
    first, second = embedding.explained
    subtitle = (
        f"components of all beats, which explain {first:.0%} and {second:.0%} of the variance; up "
        f"to {POINTS_PER_CLASS:,} beats of each class are drawn (seed {seed}),\nso rare classes "
        "look commoner than they are; the axes have no unit"
    )
    figure = new_figure(
        3.4 * columns + 0.6, 3.1 * rows + 1, *_heading(beats, "principal components", subtitle)
    )
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    order = np.random.default_rng(seed).permutation(len(chosen))  # no class hides the others
    colours = np.array([class_colour(label) for label in labels])
    _scatter(panels[0], points[order], colours[order].tolist(), 0.55)
    panels[0].set_title("all")
    for label, axes in enumerate(panels[1 : classes + 1]):
        _scatter(axes, points, MUTED, 0.18)
        _scatter(axes, points[labels == label], class_colour(label), 0.6)
        axes.set_title(fill(_class_labels(beats)[label], TITLE_LETTERS))
    for axes in panels:
        axes.set(xticks=[], yticks=[])
        bare(axes)
    return figure


@styled
def records_figure(beats: BeatSet) -> Figure | None:
    """The mix of classes in each record.

    None where the records are not known, or were labelled as a whole, so that none is mixed.
    """
    if beats.records is None:
        return None
    records, counts = classes_by_record(beats)
    if (np.count_nonzero(counts, axis=1) == 1).all():
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    order = np.argsort(shares[:, 0], kind="stable")[::-1]
    columns = 2 if len(records) > 24 else 1
    rows = -(-len(records) // columns)
    figure = new_figure(
        5.2 * columns,
        0.2 * rows + 1.7,
        *_heading(beats, "classes of each record", f"most {beats.class_names[0]} first; n: beats"),
    )
    # The second column starts with the record that the first one has no room for.
    for axes, part in zip(
        figure.subplots(1, columns, squeeze=False)[0], np.array_split(order, columns), strict=True
    ):
        _draw_mix(axes, records[part], counts[part], shares[part])
    handles = [
        Patch(color=class_colour(label), label=beats.class_names[label])
        for label in range(counts.shape[1])
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))
    return figure


def _heading(beats: BeatSet, what: str, detail: str = "") -> tuple[str, str]:
    name = TITLES.get(beats.name, beats.name)
    kind = "synthetic beats" if beats.is_synthetic else "beats"
    return f"{name}: {what}", f"the whole data set, {len(beats):,} {kind}\n{detail}".strip()


def _class_labels(beats: BeatSet) -> list[str]:
    meanings = class_meanings(beats.name)
    return [
        f"{name}  {meanings[name]}" if name in meanings else name for name in beats.class_names
    ]


def _time_label(beats: BeatSet) -> str:
    return "s from the R peak" if beats.keeps_time else "share of the beat"


def _duration_s(beats: BeatSet) -> float:
    _beats, samples = beats.signals.shape
    return samples / beats.sampling_hz


def _draw_shape(axes: Axes, shape: Shape, colour: str) -> None:
    axes.fill_between(shape.times_s, shape.low, shape.high, color=colour, alpha=0.25, lw=0)
    axes.plot(shape.times_s, shape.mean, color=colour, lw=2)


def _draw_beat(axes: Axes, beats: BeatSet, position: int, colour: str) -> None:
    signal = np.asarray(beats.signals[position])
    times_s = np.arange(len(signal)) / beats.sampling_hz
    length = int(beats.select(np.array([position])).beat_lengths()[0])
    axes.plot(times_s[length:], signal[length:], color=GRID, lw=1.2)
    axes.plot(times_s[:length], signal[:length], color=colour, lw=1.3)
    if beats.records is not None:
        axes.set_title(
            f"record {beats.records[position]}", size=7.5, weight="normal", color=MUTED, pad=2
        )
    axes.spines[:].set_visible(False)


def _scatter(axes: Axes, points: np.ndarray, colour: str | list[str], alpha: float) -> None:
    # Thousands of points as vectors would make a page slow.
    across, up = points.T
    axes.scatter(across, up, s=5, c=colour, alpha=alpha, linewidths=0, rasterized=True)


def _draw_mix(axes: Axes, records: np.ndarray, counts: np.ndarray, shares: np.ndarray) -> None:
    start = np.zeros(len(records))
    for label, share in enumerate(shares.T):
        axes.barh(records, share, left=start, color=class_colour(label), height=0.78)
        start += share
    for place, total in enumerate(counts.sum(axis=1)):
        axes.text(1.01, place, f"n {total:,}", va="center", size=7.5, color=MUTED)
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.12), xticks=np.linspace(0, 1, 5))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", labelsize=8)
    bare(axes)


Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
CHANGED = 3
SHOWN = 5


def changes(sampling_hz: float) -> dict[str, Change]:
    """Name and strength -> change; strong ones, that can be seen."""
    return {
        "stretch\n± 15 %": lambda beats, rng: augment.stretch(beats, 0.15, rng),
        "time warp\n± 30 %": lambda beats, rng: augment.warp_time(beats, 0.3, rng),
        "shift\n± 4 samples": lambda beats, rng: augment.shift(beats, 4, rng),
        "amplitudes bent\nby 1.5": lambda beats, rng: augment.bend_amplitude(beats, 0.5, rng),
        "gain drift\nby 1.5": lambda beats, rng: augment.drift_gain(beats, 0.5, rng),
        "white noise\n0.03": lambda beats, rng: augment.add_noise(beats, 0.03, rng),
        "wander\n6 dB": lambda beats, rng: augment.add_wander(beats, 6, sampling_hz, rng),
        "muscle\n12 dB": lambda beats, rng: augment.add_muscle(beats, 12, sampling_hz, rng),
        "mains\n12 dB": lambda beats, rng: augment.add_mains(beats, 12, sampling_hz, rng),
    }


@styled
def augmentation_figure(beats: BeatSet, seed: int) -> Figure:
    """A row for each kind of augmentation, a column for each class that has beats.

    Args:
        beats: training beats; one of each class is drawn.
        seed: draws the beats and the changes.
    """
    rng = np.random.default_rng(seed)
    present = np.flatnonzero(beats.class_counts())
    chosen = [rng.choice(np.flatnonzero(beats.labels == label)) for label in present]
    kinds = changes(beats.sampling_hz)
    figure = new_figure(
        2.3 * len(present) + 1.4,
        1.0 * len(kinds) + 1.4,
        f"{TITLES.get(beats.name, beats.name)}: augmented training beats",
        f"dark: the beat as it was cut; colour: changed {CHANGED} times (seed {seed})",
    )
    grid = figure.subplots(len(kinds), len(present), sharex=True, sharey=True, squeeze=False)
    for row, (name, change) in zip(grid, kinds.items(), strict=True):
        for axes, label, position in zip(row, present, chosen, strict=True):
            _draw_changed(axes, beats, int(position), change, class_colour(int(label)), rng)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    for axes, label in zip(grid[0], present, strict=True):
        axes.set_title(beats.class_names[label])
    _finish(figure, grid, beats)
    return figure


@styled
def mixture_figure(beats: BeatSet, mixtures: Mapping[int, ClassMixture], seed: int) -> Figure:
    """Two rows for each class: real training beats, and beats drawn from its mixture.

    Args:
        beats: the training beats that the mixtures were fitted to.
        mixtures: label -> mixture, as `heartbeats.mixture.fit_all` gives them.
        seed: draws the beats.
    """
    rng = np.random.default_rng(seed)
    figure = new_figure(
        11,
        2.1 * len(mixtures) + 1.3,
        f"{TITLES.get(beats.name, beats.name)}: real beats and beats drawn from Gaussian mixtures",
        f"upper row of a class: training beats, at random (seed {seed}); lower row: drawn",
    )
    grid = figure.subplots(2 * len(mixtures), SHOWN, sharex=True, sharey=True, squeeze=False)
    for place, (label, mixture) in enumerate(mixtures.items()):
        of_class = np.flatnonzero(beats.labels == label)
        real = beats.signals[rng.choice(of_class, min(SHOWN, len(of_class)), replace=False)]
        _draw_row(grid[2 * place], np.asarray(real), beats.sampling_hz, MUTED)
        drawn = mixture.draw(SHOWN, rng)
        _draw_row(grid[2 * place + 1], drawn, beats.sampling_hz, class_colour(label))
        for row, word in zip(grid[2 * place :], ("real", "drawn"), strict=False):
            row[0].set_ylabel(
                f"{mixture.class_name}, {word}", rotation=0, ha="right", va="center", labelpad=8
            )
    _finish(figure, grid, beats)
    return figure


def _draw_changed(
    axes: Axes,
    beats: BeatSet,
    position: int,
    change: Change,
    colour: str,
    rng: np.random.Generator,
) -> None:
    beat = np.asarray(beats.signals[position : position + 1])
    for changed in change(np.repeat(beat, CHANGED, axis=0), rng):
        _draw_signal(axes, changed, beats.sampling_hz, colour, 1.0)
    _draw_signal(axes, beat[0], beats.sampling_hz, INK, 0.9)


def _draw_row(row: np.ndarray, signals: np.ndarray, sampling_hz: float, colour: str) -> None:
    for axes, signal in zip(row, signals, strict=False):
        _draw_signal(axes, signal, sampling_hz, colour, 1.3)


def _draw_signal(
    axes: Axes, signal: np.ndarray, sampling_hz: float, colour: str, width: float
) -> None:
    length = int(beat_lengths(signal[None])[0])
    times_s = np.arange(len(signal)) / sampling_hz
    axes.plot(times_s[length:], signal[length:], color=GRID, lw=1, zorder=1)
    axes.plot(times_s[:length], signal[:length], color=colour, lw=width)


def _finish(figure: Figure, grid: np.ndarray, beats: BeatSet) -> None:
    for axes in grid.ravel():
        bare(axes)
    for axes in grid[-1]:
        axes.set_xlabel("s from the R peak")
    _beats, samples = beats.signals.shape
    grid[0, 0].set(xlim=(0, samples / beats.sampling_hz), ylim=(-0.05, 1.05), yticks=[])
    figure.align_ylabels()
