"""Going on after the last finished epoch of a training that was interrupted.

A sweep agent names a folder that outlives interruptions of a trial in `SWEEP_TRIAL_DIR`. One file
in it holds all that the next epoch depends on: weights, running means, the state of the random
generators of dropout, the optimizer's moments and steps, the best weights so far, what the
callbacks count, and the state of Python's `random`, by which Keras' fit orders the batches. What
is in a batch depends on seed and epoch alone.
"""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.backend import keras
from utils.result_file import Identity, IncompatibleState, Result, ResultFile, report_unused

FOLDER_VARIABLE = "SWEEP_TRIAL_DIR"
FILE_NAME = "training.state"
LAYOUT = 1  # one more with every change of what is in the file
# What callbacks of Keras count from epoch to epoch; they forget it when a training begins.
_COUNTED = {
    "early": ("wait", "best", "best_epoch", "stopped_epoch"),
    "plateau": ("wait", "best", "cooldown_counter"),
}
# The arrays of a state, each group in the order of the network or of its optimizer.
_GROUPS = ("variables", "optimizer", "best_weights")


@dataclass(frozen=True)
class TrainingState:
    """A training as it stood after its last finished epoch.

    Attributes:
        history: one dictionary of metrics per finished epoch.
        failure: why the training ended where its loss was not finite, else empty.
        counted: what each callback of `_COUNTED` counts.
        order: the state of Python's `random`.
        variables: the network's variables, in its order, with those of its random generators.
        optimizer: the optimizer's variables, in its order.
        best_weights: the weights that validated best; empty where no epoch was finished.
    """

    history: list[dict[str, float]]
    failure: str
    counted: dict[str, dict[str, Any]]
    order: tuple
    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    best_weights: list[np.ndarray]

    @property
    def stopped_by_patience(self) -> bool:
        """Whether early stopping ended the training."""
        return self.counted["early"]["stopped_epoch"] > 0

    def finished(self, epochs: int) -> bool:
        """Whether nothing is left to train of at most `epochs` epochs."""
        return bool(self.failure) or self.stopped_by_patience or len(self.history) >= epochs

    def put_into(self, network: keras.Model) -> None:
        """Give a network of the same shape these variables, and its optimizer, built, too.

        Raises:
            IncompatibleState: number or shapes of the variables are not the network's.
        """
        pairs = [
            (network.variables, self.variables),
            (network.optimizer.variables, self.optimizer),
            (network.weights if self.best_weights else [], self.best_weights),
        ]
        for variables, values in pairs:
            if [tuple(one.shape) for one in variables] != [one.shape for one in values]:
                raise IncompatibleState("it is of a network of another shape")
        for variables, values in pairs[:2]:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)


class StateFile:
    """Where the state of one training is kept."""

    def __init__(self, path: Path, identity: Identity):
        """identity: what must be the same for a training to go on from a state."""
        self.path = path
        self._file = ResultFile(path, identity.extended(state_layout=LAYOUT))

    def write(self, state: TrainingState) -> None:
        """Put `state` in the place of the one before; raises OSError where that cannot be."""
        facts = {
            "history": state.history,
            "failure": state.failure,
            "counted": state.counted,
            "order": state.order,
        }
        arrays = {
            f"{group}-{number}": array
            for group in _GROUPS
            for number, array in enumerate(getattr(state, group))
        }
        self._file.write(Result(facts, arrays))

    def read(self) -> TrainingState | None:
        """The state kept; None where there is none.

        Raises:
            IncompatibleState: the file is damaged, or of a training with another identity.
        """
        kept = self._file.read()
        if kept is None:
            return None
        facts = {**kept.facts, "order": _random_state(kept.facts["order"])}
        groups: dict[str, Any] = {group: _group(kept.arrays, group) for group in _GROUPS}
        return TrainingState(**facts, **groups)

    def remove(self) -> None:
        """Forget the state, if there is one."""
        self._file.remove()


def state_file(identity: Identity, draw: int = 1) -> StateFile | None:
    """Where the sweep's agent wants a training's state kept; None outside of its trials.

    Args:
        identity: what must be the same for a training to go on from a state.
        draw: of the trainings of one trial, which.
    """
    if not (folder := os.environ.get(FOLDER_VARIABLE)):
        return None
    name = FILE_NAME if draw == 1 else f"draw-{draw}-{FILE_NAME}"
    return StateFile(Path(folder) / name, identity)


def take_up(file: StateFile | None, network: keras.Model, epochs: int) -> TrainingState | None:
    """Bring a compiled network to where an interrupted training stood, and say so.

    Returns:
        the state, or None where the training is to begin with its first epoch.
    """
    try:
        state = file.read() if file else None
        if state:
            state.put_into(network)
            print(f"resumed after epoch {len(state.history)} of {epochs}")
        return state
    except IncompatibleState as problem:
        assert file
        report_unused(file.path, problem, "the training starts from epoch 1")
        return None


class KeepState(keras.callbacks.Callback):
    """Writes the state after every finished epoch; the last of all callbacks.

    An epoch that a stop request cut short is not finished: the state before it stays.
    """

    def __init__(
        self,
        file: StateFile,
        state: TrainingState | None,
        result: Any,
        steps: int,
        callbacks: dict[str, keras.callbacks.Callback],
    ):
        """Keep the state of one training.

        Args:
            file: where.
            state: what the training goes on from, if anything.
            result: the training's `FitResult`.
            steps: batches in an epoch.
            callbacks: by name, those of `_COUNTED` that this training has.
        """
        super().__init__()
        self.file, self.state, self.result, self.steps = file, state, result, steps
        self.callbacks = callbacks
        self.done = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not self.state:
            return
        for name, callback in self.callbacks.items():
            for counter, value in self.state.counted[name].items():
                setattr(callback, counter, value)
        self.callbacks["early"].best_weights = self.state.best_weights or None
        random.setstate(self.state.order)
        self.state = None  # the best weights are now the callback's alone

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.done = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.done += 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.done == self.steps or self.result.failed:
            self.file.write(self._state())

    def _state(self) -> TrainingState:
        network = self.model
        return TrainingState(
            history=self.result.history,
            failure=self.result.ended_by if self.result.failed else "",
            counted={
                name: {counter: getattr(callback, counter) for counter in _COUNTED[name]}
                for name, callback in self.callbacks.items()
            },
            order=random.getstate(),
            variables=_values(network.variables),
            optimizer=_values(network.optimizer.variables),
            best_weights=self.callbacks["early"].best_weights or [],
        )


def _values(variables: list) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _random_state(kept: list) -> tuple:
    """What `random.setstate` takes, from the lists that JSON makes of its tuples."""
    version, words, gauss = kept
    return version, tuple(words), gauss


def _group(arrays: dict[str, np.ndarray], group: str) -> list[np.ndarray]:
    count = sum(name.startswith(f"{group}-") for name in arrays)
    return [arrays[f"{group}-{number}"] for number in range(count)]
