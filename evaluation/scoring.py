"""Checkpoints on test beats: choose them, score them, report; and classify a file of beats.

Among rooms other than `experiments`, only this module reads test beats, to score what was trained
without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from evaluation import metrics, score_report
from evaluation.assessment import Assessment, check_fits, doubts
from evaluation.comparison import compare
from evaluation.score_report import results_table, warnings_of
from evaluation.training_curves import Epochs
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.csv_beats import beats_file
from heartbeats.csv_beats.layout import label_notes
from heartbeats.names import AUTO, DATA_SETS
from models import checkpoints
from models.checkpoints import Checkpoint
from models.predictor import Classifier, Predictions
from utils.console import new_console
from utils.errors import InputError
from utils.files import write_whole
from utils.paths import runs_folder, shown

# What the pretrained checkpoints were trained on.
PRETRAINED_ON = ("mitbih", "kaggle")
DEMONSTRATION = (
    "Only a demonstration that the programs work: no real beats were found and nothing was "
    "trained here, so the pretrained networks, trained on real MIT-BIH beats, are tested on "
    "synthetic beats. The scores mean nothing. `python -m heartbeats.download mitdb` fetches the "
    "real beats, `python main.py` trains on what is there."
)

# (architecture, seed) -> the metrics of each epoch.
Histories = Mapping[tuple[str, int], Epochs]


@dataclass(frozen=True)
class Choice:
    """What to score, on what.

    Attributes:
        beats: the whole data set.
        protocol: names its test beats.
        checkpoints: what to score.
        warning: replaces those about training on other beats; mostly empty.
        place: the name of the report's folder below ``runs/reports``.
    """

    beats: BeatSet
    protocol: str
    checkpoints: list[Checkpoint]
    warning: str
    place: str

    @property
    def report_folder(self) -> Path:
        return runs_folder() / "reports" / self.place

    def test_beats(self) -> BeatSet:
        return self.beats.select(splits.held_out(self.beats, self.protocol))


def choose(
    architectures: Sequence[str] = (),
    *,
    data: str = AUTO,
    protocol: str = "",
    files: Sequence[Path] = (),
    need: Literal["each", "any", "none"] = "any",
    demonstrate: bool = True,
) -> Choice:
    """Find data and checkpoints that fit each other.

    Args:
        architectures: whose best checkpoints are looked for, in this order.
        data: data set; ``auto`` is that of `files`, else MIT-BIH where found, else synthetic.
        protocol: empty for that of `files`, else the data set's customary one.
        files: the JSON files of checkpoints to score in place of the best ones.
        need: which of the architectures must have a checkpoint.
        demonstrate: whether pretrained checkpoints will do where nothing but synthetic beats and
            no checkpoint of theirs is found.

    Raises:
        InputError: there is no such checkpoint, or no such data.
    """
    given = [checkpoints.read(file) for file in files]
    if given and data == AUTO and given[0].facts.data in DATA_SETS:
        data = given[0].facts.data
    beats = catalog.load(data)
    protocol = protocol or _customary(beats, given)
    found = given or _best(beats.name, protocol, architectures)
    warning, place = "", f"{beats.name}-{protocol}"
    if not found and data == AUTO and beats.is_synthetic and demonstrate:
        found = _best(*PRETRAINED_ON, architectures)
        warning, place = DEMONSTRATION, "demonstration"
    if not given:
        _check_found(found, architectures, need, (beats.name, protocol))
    return Choice(beats, protocol, found, warning, place)


def assess_all(chosen: Choice, test: BeatSet) -> list[Assessment]:
    """The assessments of all chosen checkpoints; arguments and errors as for `assess`."""
    return [assess(one, test, chosen.protocol, chosen.warning) for one in chosen.checkpoints]


def assess(checkpoint: Checkpoint, test: BeatSet, protocol: str, warning: str = "") -> Assessment:
    """Predict the test beats with one checkpoint.

    Args:
        checkpoint: what to score.
        test: the test beats, as a selection of the whole data set.
        protocol: how they were held out.
        warning: replaces those about training on other beats.

    Raises:
        InputError: the checkpoint was made for other beats, is damaged, or predicts NaN.
    """
    check_fits(checkpoint, test)
    probabilities = Classifier(checkpoint).probabilities(test.signals)
    if not np.isfinite(probabilities).all():
        raise InputError(f"{shown(checkpoint.path)} predicts NaN; train it again")
    return Assessment(
        checkpoint.architecture,
        checkpoint.path,
        checkpoint.facts,
        test.name,
        test.fingerprint,
        protocol,
        test.class_names,
        labels=np.asarray(test.labels, int),
        probabilities=probabilities,
        records=test.records,
        patients=test.patients,
        times_s=test.times_s,
        warnings=(warning,) if warning else doubts(checkpoint.facts, test, protocol),
    )


def report(
    assessments: list[Assessment], folder: Path, histories: Histories | None = None
) -> None:
    """Write the report, and print the results, what to keep in mind, and where everything is.

    Args:
        assessments: of the checkpoints.
        folder: gets the report.
        histories: of the trainings that made them, for the training curves.
    """
    comparison = compare(assessments)
    score_report.write(folder, comparison, histories)
    new_console().print(results_table(comparison))
    for spread in comparison.spreads:
        print(spread.sentence())
    for difference in comparison.differences:
        print(difference.sentence())
    print(*comparison.notes, comparison.method, sep="\n")
    for text in warnings_of(comparison):
        print(f"warning: {text}")
    for result in comparison.results:
        one = result.assessment
        print(f"{result.name}: {shown(one.checkpoint)}, {one.facts.how_chosen}")
    print(f"report: {shown(folder / 'report.html')} (with PNG, CSV and JSON files beside it)")


def report_trainings(
    folder: Path, data: str, protocol: str, histories: Histories | None = None
) -> None:
    """Score several trainings, one checkpoint for each architecture and seed, and report.

    Args:
        folder: holds ``seed-N/ARCHITECTURE.json``; the report goes to its ``report``.
        data, protocol: what was trained on.
        histories: (architecture, seed) -> the metrics of each epoch of that training.
    """
    files = sorted(folder.glob("seed-*/*.json"), key=lambda file: (file.stem, _seed(file)))
    if not files:
        print("no checkpoint was reached, so there is nothing to evaluate")
        return
    chosen = choose(data=data, protocol=protocol, files=files)
    report(assess_all(chosen, chosen.test_beats()), folder / "report", histories)


@dataclass(frozen=True)
class ClassifiedFile:
    """The beats of a file, classified.

    Attributes:
        source: the file of beats.
        path: the file that the predictions were written to.
        checkpoint: what predicted.
        predictions: one row a beat.
        labels: (beats,) int, those of the file; None where it has none.
    """

    source: Path
    path: Path
    checkpoint: Checkpoint
    predictions: Predictions
    labels: np.ndarray | None

    def sentences(self) -> list[str]:
        """What was found, a sentence each."""
        predictions, facts = self.predictions, self.checkpoint.facts
        names = predictions.class_names
        counts = np.bincount(predictions.labels, minlength=len(names))
        found = ", ".join(f"{name} {n:,}" for name, n in zip(names, counts, strict=True))
        trained = "synthetic beats" if facts.data == "synthetic" else facts.data
        return [
            f"{len(predictions):,} beats by {shown(self.checkpoint.path)}, trained on {trained}: "
            f"{found}",
            f"it expects {facts.sampling_hz:g} Hz, {facts.scaling}",
            *self._scores(),
            *self._judgements(),
            f"predictions: {shown(self.path)}",
        ]

    def _scores(self) -> list[str]:
        if self.labels is None:
            return []
        names = self.predictions.class_names
        scores = metrics.score(self.labels, self.predictions.labels, names)
        notes = [f"warning: {note}" for note in label_notes(self.source.name, names)]
        figures = f"accuracy {scores.accuracy:.4f}, macro-F1 {scores.macro_f1:.4f}"
        return [f"against the labels of the file: {figures}", *notes]

    def _judgements(self) -> list[str]:
        uncertain = self.predictions.uncertain
        strange = self.predictions.out_of_distribution
        if uncertain is None or strange is None:
            return []
        return [
            f"{uncertain.sum():,} are uncertain, {strange.sum():,} unlike the beats that trained "
            "it"
        ]


def classify_file(checkpoint: Checkpoint, source: Path, to: Path | None = None) -> ClassifiedFile:
    """Classify the beats of a CSV file and write what was found.

    Args:
        checkpoint: a classifier's.
        source: one beat a row, as `heartbeats.csv_beats.beats_file` reads it.
        to: the CSV file of the predictions; ``runs/predictions/NAME.csv`` by default.

    Raises:
        InputError: the file or the checkpoint cannot be used.
    """
    checkpoint.require("class_names", "samples", "sampling_hz", "scaling", "data")
    beat_format = checkpoint.beat_format
    beats = beats_file.read(source, beat_format.samples, beat_format.class_names)
    predictions = Classifier(checkpoint).predict(beats.signals)
    path = to or runs_folder() / "predictions" / f"{source.stem}.csv"
    write_predictions(path, predictions)
    return ClassifiedFile(source, path, checkpoint, predictions, beats.labels)


def choose_classifier(
    architectures: Sequence[str], *, data: str = AUTO, protocol: str = ""
) -> Checkpoint:
    """The best checkpoint to classify beats of one's own with.

    Args:
        architectures: the first that has a checkpoint is taken.
        data: what it was trained on; real beats, MIT-BIH's, where that is ``auto``.
        protocol: what it was trained under.

    Raises:
        InputError: there is none.
    """
    if data == AUTO:
        data, customary = PRETRAINED_ON
    else:
        customary = "" if protocol else splits.allowed(catalog.load(data))[0]
    place = (data, protocol or customary)
    found = _best(*place, architectures)
    _check_found(found, architectures, "any", place)
    return found[0]


def _best(data: str, protocol: str, architectures: Sequence[str]) -> list[Checkpoint]:
    """The best checkpoint of each architecture that has one."""
    found = [checkpoints.best(data, protocol, name) for name in architectures]
    return [one for one in found if one]


def _check_found(
    found: list[Checkpoint], architectures: Sequence[str], need: str, place: tuple[str, str]
) -> None:
    """Raise InputError where a needed checkpoint was not found."""
    have = [one.architecture for one in found]
    missing = [name for name in architectures if name not in have] if need == "each" else []
    if missing or (need == "any" and not found):
        raise InputError(_not_found(*place, missing))


def _not_found(data: str, protocol: str, missing: list[str]) -> str:
    kind = f"of {' or '.join(missing)} " if missing else ""
    flags = f"--data={data} --protocol={protocol}"
    train = [f"`python -m training.train_{name} {flags}`" for name in missing or ["cnn"]]
    return (
        f"there is no checkpoint {kind}for {data} under protocol {protocol}; train with "
        f"`python main.py {flags}` or {' and '.join(train)}"
    )


def _customary(beats: BeatSet, given: list[Checkpoint]) -> str:
    """The protocol of the first given checkpoint where the data allow it, else their usual one."""
    allowed = splits.allowed(beats)
    own = given[0].facts.protocol if given else None
    return own if own in allowed else allowed[0]


def _seed(file: Path) -> int:
    return int(file.parent.name.removeprefix("seed-"))


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write one row for each beat: its number from 1, class, all probabilities, and how sure.

    Args:
        path: the CSV file, replaced if there is one.
        predictions: of a classifier; the last columns are there where it has a calibration.
    """
    probabilities = predictions.probabilities
    assert probabilities is not None  # a classifier's
    judged = {
        "uncertain": predictions.uncertain,
        "ood_score": predictions.ood_score,
        "out_of_distribution": predictions.out_of_distribution,
    }
    columns = {
        "row": np.arange(1, len(probabilities) + 1),
        "predicted": predictions.names,
        "probability": probabilities.max(axis=1),
        **{f"p_{name}": probabilities[:, k] for k, name in enumerate(predictions.class_names)},
        **{name: _as_written(values) for name, values in judged.items() if values is not None},
    }
    table = pd.DataFrame(columns)
    write_whole(path, lambda temporary: table.to_csv(temporary, index=False, float_format="%.6f"))


def _as_written(values: np.ndarray) -> np.ndarray:
    return np.where(values, "true", "false") if values.dtype == bool else values
