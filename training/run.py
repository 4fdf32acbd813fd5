"""One training run from settings to checkpoint: the phases that all training programs share.

Settings, data, model, fit, evaluation on validation beats, record. `train` goes through them. What
they are for a classifier is in `training.classifier`, for an autoencoder in
`experiments.anomaly_detection.autoencoder`.
"""

import dataclasses
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.metrics import Scores
from heartbeats.beat_set import BeatSet
from models import checkpoints
from models.backend import keras
from models.facts import CheckpointFacts
from training.epochs import FitResult
from training.progress import Progress
from training.recorder import Comparison, Recorder
from training.resume import StateFile, state_file
from training.tracked_run import StopRequest, TrackedRun, tracked_run
from training.tracking import Tracker
from utils.errors import InputError
from utils.paths import shown
from utils.settings import from_mapping
from utils.versions import commit, versions


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on: never a beat of the test set.

    Attributes:
        beats: the whole data set.
        protocol: how it was split.
    """

    beats: BeatSet
    protocol: str


@dataclass(frozen=True)
class Evaluation:
    """How the best weights of a training do.

    Attributes:
        summary: the same in words.
        scores: on the validation beats, where classes are predicted.
    """

    summary: str
    scores: Scores | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run reached.

    Attributes:
        facts: what its checkpoint says, all but what the training reached.
        result: the course of the training.
        evaluation: None where no epoch was finished.
        is_new_best: whether its checkpoint is now the best of its kind.
    """

    facts: CheckpointFacts
    result: FitResult
    evaluation: Evaluation | None
    is_new_best: bool

    @property
    def scores(self) -> Scores | None:
        """On the validation beats; None where there are none."""
        return self.evaluation.scores if self.evaluation else None


@dataclass(frozen=True)
class Run:
    """What the phases of one run work with.

    Attributes:
        settings, data, model: of this run.
        recorder: logs epochs and keeps checkpoints.
        tracker: W&B, or nothing.
        stop: noted requests to end early.
        state_file: where an interrupted training left its state, and this one keeps it.
        progress: shows each epoch.
    """

    settings: Any
    data: Any
    model: keras.Model
    recorder: Recorder
    tracker: Tracker
    stop: StopRequest
    state_file: StateFile | None
    progress: Progress


class Task(ABC):
    """A kind of network, and what the phases of a run are for it.

    Attributes:
        name: under which the checkpoint is kept, e.g. ``cnn``.
        facts_type: of its checkpoint.
    """

    name: str
    facts_type: type[CheckpointFacts] = CheckpointFacts

    @abstractmethod
    def prepare(self, settings: Any) -> TrainingData:
        """The beats that the settings ask for."""

    @abstractmethod
    def build(self, settings: Any, data: Any) -> keras.Model:
        """The network, uncompiled."""

    @abstractmethod
    def facts(self, settings: Any, data: Any) -> dict[str, Any]:
        """What its checkpoint says besides what all say, by field of the facts."""

    @abstractmethod
    def announcement(self, facts: CheckpointFacts, data: Any) -> str:
        """What is trained on what, in a line."""

    @abstractmethod
    def comparison(self, settings: Any) -> Comparison:
        """By what epochs and checkpoints are compared."""

    @abstractmethod
    def fit(self, run: Run) -> FitResult:
        """Train the model in place and leave it with the best weights."""

    @abstractmethod
    def evaluate(self, run: Run, result: FitResult) -> Evaluation:
        """Look at the best weights, which the model holds, and keep what belongs to them."""


def train(
    task: Task,
    settings: Any,
    *,
    group: str | None = None,
    also_keep: Path | None = None,
    label: str = "",
) -> Outcome:
    """One run, from the first phase to the last.

    Args:
        task: what is trained.
        settings: the program's settings; a W&B sweep overrides them.
        group: W&B group of the run.
        also_keep: a folder for this run's own checkpoint, whether or not it is the best of all.
        label: what the lines of progress call the training; the task's name by default.

    Raises:
        InputError: the settings, the data or the W&B key cannot be used.
    """
    with tracked_run(settings, job=f"train-{task.name}", group=group) as tracked:
        if swept := tracked.tracker.swept():
            settings = from_mapping(type(settings), swept, "the sweep's parameters", settings)
        outcome = _phases(task, settings, tracked, also_keep, label or task.name)
        tracked.failed = outcome.result.failed
        return outcome


def _phases(
    task: Task, settings: Any, tracked: TrackedRun, also_keep: Path | None, label: str
) -> Outcome:
    tracker, started = tracked.tracker, time.perf_counter()
    data = task.prepare(settings)
    tracker.summarise({"data_seconds": time.perf_counter() - started})
    keras.utils.set_random_seed(settings.seed)
    model = task.build(settings, data)
    facts = _facts(task, settings, data, model)
    tracker.describe({name: getattr(facts, name) for name in _LOGGED_FACTS})
    print(f"{task.announcement(facts, data)}\nW&B: {tracker.place}")
    comparison = task.comparison(settings)
    recorder = Recorder(model, facts, tracker, comparison, also_keep)
    state = state_file(comparison.identity(facts))
    progress = Progress(label, comparison.metric, settings.epochs)
    run = Run(settings, data, model, recorder, tracker, tracked.stop, state, progress)
    result = task.fit(run)
    evaluation = None if result.best_score is None else task.evaluate(run, result)
    recorder.close(result)
    return Outcome(facts, result, evaluation, recorder.is_new_best)


_LOGGED_FACTS = ("fingerprint", "commit", "parameters", "versions", "architecture")


def _facts(task: Task, settings: Any, data: TrainingData, model: keras.Model) -> CheckpointFacts:
    """What the checkpoint's JSON says, all but what the training reaches."""
    beats = data.beats
    return task.facts_type(
        architecture=task.name,
        data=beats.name,
        fingerprint=beats.fingerprint,
        protocol=data.protocol,
        class_names=tuple(beats.class_names),
        sampling_hz=beats.sampling_hz,
        samples=beats.signals.shape[1],
        monitor=settings.monitor,
        seed=settings.seed,
        split_seed=settings.split_seed,
        parameters=model.count_params(),
        backend=keras.backend.backend(),
        settings=dataclasses.asdict(settings),
        versions=versions(),
        commit=commit(),
        **task.facts(settings, data),
    )


def report(outcome: Outcome) -> int:
    """Print how a run ended; the exit status, 1 where the loss was not finite.

    Raises:
        InputError: the run was stopped before it finished an epoch, so that nothing was reached.
    """
    result, facts = outcome.result, outcome.facts
    name = facts.architecture
    print(f"{name}: {result.ended_by}; {len(result.history)} epochs")
    if outcome.evaluation is None:
        if result.failed:
            print("nothing was reached: try a smaller learning_rate, or clip_norm")
            return 1
        raise InputError(f"{result.ended_by} before the first epoch was done; nothing to keep")
    path = checkpoints.folder_of(facts.data, facts.protocol) / f"{name}.json"
    kept = "the new best" if outcome.is_new_best else "not better than the one in"
    print(f"{outcome.evaluation.summary}; {kept} {shown(path)}")
    return 1 if result.failed else 0
