"""How trainings went, epoch by epoch: one table of all epochs, one figure of loss and score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from evaluation.assessment import Assessment, names
from utils.style import MODEL_COLOURS, MUTED, new_figure, styled

Epochs = Sequence[Mapping[str, float]]
SCORES = {
    "val_macro_f1": "validation macro-F1",
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
}
CAPTION = (
    "Solid: training loss; dashed: validation loss. The two are the same quantity only where the "
    "loss has no class weights, no label smoothing and no augmentation. Dot: the epoch whose "
    "weights were kept; it was chosen on validation beats, never on test beats."
)


@dataclass(frozen=True)
class Training:
    """One training as its curves show it.

    Attributes:
        name: of the network, with the seed where there are several.
        architecture: e.g. ``cnn``; trainings of one architecture share a row of the figure.
        monitor: the score that chose the epoch, a key of SCORES.
        best_epoch: the epoch of the checkpoint, from 1.
        epochs: metrics of each finished epoch, as `training` logs them: ``epoch``, ``loss``,
            ``val_loss``, ``val_macro_f1`` ...
    """

    name: str
    architecture: str
    monitor: str
    best_epoch: int
    epochs: Epochs


def trainings_of(
    assessments: Sequence[Assessment], histories: Mapping[tuple[str, int], Epochs]
) -> list[Training]:
    """The trainings of the assessed checkpoints whose history is known.

    Args:
        assessments: the checkpoints, in the order of the report.
        histories: (architecture, seed) -> metrics of each epoch.
    """
    found = []
    for name, one in zip(names(assessments), assessments, strict=True):
        epochs = histories.get((one.architecture, one.seed or 0))
        if epochs:
            monitor = one.monitor
            best_epoch = one.facts.epoch or 0
            found.append(Training(name, one.architecture, monitor, best_epoch, epochs))
    return found


def table(trainings: Sequence[Training]) -> pd.DataFrame:
    """One row for each training and epoch: the model's name, all metrics, whether it was kept."""
    return pd.DataFrame(
        [
            {"model": one.name, **row, "kept": int(row["epoch"]) == one.best_epoch}
            for one in trainings
            for row in one.epochs
        ]
    )


@styled
def figure(trainings: Sequence[Training], title: str) -> Figure:
    """A row for each architecture: losses on the left, the monitored score on the right.

    Args:
        trainings: at least one.
        title: says the data and the protocol.
    """
    rows: dict[str, list[Training]] = {}
    for one in trainings:
        rows.setdefault(one.architecture, []).append(one)
    drawn = new_figure(10, 2.7 * len(rows) + 0.9, title, "loss and score after each epoch")
    grid = drawn.subplots(len(rows), 2, squeeze=False)
    for (architecture, members), (losses, scores) in zip(rows.items(), grid, strict=True):
        _draw_losses(losses, architecture, members)
        _draw_scores(scores, architecture, members)
    return drawn


def _draw_losses(axes: Axes, architecture: str, trainings: list[Training]) -> None:
    for number, one in enumerate(trainings):
        colour = MODEL_COLOURS[number % len(MODEL_COLOURS)]
        for metric, line in (("loss", "-"), ("val_loss", "--")):
            epochs, values = _curve(one, metric)
            axes.plot(epochs, values, line, color=colour, **_marker(epochs))
            if metric == "val_loss":
                _mark_best(axes, one, epochs, values, colour)
    axes.set(yscale="log", ylabel="loss (log scale)")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.plot([], [], "-", color=MUTED, label="training")
    axes.plot([], [], "--", color=MUTED, label="validation")
    _finish(axes, f"{architecture}: loss")


def _draw_scores(axes: Axes, architecture: str, trainings: list[Training]) -> None:
    monitors = list(dict.fromkeys(one.monitor for one in trainings))
    for number, one in enumerate(trainings):
        colour = MODEL_COLOURS[number % len(MODEL_COLOURS)]
        epochs, values = _curve(one, one.monitor)
        best = values[epochs == one.best_epoch]
        label = f"{one.name}: {best[0]:.4f} in epoch {one.best_epoch}" if len(best) else one.name
        axes.plot(epochs, values, color=colour, label=label, **_marker(epochs))
        _mark_best(axes, one, epochs, values, colour)
    shown = " or ".join(SCORES.get(monitor, monitor) for monitor in monitors)
    axes.set_ylabel(shown)
    _finish(axes, f"{architecture}: {shown}")


def _curve(one: Training, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs and the metric's values; NaN where an epoch has none."""
    epochs = np.array([row["epoch"] for row in one.epochs])
    return epochs, np.array([row.get(metric, np.nan) for row in one.epochs], float)


def _mark_best(
    axes: Axes, one: Training, epochs: np.ndarray, values: np.ndarray, colour: str
) -> None:
    best = epochs == one.best_epoch
    axes.plot(epochs[best], values[best], "o", color=colour, markersize=6, zorder=4)


def _marker(epochs: np.ndarray) -> dict:
    """A single epoch is no line, so it is drawn as a mark."""
    return {"marker": "x"} if len(epochs) == 1 else {}


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.legend(loc="best")
