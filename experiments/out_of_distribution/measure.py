"""How well scores tell beats that a network knows nothing of from those that it knows.

Known beats are validation beats or test beats, strange ones are ruined ones of these and beats of
other data sets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from sklearn.metrics import roc_auc_score

from experiments.out_of_distribution.distance_scores import SCORES, Score, Seen
from heartbeats import augment, catalog, splits
from heartbeats.augment import own_samples, values_at
from heartbeats.beat_set import BeatSet, beat_lengths
from models import calibration as stored_calibration
from models import checkpoints
from models.calibration import VIEWS, Calibration, View, change_sizes, combined, directions
from models.predictor import predict_with_embedding
from training import calibration
from training.classifier import LabelledBeats, training_beats
from utils.console import new_console
from utils.errors import InputError
from utils.paths import shown

# Noise as strong as four times the beat.
NOISE_DB = -6.0
# Tones of test generators, hertz.
LOWEST_HZ, HIGHEST_HZ = 0.5, 20.0


def made_from(
    beats: np.ndarray, sampling_hz: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Name -> (beats, samples) float32 in [0, 1], as many of each kind as there are beats.

    Args:
        beats: (beats, samples) float32, real ones, which some kinds ruin.
        sampling_hz: samples per second.
        rng: draws noise and tones.
    """
    shape, own = beats.shape, own_samples(beats)
    noise = _scaled(rng.standard_normal(shape))
    tones = _tones(shape, sampling_hz, rng)
    kinds = {
        "white noise": noise,
        "white noise, padded": np.where(own, noise, 0),
        "random walk": _scaled(np.cumsum(rng.standard_normal(shape), axis=1)),
        "sine": _scaled(tones),
        "square wave": _scaled(np.sign(tones)),
        "muscle -6 dB": augment.add_muscle(beats, NOISE_DB, sampling_hz, rng),
        "wander -6 dB": augment.add_wander(beats, NOISE_DB, sampling_hz, rng),
        "mains -6 dB": augment.add_mains(beats, NOISE_DB, sampling_hz, rng),
        "upside down": np.where(own, 1 - beats, 0),
        "backwards": _moved(beats, lambda places, length: length - 1 - places),
        "half the rate": _at_speed(beats, 0.5),
        "twice the rate": _at_speed(beats, 2.0),
        "cut mid-beat": _moved(beats, lambda places, length: (places + length // 2) % length),
        "constant": np.where(own, rng.random((len(beats), 1)), 0),
        "zeros": np.zeros(shape),
    }
    return {name: np.clip(made, 0, 1).astype(np.float32) for name, made in kinds.items()}


def resampled(beats: np.ndarray, samples: int) -> np.ndarray:
    """(beats, samples): each beat stretched to this number of samples."""
    places = np.linspace(0, beats.shape[1] - 1, samples, dtype=np.float32)
    return values_at(np.asarray(beats, np.float32), np.tile(places, (len(beats), 1)))


def _scaled(signals: np.ndarray) -> np.ndarray:
    low, high = signals.min(axis=1, keepdims=True), signals.max(axis=1, keepdims=True)
    return (signals - low) / np.maximum(high - low, 1e-9)


def _tones(shape: tuple[int, int], sampling_hz: float, rng: np.random.Generator) -> np.ndarray:
    beats, samples = shape
    tones_hz, phases = rng.uniform(LOWEST_HZ, HIGHEST_HZ, (beats, 1)), rng.random((beats, 1))
    return np.sin(2 * np.pi * (tones_hz * np.arange(samples) / sampling_hz + phases))


def _at_speed(beats: np.ndarray, speed: float) -> np.ndarray:
    """As if the sampling rate had been taken for `speed` times what it is."""
    places = np.arange(beats.shape[1], dtype=np.float32) * np.float32(speed)
    return values_at(beats, np.tile(places, (len(beats), 1)))


def _moved(beats: np.ndarray, source) -> np.ndarray:
    """Each beat's own samples in another order: `source`(places, length) -> places."""
    lengths = np.maximum(beat_lengths(beats), 1)[:, None]
    places = np.tile(np.arange(beats.shape[1]), (len(beats), 1))
    inside = places < lengths
    taken = np.where(inside, source(places, lengths), 0)
    return np.where(inside, np.take_along_axis(beats, taken, axis=1), 0)


# A Keras model; studies leave Keras to `models`.
Model = Any
STRANGE_BEATS, SEED = 1000, 0
# Data sets whose beats are strange to a network of MIT-BIH; PTB's are, but not very.
OTHERS = {"ecg5000": "ucr", "ptb": "patients"}


@dataclass(frozen=True)
class Measured:
    """What one score reached.

    Attributes:
        false_alarms: the share of known beats beyond the limit.
        areas: kind of strange beats -> area under the ROC curve against the known ones.
        found: kind -> the share beyond the limit.
    """

    false_alarms: float
    areas: dict[str, float]
    found: dict[str, float]


def measure_and_print(path: Path, test: bool) -> None:
    """Score one checkpoint, and print its tables.

    Args:
        path: JSON file of the checkpoint.
        test: score test beats in place of validation beats.
    """
    checkpoint = checkpoints.read(path)
    material, model = training_beats(checkpoint), checkpoint.load()
    scores = fitted_scores(model, material)
    known = _known(material, test)
    strange = _strange(known, test)
    seen = look_at_kinds(model, strange, known.sampling_hz)
    validation = look_at(model, material.validation)
    tested = look_at(model, known) if test else validation
    measured = {name: measure(score, validation, tested, seen) for name, score in scores.items()}
    print(f"{shown(path)}, {len(known):,} known beats")
    if (standing := stored_calibration.load(checkpoint)) is not None:
        print(judged(standing, tested))
    for table in (_overview(measured), _of_kinds(measured)):
        new_console(pipe_width=180).print(table)


def fitted_scores(model: Model, material: LabelledBeats) -> dict[str, Score]:
    """Name -> score: those of the literature, each view of the calibration, and all views."""
    train = look_at(model, material.train.select(calibration.chosen(material.train)))
    scores = {name: make(train) for name, make in SCORES.items()}
    validation = _described(look_at(model, material.validation))
    views, _limit = calibration.fit_views(_described(train), validation)
    for name in VIEWS:
        scores[f"centres: {name}"] = partial(_excess, {name: views[name]})
    pair = {name: views[name] for name in VIEWS[:2]}
    return {
        **scores,
        "centres: both of the signal": partial(_excess, pair),
        "centres: all three views": partial(_excess, views),
    }


def look_at(model: Model, beats: BeatSet) -> Seen:
    """Labelled beats as the network sees them."""
    return look(model, np.asarray(beats.signals), beats.sampling_hz, np.asarray(beats.labels, int))


def look_at_kinds(
    model: Model, kinds: dict[str, np.ndarray], sampling_hz: float
) -> dict[str, Seen]:
    """Each kind of strange beats as the network sees them, in one go."""
    everything = look(model, np.concatenate(list(kinds.values())), sampling_hz)
    ends = np.cumsum([len(signals) for signals in kinds.values()])
    parts = [np.split(getattr(everything, one.name), ends[:-1]) for one in fields(Seen)]
    return {name: Seen(*part) for name, part in zip(kinds, zip(*parts, strict=True), strict=True)}


def look(
    model: Model, signals: np.ndarray, sampling_hz: float, labels: np.ndarray | None = None
) -> Seen:
    """(beats, samples) signals as the network sees them."""
    probabilities, embeddings = predict_with_embedding(model, signals, sampling_hz)
    kernel, bias = model.get_layer("logits").get_weights()
    labels = np.full(len(signals), -1) if labels is None else labels
    return Seen(signals, labels, probabilities, embeddings @ kernel + bias, embeddings)


def _described(seen: Seen) -> dict[str, np.ndarray]:
    return {
        "shape": seen.signals,
        "changes": change_sizes(seen.signals),
        "embedding": directions(seen.embeddings),
    }


def _excess(views: Mapping[str, View], seen: Seen) -> np.ndarray:
    described = _described(seen)
    return combined(*(view.excess(described[name]) for name, view in views.items()))


def _known(material: LabelledBeats, test: bool) -> BeatSet:
    if not test:
        return material.validation
    return material.beats.select(splits.held_out(material.beats, material.protocol))


def _strange(known: BeatSet, test: bool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(SEED)
    some = known.select(_some(np.arange(len(known)), rng))
    found = made_from(np.asarray(some.signals), known.sampling_hz, rng)
    for name, protocol in OTHERS.items():
        try:
            beats = catalog.load(name)
        except InputError as error:
            print(f"without {name}: {error}")
            continue
        if test:
            positions = splits.held_out(beats, protocol)
        else:
            positions, _validation = splits.development(beats, protocol, seed=SEED)
        chosen = beats.select(_some(positions, rng))
        found[name] = resampled(chosen.signals, known.signals.shape[1])
    return found


def _some(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = min(STRANGE_BEATS, len(positions))
    return np.sort(rng.choice(positions, count, replace=False))


def measure(score: Score, validation: Seen, known: Seen, strange: dict[str, Seen]) -> Measured:
    """How a score tells strange beats from known ones, its limit taken from validation beats."""
    limit = np.quantile(score(validation), 1 - calibration.FALSE_ALARMS)
    of_known = score(known)
    of_strange = {name: score(seen) for name, seen in strange.items()}
    return Measured(
        float(np.mean(of_known > limit)),
        {name: _area(of_known, values) for name, values in of_strange.items()},
        {name: float(np.mean(values > limit)) for name, values in of_strange.items()},
    )


def judged(standing: Calibration, known: Seen) -> str:
    """How often the network errs on beats that its own calibration flags, and on the others."""
    wrong = known.probabilities.argmax(axis=1) != known.labels
    flags = {
        "uncertain": standing.uncertain(known.probabilities),
        "out of distribution": standing.ood.scores(known.embeddings, known.signals) > 1,
    }
    flags["neither"] = ~(flags["uncertain"] | flags["out of distribution"])
    lines = [f"wrong of all: {wrong.sum():,} ({wrong.mean():.2%})"]
    for name, flagged in flags.items():
        beats, errors = flagged.sum(), wrong[flagged].sum()
        share = errors / max(beats, 1)
        lines.append(
            f"{name}: {beats:,} beats ({flagged.mean():.2%}), wrong {errors:,} ({share:.2%})"
        )
    return "\n".join(lines)


def _overview(measured: dict[str, Measured]) -> Table:
    table = Table("score", "false alarms", "mean AUC", "least AUC", "found, mean")
    for name, one in measured.items():
        areas, found = list(one.areas.values()), list(one.found.values())
        numbers = (np.mean(areas), np.min(areas), np.mean(found))
        table.add_row(name, f"{one.false_alarms:.2%}", *(f"{number:.3f}" for number in numbers))
    return table


def _of_kinds(measured: dict[str, Measured]) -> Table:
    """The share of each kind of strange beats that each score finds."""
    table = Table("found", *measured)
    for kind in next(iter(measured.values())).found:
        table.add_row(kind, *(f"{one.found[kind]:.3f}" for one in measured.values()))
    return table


def _area(known: np.ndarray, strange: np.ndarray) -> float:
    truth = np.repeat([0, 1], [len(known), len(strange)])
    return float(roc_auc_score(truth, np.concatenate([known, strange])))
