"""One training run from settings to checkpoint: the phases that all training programs share.

Settings, data, model, fit, evaluation on validation beats, record. `train` goes through them. What
they are for a classifier is in `training.classifier`, for an autoencoder in
`experiments.anomaly_detection.autoencoder`.
"""

import dataclasses
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from evaluation.metrics import Scores
from evaluation.significance import Interval
from heartbeats.beat_set import BeatSet
from heartbeats.validation import Validation
from models.backend import keras
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from training.epochs import FitResult
from training.progress import Progress
from training.promotion import Promotion, consider, in_a_sweep, place_of
from training.recorder import Comparison, DrawMeans, Recorder
from training.resume import StateFile, state_file
from training.tracked_run import StopRequest, TrackedRun, clear_session, tracked_run
from training.tracking import Tracker
from utils.errors import InputError
from utils.result_file import Identity
from utils.settings import from_mapping
from utils.versions import commit, versions


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on: never a beat of the test set.

    Attributes:
        beats: the whole data set.
        protocol: how it was split.
        chosen_on: which beats stop the training and choose its weights.
    """

    beats: BeatSet
    protocol: str
    chosen_on: Validation


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
        candidate: its checkpoint, where it was kept.
        promotion: whether that was put into use; None where that was not asked.
    """

    facts: CheckpointFacts
    result: FitResult
    evaluation: Evaluation | None
    candidate: Checkpoint | None = None
    promotion: Promotion | None = None

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

    @abstractmethod
    def gain(self, run: Run, candidate: Checkpoint, standing: Checkpoint) -> Interval:
        """How much better than another checkpoint a candidate is, on the beats that chose both."""


def train(
    task: Task,
    settings: Any,
    *,
    group: str | None = None,
    keep_in: Path | None = None,
    label: str = "",
    promotes: bool = True,
) -> Outcome:
    """One run, from the first phase to the last.

    With several `draws` the network is trained on each; what is kept and returned is the first's,
    what is logged is the mean of all.

    Args:
        task: what is trained.
        settings: the program's settings; a W&B sweep overrides them.
        group: W&B group of the run.
        keep_in: a folder for the run's checkpoint; the customary one by default.
        label: what the lines of progress call the training; the task's name by default.
        promotes: whether the checkpoint may be put into use; a sweep's trials never are.

    Raises:
        InputError: the settings, the data or the W&B key cannot be used.
    """
    with tracked_run(settings, job=f"train-{task.name}", group=group) as tracked:
        if swept := tracked.tracker.swept():
            settings = from_mapping(type(settings), swept, "the sweep's parameters", settings)
        draws = getattr(settings, "draws", 1)
        one_run = _OneRun(task, tracked, keep_in, label or task.name, promotes, DrawMeans())
        outcome = one_run.draw(settings, 1)
        last = outcome.result
        for number in range(2, draws + 1):
            if last.failed or last.stopped:
                break
            clear_session()
            last = one_run.draw(settings, number).result
        tracked.failed = last.failed
        return replace(outcome, result=replace(outcome.result, failed=last.failed))


@dataclass(frozen=True)
class _OneRun:
    """What the trainings of a run, one for each draw, have in common."""

    task: Task
    tracked: TrackedRun
    keep_in: Path | None
    label: str
    promotes: bool
    means: DrawMeans

    def draw(self, settings: Any, number: int) -> Outcome:
        """The phases on draw `number`, counted from 1; the first one's network is kept."""
        tracker, started, task = self.tracked.tracker, time.perf_counter(), self.task
        label = self.label
        if number > 1:
            split_seed, seed = settings.split_seed + number - 1, settings.seed + number - 1
            settings = replace(settings, split_seed=split_seed, seed=seed)
            label += f", draw {number} of {settings.draws}"
        data = task.prepare(settings)
        data_seconds = time.perf_counter() - started
        keras.utils.set_random_seed(settings.seed)
        model = task.build(settings, data)
        facts = _facts(task, settings, data, model)
        comparison = task.comparison(settings)
        identity = Identity(comparison.identity(facts))
        place = None
        if number == 1:
            digest = data.chosen_on.digest
            tracker.summarise({"data_seconds": data_seconds, "validation_digest": digest})
            tracker.describe({name: getattr(facts, name) for name in _LOGGED_FACTS})
            print(f"{task.announcement(facts, data)}\nW&B: {tracker.place}")
            place = place_of(facts, identity, self.keep_in)
        recorder = Recorder(model, facts, tracker, comparison, place, self.means)
        run = Run(
            settings,
            data,
            model,
            recorder,
            tracker,
            self.tracked.stop,
            state_file(identity, number),
            Progress(label, comparison.metric, settings.epochs),
        )
        return self._fitted(run, facts)

    def _fitted(self, run: Run, facts: CheckpointFacts) -> Outcome:
        task, recorder = self.task, run.recorder
        result = task.fit(run)
        evaluation = None
        if result.best_score is not None and recorder.place is not None:
            evaluation = task.evaluate(run, result)
        recorder.close(result)
        kept, promotion = recorder.kept(), None
        if kept is not None and self.promotes and not in_a_sweep():
            direction = recorder.comparison.direction
            promotion = consider(kept, direction, partial(task.gain, run))
        return Outcome(facts, result, evaluation, kept, promotion)


_LOGGED_FACTS = (
    "fingerprint",
    "commit",
    "parameters",
    "versions",
    "architecture",
    "validation",
)


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
        validation=data.chosen_on.to_json(),
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
    print(outcome.evaluation.summary)
    if outcome.promotion is not None:
        print(f"{name}: {outcome.promotion.sentence}")
    return 1 if result.failed else 0
