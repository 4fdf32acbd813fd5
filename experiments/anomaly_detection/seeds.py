"""Several autoencoders that differ in their seed alone: the spread of their test scores.

python -m experiments.anomaly_detection.seeds --data=ecg5000 --seeds=5
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.metrics import better_by
from experiments.anomaly_detection import detectors
from experiments.anomaly_detection.anomalies import (
    assess,
    detector_of,
    facts_of,
    settings_of,
    tell,
)
from experiments.anomaly_detection.autoencoder import NORMAL, Autoencoder, prepare
from experiments.anomaly_detection.detectors import Quality
from experiments.anomaly_detection.settings import MONITORS, AutoencoderSettings
from heartbeats import splits
from models import checkpoints
from models.checkpoints import Checkpoint
from models.lstm_autoencoder import NAME, reconstruct, scaled
from training import architectures, run
from utils.errors import InputError, exit_plainly
from utils.paths import runs_folder
from utils.report import write_table


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Train one autoencoder for each seed, test them all, write one report; the exit status."""
    asked = _parse(argv)
    settings = best_settings(asked.data)
    if asked.protocol:
        settings = dataclasses.replace(settings, protocol=asked.protocol)
    folder = _folder(asked.data)
    chosen = [_trained(dataclasses.replace(settings, seed=seed)) for seed in range(asked.seeds)]
    table = seeds_table(chosen)
    write_table(folder / "seeds.csv", table)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    print(_spread(table))
    best = chosen[0]
    for found in chosen[1:]:
        if better_by(MONITORS[settings.monitor], found.facts.score, best.facts.score):
            best = found
    tell(*assess(best, to=folder / "report"))
    return 0


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
    (folder / f"{NAME}.json").unlink(missing_ok=True)  # of an earlier call, with other settings
    outcome = run.train(
        Autoencoder(), settings, group=f"anomalies-{settings.data}", also_keep=folder
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


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--data", default="ecg5000", help="data set (default: ecg5000)")
    parser.add_argument("--protocol", default="", help="how it is split; default: customary")
    parser.add_argument("--seeds", type=int, default=5, help="how many trainings (default: 5)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
