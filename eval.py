"""Checkpoints on the test set: scores with intervals, figures, tables, one report.

    python eval.py                                  # the best or the pretrained checkpoints
    python eval.py --protocol=patients --arch cnn
    python eval.py --baselines                      # and scikit-learn's classifiers beside them
    python eval.py --arch lstm_autoencoder --data=ecg5000   # anomaly detection
    python eval.py --shift                          # how scores fall under noise, wrong gain ...
    python eval.py --transfer ptb                   # does MIT-BIH's network help on another set?
    python eval.py --checkpoint runs/checkpoints/mitbih-kaggle/cnn.json --to my_report
    python eval.py --predict beats.csv              # classify beats of your own, 187 values a row

Only this program and the studies that it runs read test beats, to score what was trained without.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation import metrics, predictions_csv, score_report
from evaluation.assessment import Assessment, check_fits, doubts
from evaluation.comparison import compare
from evaluation.score_report import results_table, warnings_of
from experiments.anomaly_detection import anomalies
from experiments.baselines import baselines
from experiments.shift import shift
from experiments.transfer import transfer
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.csv_beats import beats_file
from heartbeats.csv_beats.layout import label_notes
from heartbeats.names import PROTOCOLS
from models import calibration, checkpoints
from models.checkpoints import Checkpoint
from models.predictor import Classifier, predict, predict_with_embedding
from training import architectures
from utils.console import new_console
from utils.errors import InputError, exit_plainly
from utils.paths import runs_folder, shown

# What the pretrained checkpoints were trained on.
PRETRAINED_ON = ("mitbih", "kaggle")
DEMONSTRATION = (
    "Only a demonstration that the programs work: no real beats were found and nothing was "
    "trained here, so the pretrained networks, trained on real MIT-BIH beats, are tested on "
    "synthetic beats. The scores mean nothing. `python -m heartbeats.download mitdb` fetches the "
    "real beats, `python main.py` trains on what is there."
)


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Choose checkpoints, predict, report; the exit status."""
    asked = _parse(argv)
    if asked.transfer:
        return transfer.main(_transfer_flags(asked))
    if asked.predict:
        classify_file(asked)
        return 0
    if asked.arch == [anomalies.NAME]:
        anomalies.report_asked(asked)
        return 0
    chosen = None if asked.arch in (None, ["all"]) else asked.arch
    if asked.shift:
        evaluate_shift(asked, chosen)
        return 0
    assessments, folder = evaluate(
        asked.data,
        asked.protocol,
        chosen,
        files=asked.checkpoint or [],
        to=asked.to,
        with_baselines=asked.baselines,
    )
    tell(assessments, folder)
    return 0


def evaluate_shift(asked: argparse.Namespace, names: list[str] | None) -> None:
    """Score checkpoints on test beats that were changed as recordings change, and report."""
    chosen = choose(asked.data, asked.protocol, names, asked.checkpoint or [])
    folder = asked.to or runs_folder() / "reports" / chosen.place / "shift"
    shift.run(
        chosen.checkpoints,
        chosen.beats,
        chosen.protocol,
        folder,
        limit=asked.limit,
        warning=chosen.warning,
    )


def evaluate(
    data: str = catalog.AUTO,
    protocol: str = "",
    names: list[str] | None = None,
    *,
    files: list[Path] | None = None,
    to: Path | None = None,
    with_baselines: bool = False,
) -> tuple[list[Assessment], Path]:
    """Score checkpoints on a protocol's test set and write the report.

    Args:
        data: data set; ``auto`` is that of `files`, else MIT-BIH where found, else synthetic.
        protocol: empty for that of `files`, else the data set's customary one.
        names: architectures; None for all that have a checkpoint.
        files: the JSON files of checkpoints to score in place of the best ones.
        to: folder of the report; ``runs/reports/DATA-PROTOCOL`` by default.
        with_baselines: train `experiments.baselines` and score them too, with or without a
            checkpoint.

    Returns:
        the assessments, and the folder that the report is in.

    Raises:
        InputError: there is no such checkpoint, or one does not fit the data.
    """
    chosen = choose(data, protocol, names, files or [], need=not with_baselines)
    beats, protocol = chosen.beats, chosen.protocol
    test = beats.select(splits.held_out(beats, protocol))
    assessments = [assess(one, test, protocol, chosen.warning) for one in chosen.checkpoints]
    if with_baselines:
        assessments += baselines.assess(beats, test, protocol)
    folder = to or runs_folder() / "reports" / chosen.place
    score_report.write(folder, assessments)
    return assessments, folder


@dataclass(frozen=True)
class Choice:
    """What to evaluate, on what.

    Attributes:
        beats: the whole data set.
        protocol: names its test beats.
        checkpoints: what to score.
        warning: stands in place of those about training on other beats; mostly empty.
        place: the name of the report's folder below ``runs/reports``.
    """

    beats: BeatSet
    protocol: str
    checkpoints: list[Checkpoint]
    warning: str
    place: str


def choose(
    data: str, protocol: str, names: list[str] | None, files: list[Path], need: bool = True
) -> Choice:
    """Find data and checkpoints that fit each other; arguments as in `evaluate`.

    Args:
        need: whether there must be a checkpoint.

    Raises:
        InputError: there is no such checkpoint.
    """
    given = [checkpoints.read(file) for file in files]
    if given and data == catalog.AUTO:
        data = _trained_on(given[0])
    beats = catalog.load(data)
    protocol = protocol or _customary(beats, given)
    found = given or _best(beats.name, protocol, names)
    warning, place = "", f"{beats.name}-{protocol}"
    if not found and data == catalog.AUTO and beats.is_synthetic and need:
        found = _best(*PRETRAINED_ON, names)
        warning, place = DEMONSTRATION, "demonstration"
    missing = [] if given else [n for n in names or [] if n not in _architectures_of(found)]
    if missing or (need and not found):
        raise InputError(_not_found(beats.name, protocol, missing))
    return Choice(beats, protocol, found, warning, place)


def assess(checkpoint: Checkpoint, test: BeatSet, protocol: str, warning: str = "") -> Assessment:
    """Predict the test beats with one checkpoint.

    Args:
        checkpoint: what to score.
        test: the test beats, as a selection of the whole data set.
        protocol: how they were held out.
        warning: stands in place of those about training on other beats.

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


def report_final(folder: Path, data: str, protocol: str) -> None:
    """Score what `main.py` trained, one checkpoint for each architecture and seed, and tell it.

    Args:
        folder: holds ``seed-N/ARCHITECTURE.json``; the report goes to its ``report``.
        data, protocol: what was trained on.
    """
    files = sorted(folder.glob("seed-*/*.json"), key=lambda file: (file.stem, _seed(file)))
    if not files:
        print("no checkpoint was reached, so there is nothing to evaluate")
        return
    tell(*evaluate(data, protocol, files=files, to=folder / "report"))


def tell(assessments: list[Assessment], folder: Path) -> None:
    """Print the table of results, what to keep in mind, and where everything is."""
    comparison = compare(assessments)
    console = new_console()
    console.print(results_table(comparison))
    for one in (*comparison.spreads, *comparison.differences):
        print(one.sentence())
    print(*comparison.notes, comparison.method, sep="\n")
    for text in warnings_of(comparison):
        print(f"warning: {text}")
    for result in comparison.results:
        print(f"{result.name}: {shown(result.assessment.checkpoint)}")
    print(f"report: {shown(folder / 'report.html')} (with PNG, CSV and JSON files beside it)")


def classify_file(asked: argparse.Namespace) -> None:
    """Classify the beats of a CSV file and write what was found."""
    checkpoint = _checkpoint_to_predict_with(asked)
    class_names = checkpoint.beat_format.class_names
    beats = beats_file.read(asked.predict, checkpoint.beat_format.samples, class_names)
    probabilities, judged = _judged(checkpoint, beats.signals)
    path = asked.to or runs_folder() / "predictions" / f"{asked.predict.stem}.csv"
    predictions_csv.write(path, probabilities, class_names, judged)
    predicted = probabilities.argmax(axis=1)
    counts = np.bincount(predicted, minlength=len(class_names))
    found = ", ".join(f"{name} {n:,}" for name, n in zip(class_names, counts, strict=True))
    data = checkpoint.facts.data
    trained = "trained on synthetic beats" if data == "synthetic" else f"trained on {data}"
    print(f"{len(predicted):,} beats by {shown(checkpoint.path)}, {trained}: {found}")
    print(f"it expects {checkpoint.beat_format.sampling_hz:g} Hz, {checkpoint.facts.scaling}")
    if beats.labels is not None:
        scores = metrics.score(beats.labels, predicted, class_names)
        figures = f"accuracy {scores.accuracy:.4f}, macro-F1 {scores.macro_f1:.4f}"
        print(f"against the labels of the file: {figures}")
        for note in label_notes(asked.predict.name, class_names):
            print(f"warning: {note}")
    if judged:
        uncertain, strange = judged["uncertain"].sum(), judged["out_of_distribution"].sum()
        print(f"{uncertain:,} are uncertain, {strange:,} unlike the beats that trained it")
    print(f"predictions: {shown(path)}")


def _judged(
    checkpoint: Checkpoint, signals: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(beats, classes) probabilities, and what the checkpoint's calibration says of them."""
    model, hz = checkpoint.load(), checkpoint.beat_format.sampling_hz
    judge = calibration.load(checkpoint)
    if judge is None:
        return predict(model, signals, hz), {}
    probabilities, embeddings = predict_with_embedding(model, signals, hz)
    scores = judge.ood.scores(embeddings, signals)
    return probabilities, {
        "uncertain": judge.uncertain(probabilities),
        "ood_score": scores,
        "out_of_distribution": scores > 1,
    }


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    known = ", ".join(["auto (MIT-BIH where found)", *catalog.DATA_SETS])
    parser.add_argument("--data", default=catalog.AUTO, help=f"one of {known}")
    parser.add_argument("--protocol", default="", help=f"one of {', '.join(PROTOCOLS)}")
    parser.add_argument("--arch", nargs="+", metavar="NAME", help="architectures; default: all")
    parser.add_argument(
        "--checkpoint", nargs="+", type=Path, metavar="JSON", help="in place of the best ones"
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--baselines", action="store_true", help="train scikit-learn's classifiers, score them too"
    )
    instead.add_argument(
        "--transfer",
        metavar="DATA",
        help="study transfer to this data set; more settings: python -m training.transfer --help",
    )
    instead.add_argument(
        "--predict", type=Path, metavar="CSV", help="classify these beats instead"
    )
    instead.add_argument(
        "--shift",
        action="store_true",
        help="score test beats under noise, wrong gain ... instead",
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=shift.DEFAULT_LIMIT,
        metavar="BEATS",
        help="with --shift: draw so many test beats, 0 takes all; default: %(default)s",
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=anomalies.EXAMPLES,
        metavar="N",
        help=f"with --arch {anomalies.NAME}: so many normal and anomalous beats are drawn",
    )
    parser.add_argument("--to", type=Path, help="folder of the report, or file of the predictions")
    return parser.parse_args(argv)


def _transfer_flags(asked: argparse.Namespace) -> list[str]:
    """The flags of `training.transfer`; ``--data`` is the source, the rest is the target's."""
    given = {
        "target": asked.transfer,
        "source": "" if asked.data == catalog.AUTO else asked.data,
        "protocol": asked.protocol,
        "arch": (asked.arch or [""])[0],
        "to": asked.to,
    }
    return [f"--{name}={value}" for name, value in given.items() if value]


def _best(data: str, protocol: str, names: list[str] | None) -> list[Checkpoint]:
    """The best checkpoint of each architecture that has one."""
    for name in names or []:
        architectures.find(name)
    found = [
        checkpoints.best(data, protocol, name) for name in names or architectures.ARCHITECTURES
    ]
    return [one for one in found if one]


def _architectures_of(found: list[Checkpoint]) -> list[str]:
    return [one.architecture for one in found]


def _not_found(data: str, protocol: str, missing: list[str]) -> str:
    kind = f"of {' or '.join(missing)} " if missing else ""
    flags = f"--data={data} --protocol={protocol}"
    train = [f"`python -m training.train_{name} {flags}`" for name in missing or ["cnn"]]
    return (
        f"there is no checkpoint {kind}for {data} under protocol {protocol}; train with "
        f"`python main.py {flags}` or {' and '.join(train)}"
    )


def _trained_on(checkpoint: Checkpoint) -> str:
    data = checkpoint.facts.data
    return data if data in catalog.DATA_SETS else catalog.AUTO


def _customary(beats: BeatSet, given: list[Checkpoint]) -> str:
    """The protocol of the first given checkpoint where the data allow it, else their usual one."""
    allowed = splits.allowed(beats)
    own = given[0].facts.protocol if given else None
    return own if own in allowed else allowed[0]


def _seed(file: Path) -> int:
    return int(file.parent.name.removeprefix("seed-"))


def _checkpoint_to_predict_with(asked: argparse.Namespace) -> Checkpoint:
    """The given checkpoint, else the best one; without --data one for real beats."""
    if asked.checkpoint:
        found = [checkpoints.read(asked.checkpoint[0])]
    elif asked.data == catalog.AUTO:
        data, protocol = PRETRAINED_ON
        found = _best(data, asked.protocol or protocol, asked.arch)
    else:
        protocol = asked.protocol or splits.allowed(catalog.load(asked.data))[0]
        found = _best(asked.data, protocol, asked.arch)
    if not found:
        data = PRETRAINED_ON[0] if asked.data == catalog.AUTO else asked.data
        raise InputError(_not_found(data, asked.protocol or PRETRAINED_ON[1], asked.arch or []))
    found[0].require("class_names", "samples", "sampling_hz", "scaling", "data")
    return found[0]


if __name__ == "__main__":
    raise SystemExit(main())
