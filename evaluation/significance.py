"""How far scores would move with another test set of the same kind: the bootstrap."""

from dataclasses import dataclass

import numpy as np

ROUNDS = 2000
SEED = 0


@dataclass(frozen=True)
class Interval:
    """A score, its standard error, and the 95 % percentile interval."""

    value: float
    standard_error: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Resamples:
    """Scores of each model on resampled test sets, the same ones for every model.

    Attributes:
        accuracy: (models, rounds).
        macro_f1: (models, rounds).
        class_f1: (models, rounds, classes); 0 for a class that a resample lacks.
    """

    accuracy: np.ndarray
    macro_f1: np.ndarray
    class_f1: np.ndarray


def resample(
    labels: np.ndarray,
    predictions: list[np.ndarray],
    classes: int,
    *,
    patients: np.ndarray | None = None,
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> Resamples:
    """Draw test sets with replacement and score every model on each.

    Beats are drawn one by one; with `patients`, whole patients are, since the beats of one heart
    are alike and count for less than their number. As in `metrics.score`, a class that a
    resample lacks does not enter its macro-F1.

    Source: Efron B, Tibshirani R. An Introduction to the Bootstrap (1993), chapters 6 and 13.

    Args:
        labels: (beats,) int.
        predictions: one (beats,) int array for each model.
        classes: the number of classes.
        patients: (beats,) the patient of each beat, or None to draw beats.
        rounds: how many test sets to draw.
        seed: draws them.
    """
    rng = np.random.default_rng(seed)
    # Beats with the same label and the same predictions are interchangeable: count them.
    patterns, kinds = np.unique(
        np.stack([labels, *predictions], axis=1), axis=0, return_inverse=True
    )
    kinds = kinds.reshape(-1)
    if patients is None:
        shares = np.bincount(kinds) / len(labels)
        drawn = rng.multinomial(len(labels), shares, size=rounds)
    else:
        drawn = _draw_patients(rng, patients, kinds, len(patterns), rounds)
    scores = [
        _score(_confusions(drawn, patterns[:, 0], patterns[:, column], classes))
        for column in range(1, patterns.shape[1])
    ]
    return Resamples(*(np.stack(of_all_models) for of_all_models in zip(*scores, strict=True)))


def interval(value: float, resampled: np.ndarray) -> Interval:
    """The standard error and 95 % interval of `value` from its (rounds,) resampled values."""
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(float(value), float(resampled.std(ddof=1)), float(low), float(high))


def mean_interval(
    values: np.ndarray,
    *,
    patients: np.ndarray | None = None,
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> Interval:
    """The mean of a value of each beat, with its bootstrap interval.

    Args:
        values: (beats,) float.
        patients: (beats,) the patient of each beat: whole patients are drawn; None to draw beats.
        rounds: how many samples to draw.
        seed: draws them.
    """
    owners = np.arange(len(values)) if patients is None else _numbers(patients)
    sums, counts = np.bincount(owners, values), np.bincount(owners)
    rng = np.random.default_rng(seed)
    means = np.empty(rounds)
    for number in range(rounds):  # a round at a time: all at once would be beats times rounds
        drawn = rng.integers(len(sums), size=len(sums))
        means[number] = sums[drawn].sum() / counts[drawn].sum()
    return interval(float(np.mean(values)), means)


def paired_auc_gain(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    *,
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> Interval:
    """How much larger the first model's area under the ROC curve is, with its bootstrap interval.

    Args:
        first, second: (beats,) scores of the normal and of the anomalous beats, the same ones for
            both models.
        rounds: how many samples to draw.
        seed: draws them.
    """
    rng = np.random.default_rng(seed)
    counts = [len(part) for part in first]
    gains = np.empty(rounds)
    for number in range(rounds):
        drawn = [rng.integers(count, size=count) for count in counts]
        gains[number] = _drawn_auc(first, drawn) - _drawn_auc(second, drawn)
    every = [np.arange(count) for count in counts]
    return interval(_drawn_auc(first, every) - _drawn_auc(second, every), gains)


def _drawn_auc(scores: tuple[np.ndarray, np.ndarray], drawn: list[np.ndarray]) -> float:
    """Mann and Whitney's: how often an anomalous beat scores higher, ties counting half."""
    normal, anomalous = (part[rows] for part, rows in zip(scores, drawn, strict=True))
    ordered = np.sort(normal)
    below = np.searchsorted(ordered, anomalous, "left")
    level = np.searchsorted(ordered, anomalous, "right")
    return float((below + level).mean() / (2 * len(normal)))


def _numbers(names: np.ndarray) -> np.ndarray:
    """(beats,) int from 0 in place of names."""
    return np.unique(names, return_inverse=True)[1]


def _draw_patients(
    rng: np.random.Generator, patients: np.ndarray, kinds: np.ndarray, patterns: int, rounds: int
) -> np.ndarray:
    owners = _numbers(patients)
    count = owners.max() + 1
    table = np.zeros((count, patterns), np.int64)
    np.add.at(table, (owners, kinds), 1)
    times = rng.multinomial(count, np.full(count, 1 / count), size=rounds)
    return times @ table


def _confusions(
    drawn: np.ndarray, labels: np.ndarray, predicted: np.ndarray, classes: int
) -> np.ndarray:
    """(rounds, classes, classes) from the (rounds, patterns) counts."""
    cells = np.zeros((len(labels), classes * classes), drawn.dtype)
    cells[np.arange(len(labels)), labels * classes + predicted] = 1
    return (drawn @ cells).reshape(-1, classes, classes)


def _score(confusions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    support, guesses = confusions.sum(axis=2), confusions.sum(axis=1)
    f1 = 2 * hits / np.maximum(support + guesses, 1)
    present = support > 0
    macro_f1 = (f1 * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return hits.sum(axis=1) / np.maximum(support.sum(axis=1), 1), macro_f1, f1
