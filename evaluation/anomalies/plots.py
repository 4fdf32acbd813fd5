"""Figures of anomaly detection: scores with the threshold, and beats with their reconstruction."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.anomalies.detectors import VERDICTS, Detector
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
