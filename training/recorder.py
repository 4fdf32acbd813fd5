"""Logs the epochs of a training run, and offers its weights as checkpoints after each new best."""

import dataclasses
import datetime
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.metrics import better, better_by
from models import checkpoints
from models.backend import keras
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from training.epochs import FitResult
from training.tracking import Tracker


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
        settings = {key: value for key, value in facts.settings.items() if key != "tracking"}
        named = {name: getattr(facts, name) for name in self.identifying_facts}
        return {**named, "settings": settings}


class Recorder:
    """Logs every epoch, and offers weights as a checkpoint.

    Attributes:
        best_metrics: of the best epoch so far, their names with `best_` in front.
        is_new_best: whether an offer of this run was taken as the best of its kind.
        folder: of the best checkpoints for the data and the protocol.
    """

    def __init__(
        self,
        model: keras.Model,
        facts: CheckpointFacts,
        tracker: Tracker,
        comparison: "Comparison",
        also_keep: Path | None = None,
    ):
        """A recorder of one run.

        Args:
            model: whose weights are offered.
            facts: what a checkpoint's JSON says, all but what the training reaches.
            tracker: gets the numbers.
            comparison: with what this run's epochs and checkpoint are compared, and by what.
            also_keep: a folder for this run's own checkpoint, whether or not it is the best.
        """
        self.model, self.facts, self.tracker = model, facts, tracker
        self.comparison, self.also_keep = comparison, also_keep
        self.best_metrics: dict[str, float] = {}
        self.is_new_best = False
        self.created = ""
        self.folder = checkpoints.folder_of(facts.data, facts.protocol)

    def epoch(self, metrics: dict[str, float]) -> None:
        """Log an epoch's metrics, with those of the best epoch so far as `best_...`."""
        metric = self.comparison.metric
        if better(metric, metrics[metric], self.best_metrics.get(f"best_{metric}")):
            self.best_metrics = {
                f"best_{name}": value
                for name, value in metrics.items()
                if name.startswith("val_") or name == "epoch"
            }
        self.tracker.log({**metrics, **self.best_metrics})

    def offer(self, score: float, **reached: Any) -> None:
        """Offer the weights that the model holds, those of the best epoch.

        Args:
            score: compares the checkpoint with others.
            reached: what else the JSON says of them; fields of the facts.
        """
        self.created = datetime.datetime.now(datetime.UTC).isoformat()
        facts = dataclasses.replace(
            self.facts,
            score=score,
            epoch=int(self.best_metrics["best_epoch"]),
            created=self.created,
            **reached,
        )
        self.is_new_best |= self._offer(self.folder, facts)
        if self.also_keep:
            self._offer(self.also_keep, facts)

    def _offer(self, folder: Path, facts: CheckpointFacts) -> bool:
        wins = partial(better_by, self.comparison.direction)
        return checkpoints.offer(folder, facts, wins, lambda path: self.model.save(path))

    def claim(self, result: FitResult) -> None:
        """Recognise the checkpoint that this training left before it was interrupted."""
        path = self.folder / f"{self.facts.architecture}.json"
        if self.is_new_best or not result.resumed_after:
            return
        if result.best_score is None or not path.is_file():
            return
        standing = checkpoints.read(path).facts
        same = (standing.score, standing.epoch) == (result.best_score, result.best_epoch)
        identity = self.comparison.identity
        if same and identity(standing) == identity(self.facts):
            self.is_new_best, self.created = True, standing.created

    def kept(self) -> list[Checkpoint]:
        """The checkpoints of this run: the best one if it is this run's, and its own one."""
        return [found for found in (self._best(), self._own()) if found is not None]

    def close(self, result: FitResult) -> None:
        """Log the final numbers, and the model where this run's checkpoint is the best."""
        self.tracker.summarise({"ended_by": result.ended_by, **self.best_metrics, **_pace(result)})
        if (best := self._best()) is not None:
            files = [best.path, best.weights_file, best.calibration_file]
            name = f"{self.facts.architecture}-{self.folder.name}"
            self.tracker.save_model([file for file in files if file], name)

    def _best(self) -> Checkpoint | None:
        """The best checkpoint if it is this run's; another agent may have put a better one."""
        return self._mine(self.folder) if self.is_new_best else None

    def _own(self) -> Checkpoint | None:
        """This run's checkpoint in the folder of its own."""
        return self._mine(self.also_keep) if self.also_keep and self.created else None

    def _mine(self, folder: Path) -> Checkpoint | None:
        found = checkpoints.read(folder / f"{self.facts.architecture}.json")
        return found if found.facts.created == self.created else None


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
