"""The best checkpoint per data set, protocol and architecture: offer one, find one, load one.

A checkpoint is two files: `cnn.json`, which explains it and names its weights file, and
`cnn-<digest>.keras`. The JSON is put in place last and in one step, so a reader sees the old pair
or the new pair, whatever happens in between. A third file may join them in the same way: the
reference `cnn-<digest>.npz`, by which `models.reference` judges predictions.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from models.backend import keras
from utils.errors import InputError
from utils.files import write_json, write_whole
from utils.paths import PROJECT_FOLDER, runs_folder

PRETRAINED_FOLDER = PROJECT_FOLDER / "models" / "pretrained"
LOCK_SECONDS = 60


@dataclass(frozen=True)
class Checkpoint:
    """A saved model: the path of its JSON, and what stands in it."""

    path: Path
    facts: dict[str, Any]

    @property
    def architecture(self) -> str:
        return self.facts["architecture"]

    @property
    def weights_file(self) -> Path:
        return self.path.parent / self.facts["weights_file"]

    @property
    def reference_file(self) -> Path | None:
        """What `models.reference` reads; None for a checkpoint that has no reference."""
        name = self.facts.get("reference_file")
        return self.path.parent / name if name else None

    def load(self) -> keras.Model:
        """The Keras model, uncompiled.

        Raises:
            InputError: the weights file is missing or is not the one that the JSON describes.
        """
        if not self.weights_file.is_file():
            raise InputError(f"{self.path} names {self.weights_file.name}, which is not there")
        if _digest(self.weights_file) != self.facts["weights_digest"]:
            raise InputError(
                f"{self.weights_file} is damaged (its digest is not the one in {self.path.name}); "
                "train again or check the file out again"
            )
        return keras.saving.load_model(self.weights_file, compile=False)


def folder_of(data: str, protocol: str) -> Path:
    """Where the checkpoints trained on `data` under `protocol` lie."""
    return runs_folder() / "checkpoints" / f"{data}-{protocol}"


def read(path: Path) -> Checkpoint:
    """The checkpoint that the JSON file `path` explains; raises InputError where it cannot be."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: no checkpoint there ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: not a checkpoint's JSON: {error}") from error
    missing = {"architecture", "weights_file", "weights_digest", "score"} - set(facts)
    if missing:
        raise InputError(f"{path}: not a checkpoint's JSON: it lacks {', '.join(sorted(missing))}")
    return Checkpoint(path, facts)


def best(data: str, protocol: str, architecture: str) -> Checkpoint | None:
    """The best checkpoint trained here, else the pretrained one, else None."""
    name = f"{architecture}.json"
    for folder in (folder_of(data, protocol), PRETRAINED_FOLDER / f"{data}-{protocol}"):
        if (folder / name).is_file():
            return read(folder / name)
    return None


def offer(
    folder: Path,
    facts: dict[str, Any],
    is_better: Callable[[float, float | None], bool],
    save: Callable[[Path], None],
) -> bool:
    """Put a checkpoint in its place if its score beats the one that stands there.

    A score is compared only with one of the same data (`fingerprint`) and the same `monitor`;
    anything else that stands there is replaced. Safe with any number of processes at once.

    Args:
        folder: from `folder_of`.
        facts: what the JSON will say; among it `architecture`, `score`, `monitor`, `fingerprint`.
        is_better: (candidate, standing or None) -> whether the candidate wins.
        save: writes the weights to the path it is given.

    Returns:
        whether it was taken.
    """
    if not is_better(facts["score"], None):  # NaN never wins, not even a place that is free
        return False
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{facts['architecture']}.json"
    with _locked(path):
        standing = _standing(path)
        if standing and _comparable(standing.facts, facts):
            if not is_better(facts["score"], standing.facts["score"]):
                return False
        _replace(path, facts, save)
        if standing:
            _remove_stale(standing, path)
    return True


def add_reference(
    checkpoint: Checkpoint, facts: dict[str, Any], save: Callable[[Path], None]
) -> bool:
    """Put a reference beside a checkpoint, in the place of the one that it may have.

    Safe with any number of processes at once, as `offer`.

    Args:
        checkpoint: the one that the reference was fitted to.
        facts: what the JSON will say of the reference, under ``reference``.
        save: writes the reference to the path it is given.

    Returns:
        whether it was taken; not where another checkpoint has come in this one's place meanwhile.
    """
    path = checkpoint.path
    with _locked(path):
        standing = read(path)
        if standing.facts["weights_digest"] != checkpoint.facts["weights_digest"]:
            return False
        file, digest = _put(path, ".npz", save)
        named = {"reference": facts, "reference_file": file.name, "reference_digest": digest}
        write_json(path, {**standing.facts, **named})
        _remove_stale(standing, path)
    return True


def _locked(path: Path) -> filelock.BaseFileLock:
    """The lock of all who change the checkpoint whose JSON is at `path`."""
    return filelock.FileLock(path.parent / f".{path.stem}.lock", timeout=LOCK_SECONDS)


def _replace(path: Path, facts: dict[str, Any], save: Callable[[Path], None]) -> None:
    weights, digest = _put(path, ".keras", save)
    write_json(path, {**facts, "weights_file": weights.name, "weights_digest": digest})


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


def _comparable(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(first.get(key) == second.get(key) for key in ("fingerprint", "monitor"))


def _remove_stale(old: Checkpoint, path: Path) -> None:
    """Remove the files of `old` that the JSON at `path` names no more."""
    new = read(path)
    for file in {old.weights_file, old.reference_file} - {new.weights_file, new.reference_file}:
        if file:
            file.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
