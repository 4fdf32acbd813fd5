"""A transfer study over its seeds: means, deviations, and what transfer adds."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from evaluation.significance import Interval, interval, resample
from experiments.transfer.scores import METRICS, CellResult, Scored
from heartbeats.beat_set import BeatSet

BASELINE = "scratch"
HEADLINE_FRACTION = 0.1


@dataclass(frozen=True)
class Gain:
    """How much higher a mode scores than training from scratch, with the same labels.

    Attributes:
        mode, fraction: which.
        differences: (seeds,) macro-F1 by beat minus scratch's, of the same seed and labels.
        spread: the largest of three standard deviations over seeds: of the mode's scores, of
            scratch's, and of the differences.
        over_tests: the mean difference with its 95 % interval over test patients (or beats, where
            patients are unknown), the trainings kept as they are.
    """

    mode: str
    fraction: float
    differences: np.ndarray
    spread: float
    over_tests: Interval

    @property
    def mean(self) -> float:
        return float(self.differences.mean())

    @property
    def ahead(self) -> int:
        """With how many seeds the mode was better."""
        return int((self.differences > 0).sum())

    @property
    def verdict(self) -> str:
        """What may be said of the mean difference, against the spread over seeds alone."""
        if len(self.differences) < 2:
            return "one seed has no spread: nothing can be said"
        if abs(self.mean) <= self.spread:
            return "not more than the spread over seeds"
        return f"{'better' if self.mean > 0 else 'worse'} by more than the spread over seeds"

    def sentence(self) -> str:
        """The difference, its spread and the verdict."""
        low, high = self.over_tests.low, self.over_tests.high
        return (
            f"{self.mode} minus {BASELINE} at {percent(self.fraction)} of the labels: macro-F1 "
            f"{self.mean:+.4f}, spread {self.spread:.4f}, ahead with {self.ahead} of "
            f"{len(self.differences)} seeds: {self.verdict}. Over the choice of the test: 95 % "
            f"interval {low:+.4f} to {high:+.4f}."
        )


@dataclass(frozen=True)
class Study:
    """All that a transfer study found.

    Attributes:
        facts: source, target, protocol, counts, steps, versions.
        tried: mode -> learning rate -> validation macro-F1 of each tuning seed.
        rates: mode -> the learning rate that was chosen.
        results: one for each training.
        predicted: (test beats,) int for each of `results`.
        test: the test beats.
    """

    facts: dict[str, Any]
    tried: dict[str, dict[float, list[float]]]
    rates: dict[str, float]
    results: tuple[CellResult, ...]
    predicted: tuple[np.ndarray, ...]
    test: BeatSet

    @property
    def modes(self) -> list[str]:
        return list(self.rates)

    @property
    def fractions(self) -> list[float]:
        return sorted({one.fraction for one in self.results})

    @property
    def seeds(self) -> list[int]:
        return sorted({one.seed for one in self.results})

    @property
    def has_records(self) -> bool:
        """Whether records were scored too."""
        return all(one.by_record for one in self.results)

    def of(self, mode: str, fraction: float) -> list[CellResult]:
        """The trainings of a mode and a fraction, by seed."""
        found = [one for one in self.results if (one.mode, one.fraction) == (mode, fraction)]
        return sorted(found, key=lambda one: one.seed)

    def scores(self, mode: str, fraction: float, metric: str, unit: str = "beat") -> np.ndarray:
        """(seeds,) of one of METRICS, by ``beat`` or by ``record``."""
        pick: Callable[[CellResult], Scored] = lambda one: getattr(one, f"by_{unit}")  # noqa: E731
        return np.array([getattr(pick(one), metric) for one in self.of(mode, fraction)])

    @cached_property
    def gains(self) -> list[Gain]:
        """Every mode against scratch, at every fraction; none where scratch was left out."""
        if BASELINE not in self.modes:
            return []
        others = [mode for mode in self.modes if mode != BASELINE]
        return [self._gain(mode, fraction) for fraction in self.fractions for mode in others]

    def sentences(self) -> list[str]:
        """What the study says about whole-network fine-tuning, the 10 % of the issue first."""
        of_whole = [gain for gain in self.gains if gain.mode == "whole"]
        of_whole.sort(key=lambda gain: (gain.fraction != HEADLINE_FRACTION, gain.fraction))
        return [gain.sentence() for gain in of_whole]

    def table(self) -> pd.DataFrame:
        """A row for each mode and fraction: labels used, scores' means and deviations."""
        return pd.DataFrame(
            [self._row(mode, fraction) for fraction in self.fractions for mode in self.modes]
        )

    def every_training(self) -> pd.DataFrame:
        """A row for each training."""
        return pd.DataFrame([_flat(one) for one in self.results])

    def _row(self, mode: str, fraction: float) -> dict[str, Any]:
        cells = self.of(mode, fraction)
        row: dict[str, Any] = {
            "mode": mode,
            "percent": round(100 * fraction, 6),
            "seeds": len(cells),
            "units": float(np.mean([one.units for one in cells])),
            "of_units": cells[0].of_units,
            "beats": float(np.mean([one.beats for one in cells])),
        }
        for unit in ("beat", "record") if self.has_records else ("beat",):
            for metric in METRICS:
                values = self.scores(mode, fraction, metric, unit)
                row[f"{unit}_{metric}"] = float(values.mean())
                row[f"{unit}_{metric}_deviation"] = deviation(values)
        return row

    def _gain(self, mode: str, fraction: float) -> Gain:
        ours, theirs = (self.scores(one, fraction, "macro_f1") for one in (mode, BASELINE))
        spread = max(deviation(one) or 0.0 for one in (ours, theirs, ours - theirs))
        over_tests = self._over_tests(mode, fraction, float((ours - theirs).mean()))
        return Gain(mode, fraction, ours - theirs, spread, over_tests)

    def _over_tests(self, mode: str, fraction: float, value: float) -> Interval:
        chosen = [
            predicted
            for wanted in (mode, BASELINE)
            for one, predicted in zip(self.results, self.predicted, strict=True)
            if (one.mode, one.fraction) == (wanted, fraction)
        ]
        draws = resample(
            np.asarray(self.test.labels, int),
            chosen,
            len(self.test.class_names),
            patients=self.test.patients if self.facts["unit"] == "patients" else None,
        ).macro_f1
        half = len(chosen) // 2
        return interval(value, draws[:half].mean(axis=0) - draws[half:].mean(axis=0))


def deviation(values: np.ndarray) -> float | None:
    """The standard deviation over seeds; None of a single one."""
    return float(values.std(ddof=1)) if len(values) > 1 else None


def percent(fraction: float) -> str:
    """0.1 -> ``10 %``."""
    return f"{100 * fraction:g} %"


def _flat(one: CellResult) -> dict[str, Any]:
    row = {
        "mode": one.mode,
        "percent": round(100 * one.fraction, 6),
        "seed": one.seed,
        "units": one.units,
        "of_units": one.of_units,
        "records": one.records,
        "beats": one.beats,
        "seconds": one.seconds,
    }
    for unit, scored in (("beat", one.by_beat), ("record", one.by_record)):
        if scored:
            row |= {f"{unit}_{metric}": getattr(scored, metric) for metric in METRICS}
    return row
