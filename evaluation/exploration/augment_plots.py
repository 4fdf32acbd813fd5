"""Figures of augmented and of drawn training beats, for the eye to judge."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.assessment import TITLES
from heartbeats import artefacts, augment
from heartbeats.beat_set import BeatSet, beat_lengths
from heartbeats.mixture import ClassMixture
from utils.style import GRID, INK, MUTED, bare, class_colour, new_figure, styled

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
        "wander\n6 dB": lambda beats, rng: artefacts.add_wander(beats, 6, sampling_hz, rng),
        "muscle\n12 dB": lambda beats, rng: artefacts.add_muscle(beats, 12, sampling_hz, rng),
        "mains\n12 dB": lambda beats, rng: artefacts.add_mains(beats, 12, sampling_hz, rng),
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
        _draw_beat(axes, changed, beats.sampling_hz, colour, 1.0)
    _draw_beat(axes, beat[0], beats.sampling_hz, INK, 0.9)


def _draw_row(row: np.ndarray, signals: np.ndarray, sampling_hz: float, colour: str) -> None:
    for axes, signal in zip(row, signals, strict=False):
        _draw_beat(axes, signal, sampling_hz, colour, 1.3)


def _draw_beat(
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
