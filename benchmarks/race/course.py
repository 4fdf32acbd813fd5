"""The table of recorded trainings that engines run against, and one engine's way through it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sweeps import results, trials
from sweeps.space import Space
from sweeps.trial_history import Axes
from utils.errors import InputError


@dataclass(frozen=True)
class Table:
    """Recorded trainings, one for each setting.

    Attributes:
        space: that the settings are of.
        settings: stored values of each.
        quantiles: (settings, parameters) in [0, 1].
        curves: (settings, epochs), the best score so far, which engines see; larger is better.
        held_out: (settings,) the score of a second training on other beats, which none sees.
        seconds: (settings,) of a whole training.
    """

    space: Space
    settings: list[dict[str, Any]]
    quantiles: np.ndarray
    curves: np.ndarray
    held_out: np.ndarray
    seconds: np.ndarray

    @classmethod
    def read(cls, path: Path, space: Space) -> "Table":
        """The table of a study whose trials trained twice each.

        Args:
            path: what `sweeps.report` wrote.
            space: of the sweep.

        Raises:
            InputError: trials are not finished, or their curves have not all one length.
        """
        known = results.read(path, space)
        curves = [trials.curve(one) for one in known]
        lengths = {len(one) for one in curves}
        if len(lengths) != 1 or lengths.pop() % 2 or any(not one.state == 1 for one in known):
            raise InputError(f"{path}: expected finished trials of two trainings of one length")
        both = np.array(curves)
        epochs = both.shape[1] // 2
        settings = [one.params for one in known]
        return cls(
            space,
            settings,
            Axes(space).quantiles(settings),
            both[:, :epochs],
            both[:, -1],
            np.array([one.user_attrs["seconds"] for one in known]) / 2,
        )

    @property
    def epochs(self) -> int:
        """Of a whole training."""
        return self.curves.shape[1]


class BudgetSpent(Exception):
    """The engine's time is over, or it has seen all settings."""


@dataclass
class Course:
    """One engine's way through a table.

    A setting that it proposes is given the nearest one of the table that it has not had, and it is
    told which that was. Its seconds pass as the epochs do.

    Attributes:
        table: of recorded trainings.
        budget_s: processor seconds.
        spent_s: so far.
        incumbents: (seconds, place in the table) whenever another setting looked best.
    """

    table: Table
    budget_s: float
    spent_s: float = 0.0
    incumbents: list[tuple[float, int]] = field(default_factory=list)
    _best: float = -np.inf
    _begun: set[int] = field(default_factory=set)

    def left_s(self) -> float:
        """The seconds that are left."""
        return self.budget_s - self.spent_s

    def nearest(self, values: Mapping[str, Any]) -> int:
        """The place of the nearest setting that was not begun; it counts as begun from now on.

        Args:
            values: stored values.

        Raises:
            BudgetSpent: all were begun.
        """
        axes = Axes(self.table.space)
        left = [one for one in range(len(self.table.settings)) if one not in self._begun]
        if not left:
            raise BudgetSpent
        (wanted,) = axes.quantiles([values])
        gaps = np.abs(self.table.quantiles[left] - wanted)
        gaps[:, axes.is_category] = gaps[:, axes.is_category] > 0
        place = left[int(np.argmin((gaps**2).sum(axis=1)))]
        self._begun.add(place)
        return place

    def train(self, place: int, first: int = 0, last: int | None = None) -> Iterator[float]:
        """The best score so far after each epoch of a setting; seconds pass.

        Args:
            place: of the setting in the table.
            first: epochs that were trained before.
            last: the epoch to stop at; all by default.

        Raises:
            BudgetSpent: no time is left.
        """
        a_step = self.table.seconds[place] / self.table.epochs
        for value in self.table.curves[place, first:last]:
            if self.left_s() < a_step:
                self.spent_s = self.budget_s
                raise BudgetSpent
            self.spent_s += a_step
            if value > self._best:
                self._best = float(value)
                self.incumbents.append((self.spent_s, place))
            yield float(value)

    def regret(self, seconds: np.ndarray) -> np.ndarray:
        """At each of these times, how far the setting that looked best is from the best there is.

        Both by the scores that no engine sees. Before the first epoch it is that of the worst.
        """
        held_out = self.table.held_out
        times = np.array([when for when, _place in self.incumbents])
        places = [place for _when, place in self.incumbents]
        found = np.searchsorted(times, seconds, side="right") - 1
        scores = np.array([held_out.min(), *held_out[places]])
        return held_out.max() - scores[found + 1]
