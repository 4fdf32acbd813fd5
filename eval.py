"""Checkpoints on the test set: scores with intervals, figures, tables, one report.

    python eval.py                                  # the best or the pretrained checkpoints
    python eval.py --protocol=patients --arch cnn
    python eval.py --baselines                      # and scikit-learn's classifiers beside them
    python eval.py --arch lstm_autoencoder --data=ecg5000   # anomaly detection
    python eval.py --shift                          # how scores fall under noise, wrong gain ...
    python eval.py --transfer ptb                   # does MIT-BIH's network help on another set?
    python eval.py --checkpoint runs/checkpoints/mitbih-kaggle/cnn.json --to my_report
    python eval.py --predict beats.csv              # classify beats of your own, 187 values a row

Only this program and the experiments that it runs read test beats, to score what was trained
without.
"""

import argparse
from pathlib import Path

from heartbeats.names import AUTO, DATA_SETS, add_data_flag, add_protocol_flag
from utils.command_line import Parser, existing_file, one_of
from utils.errors import exit_plainly

# Names, since what they name needs libraries: a test compares them with the tables.
CLASSIFIERS, DETECTOR = ("cnn", "cnn_lstm", "rnn"), "lstm_autoencoder"
# A couple of minutes on two cores; rare classes have few beats then, as their intervals show.
SHIFTED_BEATS = 6000
EXAMPLES = 2

# Each of the functions below imports what it calls: Keras, matplotlib and pandas take seconds,
# which `--help`, a typo or a missing file should not cost.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Do what is asked for; the exit status."""
    asked = _parse(argv)
    if asked.transfer:
        _transfer(asked)
    elif asked.predict:
        _classify(asked)
    elif asked.arch == [DETECTOR]:
        _detect_anomalies(asked)
    elif asked.shift:
        _shift(asked)
    else:
        _score(asked)
    return 0


def _score(asked: argparse.Namespace) -> None:
    """Score checkpoints on a protocol's test beats, and baselines beside them if asked to."""
    from evaluation import scoring

    chosen = _chosen(asked)
    test = chosen.test_beats()
    assessments = scoring.assess_all(chosen, test)
    if asked.baselines:
        from experiments.baselines import baselines

        assessments += baselines.assess(chosen.beats, test, chosen.protocol)
    scoring.report(assessments, asked.to or chosen.report_folder)


def _shift(asked: argparse.Namespace) -> None:
    """Score checkpoints on test beats that were changed as recordings change."""
    from experiments.shift import shift

    chosen = _chosen(asked)
    shift.run(
        chosen.checkpoints,
        chosen.beats,
        chosen.protocol,
        asked.to or chosen.report_folder / "shift",
        limit=asked.limit,
        warning=chosen.warning,
    )


def _chosen(asked: argparse.Namespace):
    """The checkpoints and the data set to score them on, a `scoring.Choice`."""
    from evaluation import scoring

    named = asked.arch not in (None, ["all"])
    return scoring.choose(
        asked.arch if named else CLASSIFIERS,
        data=asked.data,
        protocol=asked.protocol or "",
        files=asked.checkpoint or (),
        need="each" if named else "none" if asked.baselines else "any",
        demonstrate=not asked.baselines,
    )


def _transfer(asked: argparse.Namespace) -> None:
    """Study transfer; `--data` is the source, the rest is the target's."""
    from experiments.transfer import transfer
    from experiments.transfer.settings import TransferSettings
    from utils.settings import from_mapping

    given = {
        "target": asked.transfer,
        "source": "" if asked.data == AUTO else asked.data,
        "protocol": asked.protocol or "",
        "arch": asked.arch[0] if asked.arch else "",
        "to": str(asked.to or ""),
    }
    chosen = {name: value for name, value in given.items() if value}
    transfer.run_and_report(from_mapping(TransferSettings, chosen, "the command line"))


def _classify(asked: argparse.Namespace) -> None:
    """Classify the beats of a file."""
    from evaluation import scoring
    from models import checkpoints

    if asked.checkpoint:
        checkpoint = checkpoints.read(asked.checkpoint[0])
    else:
        names = asked.arch or CLASSIFIERS
        checkpoint = scoring.choose_classifier(
            names, data=asked.data, protocol=asked.protocol or ""
        )
    print(*scoring.classify_file(checkpoint, asked.predict, asked.to).sentences(), sep="\n")


def _detect_anomalies(asked: argparse.Namespace) -> None:
    """Test an autoencoder beside the baselines of anomaly detection."""
    from experiments.anomaly_detection import anomalies

    results, folder = anomalies.evaluate(
        asked.data, asked.protocol or "", asked.checkpoint, examples=asked.examples, to=asked.to
    )
    anomalies.tell(results, folder)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    what = parser.add_argument_group("what to score, on which beats")
    add_data_flag(what)
    add_protocol_flag(what)
    what.add_argument(
        "--arch",
        nargs="+",
        type=one_of("all", *CLASSIFIERS, DETECTOR),
        metavar="NAME",
        help=f"architectures: {', '.join(CLASSIFIERS)}, or {DETECTOR} alone; default: all "
        "classifiers",
    )
    what.add_argument(
        "--checkpoint",
        nargs="+",
        type=existing_file,
        metavar="JSON",
        help="in place of the best ones",
    )
    _add_questions(parser)
    parser.add_argument("--to", type=Path, help="folder of the report, or file of the predictions")
    return parser.parse_args(argv)


def _add_questions(parser: argparse.ArgumentParser) -> None:
    """The flags that say which question is answered; at most one of the first four."""
    group = parser.add_argument_group("other questions, one at a time")
    one = group.add_mutually_exclusive_group()
    one.add_argument(
        "--baselines", action="store_true", help="train scikit-learn's classifiers, score them too"
    )
    one.add_argument(
        "--shift", action="store_true", help="score test beats under noise, wrong gain ..."
    )
    one.add_argument(
        "--transfer",
        type=one_of(*DATA_SETS),
        metavar="DATA",
        help="study transfer to this data set; more settings: python -m training.transfer --help",
    )
    one.add_argument(
        "--predict", type=existing_file, metavar="CSV", help="classify the beats of this file"
    )
    group.add_argument(
        "--limit",
        type=int,
        default=SHIFTED_BEATS,
        metavar="BEATS",
        help="with --shift: the number of test beats to draw, 0 takes all; default: %(default)s",
    )
    group.add_argument(
        "--examples",
        type=int,
        default=EXAMPLES,
        metavar="N",
        help=f"with --arch {DETECTOR}: number of normal and of anomalous beats to draw; default: "
        "%(default)s",
    )


if __name__ == "__main__":
    raise SystemExit(main())
