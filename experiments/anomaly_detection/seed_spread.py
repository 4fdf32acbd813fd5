"""The spread of test scores over autoencoders that differ in their seed alone."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.metrics import better_by
from experiments.anomaly_detection import detectors
from experiments.anomaly_detection.anomalies import (
    assess,
    detector_of,
    tell,
)
from experiments.anomaly_detection.autoencoder import (
    NORMAL,
    Autoencoder,
    facts_of,
    prepare,
    settings_of,
)
from experiments.anomaly_detection.detectors import Quality
from experiments.anomaly_detection.settings import MONITORS, AutoencoderSettings
from heartbeats import splits
from models import checkpoints
from models.checkpoints import Checkpoint
from models.lstm_autoencoder import NAME, reconstruct, scaled
from training import architectures, run
from utils.errors import InputError
from utils.paths import runs_folder
from utils.report import write_table


def run_and_report(data: str, protocol: str, seeds: int) -> None:
    """Train one autoencoder for each seed, test them all, write one report.

    Args:
        data: name of the data set.
        protocol: how it is split, "" for the settings' own.
        seeds: count of trainings; their seeds are 0, 1 ...

    Raises:
        InputError: a training reached nothing.
    """
    settings = best_settings(data)
    if protocol:
        settings = dataclasses.replace(settings, protocol=protocol)
    folder = _folder(data)
    chosen = [_trained(dataclasses.replace(settings, seed=seed)) for seed in range(seeds)]
    table = seeds_table(chosen)
    write_table(folder / "seeds.csv", table)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    print(_spread(table))
    best = chosen[0]
    for found in chosen[1:]:
        if better_by(MONITORS[settings.monitor], found.facts.score, best.facts.score):
            best = found
    tell(*assess(best, to=folder / "report"))


def best_settings(data: str) -> AutoencoderSettings:
    """The shipped best settings on a data set, or the defaults with that data."""
    return dataclasses.replace(architectures.shipped(AutoencoderSettings, NAME, data), data=data)


def _folder(data: str) -> Path:
    return runs_folder() / "anomalies" / data


def _trained(settings: AutoencoderSettings) -> Checkpoint:
    """This training's own checkpoint, whether or not it is the best of all.

    Raises:
        InputError: it reached nothing.
    """
    folder = _folder(settings.data) / f"seed-{settings.seed}"
    outcome = run.train(
        Autoencoder(), settings, group=f"anomalies-{settings.data}", keep_in=folder, promotes=False
    )
    if outcome.evaluation is None:
        raise InputError(f"seed {settings.seed}: {outcome.result.ended_by}, nothing to test")
    return checkpoints.read(folder / f"{NAME}.json")


def seeds_table(chosen: list[Checkpoint]) -> pd.DataFrame:
    """One row of test scores for each checkpoint; all are of the same data and protocol."""
    settings = settings_of(chosen[0])
    material = prepare(settings)
    rows = splits.held_out(material.beats, material.protocol)
    inputs = scaled(material.beats.signals[rows], settings.scaling)
    is_anomaly = np.asarray(material.beats.labels[rows]) != NORMAL
    return pd.DataFrame(
        {"seed": one.facts.seed, "val_auc": facts_of(one).val_auc, **_numbers(found)}
        for one in chosen
        for found in [_quality_of(one, inputs, is_anomaly)]
    )


def _quality_of(checkpoint: Checkpoint, inputs: np.ndarray, is_anomaly: np.ndarray) -> Quality:
    made = reconstruct(checkpoint.load(), inputs)
    detector = detector_of(checkpoint, inputs, made, settings_of(checkpoint))
    return detectors.quality(detector, is_anomaly)


def _numbers(quality: Quality) -> dict[str, float]:
    return {key: value for key, value in dataclasses.asdict(quality).items() if key != "name"}


def _spread(table: pd.DataFrame) -> str:
    parts = [
        f"{name} {table[name].mean():.4f} ± {table[name].std():.4f}"
        for name in ("auc", "average_precision", "accuracy", "f1")
    ]
    return f"mean ± standard deviation over {len(table)} seeds: {', '.join(parts)}"
