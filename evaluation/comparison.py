"""Models beside each other on one test set: intervals, paired differences, spread over seeds."""

import itertools
from dataclasses import dataclass

import numpy as np

from evaluation import assessment as variants
from evaluation.assessment import Assessment, names, representatives, variants_of
from evaluation.significance import ROUNDS, SEED, Interval, interval, resample


@dataclass(frozen=True)
class Result:
    """A model's two overall scores with their intervals."""

    name: str
    assessment: Assessment
    accuracy: Interval
    macro_f1: Interval


@dataclass(frozen=True)
class Difference:
    """How much higher `first` scores than `second` on the same beats."""

    first: str
    second: str
    accuracy: Interval
    macro_f1: Interval

    def sentence(self) -> str:
        """The difference of macro-F1 and what it allows to say."""
        gap = self.macro_f1
        verdict = (
            "more than the choice of the test set explains"
            if gap.excludes_zero
            else "this test set cannot tell the two apart"
        )
        return (
            f"{self.first} minus {self.second}: macro-F1 {gap.value:+.4f} (95 % interval "
            f"{gap.low:+.4f} to {gap.high:+.4f}), {verdict}."
        )


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of scores over trainings that differ in their seed alone."""

    variant: str
    trainings: int
    accuracy: float
    accuracy_deviation: float
    macro_f1: float
    macro_f1_deviation: float

    def sentence(self) -> str:
        """The means with their deviations."""
        return (
            f"{self.variant}, {self.trainings} trainings: accuracy {self.accuracy:.2%} "
            f"± {100 * self.accuracy_deviation:.2f} points, macro-F1 {self.macro_f1:.4f} "
            f"± {self.macro_f1_deviation:.4f} (standard deviation over seeds)."
        )


@dataclass(frozen=True)
class Comparison:
    """All that is known of several models on one test set.

    Attributes:
        results: one for each assessment, in their order.
        differences: one for each pair of variants, each represented by the training that
            validated best; of the baselines, the one that validated best takes part.
        spreads: one for each variant with several trainings.
        notes: sentences on what variants of one architecture differ in.
        unit: what the bootstrap draws, ``patients`` or ``beats``.
        units: how many of them the test set holds.
    """

    results: tuple[Result, ...]
    differences: tuple[Difference, ...]
    spreads: tuple[Spread, ...]
    notes: tuple[str, ...]
    unit: str
    units: int

    @property
    def method(self) -> str:
        """How the intervals were made, in a sentence."""
        return (
            f"Intervals: 95 % bootstrap over {self.units:,} {self.unit} ({ROUNDS:,} draws, seed "
            f"{SEED}). They tell how far another test set of this kind might move a score, not "
            "how far another training might."
        )


def compare(assessments: list[Assessment]) -> Comparison:
    """Bootstrap all models on the same resampled test sets.

    Patients are drawn where the protocol splits by patient and they are known, else beats.

    Args:
        assessments: of the same test set, at least one.
    """
    first = assessments[0]
    patients = first.patients if first.protocol == "patients" else None
    draws = resample(
        first.labels,
        [one.predicted for one in assessments],
        len(first.class_names),
        patients=patients,
    )
    results = tuple(
        Result(
            name,
            one,
            interval(one.scores.accuracy, draws.accuracy[place]),
            interval(one.scores.macro_f1, draws.macro_f1[place]),
        )
        for place, (name, one) in enumerate(zip(names(assessments), assessments, strict=True))
    )
    chosen = [i for i, one in enumerate(assessments) if one in representatives(assessments)]
    return Comparison(
        results,
        tuple(
            Difference(
                results[a].name,
                results[b].name,
                _gap(results[a].accuracy, results[b].accuracy, draws.accuracy[[a, b]]),
                _gap(results[a].macro_f1, results[b].macro_f1, draws.macro_f1[[a, b]]),
            )
            for a, b in itertools.combinations(chosen, 2)
        ),
        tuple(_spreads(assessments)),
        tuple(variants.differences([one.facts for one in assessments])),
        "beats" if patients is None else "patients",
        len(first.labels) if patients is None else len(np.unique(patients)),
    )


def _gap(first: Interval, second: Interval, draws: np.ndarray) -> Interval:
    return interval(first.value - second.value, draws[0] - draws[1])


def _spreads(assessments: list[Assessment]) -> list[Spread]:
    spreads = []
    of_each = variants_of(assessments)
    for variant in dict.fromkeys(of_each):
        scores = [
            one.scores for name, one in zip(of_each, assessments, strict=True) if name == variant
        ]
        if len(scores) < 2:
            continue
        accuracy = np.array([one.accuracy for one in scores])
        macro_f1 = np.array([one.macro_f1 for one in scores])
        spreads.append(
            Spread(
                variant,
                len(scores),
                float(accuracy.mean()),
                float(accuracy.std(ddof=1)),
                float(macro_f1.mean()),
                float(macro_f1.std(ddof=1)),
            )
        )
    return spreads
