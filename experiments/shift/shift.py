"""How far test scores fall when recordings are not as clean as those of training.

`eval.py --shift` runs it. Every network predicts the same test beats at every level of noise,
gain, offset of the R marks, lead inversion and sampling-rate error; nothing is trained.
"""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecg import noise
from ecg.noise import NoiseSource
from evaluation.assessment import check_fits, doubts, numbered, variants
from evaluation.significance import ROUNDS, SEED
from experiments.shift import measure as shift
from experiments.shift import report as shift_report
from experiments.shift.changes import CutBeats, RecordedBeats
from experiments.shift.measure import Point, findings
from heartbeats import mitdb, splits
from heartbeats.beat_set import BeatSet
from models.checkpoints import Checkpoint
from models.predictor import Classifier
from utils.errors import InputError
from utils.paths import data_folder, shown
from utils.versions import commit, versions

NOISE_SEED = 0
DRAW_SEED = 0


def run(
    checkpoints: Sequence[Checkpoint],
    beats: BeatSet,
    protocol: str,
    folder: Path,
    *,
    limit: int,
    warning: str = "",
) -> list[Point]:
    """Measure, write the report, and say what was found.

    Args:
        checkpoints: what predicts.
        beats: a whole data set, as the catalog gives it.
        protocol: names the test beats; no others are read.
        folder: of ``shift.html shift.png shift.csv shift.json``; made where it is missing.
        limit: the number of test beats to draw, by class and from a fixed seed; 0 takes all.
        warning: replaces those about training on other beats.

    Raises:
        InputError: a checkpoint does not fit the beats, or `limit` does not fit their classes.
    """
    whole = splits.held_out(beats, protocol)
    test = beats.select(_drawn(beats, whole, limit))
    for one in checkpoints:
        check_fits(one, test)
    noises = noise.sources(data_folder())
    source = _source(test, noises)
    points = _measure(source, test, protocol, checkpoints)
    facts = _facts(test, len(whole), protocol, source, noises, checkpoints)
    warnings = (
        [warning]
        if warning
        else [text for one in checkpoints for text in doubts(one.facts, test, protocol)]
    )
    shift_report.write(folder, points, facts, warnings)
    for sentence in (*findings(points), *(f"warning: {text}" for text in warnings)):
        print(sentence)
    print(f"report: {shown(folder / 'shift.html')} (with PNG, CSV and JSON files beside it)")
    return points


def _drawn(beats: BeatSet, whole: np.ndarray, limit: int) -> np.ndarray:
    """Positions of the test beats to measure: all, or a draw that keeps the class shares."""
    if limit == 0 or limit >= len(whole):
        return whole
    counts = np.bincount(beats.labels[whole])
    present = counts[counts > 0]
    if limit < len(present) or present.min() < 2 or len(whole) - limit < len(present):
        raise InputError(
            f"{limit} of {len(whole):,} test beats cannot be drawn by class from "
            f"{len(present)} classes, the rarest with {present.min()}; --limit=0 takes all beats"
        )
    return splits.subsample(beats, whole, limit, seed=DRAW_SEED)


def _source(test: BeatSet, noises: dict[str, NoiseSource]) -> RecordedBeats | CutBeats:
    records = mitdb.find_folder(data_folder())
    if test.name == "mitbih" and test.records is not None and records is not None:
        return RecordedBeats(records, test, noises, NOISE_SEED)
    return CutBeats(test, noises, NOISE_SEED)


def _measure(
    source: RecordedBeats | CutBeats,
    test: BeatSet,
    protocol: str,
    checkpoints: Sequence[Checkpoint],
) -> list[Point]:
    """All points, while a bar tells how far it is."""
    names = _names(checkpoints)
    models: dict[str, shift.Predict] = {
        name: Classifier(one).probabilities for name, one in zip(names, checkpoints, strict=True)
    }
    patients = test.patients if protocol == "patients" else None
    known = shift.TestBeats(np.asarray(test.labels, int), test.class_names, patients)
    total = len(models) * sum(len(change.levels) for change in shift.conditions(source))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("shifted test beats", total=total)

        def tell(point: Point) -> None:
            progress.update(task, advance=1, description=f"{point.change.title}: {point.label}")

        return shift.measure(source, np.asarray(test.signals), known, models, tell)


def _names(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Variants of architectures, numbered where one comes more than once."""
    return numbered(variants([one.facts for one in checkpoints]))


def _facts(
    test: BeatSet,
    whole: int,
    protocol: str,
    source: RecordedBeats | CutBeats,
    noises: dict[str, NoiseSource],
    checkpoints: Sequence[Checkpoint],
) -> dict[str, Any]:
    """What was measured, on what, and how, for the JSON and for the page."""
    unit = "patients" if protocol == "patients" and test.patients is not None else "beats"
    return {
        "data": test.name,
        "synthetic": test.is_synthetic,
        "fingerprint": test.fingerprint,
        "protocol": protocol,
        "test_beats": whole,
        "measured_beats": len(test),
        "draw_seed": DRAW_SEED if len(test) < whole else None,
        "noise_seed": NOISE_SEED,
        "noise_origin": {kind: one.origin for kind, one in noises.items() if kind in source.kinds},
        "how": source.how,
        "bootstrap": {"unit": unit, "rounds": ROUNDS, "seed": SEED},
        "checkpoints": {
            name: shown(one.path)
            for name, one in zip(_names(checkpoints), checkpoints, strict=True)
        },
        "commit": commit(),
        "versions": versions(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
