"""Anomaly detection: the autoencoder's checkpoint and the baselines on the test beats.

python eval.py --arch lstm_autoencoder --data ecg5000               # the best checkpoint
python -m experiments.anomaly_detection.seeds --data=ecg5000 --seeds=5   # train five
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.assessment import TITLES, check_fits, doubts
from experiments.anomaly_detection import report as anomaly_plots
from experiments.anomaly_detection import report as anomaly_report
from experiments.anomaly_detection.autoencoder import (
    NORMAL,
    NormalBeats,
    NormalTrainingData,
    facts_of,
    prepare,
    settings_of,
)
from experiments.anomaly_detection.detectors import BASELINES, Detector, cross_fitted
from experiments.anomaly_detection.report import Results
from experiments.anomaly_detection.settings import AutoencoderSettings
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from models import checkpoints
from models.checkpoints import Checkpoint
from models.lstm_autoencoder import NAME, of_each_net, reconstruct, scaled, threshold_of
from utils.errors import InputError
from utils.paths import runs_folder, shown

EXAMPLES = 2
EXAMPLES_SEED = 0


def evaluate(
    data: str,
    protocol: str,
    files: list[Path] | None = None,
    *,
    examples: int = EXAMPLES,
    to: Path | None = None,
) -> tuple[Results, Path]:
    """Test one autoencoder beside the baselines and write the report.

    Args:
        data: data set; ``auto`` is ECG5000.
        protocol: empty for the data set's customary one.
        files: the JSON file of a checkpoint to test in place of the best one.
        examples: how many normal and how many anomalous beats to draw.
        to: folder of the report; ``runs/reports/DATA-PROTOCOL-anomalies`` by default.

    Returns:
        what was measured, and the folder that the report is in.

    Raises:
        InputError: there is no such checkpoint, or it does not fit the data.
    """
    if files:
        return assess(checkpoints.read(files[0]), examples=examples, to=to)
    data = "ecg5000" if data == catalog.AUTO else data
    protocol = protocol or splits.allowed(catalog.load(data))[0]
    if (found := checkpoints.best(data, protocol, NAME)) is None:
        raise InputError(
            f"there is no checkpoint of {NAME} for {data} under protocol {protocol}; train with "
            f"`python -m training.train_autoencoder --data={data} --protocol={protocol}`"
        )
    return assess(found, examples=examples, to=to)


def assess(
    checkpoint: Checkpoint, *, examples: int = EXAMPLES, to: Path | None = None
) -> tuple[Results, Path]:
    """Test one checkpoint on the test beats of the data and protocol it was trained under."""
    settings = settings_of(checkpoint)
    material = prepare(settings)
    beats = material.beats
    test_beats = beats.select(splits.held_out(beats, material.protocol))
    check_fits(checkpoint, test_beats)
    inputs = scaled(test_beats.signals, settings.scaling)
    made = reconstruct(checkpoint.load(), inputs)
    first = detector_of(checkpoint, inputs, made, settings)
    detectors = [first, *_baselines(material.normal, inputs, settings)]
    labels = np.asarray(test_beats.labels, int)
    results = Results(
        f"{TITLES.get(beats.name, beats.name)}, anomaly detection, {len(labels):,} test beats",
        PROTOCOLS[material.protocol],
        checkpoint.facts,
        detectors,
        labels,
        test_beats.class_names,
        NORMAL,
        _warnings(checkpoint, settings, test_beats, material),
    )
    rng = np.random.default_rng(EXAMPLES_SEED)
    rows = anomaly_plots.choose_examples(results.is_anomaly, examples, rng)
    figures = {
        "histogram": anomaly_plots.histogram_figure(first, results.is_anomaly, results.title),
        "examples": anomaly_plots.examples_figure(
            inputs, made.mean(axis=1), first, labels, test_beats.class_names, rows, results.title
        ),
    }
    place = f"{beats.name}-{material.protocol}-anomalies"
    folder = to or runs_folder() / "reports" / place
    anomaly_report.write(folder, results, figures)
    return results, folder


def tell(results: Results, folder: Path) -> None:
    """Print the table of detectors, the classes, the leads, and where the report is."""
    qualities, leads = results.qualities(), results.leads()
    print(results.title)
    frame = pd.DataFrame([dataclasses.asdict(one) for one in qualities])
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    for row in results.class_rows():
        aucs = [f"{one.name} {row[f'{one.name} AUC']:.4f}" for one in results.detectors]
        print(f"class {row['class']} ({row['beats']:,}): AUC {', '.join(aucs)}")
    for lead in leads:
        print(anomaly_report.lead_sentence(qualities[0].name, lead))
    print(anomaly_report.verdict(qualities, leads))
    for text in results.warnings:
        print(f"warning: {text}")
    print(f"report: {shown(folder / 'report.html')} (with PNG, CSV and JSON files beside it)")


def detector_of(
    checkpoint: Checkpoint, inputs: np.ndarray, made: np.ndarray, settings: AutoencoderSettings
) -> Detector:
    """Scores of (beats, samples) inputs by their (beats, folds, samples) reconstructions."""
    if not np.isfinite(made).all():
        raise InputError(f"{shown(checkpoint.path)} reconstructs NaN; train it again")
    scores = of_each_net(inputs, made, settings.score).mean(axis=1)
    return Detector(NAME, scores, facts_of(checkpoint).threshold)


def _baselines(
    normal: NormalBeats, inputs: np.ndarray, settings: AutoencoderSettings
) -> list[Detector]:
    found = []
    for name, fit in BASELINES.items():
        held_back, scores = cross_fitted(fit, normal.inputs, normal.fold_of, inputs)
        found.append(Detector(name, scores, threshold_of(held_back, settings.false_alarm_share)))
    return found


def _warnings(
    checkpoint: Checkpoint,
    settings: AutoencoderSettings,
    test_beats: BeatSet,
    material: NormalTrainingData,
) -> tuple[str, ...]:
    watched = (
        f"This training was compared with others by {settings.monitor}, which looks at "
        f"{len(material.normal.anomalies):,} labelled anomalies among the training beats; weights "
        "and threshold do not. --monitor=val_loss does without them.",
    )
    return (
        *doubts(checkpoint.facts, test_beats, material.protocol),
        *(watched if settings.monitor == "val_auc" else ()),
    )
