"""The methods that classify the beats of recordings, and how well each does."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from experiments.recorded_beats import annotated_beats, report
from experiments.recorded_beats.annotated_beats import AnnotatedRecord
from experiments.recorded_beats.report import Method, Part
from heartbeats import mitdb
from heartbeats.beat_set import AAMI_CLASSES
from models import checkpoints
from models.checkpoints import Checkpoint
from recordings import beat_kinds, classify
from recordings.beat_kinds import BeatKinds
from recordings.kinds import evidence
from recordings.kinds.clusters import Clusters
from recordings.kinds.evidence import RecordingView
from utils.console import new_console
from utils.errors import InputError
from utils.paths import runs_folder, shown
from utils.versions import commit, versions

N, S, V, F, Q = range(len(AAMI_CLASSES))
# The rules that name clusters without a network: the largest one is normal, one unlike it is
# ventricular, one that comes early is supraventricular (by the natural logarithm of its interval
# over those around). Chosen on DS1.
LEAST_LIKENESS, EARLY = 0.9, -0.12
HOW = {
    "network": "the largest probability of the network, which sees one beat at a time",
    "network by cluster": "every beat takes the class with the largest mean probability over its "
    "cluster; clusters are found without labels",
    "clusters by rules": "no network: clusters are named by rules on likeness and "
    "earliness that were chosen on DS1",
    "timing and shape": "no network: boosted trees fitted to DS1, each beat against its "
    "recording, drawn towards its cluster's mean",
    "combined": "the odds of the network and of timing and shape multiplied",
    "combined by cluster": "every beat takes the class with the largest mean probability, as "
    "combined, over its cluster",
    "one label a cluster": "no network, but help: each cluster bears the class that most of its "
    "beats truly are, as if a reader had named it; an upper bound of what clusters can do",
}


@dataclass(frozen=True)
class Seen:
    """The beats of one record as each method takes them; arrays are (beats,).

    Attributes:
        record: its name.
        labels: true classes, -1 where nobody annotated a beat.
        predicted: for each name in HOW, classes.
        kinds: what `beat_kinds` makes of them.
        clusters: how many there are.
    """

    record: str
    labels: np.ndarray
    predicted: dict[str, np.ndarray]
    kinds: BeatKinds
    clusters: int


def run_and_report(names: Sequence[str], checkpoint_file: Path | None, to: Path | None) -> None:
    """Measure, print the tables, and write the report.

    Args:
        names: records of MIT-BIH; none means DS2.
        checkpoint_file: JSON file of a CNN, None for the best.
        to: folder of the report, None for the customary one.

    Raises:
        InputError: a record or the network is not there.
    """
    names = names or mitdb.DS2
    checkpoint = chosen_checkpoint(checkpoint_file)
    parts, tables = measure(names, checkpoint)
    warnings = doubts(names, checkpoint)
    folder = to or runs_folder() / "reports" / "record-beats"
    write(folder, parts, tables, _facts(names, checkpoint), warnings)
    tell(parts, warnings)
    print(f"report: {shown(folder / 'record-beats.html')} (with CSV and JSON files beside it)")


def measure(
    names: Sequence[str], checkpoint: Checkpoint
) -> tuple[list[Part], dict[str, list[Seen]]]:
    """All methods on the records, once on found and once on annotated beats."""
    classifier = classify.load(checkpoint)
    folder = annotated_beats.folder()
    if missing := [name for name in names if not (folder / f"{name}.hea").is_file()]:
        raise InputError(f"{folder} has no record {', '.join(missing)}; give some of MIT-BIH's")
    seen: dict[str, list[Seen]] = {origin: [] for origin in report.ORIGINS}
    missed = dict.fromkeys(AAMI_CLASSES, 0)
    console = Console(stderr=True)
    for name in track(names, "classifying the beats of records", console=console):
        record = annotated_beats.read(folder / name)
        seen["found"].append(_see(record, record.found, record.found_labels, classifier))
        seen["annotated"].append(_see(record, record.annotated, record.labels, classifier))
        for label, class_name in enumerate(AAMI_CLASSES):
            there = (record.labels == label).sum() - (record.found_labels == label).sum()
            missed[class_name] += int(there)
    none = dict.fromkeys(AAMI_CLASSES, 0)
    parts = [
        part_of(origin, views, missed if origin == "found" else none)
        for origin, views in seen.items()
    ]
    return parts, seen


def _see(
    record: AnnotatedRecord,
    peaks: np.ndarray,
    labels: np.ndarray,
    classifier: classify.RecordingClassifier,
) -> Seen:
    network = classifier.probabilities(record.signal_mv, record.sampling_hz, peaks)
    view = evidence.view(record.signal_mv, record.sampling_hz, peaks)
    of_beats = evidence.of_view(view)
    kinds = beat_kinds.judge_view(view, network, of_beats)
    predicted = {
        "network": network.argmax(axis=1),
        "network by cluster": beat_kinds.labels_by_cluster(view.clusters, network),
        "clusters by rules": named_by_rules(view),
        "timing and shape": evidence.classes(of_beats),
        "combined by cluster": beat_kinds.labels_by_cluster(view.clusters, kinds.probabilities),
        "combined": kinds.probabilities.argmax(axis=1),
        "one label a cluster": named_by_reader(view.clusters, labels),
    }
    return Seen(record.name, labels, predicted, kinds, view.clusters.count)


def named_by_rules(view: RecordingView) -> np.ndarray:
    """(beats,) int classes of the clusters, by likeness and earliness alone."""
    clusters = view.clusters
    if clusters.count == 0:
        return np.full(len(view.timing), N)
    likeness, interval = clusters.means(view.columns(("qrs_likeness", "rr_to_median"))).T
    named = np.where(likeness < LEAST_LIKENESS, V, np.where(interval < EARLY, S, N))
    named[0] = N
    return clusters.spread(named, np.full(len(view.timing), N))


def named_by_reader(clusters: Clusters, labels: np.ndarray) -> np.ndarray:
    """(beats,) int, the class that most beats of each cluster truly are; N where none is known."""
    known = labels >= 0
    table = np.eye(len(AAMI_CLASSES))[np.maximum(labels, 0)] * known[:, None]
    votes = clusters.spread(clusters.means(table), np.zeros_like(table))
    return votes.argmax(axis=1)


def part_of(origin: str, seen: Sequence[Seen], missed: dict[str, int]) -> Part:
    """The scores of all methods on the beats of all records."""
    labels = np.concatenate([one.labels for one in seen])
    marked = labels >= 0
    predicted = {name: np.concatenate([one.predicted[name] for one in seen]) for name in HOW}
    methods = [
        Method(name, how, labels[marked], predicted[name][marked]) for name, how in HOW.items()
    ]
    invented = np.bincount(predicted["combined"][~marked], minlength=len(AAMI_CLASSES))
    unknown = np.concatenate([one.kinds.unknown for one in seen])
    anomaly = np.concatenate([one.kinds.anomaly for one in seen])
    probability = np.concatenate([one.kinds.probabilities.max(axis=1) for one in seen])
    return Part(
        origin,
        tuple(methods),
        report.unknown_beats(
            (predicted["combined"] != labels)[marked],
            unknown[marked],
            anomaly[marked],
            probability[marked],
        ),
        missed,
        dict(zip(AAMI_CLASSES, invented.tolist(), strict=True)),
    )


def doubts(names: Sequence[str], checkpoint: Checkpoint) -> list[str]:
    """What must be known before the scores are believed."""
    lines = []
    if known := [name for name in names if classify.has_seen(checkpoint, name)]:
        lines.append(
            f"beats of {len(known)} of these {len(names)} records trained the network "
            f"({shown(checkpoint.path)}), so its scores flatter"
        )
    if fitted := [name for name in names if name in mitdb.DS1]:
        lines.append(f"timing and shape were fitted to {len(fitted)} of these records (DS1)")
    return lines


def write(
    folder: Path,
    parts: Sequence[Part],
    seen: dict[str, list[Seen]],
    facts: dict[str, Any],
    warnings: Sequence[str],
) -> None:
    """``record-beats.html``, ``.json``, and a CSV of the records for each origin."""
    tables = {}
    for part in parts:
        names = [np.full((one.labels >= 0).sum(), one.record) for one in seen[part.origin]]
        records = report.by_record(np.concatenate(names), part.methods)
        tables[f"records-{part.origin}.csv"] = records
    report.build(parts, tables, facts, warnings).write(folder)


def tell(parts: Sequence[Part], warnings: Sequence[str]) -> None:
    """Print a table for each origin."""
    console = new_console(130)
    for part in parts:
        console.print(_table(part))
        console.print(report.found_sentence(part), highlight=False)
        console.print(report.unknown_sentence(part.unknown), highlight=False)
    for text in warnings:
        console.print(f"warning: {text}", highlight=False)


def _table(part: Part) -> Table:
    table = Table(title=report.ORIGINS[part.origin], title_justify="left")
    table.add_column("method")
    counts = [one.support for one in part.methods[0].scores.classes]
    names = [
        f"{name} Se/PPV/F1\n{n:,} beats" for name, n in zip(AAMI_CLASSES, counts, strict=True)
    ]
    for name in ("accuracy", "macro-F1\nof NSVF", "j-kappa", *names):
        table.add_column(name, justify="right")
    for method in part.methods:
        reached = method.scores
        table.add_row(
            method.name,
            f"{reached.accuracy:.2%}",
            f"{report.macro_f1(reached):.3f}",
            f"{report.j_kappa(method.labels, method.predicted):.3f}",
            *(f"{one.recall:.2f} {one.precision:.2f} {one.f1:.3f}" for one in reached.classes),
        )
    return table


def chosen_checkpoint(asked: Path | None) -> Checkpoint:
    """The one asked for, else the best that knows the patients of DS1 alone."""
    if asked is not None:
        return checkpoints.read(asked)
    if (found := checkpoints.best("mitbih", "patients", "cnn")) is None:
        raise InputError(
            "there is no CNN that was trained on the patients of DS1 alone; train one with "
            "`python main.py --arch cnn --data mitbih --protocol patients`"
        )
    return found


def _facts(names: Sequence[str], checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "data": "MIT-BIH, " + ("DS2" if list(names) == mitdb.DS2 else " ".join(names)),
        "records": len(names),
        "checkpoint": shown(checkpoint.path),
        "weights": checkpoint.facts.weights_digest,
        "commit": commit(),
        "versions": versions(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
