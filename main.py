"""Final training: the best known settings of each architecture, then the report on the test set.

    python main.py                               # MIT-BIH where it is found, else synthetic beats
    python main.py --data=synthetic --arch cnn
    python main.py --sweep ENTITY/PROJECT/ID     # the winner of a W&B sweep
    python main.py --study cnn-bayes             # the winner of a local sweep
    python main.py --arch cnn --settings my.yaml
    python main.py --arch cnn rnn --seeds 0 1 2  # mean and spread over seeds

Settings come from `--settings`, `--sweep` or `--study`, else from training/best_settings/.
Stopping and selection see validation beats alone; the test set is read once, at the end.
"""

import argparse
import dataclasses
import datetime
import itertools
from collections.abc import Sequence
from pathlib import Path

from experiments.cross_validation import folds
from heartbeats import catalog
from training import architectures, run
from training.classifier import Classifier
from training.settings import TrainingSettings
from utils.errors import InputError, exit_plainly
from utils.paths import runs_folder
from utils.settings import from_mapping, read_yaml

# Settings that may be given here for all architectures at once.
COMMON = ("data", "protocol", "epochs", "train_limit", "tracking")


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, training, evaluation, report; the exit status."""
    asked = _parse(argv)
    plans = _plans(asked)
    folder = runs_folder() / "final" / f"{datetime.datetime.now():%Y%m%d-%H%M%S}"
    networks = list(itertools.product(plans, asked.seeds))
    outcomes, status = [], 0
    for number, ((name, settings), seed) in enumerate(networks, start=1):
        label = f"{name} (network {number} of {len(networks)})"
        outcome = _train(name, dataclasses.replace(settings, seed=seed), folder, label)
        status |= run.report(outcome)
        outcomes.append(outcome)
        if outcome.result.stopped:  # who asks once means all of the trainings
            print("the trainings that were still to come are left out")
            break
    # Imported late: reports need matplotlib, and training should begin without waiting for it.
    import eval as evaluation_program

    facts = outcomes[0].facts
    evaluation_program.report_final(folder, facts["data"], facts["protocol"])
    return status


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--arch", nargs="+", help="architectures; default: all")
    parser.add_argument("--settings", type=Path, help="YAML settings file, for one network")
    parser.add_argument("--sweep", metavar="ENTITY/PROJECT/ID", help="take the sweep's best run")
    parser.add_argument("--study", help="take the best settings of a local sweep")
    parser.add_argument("--storage", help="where the study is; default: the runs folder")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="one training for each")
    for field in dataclasses.fields(TrainingSettings):
        if field.name in COMMON:
            parser.add_argument(f"--{field.name}", help=field.metadata["meaning"])
    return parser.parse_args(argv)


def _plans(asked: argparse.Namespace) -> list[tuple[str, TrainingSettings]]:
    """The architectures to train, each with its settings."""
    names = asked.arch or list(architectures.ARCHITECTURES)
    if asked.settings:
        if not asked.arch or len(names) != 1:
            raise InputError("--settings holds one network's settings: name it, e.g. --arch cnn")
        kind = architectures.find(names[0]).settings
        plans = [(names[0], from_mapping(kind, read_yaml(asked.settings), str(asked.settings)))]
    elif asked.sweep:
        # Imported late: only those who have swept on W&B wait for its client here.
        from training.sweep_results import winner

        plans = [winner(asked.sweep)]
    elif asked.study:
        plans = [_winner_of_study(asked.study, asked.storage)]
    else:
        data = catalog.resolve(asked.data or catalog.AUTO)
        plans = [(name, architectures.best_settings(name, data)) for name in names]
    common = {name: value for name in COMMON if (value := getattr(asked, name)) is not None}
    return [
        (name, from_mapping(type(settings), common, "the command line", settings))
        for name, settings in plans
    ]


# What studies begun before they kept their program's facts were sweeps of.
FACTS_OF_FORMER_COMMANDS = {
    "training.train_cnn": {"architecture": "cnn"},
    "training.train_cnn_lstm": {"architecture": "cnn_lstm"},
    "training.train_rnn": {"architecture": "rnn"},
    "training.cross_validate": {"experiment": folds.EXPERIMENT},
}


def _winner_of_study(study: str, storage: str | None) -> tuple[str, TrainingSettings]:
    """The architecture and the settings that a local sweep found best."""
    # Imported late: only those who have swept here wait for Optuna.
    from sweeps import retraining

    found = retraining.winner(study, storage)
    print(found.summary)
    facts = _former_facts(found.command) if found.facts is None else found.facts
    name, values, base = facts.get("architecture", ""), found.settings, None
    if facts.get("experiment") == folds.EXPERIMENT:
        name, base = folds.trained_by({"arch": name or folds.DEFAULT_ARCHITECTURE, **values})
        values = folds.without_folds(values)
    if name not in architectures.ARCHITECTURES:
        raise InputError(
            f"the study '{study}' did not sweep a program that trains one of "
            f"{', '.join(architectures.ARCHITECTURES)}"
        )
    return name, from_mapping(architectures.find(name).settings, values, f"study {study}", base)


def _former_facts(command: Sequence[str]) -> dict[str, str]:
    former = FACTS_OF_FORMER_COMMANDS
    return next((former[word] for word in command if word in former), {})


def _train(name: str, settings: TrainingSettings, folder: Path, label: str) -> run.Outcome:
    keep = folder / f"seed-{settings.seed}"
    group = f"final-{folder.name}"
    return run.train(Classifier(name), settings, group=group, also_keep=keep, label=label)


if __name__ == "__main__":
    raise SystemExit(main())
