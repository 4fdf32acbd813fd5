"""The training of a classifier: what the phases of `training.run` are for it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.metrics import DIRECTIONS, LEAST_COUNTED, score
from evaluation.significance import Interval, interval, mean_interval, resample
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from heartbeats.validation import Validation
from models import predictor
from models.backend import keras
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from training import architectures, calibration, loop
from training.epochs import FitResult
from training.promotion import in_a_sweep
from training.recorder import Comparison
from training.run import Evaluation, Run, Task, TrainingData
from training.settings import TrainingSettings
from utils.errors import InputError
from utils.paths import shown
from utils.settings import from_mapping

# What two trainings share, beside their settings, if one may go on from the other's state.
IDENTIFYING_FACTS = (
    "architecture",
    "data",
    "fingerprint",
    "protocol",
    "samples",
    "training_beats",
    "validation_beats",
    "backend",
)
# The settings that say which beats trained and which validated.
SPLITTING = ("split_seed", "validation_share", "train_limit")


@dataclass(frozen=True)
class LabelledBeats(TrainingData):
    """What a classifier trains on, and what stops its training and selects its weights."""

    train: BeatSet
    validation: BeatSet


def prepare(settings: TrainingSettings) -> LabelledBeats:
    """The training and validation beats that the settings ask for.

    Raises:
        InputError: the data set or the protocol is not there.
    """
    beats = catalog.load(settings.data)
    protocol = settings.protocol or splits.allowed(beats)[0]
    train, validation = splits.development(
        beats, protocol, seed=settings.split_seed, validation_share=settings.validation_share
    )
    if settings.train_limit and settings.train_limit < len(train):
        train = splits.subsample(beats, train, settings.train_limit, seed=settings.split_seed)
    chosen_on = Validation.of(
        beats, protocol, settings.split_seed, settings.validation_share, validation
    )
    return LabelledBeats(beats, protocol, chosen_on, beats.select(train), beats.select(validation))


def training_beats(checkpoint: Checkpoint) -> LabelledBeats:
    """The beats that trained the checkpoint and those that chose it.

    Raises:
        InputError: the data set is not the one that the checkpoint was trained on.
    """
    facts = checkpoint.facts
    if not (facts.says("settings") and facts.says("protocol")):
        raise InputError(f"{shown(checkpoint.path)} does not say how its data were split")
    values = {name: facts.settings[name] for name in SPLITTING if name in facts.settings}
    values |= {"data": facts.data, "protocol": facts.protocol, "split_seed": facts.chosen_on.seed}
    found = prepare(from_mapping(TrainingSettings, values, str(checkpoint.path)))
    if found.beats.fingerprint != facts.fingerprint:
        raise InputError(
            f"{shown(checkpoint.path)} was trained on '{facts.data}' with fingerprint "
            f"{facts.fingerprint}, but the data set here has {found.beats.fingerprint}; "
            "set ECG_DATA to the data that it was trained on"
        )
    return found


class Classifier(Task):
    """One of `training.architectures`."""

    def __init__(self, name: str):
        self.name = name

    def prepare(self, settings: TrainingSettings) -> LabelledBeats:
        return prepare(settings)

    def build(self, settings: TrainingSettings, data: LabelledBeats) -> keras.Model:
        samples, classes = data.beats.signals.shape[1], len(data.beats.class_names)
        return architectures.find(self.name).build(settings, samples, classes)

    def facts(self, settings: TrainingSettings, data: LabelledBeats) -> dict[str, Any]:
        return {
            "scaling": "each beat by its own minimum and maximum to [0, 1], zeros behind its end",
            "training_beats": len(data.train),
            "validation_beats": len(data.validation),
        }

    def announcement(self, facts: CheckpointFacts, data: LabelledBeats) -> str:
        kind = "synthetic beats" if data.beats.is_synthetic else "beats"
        return (
            f"{self.name} with {facts.parameters:,} parameters on {data.beats.name}: "
            f"{len(data.train):,} training and {len(data.validation):,} validation {kind}, "
            f"{PROTOCOLS[data.protocol]}"
        )

    def comparison(self, settings: TrainingSettings) -> Comparison:
        return Comparison(settings.monitor, DIRECTIONS[settings.monitor], IDENTIFYING_FACTS)

    def fit(self, run: Run) -> FitResult:
        return loop.fit(
            run.model,
            run.data.train,
            run.data.validation,
            run.settings,
            on_epoch=run.recorder.epoch,
            on_best=run.recorder.offer,
            stop=run.stop,
            state_file=run.state_file,
            progress=run.progress,
        )

    def evaluate(self, run: Run, result: FitResult) -> Evaluation:
        """Scores on the validation beats, and the calibration of the kept checkpoints."""
        run.recorder.claim(result)
        evaluation = self._score(run, result)
        if not result.stopped:  # who asked for the end waits; `fit_calibration` can do it later
            _calibrate(run)
        return evaluation

    def _score(self, run: Run, result: FitResult) -> Evaluation:
        beats = run.data.validation
        title = f"{self.name}, validation beats of {beats.name}, protocol {run.data.protocol}"
        labels = np.asarray(beats.labels, int)
        run.tracker.confusion(labels, result.predicted, beats.class_names, title)
        scores = score(labels, result.predicted, beats.class_names)
        run.tracker.summarise(
            {f"best_val_f1_{one.name}": one.f1 for one in scores.classes if one.support}
        )
        summary = (
            f"best validation macro-F1 {scores.validation_macro_f1:.4f}, accuracy "
            f"{scores.accuracy:.4f} in epoch {result.best_epoch}"
        )
        return Evaluation(summary, scores)

    def gain(self, run: Run, candidate: Checkpoint, standing: Checkpoint) -> Interval:
        return gain(candidate, standing, run.data.validation, run.data.protocol)


def _calibrate(run: Run) -> None:
    """Fit what predictions are judged by, while the model holds the weights that are kept.

    Not in a sweep: its trials are many, and what is promoted of them is calibrated then.
    """
    kept = None if in_a_sweep() else run.recorder.kept()
    fitted = calibration.fit(run.model, run.data.train, run.data.validation) if kept else None
    if kept is not None and fitted is not None:
        calibration.keep(fitted, kept)


def gain(one: Checkpoint, other: Checkpoint, beats: BeatSet, protocol: str) -> Interval:
    """How much better the first classifier is, with a paired bootstrap over the beats or patients.

    Args:
        one, other: classifiers that were chosen by the same score on the same beats.
        beats: those.
        protocol: under `patients`, whole patients are drawn.
    """
    monitor = one.facts.monitor
    if monitor == "val_macro_f1":  # as training counts it
        shares = np.bincount(beats.labels, minlength=len(beats.class_names)) / len(beats)
        beats = beats.select(np.flatnonzero(shares[beats.labels] >= LEAST_COUNTED))
    labels = np.asarray(beats.labels, int)
    patients = beats.patients if protocol == "patients" else None
    both = [predictor.Classifier(each).probabilities(beats.signals) for each in (one, other)]
    if monitor == "val_loss":
        first, second = (
            -np.log(np.maximum(each[np.arange(len(labels)), labels], 1e-12)) for each in both
        )
        return mean_interval(second - first, patients=patients)
    predicted = [each.argmax(axis=1) for each in both]
    drawn = resample(labels, predicted, len(beats.class_names), patients=patients)
    of_all = drawn.macro_f1 if monitor == "val_macro_f1" else drawn.accuracy
    scores = [score(labels, each, beats.class_names) for each in predicted]
    values = [each.macro_f1 if monitor == "val_macro_f1" else each.accuracy for each in scores]
    return interval(values[0] - values[1], of_all[0] - of_all[1])
