"""What is stored with a classifier's checkpoint to judge its predictions by.

A threshold on the top probability, a scorer of beats that are out of the training distribution
(OOD), and typical beats of each class. `training.calibration` fits them to a trained network.

The OOD score asks three views of a beat how far it is from the nearest of the training beats'
centres (after Sun Y et al., Out-of-distribution detection with deep nearest neighbors, ICML 2022):
its shape, how much it changes over short and long times, and the network's own embedding. Each
alone is blind somewhere: the embedding takes noise for paced beats, the shape hardly sees fine
noise.
"""

import hashlib
import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from models.checkpoints import Checkpoint
from utils.errors import InputError

# The fields of `OodScorer` that are views.
VIEWS = ("shape", "changes", "embedding")
# A beat's changes are looked at over these numbers of samples: 8 to 533 ms of beats at 120 Hz.
LAGS = (1, 2, 4, 8, 16, 32, 64)
# Keeps logarithms finite: a change this small is none, as beats span [0, 1].
LEAST_CHANGE = 1e-3
# Rows at once, so that distances to all centres stay in the processor's cache.
ROWS = 2048


@dataclass(frozen=True, eq=False)
class View:
    """One description of beats, and where the training beats lie in it.

    Attributes:
        mean, scale: (values,) taken away from each description, and then divided by.
        components: (values, few) orthonormal, the directions in which the training beats vary.
        centres: (centres, few) the middles of the training beats' groups along these directions.
        usual: the median distance of validation beats to their nearest centre.
        spread: how much farther than that the farthest few of them lie.
    """

    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray
    centres: np.ndarray
    usual: float
    spread: float

    def distances(self, described: np.ndarray) -> np.ndarray:
        """(beats,) float32 from (beats, values): how far each is from the nearest centre."""
        placed = (described - self.mean) / self.scale
        inside = placed @ self.components
        # What the components leave is orthogonal to them, and the same for all centres.
        outside = (placed**2).sum(axis=1) - (inside**2).sum(axis=1)
        return np.sqrt(np.maximum(outside, 0) + _nearest(inside, self.centres)[1])

    def excess(self, described: np.ndarray) -> np.ndarray:
        """(beats,) float32: the distance beyond the usual one, in spreads; 0 for usual beats."""
        return np.maximum(self.distances(described) - self.usual, 0) / self.spread


@dataclass(frozen=True, eq=False)
class OodScorer:
    """How far beats are from those that a network was trained on.

    Attributes:
        shape, changes, embedding: the three views.
        limit: the combined excess that has the score 1.
    """

    shape: View
    changes: View
    embedding: View
    limit: float

    def scores(self, embeddings: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """(beats,) float32, above 1 for a beat that is unlike the training beats; never NaN.

        Args:
            embeddings: (beats, values), from `models.predictor.with_embedding`.
            signals: (beats, samples), scaled to [0, 1].
        """
        scores = np.empty(len(signals), np.float32)
        for start in range(0, len(signals), ROWS):
            rows = slice(start, start + ROWS)
            scores[rows] = self._excess(embeddings[rows], signals[rows]) / self.limit
        # What is not a number is certainly unlike all training beats.
        return np.where(np.isnan(scores), np.finfo(np.float32).max, scores)

    def _excess(self, embeddings: np.ndarray, signals: np.ndarray) -> np.ndarray:
        shaped = np.asarray(signals, np.float32)
        return combined(
            self.shape.excess(shaped),
            self.changes.excess(change_sizes(shaped)),
            self.embedding.excess(directions(embeddings)),
        )


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the predictions of one checkpoint are judged by.

    Attributes:
        uncertain_below: a beat whose top probability is less is uncertain.
        typical_signals: (typical, samples) float32, real training beats, by class.
        typical_labels: (typical,) uint8, their classes, ascending; the commonest kind of a class
            comes first.
        ood: scores beats by their distance from the training beats.
    """

    uncertain_below: float
    typical_signals: np.ndarray
    typical_labels: np.ndarray
    ood: OodScorer

    def uncertain(self, probabilities: np.ndarray) -> np.ndarray:
        """(beats,) bool from (beats, classes) probabilities."""
        return probabilities.max(axis=1) < self.uncertain_below

    def nearest_typical(self, signals: np.ndarray) -> np.ndarray:
        """(beats,) int: which of `typical_signals` each of (beats, samples) is most like."""
        return _nearest(np.asarray(signals, np.float32), self.typical_signals)[0]


def combined(*excesses: np.ndarray) -> np.ndarray:
    """(beats,) one number of the views' excesses: the length of the arrow that they make."""
    return np.sqrt(np.sum(np.square(excesses), axis=0))


def change_sizes(signals: np.ndarray) -> np.ndarray:
    """(beats, values): logarithms of a beat's size, its bends and its changes over LAGS."""
    bends = signals[:, 2:] - 2 * signals[:, 1:-1] + signals[:, :-2]
    changes = [signals[:, lag:] - signals[:, :-lag] for lag in LAGS if lag < signals.shape[1]]
    sizes = [
        np.sqrt(np.einsum("ij,ij->i", of, of) / of.shape[1]) for of in (signals, bends, *changes)
    ]
    return np.log(np.stack(sizes, axis=1) + np.float32(LEAST_CHANGE))


def directions(embeddings: np.ndarray) -> np.ndarray:
    """(beats, values) of length 1: networks say what a beat is like by the direction alone."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings, np.float32) / np.maximum(lengths, np.float32(1e-6))


def load(checkpoint: Checkpoint) -> Calibration | None:
    """The calibration of a checkpoint; None where it has none, as older ones.

    Raises:
        InputError: the file that the checkpoint's JSON names is missing or damaged.
    """
    file = checkpoint.calibration_file
    if file is None:
        return None
    way_out = f"fit it again: python -m training.fit_calibration --checkpoint {checkpoint.path}"
    if not file.is_file():
        raise InputError(f"{checkpoint.path} names {file.name}, which is not there; {way_out}")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != checkpoint.facts.calibration_digest:
        raise InputError(
            f"{file} is damaged (its digest is not the one in {checkpoint.path.name}); {way_out}"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return from_arrays(dict(arrays))


def save(calibration: Calibration, file: Path) -> None:
    """Write the arrays of a calibration to `file`, an .npz."""
    with file.open("wb") as opened:
        np.savez_compressed(opened, **to_arrays(calibration))


def to_arrays(calibration: Calibration) -> dict[str, Any]:
    """Flat arrays that `from_arrays` takes; half precision is enough for most."""
    arrays: dict[str, Any] = {
        "uncertain_below": np.float64(calibration.uncertain_below),
        "typical_signals": np.rint(255 * calibration.typical_signals).astype(np.uint8),
        "typical_labels": calibration.typical_labels,
        "limit": np.float64(calibration.ood.limit),
    }
    for name in VIEWS:
        view = getattr(calibration.ood, name)
        for field in fields(View):
            value = np.asarray(getattr(view, field.name))
            arrays[f"{name}.{field.name}"] = value.astype(np.float16) if value.ndim == 2 else value
    return arrays


def from_arrays(arrays: dict[str, np.ndarray]) -> Calibration:
    """The calibration that `to_arrays` took apart."""
    views: dict[str, Any] = {name: _view(arrays, name) for name in VIEWS}
    return Calibration(
        uncertain_below=float(arrays["uncertain_below"]),
        typical_signals=arrays["typical_signals"].astype(np.float32) / np.float32(255),
        typical_labels=arrays["typical_labels"],
        ood=OodScorer(**views, limit=float(arrays["limit"])),
    )


def _view(arrays: dict[str, np.ndarray], name: str) -> View:
    values: dict[str, Any] = {}
    for field in fields(View):
        value = arrays[f"{name}.{field.name}"]
        values[field.name] = value.astype(np.float32) if value.ndim else float(value)
    return View(**values)


def _nearest(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) int of the nearest centre to each row, and (rows,) the squared distance to it."""
    squared = (centres**2).sum(axis=1) - 2 * (rows @ centres.T)
    nearest = squared.argmin(axis=1)
    least = np.take_along_axis(squared, nearest[:, None], axis=1)[:, 0]
    return nearest, np.maximum(least + (rows**2).sum(axis=1), 0)
