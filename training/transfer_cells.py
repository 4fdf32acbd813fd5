"""One training of a transfer study: drawn labels in, a network out, and its scores."""

import dataclasses
import time
from dataclasses import dataclass

import keras
import numpy as np

from evaluation.metrics import score
from evaluation.transfer.scores import CellResult, score_beats, score_records
from heartbeats.beat_set import BeatSet
from models.inference import predict
from models.transfer import target_network
from training import label_fractions, loop
from training.batches import Batches
from training.fit_result import FiniteLoss, FitResult
from training.settings import TrainingSettings
from training.stopping import StopRequest, StopWhenAsked
from utils.errors import InputError


class Stopped(Exception):
    """A person asked for the end; the message says how."""


@dataclass(frozen=True)
class Bench:
    """What all trainings of a study share.

    Attributes:
        source: the trained network.
        train, validation: parts of the target. The second only chooses learning rates.
        by_patient: whether fractions of the labels are drawn by patient.
        steps: optimiser steps of every training, whatever the fraction.
        settings: of the source's architecture; batches, schedule and augmentation of all.
        stop: noted requests to end early.
    """

    source: keras.Model
    train: BeatSet
    validation: BeatSet
    by_patient: bool
    steps: int
    settings: TrainingSettings
    stop: StopRequest | None = None


@dataclass(frozen=True)
class Cell:
    """Which training: a key of `models.transfer.MODES`, a share of the labels, a seed."""

    mode: str
    fraction: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.mode}-{100 * self.fraction:g}-percent-seed-{self.seed}"


class Trainer:
    """Trains networks of one mode at one learning rate, one after the other.

    All have the same graph, and compiling it takes longer than so short a training: it is done
    once, and each training begins by putting new weights and a new optimizer state into it.
    """

    def __init__(self, bench: Bench, mode: str, learning_rate: float):
        self.bench, self.mode = bench, mode
        self.settings = dataclasses.replace(bench.settings, epochs=1, learning_rate=learning_rate)
        self.model = self._new_model()
        self.network: keras.Model | None = None
        self.untouched: list[np.ndarray] = []

    def train(self, part: label_fractions.LabelledPart, seed: int) -> keras.Model:
        """The network, trained on a part of the training beats; the next call trains it anew.

        The beats are repeated until they fill one epoch of `bench.steps` batches: with a single
        epoch nothing is selected or stopped, so no label beyond those of the part has a say.

        Raises:
            InputError: the loss became NaN or infinite.
            Stopped: a person asked for the end.
        """
        keras.utils.set_random_seed(seed)
        settings = dataclasses.replace(self.settings, seed=seed)
        rows = label_fractions.repeat(
            part.positions, self.bench.steps * settings.batch_size, seed=seed
        )
        beats = self.bench.train.select(rows)
        batches = Batches(beats, settings, self.model)
        network = self._fresh(beats, batches)
        outcome, stop = FitResult(), self.bench.stop
        callbacks: list[keras.callbacks.Callback] = [FiniteLoss(outcome)]
        callbacks += [StopWhenAsked(stop)] if stop else []
        network.fit(batches, epochs=1, callbacks=callbacks, verbose=0)
        if outcome.failed:
            raise InputError(
                f"{self.mode}, seed {seed}: {outcome.ended_by}; try a --learning_rate smaller "
                f"than {settings.learning_rate:g}"
            )
        if stop and stop.reason:
            raise Stopped(stop.reason)
        return self.model

    def _fresh(self, beats: BeatSet, batches: Batches) -> keras.Model:
        """The compiled network with new weights, as if it had never been trained."""
        if self.network is None:
            self.network = loop.compiled(self.model, beats, self.settings, batches)
            self.untouched = [np.array(value) for value in self.network.optimizer.variables]
        for old, new in zip(self.model.variables, self._new_model().variables, strict=True):
            old.assign(new)
        for variable, value in zip(self.network.optimizer.variables, self.untouched, strict=True):
            variable.assign(value)
        return self.network

    def _new_model(self) -> keras.Model:
        return target_network(self.bench.source, len(self.bench.train.class_names), self.mode)


def run_cell(trainer: Trainer, cell: Cell, test: BeatSet) -> tuple[CellResult, np.ndarray]:
    """Train one network and score it on the test beats, which it meets when it is finished.

    Returns:
        the result, and the (beats, classes) probabilities of the test beats.

    Raises:
        InputError, Stopped: as `Trainer.train`.
    """
    part = draw_part(trainer.bench, cell)
    started = time.perf_counter()
    model = trainer.train(part, cell.seed)
    seconds = time.perf_counter() - started
    probabilities = predict(model, test.signals, test.sampling_hz)
    records = trainer.bench.train.records
    result = CellResult(
        **dataclasses.asdict(cell),
        units=part.units,
        of_units=part.of_units,
        beats=len(part.positions),
        records=None if records is None else len(np.unique(records[part.positions])),
        seconds=seconds,
        by_beat=score_beats(test, probabilities),
        by_record=score_records(test, probabilities),
    )
    return result, probabilities


def validation_macro_f1(trainer: Trainer, cell: Cell) -> float:
    """What a training reaches on the target's validation part; raises as `Trainer.train`."""
    model = trainer.train(draw_part(trainer.bench, cell), cell.seed)
    validation = trainer.bench.validation
    predicted = predict(model, validation.signals, validation.sampling_hz).argmax(axis=1)
    return score(np.asarray(validation.labels, int), predicted, validation.class_names).macro_f1


def draw_part(bench: Bench, cell: Cell) -> label_fractions.LabelledPart:
    """The beats of the training part whose labels the cell may use, the same for all modes."""
    return label_fractions.draw(
        bench.train, cell.fraction, by_patient=bench.by_patient, seed=cell.seed
    )
