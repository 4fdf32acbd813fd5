"""Trainings: labels drawn, a network trained on them, learning rates chosen on validation."""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from evaluation.metrics import score
from experiments.transfer.results import Cell, CellResult, CellStore, score_beats, score_records
from heartbeats.beat_set import BeatSet
from models.backend import keras
from models.predictor import predict
from models.transfer import target_network
from training import loop
from training.batches import Batches
from training.epochs import FiniteLoss, FitResult
from training.settings import TrainingSettings
from training.tracked_run import StopRequest, StopWhenAsked, clear_session
from utils.errors import InputError

LEARNING_RATES = (3e-4, 1e-3, 3e-3)
# Seeds far from those reported, so that the rates were not chosen on the runs they serve.
TUNING_SEEDS = (1000, 1001)
TUNING_FRACTION = 0.1


# Which labels are used.


@dataclass(frozen=True)
class LabelledPart:
    """The beats whose labels are used.

    Attributes:
        positions: (beats,) int, ascending, positions in the beats they were drawn from.
        units: how many patients, or beats where no patient is known, they are of.
        of_units: how many of these there were to draw from.
    """

    positions: np.ndarray
    units: int
    of_units: int


def draw(beats: BeatSet, fraction: float, *, by_patient: bool, seed: int) -> LabelledPart:
    """A fraction of the patients with all their beats, or a fraction of the beats.

    The classes keep their shares as far as whole patients allow, and every class that `beats` has
    is there: where the fraction is too small for that, more patients are used than it says. With
    the same seed a smaller fraction lies within a larger one.

    Args:
        beats: what to draw from, the training part.
        fraction: above 0, at most 1.
        by_patient: whether whole patients are drawn.
        seed: draws them.

    Raises:
        InputError: fewer than two classes occur.
    """
    labels = np.asarray(beats.labels, int)
    if len(np.unique(labels)) < 2:
        found = ", ".join(beats.class_names[label] for label in np.unique(labels)) or "none"
        raise InputError(
            f"the training part of '{beats.name}' has beats of two classes at least; found: "
            f"{found}; check the labels of the data set, or use another"
        )
    owners = np.arange(len(labels))
    if by_patient:
        assert beats.patients is not None
        owners = np.unique(beats.patients, return_inverse=True)[1].reshape(-1)
    has = np.zeros((int(owners.max()) + 1, len(beats.class_names)), bool)
    has[owners, labels] = True
    order = _order(has, np.random.default_rng(seed))
    units = max(round(fraction * len(order)), _fewest(has[order]))
    return LabelledPart(np.flatnonzero(np.isin(owners, order[:units])), units, len(order))


def repeat(positions: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """(count,) of the positions, none a time more than another by two or more."""
    rng = np.random.default_rng(seed)
    rounds = -(-count // len(positions))
    return np.concatenate([rng.permutation(positions) for _ in range(rounds)])[:count]


def _order(has: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(units,) the order to draw units in, whose every beginning holds the classes' shares.

    A unit counts for the rarest class that it has; the first of each class go first of all.

    Args:
        has: (units, classes) bool.
    """
    holders = has.sum(axis=0)
    kind = np.where(has, holders, len(has) + 1).argmin(axis=1)
    turn = np.empty(len(has))
    for one in np.unique(kind):
        of_kind = rng.permutation(np.flatnonzero(kind == one))
        turn[of_kind] = (np.arange(len(of_kind)) + rng.random()) / len(of_kind)
        turn[of_kind[0]] = -1
    return np.lexsort((rng.random(len(has)), turn))


def _fewest(has: np.ndarray) -> int:
    """How many of the first units it takes to see every class that occurs."""
    return int(has.argmax(axis=0)[has.any(axis=0)].max()) + 1


# One training.


class Stopped(Exception):
    """A person asked for the end; the message says how."""


@dataclass(frozen=True)
class Bench:
    """What all trainings of an experiment share.

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

    def train(self, part: LabelledPart, seed: int) -> keras.Model:
        """The network, trained on a part of the training beats; the next call trains it anew.

        The beats are repeated until they fill one epoch of `bench.steps` batches: with a single
        epoch nothing is selected or stopped, so no label beyond those of the part has a say.

        Raises:
            InputError: the loss became NaN or infinite.
            Stopped: a person asked for the end.
        """
        keras.utils.set_random_seed(seed)
        settings = dataclasses.replace(self.settings, seed=seed)
        rows = repeat(part.positions, self.bench.steps * settings.batch_size, seed=seed)
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


def draw_part(bench: Bench, cell: Cell) -> LabelledPart:
    """The beats of the training part whose labels the cell may use, the same for all modes."""
    return draw(bench.train, cell.fraction, by_patient=bench.by_patient, seed=cell.seed)


# The learning rate of each mode.


def tried_rates(bench: Bench, mode: str, store: CellStore) -> dict[float, list[float]]:
    """Learning rate -> validation macro-F1 of each tuning seed; kept in the store once measured.

    Raises:
        InputError, Stopped: as `Trainer.train`.
    """

    def measure() -> dict[float, list[float]]:
        print(f"choosing the learning rate of {mode} on validation", flush=True)
        return {rate: _validated(Trainer(bench, mode, rate)) for rate in LEARNING_RATES}

    return store.scores_of_rates(mode, measure)


def best_rate(tried: dict[float, list[float]]) -> float:
    """The learning rate with the best mean."""
    return max(tried, key=lambda rate: np.mean(tried[rate]))


def _validated(trainer: Trainer) -> list[float]:
    cells = [Cell(trainer.mode, TUNING_FRACTION, seed) for seed in TUNING_SEEDS]
    scores = [validation_macro_f1(trainer, cell) for cell in cells]
    clear_session()
    return scores
