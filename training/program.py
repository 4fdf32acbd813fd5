"""One training run from settings to checkpoint: the phases that all training programs share."""

import dataclasses
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from evaluation.metrics import Scores, better, score
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from models import checkpoints
from models.checkpoints import Checkpoint
from training import calibration, loop
from training.fit_history import FitResult
from training.resume import state_file
from training.settings import TrainingSettings, from_mapping
from training.tracked_run import TrackedRun, tracked_run, verbosity
from training.tracking import Tracker
from utils.errors import InputError
from utils.paths import shown
from utils.versions import commit, versions

Build = Callable[..., keras.Model]


@dataclass(frozen=True)
class Outcome:
    """What a run reached.

    Attributes:
        data, protocol: what it trained on.
        scores: how the best weights do on validation; None where no epoch was finished.
        result: the course of the training.
        is_new_best: whether its checkpoint is now the best of its kind.
    """

    data: str
    protocol: str
    scores: Scores | None
    result: FitResult
    is_new_best: bool


@dataclass(frozen=True)
class Material:
    """What a run trains on: never a beat of the test set."""

    beats: BeatSet
    train: BeatSet
    validation: BeatSet
    protocol: str


def run(
    architecture: str,
    build: Build,
    settings: TrainingSettings,
    *,
    group: str | None = None,
    also_keep: Path | None = None,
    verbose: int | None = None,
) -> Outcome:
    """Settings, data, model, fit, evaluation on validation, record.

    Args:
        architecture: the name under which the checkpoint is kept, e.g. ``cnn``.
        build: (settings, samples, classes) -> uncompiled model.
        settings: the program's settings; a W&B sweep overrides them.
        group: W&B group of the run.
        also_keep: a folder for this run's own checkpoint, whether or not it is the best of all.
        verbose: as in Keras' fit; by default a progress bar on a terminal, else a line per epoch.

    Raises:
        InputError: the settings, the data or the W&B key cannot be used.
    """
    verbose = verbosity() if verbose is None else verbose
    with tracked_run(settings, job=f"train-{architecture}", group=group) as own:
        if swept := own.tracker.swept():
            settings = from_mapping(type(settings), swept, "the sweep's parameters", settings)
        outcome = _train(architecture, build, settings, own, also_keep, verbose)
        own.failed = outcome.result.failed
        return outcome


def prepare(settings: TrainingSettings) -> Material:
    """The training and validation beats that the settings ask for."""
    beats = catalog.load(settings.data)
    protocol = settings.protocol or splits.allowed(beats)[0]
    train, validation = splits.development(
        beats, protocol, seed=settings.split_seed, validation_share=settings.validation_share
    )
    if settings.train_limit and settings.train_limit < len(train):
        train = splits.few(beats, train, settings.train_limit, seed=settings.split_seed)
    return Material(beats, beats.select(train), beats.select(validation), protocol)


def _train(
    architecture: str,
    build: Build,
    settings: TrainingSettings,
    own: TrackedRun,
    also_keep: Path | None,
    verbose: int,
) -> Outcome:
    tracker = own.tracker
    started = time.perf_counter()
    material = prepare(settings)
    tracker.summarise({"data_seconds": time.perf_counter() - started})
    keras.utils.set_random_seed(settings.seed)
    model = build(settings, material.beats.signals.shape[1], len(material.beats.class_names))
    facts = _facts(architecture, settings, material, model)
    tracker.describe({key: facts[key] for key in _LOGGED_FACTS})
    _announce(architecture, material, model, tracker)
    record = Recorder(model, facts, settings.monitor, tracker, also_keep)
    result = loop.fit(
        model,
        material.train,
        material.validation,
        settings,
        on_epoch=record.epoch,
        on_best=record.best,
        stop=own.stop,
        state_file=state_file(_identity(facts)),
        verbose=verbose,
    )
    scores = _score(material, result, tracker, architecture)
    record.claim(result)
    record.explain(result, material)
    record.close(result, scores)
    return Outcome(material.beats.name, material.protocol, scores, result, record.is_new_best)


class Recorder:
    """Logs every epoch and offers every new best as a checkpoint: a kill loses nothing earned."""

    def __init__(
        self,
        model: keras.Model,
        facts: dict,
        monitor: str,
        tracker: Tracker,
        also_keep: Path | None = None,
    ):
        self.model, self.facts, self.monitor, self.tracker = model, facts, monitor, tracker
        self.also_keep = also_keep
        self.best_metrics: dict[str, float] = {}
        self.is_new_best = False
        self.created = ""
        self.folder = checkpoints.folder_of(facts["data"], facts["protocol"])

    def epoch(self, metrics: dict[str, float]) -> None:
        """Log an epoch's metrics, with those of the best epoch so far as `best_...`."""
        standing = self.best_metrics.get(f"best_{self.monitor}")
        if better(self.monitor, metrics[self.monitor], standing):
            self.best_metrics = {
                f"best_{name}": value
                for name, value in metrics.items()
                if name.startswith("val_") or name == "epoch"
            }
        self.tracker.log({**metrics, **self.best_metrics})

    def best(self, value: float) -> None:
        """Offer the weights that the model holds."""
        self.created = datetime.datetime.now(datetime.UTC).isoformat()
        facts = {
            **self.facts,
            "score": value,
            "epoch": self.best_metrics["best_epoch"],
            "created": self.created,
        }
        self.is_new_best |= self._offer(self.folder, facts)
        if self.also_keep:
            self._offer(self.also_keep, facts)

    def _offer(self, folder: Path, facts: dict) -> bool:
        wins = partial(better, self.monitor)
        return checkpoints.offer(folder, facts, wins, lambda path: self.model.save(path))

    def close(self, result: FitResult, scores: Scores | None) -> None:
        """Final scalars, and the model artifact where this run's checkpoint is the best."""
        self.tracker.summarise({"ended_by": result.ended_by, **self.best_metrics, **_pace(result)})
        if scores:
            self.tracker.summarise(
                {f"best_val_f1_{one.name}": one.f1 for one in scores.classes if one.support}
            )
        if (standing := self._standing()) is not None:
            self._save_model(standing)

    def claim(self, result: FitResult) -> None:
        """Know the checkpoint again that this training left before it was interrupted."""
        path = self.folder / f"{self.facts['architecture']}.json"
        if self.is_new_best or not result.resumed_after:
            return
        if result.best_score is None or not path.is_file():
            return
        standing = checkpoints.read(path).facts
        mine = {**self.facts, "score": result.best_score, "epoch": result.best_epoch}
        same = all(standing.get(key) == mine[key] for key in ("score", "epoch"))
        if same and _identity(standing) == _identity(mine):
            self.is_new_best, self.created = True, standing["created"]

    def explain(self, result: FitResult, material: Material) -> None:
        """Put a reference beside the kept checkpoints, while the model holds their weights.

        Not after a stop: who asked for it waits, and `training.fit_calibration` can do it later.
        """
        kept = [found for found in (self._standing(), self._own()) if found is not None]
        if not kept or result.stopped:
            return
        fitted = calibration.fit(self.model, material.train, material.validation)
        if fitted is not None:
            for checkpoint in kept:
                calibration.keep(fitted, checkpoint)

    def _standing(self) -> Checkpoint | None:
        """The best checkpoint if it is this run's; another agent may have put a better one."""
        return self._mine(self.folder) if self.is_new_best else None

    def _own(self) -> Checkpoint | None:
        """This run's checkpoint in the folder of its own."""
        return self._mine(self.also_keep) if self.also_keep and self.created else None

    def _mine(self, folder: Path) -> Checkpoint | None:
        found = checkpoints.read(folder / f"{self.facts['architecture']}.json")
        return found if found.facts["created"] == self.created else None

    def _save_model(self, standing: Checkpoint) -> None:
        """Track the best checkpoint."""
        files = [standing.path, standing.weights_file, standing.reference_file]
        name = f"{self.facts['architecture']}-{self.folder.name}"
        self.tracker.save_model([file for file in files if file], name)


_LOGGED_FACTS = ("fingerprint", "commit", "parameters", "versions", "architecture")


_IDENTIFYING_FACTS = (
    "architecture",
    "data",
    "fingerprint",
    "protocol",
    "samples",
    "training_beats",
    "validation_beats",
    "backend",
)


def _facts(
    architecture: str, settings: TrainingSettings, material: Material, model: keras.Model
) -> dict:
    """What the checkpoint's JSON says, all but the score."""
    beats = material.beats
    return {
        "architecture": architecture,
        "data": beats.name,
        "fingerprint": beats.fingerprint,
        "protocol": material.protocol,
        "class_names": list(beats.class_names),
        "sampling_hz": beats.sampling_hz,
        "samples": beats.signals.shape[1],
        "scaling": "each beat by its own minimum and maximum to [0, 1], zeros behind its end",
        "monitor": settings.monitor,
        "seed": settings.seed,
        "split_seed": settings.split_seed,
        "training_beats": len(material.train),
        "validation_beats": len(material.validation),
        "parameters": model.count_params(),
        "backend": keras.backend.backend(),
        "settings": dataclasses.asdict(settings),
        "versions": versions(),
        "commit": commit(),
    }


def _identity(facts: dict) -> dict:
    """What two trainings share if one may go on from the other's state."""
    settings = {
        key: value for key, value in facts.get("settings", {}).items() if key != "tracking"
    }
    return {**{key: facts.get(key) for key in _IDENTIFYING_FACTS}, "settings": settings}


def _announce(architecture: str, material: Material, model: keras.Model, tracker: Tracker) -> None:
    beats, origin = material.beats, "synthetic beats" if material.beats.is_synthetic else "beats"
    print(
        f"{architecture} with {model.count_params():,} parameters on {beats.name}: "
        f"{len(material.train):,} training and {len(material.validation):,} validation {origin}, "
        f"{PROTOCOLS[material.protocol]}\nW&B: {tracker.place}"
    )


def _score(
    material: Material,
    result: FitResult,
    tracker: Tracker,
    architecture: str,
) -> Scores | None:
    if result.best_score is None:
        return None
    beats = material.validation
    title = f"{architecture}, validation beats of {beats.name}, protocol {material.protocol}"
    labels = np.asarray(beats.labels, int)
    tracker.confusion(labels, result.predicted, beats.class_names, title)
    return score(labels, result.predicted, beats.class_names)


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


def tell(architecture: str, outcome: Outcome) -> int:
    """Print how a run ended; the exit status, 1 where the loss was not finite.

    Raises:
        InputError: the run was stopped before it finished an epoch, so that nothing was reached.
    """
    result = outcome.result
    print(f"{architecture}: {result.ended_by}; {len(result.history)} epochs")
    if outcome.scores is None:
        if result.failed:
            print("nothing was reached: try a smaller learning_rate, or clip_norm")
            return 1
        raise InputError(f"{result.ended_by} before the first epoch was done; nothing to keep")
    path = checkpoints.folder_of(outcome.data, outcome.protocol) / f"{architecture}.json"
    kept = "the new best" if outcome.is_new_best else "not better than the one that stands in"
    print(
        f"best validation macro-F1 {outcome.scores.macro_f1:.4f}, accuracy "
        f"{outcome.scores.accuracy:.4f} in epoch {result.best_epoch}; {kept} {shown(path)}"
    )
    return 1 if result.failed else 0
