"""Train an LSTM autoencoder on normal beats, choose its threshold on normal beats, keep it.

    python -m training.train_autoencoder --data=ecg5000
    python -m training.train_autoencoder --latent_size=3 --loss=l2 --denoising=0.1

Each of its nets is trained without one part of the normal training beats, and the threshold comes
from the scores of every beat by the net that never saw it. `python eval.py --arch
lstm_autoencoder` tests it. W&B sweeps launch this program: see `sweeps/autoencoder_bayes.yaml`.
"""

import dataclasses
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from evaluation.metrics import better_by
from experiments.anomaly_detection.autoencoder import (
    MONITORS,
    AutoencoderSettings,
    NormalBeats,
    fit,
)
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from models import checkpoints
from models.lstm_autoencoder import (
    NAME,
    build,
    held_back,
    of_each_net,
    reconstruct,
    scaled,
    threshold_of,
)
from training import settings as sweep_check
from training.fit_history import FitResult
from training.resume import state_file
from training.settings import from_command_line, from_mapping
from training.tracked_run import TrackedRun, tracked_run, verbosity
from training.tracking import Tracker
from utils.errors import InputError, exit_plainly
from utils.paths import shown
from utils.versions import commit, versions

NORMAL = 0  # the label of normal beats in all data sets


@dataclass(frozen=True)
class Outcome:
    """What a run reached.

    Attributes:
        facts: what its checkpoint says; without a `score` where no epoch was finished.
        result: the course of the training.
        is_new_best: whether its checkpoint is now the best of its kind.
    """

    facts: dict
    result: FitResult
    is_new_best: bool


@dataclass(frozen=True)
class Material:
    """What a run trains on: never a beat of the test set."""

    beats: BeatSet
    normal: NormalBeats
    protocol: str


def run(
    settings: AutoencoderSettings,
    *,
    group: str | None = None,
    also_keep: Path | None = None,
    verbose: int | None = None,
) -> Outcome:
    """Settings, data, model, fit, threshold, record.

    Args:
        settings: the program's settings; a W&B sweep overrides them.
        group: W&B group of the run.
        also_keep: a folder for this run's own checkpoint, whether or not it is the best of all.
        verbose: as in Keras' fit; by default a progress bar on a terminal, else a line per epoch.

    Raises:
        InputError: the settings, the data or the W&B key cannot be used.
    """
    verbose = verbosity() if verbose is None else verbose
    with tracked_run(settings, job=f"train-{NAME}", group=group) as own:
        if swept := own.tracker.swept():
            settings = from_mapping(AutoencoderSettings, swept, "the sweep's parameters", settings)
        outcome = _train(settings, own, also_keep, verbose)
        own.failed = outcome.result.failed
        return outcome


def prepare(settings: AutoencoderSettings) -> Material:
    """The normal development beats in folds, and the labelled anomalies beside them.

    Raises:
        InputError: the data set is missing, or has too few normal beats for the folds.
    """
    beats = catalog.load(settings.data)
    protocol = settings.protocol or splits.allowed(beats)[0]
    rows = np.sort(np.concatenate(splits.development(beats, protocol, seed=settings.split_seed)))
    is_normal = np.asarray(beats.labels[rows]) == NORMAL
    normal, others = rows[is_normal], rows[~is_normal]
    rng = np.random.default_rng(settings.split_seed)
    if settings.train_limit and settings.train_limit < len(normal):
        normal = np.sort(rng.choice(normal, settings.train_limit, replace=False))
    # More anomalies than normal beats would only make every epoch slower.
    others = np.sort(rng.choice(others, min(len(others), len(normal)), replace=False))
    by: Literal["beats", "patients"] = "patients" if protocol == "patients" else "beats"
    parts = splits.folds(beats, normal, settings.folds, by=by, seed=settings.split_seed)
    fold_of = np.empty(len(normal), int)
    for number, part in enumerate(parts):
        fold_of[np.isin(normal, part)] = number
    inputs, anomalies = (scaled(beats.signals[one], settings.scaling) for one in (normal, others))
    return Material(beats, NormalBeats(inputs, fold_of, anomalies), protocol)


def _train(
    settings: AutoencoderSettings, own: TrackedRun, also_keep: Path | None, verbose: int
) -> Outcome:
    tracker = own.tracker
    material = prepare(settings)
    if settings.monitor == "val_auc" and not len(material.normal.anomalies):
        raise InputError(
            f"{material.beats.name} has no labelled anomaly to compare by; use --monitor=val_loss"
        )
    keras.utils.set_random_seed(settings.seed)
    model = build(settings, material.beats.signals.shape[1])
    facts = _facts(settings, material, model)
    tracker.describe({key: facts[key] for key in ("fingerprint", "parameters", "architecture")})
    _announce(facts, tracker)
    log = Log(tracker)
    result = fit(
        model,
        material.normal,
        settings,
        on_epoch=log.epoch,
        stop=own.stop,
        state_file=state_file(_identity(facts)),
        verbose=verbose,
    )
    tracker.summarise({"ended_by": result.ended_by, **log.best})
    if result.best_score is None:
        return Outcome(facts, result, is_new_best=False)
    facts = {
        **facts,
        "score": log.best[f"best_{settings.monitor}"],
        "epoch": result.best_epoch,
        "created": datetime.datetime.now(datetime.UTC).isoformat(),
        **{key: log.best[f"best_{key}"] for key in MONITORS},
        "threshold": _threshold(model, material.normal, settings),
    }
    tracker.summarise({"threshold": facts["threshold"]})
    return Outcome(facts, result, _keep(model, facts, tracker, also_keep))


class Log:
    """Logs every epoch, with the numbers of the one that has the least val_loss so far."""

    def __init__(self, tracker: Tracker):
        self.tracker = tracker
        self.best: dict[str, float] = {}

    def epoch(self, metrics: dict[str, float]) -> None:
        """One epoch's metrics."""
        if not self.best or metrics["val_loss"] < self.best["best_val_loss"]:
            self.best = {f"best_{name}": metrics[name] for name in ("epoch", *MONITORS)}
        self.tracker.log({**metrics, **self.best})


def _threshold(model: keras.Model, beats: NormalBeats, settings: AutoencoderSettings) -> float:
    """From normal training beats alone, each scored by the net that was trained without it."""
    scores = of_each_net(beats.inputs, reconstruct(model, beats.inputs), settings.score)
    return threshold_of(held_back(scores, beats.fold_of), settings.false_alarm_share)


def _keep(model: keras.Model, facts: dict, tracker: Tracker, also_keep: Path | None) -> bool:
    """Offer the checkpoint; the one that is the best of its kind is tracked too."""
    folder = checkpoints.folder_of(facts["data"], facts["protocol"])
    wins = partial(better_by, MONITORS[facts["monitor"]])
    taken = [
        checkpoints.offer(place, facts, wins, lambda path: model.save(path))
        for place in (folder, also_keep)
        if place
    ]
    if taken[0]:
        kept = checkpoints.read(folder / f"{NAME}.json")
        tracker.save_model([kept.path, kept.weights_file], f"{NAME}-{folder.name}")
    return taken[0]


def _facts(settings: AutoencoderSettings, material: Material, model: keras.Model) -> dict:
    """What the checkpoint's JSON says, all but what the training reaches."""
    beats = material.beats
    return {
        "architecture": NAME,
        "data": beats.name,
        "fingerprint": beats.fingerprint,
        "protocol": material.protocol,
        "class_names": list(beats.class_names),
        "normal_class": beats.class_names[NORMAL],
        "sampling_hz": beats.sampling_hz,
        "samples": beats.signals.shape[1],
        "scaling": settings.scaling,
        "monitor": settings.monitor,
        "seed": settings.seed,
        "split_seed": settings.split_seed,
        "training_beats": len(material.normal.inputs),
        "anomalies_watched": len(material.normal.anomalies),
        "parameters": model.count_params(),
        "backend": keras.backend.backend(),
        "settings": dataclasses.asdict(settings),
        "versions": versions(),
        "commit": commit(),
    }


def _identity(facts: dict) -> dict:
    """What two trainings share if one may go on from the other's state."""
    settings = {key: value for key, value in facts["settings"].items() if key != "tracking"}
    keys = ("architecture", "data", "fingerprint", "protocol", "training_beats", "backend")
    return {**{key: facts[key] for key in keys}, "settings": settings}


def _announce(facts: dict, tracker: Tracker) -> None:
    print(
        f"{NAME}, {facts['settings']['folds']} nets with {facts['parameters']:,} parameters "
        f"together, on {facts['data']}: {facts['training_beats']:,} normal training beats, "
        f"{PROTOCOLS[facts['protocol']]}\nW&B: {tracker.place}"
    )


# What one epoch logs; a test compares it with a real run.
LOGGED = (
    "epoch",
    "loss",
    "learning_rate",
    "beats_per_second",
    "epoch_seconds",
    "best_epoch",
    *MONITORS,
    *(f"best_{name}" for name in MONITORS),
)


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, data, model, fit, threshold, record; the exit status."""
    settings = from_command_line(AutoencoderSettings, argv, about=__doc__)
    return tell(run(settings))


def check_sweep(values: Mapping[str, list], metric: str | None) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep of this program; see `training.settings`."""
    return sweep_check.faults(AutoencoderSettings, values, metric, LOGGED)


def sweep_facts(values: Mapping[str, list]) -> dict[str, str]:
    """What is kept with a study of this program."""
    return {"architecture": NAME}


def tell(outcome: Outcome) -> int:
    """Print how a run ended; the exit status, 1 where the loss was not finite.

    Raises:
        InputError: the run was stopped before it finished an epoch, so that nothing was reached.
    """
    result, facts = outcome.result, outcome.facts
    print(f"{facts['architecture']}: {result.ended_by}; {len(result.history)} epochs")
    if "score" not in facts:
        if result.failed:
            print("nothing was reached: try a smaller learning_rate, or clip_norm")
            return 1
        raise InputError(f"{result.ended_by} before the first epoch was done; nothing to keep")
    folder = checkpoints.folder_of(facts["data"], facts["protocol"])
    kept = "the new best" if outcome.is_new_best else "not better than the one that stands in"
    print(
        f"least val_loss {facts['val_loss']:.4f} in epoch {facts['epoch']}, val_auc there "
        f"{facts['val_auc']:.4f}, threshold {facts['threshold']:.4g}; {kept} "
        f"{shown(folder / facts['architecture'])}.json"
    )
    return 1 if result.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
