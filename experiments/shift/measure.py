"""What the scores of changed recordings say, in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from evaluation import metrics
from evaluation.significance import Interval, interval, resample
from utils.errors import InputError

# What a model is here: (beats, samples) in [0, 1] -> (beats, classes) probabilities.
Predict = Callable[[np.ndarray], np.ndarray]
SNRS_DB = (24.0, 18.0, 12.0, 6.0, 0.0, -6.0)


@dataclass(frozen=True)
class Change:
    """A kind of change and the levels it is tried at.

    Attributes:
        kind: the name that a source of changed beats knows it by.
        title: for people.
        unit: of the levels, empty where they have none.
        levels: from mild to strong, or from low to high around `neutral`.
        neutral: the level that changes nothing, where it lies among the others.
    """

    kind: str
    title: str
    unit: str
    levels: tuple[float, ...]
    neutral: float | None = None

    @property
    def is_noise(self) -> bool:
        return self.unit == "dB"

    def label(self, level: float | None) -> str:
        """A level in words, e.g. ``-6 dB``; None is ``clean``."""
        if level is None:
            return "clean"
        return "inverted" if self.kind == "inversion" else f"{level:g} {self.unit}".strip()


CHANGES = (
    Change("white", "white noise", "dB", SNRS_DB),
    Change("wander", "baseline wander", "dB", SNRS_DB),
    Change("mains", "mains hum", "dB", SNRS_DB),
    Change("muscle", "muscle noise", "dB", SNRS_DB),
    Change("gain", "gain", "x", (0.02, 0.05, 0.1, 0.25, 0.5, 2.0, 4.0, 8.0), 1.0),
    Change(
        "offset", "R mark offset", "ms", (-40.0, -20.0, -10.0, -5.0, 5.0, 10.0, 20.0, 40.0), 0.0
    ),
    Change("clock", "sampling rate error", "%", (-10.0, -5.0, -2.0, 2.0, 5.0, 10.0), 0.0),
    Change("inversion", "lead inverted", "", (1.0,)),
)


class Source(Protocol):
    """What gives changed beats: `RecordedBeats` or `CutBeats` of `heartbeats`."""

    @property
    def kinds(self) -> tuple[str, ...]: ...

    def cut(self, kind: str, levels: Sequence[float]) -> np.ndarray: ...


@dataclass(frozen=True)
class TestBeats:
    """What is known of the beats, whatever happens to their signals.

    Attributes:
        labels: (beats,) int.
        class_names: names in the order of the labels.
        patients: (beats,) where whole patients are to be drawn by the bootstrap, else None.
    """

    __test__ = False  # no class of pytest's
    labels: np.ndarray
    class_names: tuple[str, ...]
    patients: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Point:
    """The scores of one model at one level of one change; `level` None is the clean beats."""

    change: Change
    level: float | None
    model: str
    scores: metrics.Scores
    accuracy: Interval
    macro_f1: Interval
    class_f1: tuple[Interval, ...]

    @property
    def label(self) -> str:
        return self.change.label(self.level)


def conditions(source: Source) -> list[Change]:
    """The changes that a source can make."""
    return [change for change in CHANGES if change.kind in source.kinds]


def measure(
    source: Source,
    clean: np.ndarray,
    beats: TestBeats,
    models: Mapping[str, Predict],
    on_point: Callable[[Point], None] = lambda point: None,
) -> list[Point]:
    """Score every model on the clean beats and at every level of every change.

    Args:
        source: cuts the changed beats.
        clean: (beats, samples) float32, the beats as they are.
        beats: their labels.
        models: name -> what predicts.
        on_point: is called with each new score; clean ones are scored once.

    Returns:
        for each change and model the clean point, then one for each level.

    Raises:
        InputError: a model predicts NaN.
    """
    first = {name: _score(predict, clean, beats, name) for name, predict in models.items()}
    points = []
    for change in conditions(source):
        points += [Point(change, None, name, *scored) for name, scored in first.items()]
        changed = source.cut(change.kind, change.levels)
        for level, signals in zip(change.levels, changed, strict=True):
            for name, predict in models.items():
                scored = _score(predict, signals, beats, name)
                points.append(Point(change, level, name, *scored))
                on_point(points[-1])
    return points


def score_table(points: Sequence[Point]) -> pd.DataFrame:
    """One row for each point, in their order; `level` is empty for the clean beats."""
    return pd.DataFrame([_row(point) for point in points])


def curves(points: Sequence[Point]) -> Iterator[tuple[Change, str, list[Point]]]:
    """Each change and model with its points, the clean one first."""
    for change in dict.fromkeys(point.change for point in points):
        for model in dict.fromkeys(point.model for point in points):
            yield change, model, [p for p in points if (p.change, p.model) == (change, model)]


def _score(
    predict: Predict, signals: np.ndarray, beats: TestBeats, name: str
) -> tuple[metrics.Scores, Interval, Interval, tuple[Interval, ...]]:
    probabilities = predict(signals)
    if not np.isfinite(probabilities).all():
        raise InputError(f"{name} predicts NaN; train it again")
    predicted = probabilities.argmax(axis=1)
    scores = metrics.score(beats.labels, predicted, beats.class_names)
    drawn = resample(beats.labels, [predicted], len(beats.class_names), patients=beats.patients)
    return (
        scores,
        interval(scores.accuracy, drawn.accuracy[0]),
        interval(scores.macro_f1, drawn.macro_f1[0]),
        tuple(
            interval(of_class.f1, drawn.class_f1[0, :, place])
            for place, of_class in enumerate(scores.classes)
        ),
    )


def _row(point: Point) -> dict[str, str | float | int | None]:
    row = {
        "change": point.change.kind,
        "condition": point.label,
        "level": point.level,
        "unit": point.change.unit,
        "architecture": point.model,
        "beats": int(point.scores.confusion.sum()),
    }
    pairs = [("accuracy", point.accuracy), ("macro_f1", point.macro_f1)]
    for of_class, its_interval in zip(point.scores.classes, point.class_f1, strict=True):
        if of_class.support:
            pairs.append((f"f1_{of_class.name}", its_interval))
    for name, one in pairs:
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return row


USEFUL_MACRO_F1 = 0.8
# A loss of macro-F1 that is not worth speaking of.
SMALL_LOSS = 0.02


def findings(points: Sequence[Point]) -> list[str]:
    """What the scores say, a sentence each."""
    sentences = []
    for change, model, (clean, *changed) in curves(points):
        about = f"{change.title[:1].upper()}{change.title[1:]}, {model}"
        if change.is_noise:
            sentences.append(f"{about}: {_useful_down_to(changed)}")
        elif change.neutral is None:
            fall = clean.scores.macro_f1 - changed[0].scores.macro_f1
            sentences.append(
                f"{about}: macro-F1 {changed[0].scores.macro_f1:.3f}, {fall:.3f} below clean."
            )
        else:
            sentences.append(f"{about}: {_harmless_between(clean, changed)}")
    return sentences


def worst_for_each_class(points: Sequence[Point]) -> list[tuple[str, str, Point, float]]:
    """(model, class, the point where its F1 is lowest, its clean F1), for classes with beats."""
    found = []
    for model in dict.fromkeys(point.model for point in points):
        own = [point for point in points if point.model == model]
        for place, of_class in enumerate(own[0].scores.classes):
            if of_class.support:
                worst = min(own, key=lambda point: point.scores.classes[place].f1)
                found.append((model, of_class.name, worst, of_class.f1))
    return found


def _useful_down_to(noisy: list[Point]) -> str:
    """Where macro-F1 falls below what is useful, between which tested levels."""
    below = [p for p in noisy if p.scores.macro_f1 < USEFUL_MACRO_F1]
    if not below:
        last = noisy[-1]
        return f"macro-F1 is still {last.scores.macro_f1:.3f} at {last.label}."
    first = noisy.index(below[0])
    said = f"macro-F1 falls below {USEFUL_MACRO_F1:g}"
    if first == 0:
        return f"{said} at {noisy[0].label} already ({noisy[0].scores.macro_f1:.3f})."
    above, under = noisy[first - 1], noisy[first]
    return (
        f"{said} between {above.label} ({above.scores.macro_f1:.3f}) and {under.label} "
        f"({under.scores.macro_f1:.3f})."
    )


def _harmless_between(clean: Point, changed: list[Point]) -> str:
    """The levels around the neutral one that cost less than SMALL_LOSS, and the worst of all."""
    change, least = clean.change, clean.scores.macro_f1 - SMALL_LOSS
    assert change.neutral is not None
    below = [p for p in changed if p.level is not None and p.level < change.neutral][::-1]
    above = [p for p in changed if p.level is not None and p.level > change.neutral]
    ends = [_last_harmless(side, least) or change.label(change.neutral) for side in (below, above)]
    worst = min(changed, key=lambda point: point.scores.macro_f1)
    return (
        f"macro-F1 stays within {SMALL_LOSS:g} of clean from {ends[0]} to {ends[1]}; lowest at "
        f"{worst.label} ({worst.scores.macro_f1:.3f})."
    )


def _last_harmless(outwards: list[Point], least: float) -> str:
    """The label of the last point before the first that falls below `least`; empty if none."""
    label = ""
    for point in outwards:
        if point.scores.macro_f1 < least:
            break
        label = point.label
    return label
