"""One checkpoint per data set, protocol and architecture: offer one, find one, load one.

A checkpoint is two files: `cnn.json`, which explains it and names its weights file, and
`cnn-<digest>.keras`. The JSON is put in place last and in one step, so a reader sees the old pair
or the new pair, whatever happens in between. A third file may join them in the same way: the
calibration `cnn-<digest>.npz`, which `models.calibration` reads.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from models import facts as checkpoint_facts
from models.facts import AutoencoderFacts, BeatFormat, CheckpointFacts
from utils.errors import InputError
from utils.files import write_json, write_whole
from utils.paths import PROJECT_FOLDER, runs_folder, shown

if TYPE_CHECKING:
    from models.backend import keras

PRETRAINED_FOLDER = PROJECT_FOLDER / "models" / "pretrained"
LOCK_SECONDS = 60


@dataclass(frozen=True)
class Checkpoint:
    """A saved model: the path of its JSON, and what it says."""

    path: Path
    facts: CheckpointFacts

    @property
    def id(self) -> str:
        """What the service calls it: its folder and architecture, e.g. ``mitbih-kaggle/cnn``."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def architecture(self) -> str:
        return self.facts.architecture

    @property
    def is_anomaly_detector(self) -> bool:
        """Whether it reconstructs beats; else it classifies them."""
        return isinstance(self.facts, AutoencoderFacts)

    @property
    def weights_file(self) -> Path:
        return self.path.parent / self.facts.weights_file

    @property
    def calibration_file(self) -> Path | None:
        """What `models.calibration` reads; None for a checkpoint that has none."""
        if not self.facts.says("calibration_file"):
            return None
        return self.path.parent / self.facts.calibration_file

    @property
    def beat_format(self) -> BeatFormat:
        """The beats that the network takes; raises InputError where the JSON does not say it."""
        self.require("class_names", "sampling_hz", "samples")
        facts = self.facts
        assert facts.sampling_hz is not None and facts.samples is not None  # as required
        return BeatFormat(facts.class_names, facts.sampling_hz, facts.samples)

    def require(self, *names: str) -> None:
        """Raise InputError, which lists them, where facts of these names are unknown."""
        missing = [name for name in names if not self.facts.says(name)]
        if missing:
            raise InputError(f"{shown(self.path)} does not say its {', '.join(sorted(missing))}")

    def load(self) -> "keras.Model":
        """The Keras model, uncompiled.

        Raises:
            InputError: the weights file is missing or is not the one that the JSON describes.
        """
        if not self.weights_file.is_file():
            raise InputError(f"{self.path} names {self.weights_file.name}, which is not there")
        if _digest(self.weights_file) != self.facts.weights_digest:
            raise InputError(
                f"{self.weights_file} is damaged (its digest is not the one in {self.path.name}); "
                "train again or check the file out again"
            )
        # Imported late: Keras takes seconds, and what a checkpoint says is known without it.
        from models.backend import keras

        return keras.saving.load_model(self.weights_file, compile=False)


def folder_of(data: str, protocol: str) -> Path:
    """Where the checkpoints in use lie that were trained on `data` under `protocol`."""
    return runs_folder() / "checkpoints" / f"{data}-{protocol}"


def read(path: Path) -> Checkpoint:
    """The checkpoint that the JSON file `path` explains; raises InputError where it cannot be."""
    try:
        return Checkpoint(path, checkpoint_facts.read(json.loads(path.read_text("utf-8"))))
    except OSError as error:
        raise InputError(f"{path}: no checkpoint there ({error.strerror})") from error
    except ValueError as error:  # an InputError is one
        raise InputError(f"{path}: not a checkpoint's JSON: {error}") from error


def best(data: str, protocol: str, architecture: str) -> Checkpoint | None:
    """The checkpoint in use: one that was trained here, else the pretrained one, else None."""
    name = f"{architecture}.json"
    for folder in (folder_of(data, protocol), PRETRAINED_FOLDER / f"{data}-{protocol}"):
        if (folder / name).is_file():
            return read(folder / name)
    return None


def offer(
    folder: Path,
    facts: CheckpointFacts,
    is_better: Callable[[float, float | None], bool],
    save: Callable[[Path], None],
    *,
    replaces: bool = False,
) -> bool:
    """Put a checkpoint in its place if its score beats the one that stands there.

    Scores are compared only where they are of the same beats and the same `monitor`; a checkpoint
    that the score cannot be compared with stays. Safe with any number of processes at once.

    Args:
        folder: of the candidates.
        facts: what the JSON will say, with a score; the names of files are added here.
        is_better: (candidate, standing or None) -> whether the candidate wins.
        save: writes the weights to the path it is given.
        replaces: whether what stands there gives way whatever its score.

    Returns:
        whether it was taken.
    """
    if not is_better(facts.score, None):  # NaN never wins, not even a place that is free
        return False
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{facts.architecture}.json"
    with _locked(path):
        standing = _standing(path)
        if standing and not replaces:
            if not _comparable(standing.facts, facts):
                return False
            if not is_better(facts.score, standing.facts.score):
                return False
        _replace(path, facts, save)
        if standing:
            _remove_stale(standing, path)
    return True


def put(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """Copy a checkpoint into a folder, in the place of what stands there; the copy.

    Safe with any number of processes at once. A reader sees the old files or the new ones, with
    the calibration from the first moment.

    Args:
        checkpoint: whose files are copied; the JSON says what its facts say.
        folder: e.g. from `folder_of`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{checkpoint.architecture}.json"
    facts = checkpoint.facts
    with _locked(path):
        standing = _standing(path)
        weights, digest = _put(path, ".keras", partial(shutil.copyfile, checkpoint.weights_file))
        facts = replace(facts, weights_file=weights.name, weights_digest=digest)
        if (calibration := checkpoint.calibration_file) is not None:
            file, digest = _put(path, ".npz", partial(shutil.copyfile, calibration))
            facts = replace(facts, calibration_file=file.name, calibration_digest=digest)
        write_json(path, facts.to_json())
        if standing:
            _remove_stale(standing, path)
    return read(path)


def add_calibration(
    checkpoint: Checkpoint, figures: Mapping[str, Any], save: Callable[[Path], None]
) -> bool:
    """Put a calibration beside a checkpoint, in the place of the one that it may have.

    Safe with any number of processes at once, as `offer`.

    Args:
        checkpoint: the one that the calibration was fitted to.
        figures: what the JSON will say of the fit.
        save: writes the calibration to the path it is given.

    Returns:
        whether it was taken; not where another checkpoint has come in this one's place meanwhile.
    """
    path = checkpoint.path
    with _locked(path):
        standing = read(path)
        if standing.facts.weights_digest != checkpoint.facts.weights_digest:
            return False
        file, digest = _put(path, ".npz", save)
        named = replace(
            standing.facts,
            calibration=figures,
            calibration_file=file.name,
            calibration_digest=digest,
        )
        write_json(path, named.to_json())
        _remove_stale(standing, path)
    return True


def _locked(path: Path) -> filelock.BaseFileLock:
    """The lock of all who change the checkpoint whose JSON is at `path`."""
    return filelock.FileLock(path.parent / f".{path.stem}.lock", timeout=LOCK_SECONDS)


def _replace(path: Path, facts: CheckpointFacts, save: Callable[[Path], None]) -> None:
    weights, digest = _put(path, ".keras", save)
    named = replace(facts, weights_file=weights.name, weights_digest=digest)
    write_json(path, named.to_json())


def _put(path: Path, suffix: str, save: Callable[[Path], None]) -> tuple[Path, str]:
    """Let `save` write a neighbour of the JSON at `path`, named by its digest; both of them."""
    draft = path.parent / f".{path.stem}-draft{suffix}"  # the lock makes it ours
    try:
        write_whole(draft, save)
        digest = _digest(draft)
        file = path.parent / f"{path.stem}-{digest[:8]}{suffix}"
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file, digest


def _standing(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`, or None where there is none that could be loaded."""
    try:
        standing = read(path)
    except InputError:
        return None
    return standing if standing.weights_file.is_file() else None


def _comparable(first: CheckpointFacts, second: CheckpointFacts) -> bool:
    return first.monitor == second.monitor and not first.chosen_on.differs_from(second.chosen_on)


def _remove_stale(old: Checkpoint, path: Path) -> None:
    """Remove the files of `old` that the JSON at `path` names no more."""
    new = read(path)
    kept = {new.weights_file, new.calibration_file}
    for file in {old.weights_file, old.calibration_file} - kept:
        if file:
            file.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
