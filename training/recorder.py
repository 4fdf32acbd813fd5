"""Logs the epochs of a training run, and offers its weights as checkpoints after each new best."""

import dataclasses
import datetime
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from evaluation.metrics import better, better_by
from models import checkpoints
from models.backend import keras
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from training.epochs import FitResult
from training.promotion import Place
from training.tracking import Tracker

# Settings that change nothing in the training on one draw.
SAME_TRAINING = ("tracking", "draws", "settings_chosen_on")


@dataclass(frozen=True)
class Comparison:
    """What the epochs and the checkpoints of a kind of network are compared by.

    Attributes:
        metric: of an epoch.
        direction: of a checkpoint's score, ``max`` or ``min``.
        identifying_facts: what two trainings share, beside their settings, if one may go on from
            the state that the other left.
    """

    metric: str
    direction: str
    identifying_facts: tuple[str, ...]

    def identity(self, facts: CheckpointFacts) -> dict[str, Any]:
        """What identifies the training that these facts are of."""
        settings = {
            key: value for key, value in facts.settings.items() if key not in SAME_TRAINING
        }
        named = {name: getattr(facts, name) for name in self.identifying_facts}
        return {**named, "settings": settings}


class DrawMeans:
    """The best scores of a run's networks, one for each draw of validation beats, and their means.

    `mean_best_val_macro_f1` and the like are the means over the draws that are done; until the
    first is done, its best so far. All trials of a sweep go through the same draws in the same
    order, so their means are of the same beats.
    """

    def __init__(self) -> None:
        self._of_draws: list[dict[str, float]] = []
        self._done = 0

    def begin(self) -> None:
        """The next draw."""
        self._of_draws.append({})

    def update(self, best: dict[str, float], is_done: bool = False) -> dict[str, float]:
        """Note the best scores so far of the draw that is trained on now; the means."""
        self._of_draws[-1] = {
            name: value for name, value in best.items() if name.startswith("best_val_")
        }
        self._done = len(self._of_draws) - (not is_done)
        return self.values

    @property
    def values(self) -> dict[str, float]:
        """The means so far, and of how many draws they are."""
        known = [one for one in self._of_draws[: max(1, self._done)] if one]
        means = {
            f"mean_{name}": float(np.mean([one[name] for one in known]))
            for name in (known[0] if known else ())
        }
        return {**means, "draws_done": self._done}


class Recorder:
    """Logs every epoch, and offers weights as the run's candidate.

    Attributes:
        best_metrics: of the best epoch so far, their names with `best_` in front.
        is_kept: whether an offer of this run was taken.
    """

    def __init__(
        self,
        model: keras.Model,
        facts: CheckpointFacts,
        tracker: Tracker,
        comparison: "Comparison",
        place: Place | None,
        means: DrawMeans | None = None,
    ):
        """A recorder of one training.

        Args:
            model: whose weights are offered.
            facts: what a checkpoint's JSON says, all but what the training reaches.
            tracker: gets the numbers.
            comparison: with what this run's epochs and checkpoint are compared, and by what.
            place: of the candidate; None for a training whose weights nobody needs.
            means: over the draws of the run that this training is of.
        """
        self.model, self.facts, self.tracker = model, facts, tracker
        self.comparison, self.place = comparison, place
        self.means = means or DrawMeans()
        self.means.begin()
        self.best_metrics: dict[str, float] = {}
        self.is_kept = False
        self.created = ""

    def epoch(self, metrics: dict[str, float]) -> None:
        """Log an epoch's metrics, with those of the best epoch so far as `best_...`."""
        metric = self.comparison.metric
        if better(metric, metrics[metric], self.best_metrics.get(f"best_{metric}")):
            self.best_metrics = {
                f"best_{name}": value
                for name, value in metrics.items()
                if name.startswith("val_") or name == "epoch"
            }
        is_last = metrics["epoch"] == self.facts.settings.get("epochs")
        means = self.means.update(self.best_metrics, is_last)
        self.tracker.log({**metrics, **self.best_metrics, **means})

    def offer(self, score: float, **reached: Any) -> None:
        """Offer the weights that the model holds, those of the best epoch.

        Args:
            score: compares the checkpoint with others.
            reached: what else the JSON says of them; fields of the facts.
        """
        if self.place is None:
            return
        self.created = datetime.datetime.now(datetime.UTC).isoformat()
        facts = dataclasses.replace(
            self.facts,
            score=score,
            epoch=int(self.best_metrics["best_epoch"]),
            created=self.created,
            **reached,
        )
        self.is_kept |= self._offer(self.place, facts)

    def _offer(self, place: Place, facts: CheckpointFacts) -> bool:
        wins = partial(better_by, self.comparison.direction)
        earlier_runs = not place.is_shared and not self.is_kept
        return checkpoints.offer(
            place.folder, facts, wins, lambda path: self.model.save(path), replaces=earlier_runs
        )

    def claim(self, result: FitResult) -> None:
        """Recognise the candidate that this training left before it was interrupted."""
        if self.place is None or self.is_kept or not result.resumed_after:
            return
        path = self.place.folder / f"{self.facts.architecture}.json"
        if result.best_score is None or not path.is_file():
            return
        standing = checkpoints.read(path).facts
        same = (standing.score, standing.epoch) == (result.best_score, result.best_epoch)
        identity = self.comparison.identity
        if same and identity(standing) == identity(self.facts):
            self.is_kept, self.created = True, standing.created

    def kept(self) -> Checkpoint | None:
        """The candidate if it is this run's; another trial may have put a better one."""
        if self.place is None or not self.is_kept:
            return None
        found = checkpoints.read(self.place.folder / f"{self.facts.architecture}.json")
        return found if found.facts.created == self.created else None

    def close(self, result: FitResult) -> None:
        """Log the final numbers, and the model where it was kept."""
        if not (result.stopped or result.failed):  # out of patience it ends before the last epoch
            self.means.update(self.best_metrics, is_done=True)
        if self.place is not None:
            reached = {"ended_by": result.ended_by, **self.best_metrics, **_pace(result)}
            self.tracker.summarise(reached)
        self.tracker.summarise(self.means.values)
        if (kept := self.kept()) is not None:
            files = [kept.path, kept.weights_file, kept.calibration_file]
            facts = self.facts
            name = f"{facts.architecture}-{facts.data}-{facts.protocol}"
            self.tracker.save_model([file for file in files if file], name)


def _pace(result: FitResult) -> dict[str, float]:
    """Seconds of training and validation; the mean pace of epochs that waited for no compiler."""
    compiled_in = (0, result.resumed_after)
    epochs = [row for place, row in enumerate(result.history) if place not in compiled_in]
    epochs = epochs or result.history
    if not epochs:
        return {}
    here = result.history[result.resumed_after :]
    return {
        "fit_seconds": float(sum(epoch["epoch_seconds"] for epoch in here)),
        "seconds_per_epoch": float(np.mean([epoch["epoch_seconds"] for epoch in epochs])),
        "beats_per_second": float(np.mean([epoch["beats_per_second"] for epoch in epochs])),
    }
