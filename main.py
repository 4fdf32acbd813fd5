"""Final training: the best known settings of each architecture, then the report on the test set.

    python main.py                               # MIT-BIH where it is found, else synthetic beats
    python main.py --data=synthetic --arch cnn
    python main.py --sweep ENTITY/PROJECT/ID     # the winner of a W&B sweep
    python main.py --study cnn-bayes             # the winner of a local sweep
    python main.py --study cnn-bayes --save-settings my.yaml   # writes its settings, and ends
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
from typing import TYPE_CHECKING

from utils.command_line import Parser, existing_file, one_of
from utils.errors import InputError, exit_plainly

# All libraries, and what needs them, are imported where they are called: a wrong flag should not
# wait for Keras.
if TYPE_CHECKING:
    from training.run import Outcome
    from training.settings import TrainingSettings

# Settings by which a sweep looks at its trials; the final training has the usual ones.
OF_A_SWEEP = ("draws", "split_seed", "validation_share")
# Settings that may be given here for all architectures at once.
COMMON = ("data", "protocol", "train_limit", "epochs", "tracking")


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, training, evaluation, report; the exit status."""
    asked = _parse(argv)
    if asked.save_settings:
        return _save_settings(asked)
    networks = list(itertools.product(_plans(asked), asked.seeds))
    from training import run
    from utils.paths import runs_folder

    folder = runs_folder() / "final" / f"{datetime.datetime.now():%Y%m%d-%H%M%S}"
    outcomes, status = [], 0
    for number, ((name, settings), seed) in enumerate(networks, start=1):
        label = f"{name} (network {number} of {len(networks)})" if len(networks) > 1 else name
        outcome = _train(name, dataclasses.replace(settings, seed=seed), folder, label)
        status |= run.report(outcome)
        outcomes.append(outcome)
        if outcome.result.stopped:  # who asks once means all of the trainings
            print("the trainings that were still to come are left out")
            break
    from evaluation import scoring

    facts = outcomes[0].facts
    histories = {(one.facts.architecture, one.facts.seed): one.result.history for one in outcomes}
    scoring.report_trainings(folder, facts.data, facts.protocol, histories)
    return status


def _parse(argv: list[str] | None) -> argparse.Namespace:
    from training.architectures import ARCHITECTURES
    from training.settings import TrainingSettings
    from utils.settings import add_flag

    parser = Parser(__doc__)
    what = parser.add_argument_group("what is trained")
    what.add_argument(
        "--arch",
        nargs="+",
        type=one_of(*ARCHITECTURES),
        metavar="NAME",
        help=f"architectures, of {', '.join(ARCHITECTURES)} (default all)",
    )
    what.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        default=[0],
        metavar="N",
        help="one training of each architecture for each seed (default 0)",
    )
    source = parser.add_argument_group("where its settings come from")
    source.add_argument(
        "--settings",
        type=existing_file,
        metavar="FILE",
        help="YAML file of one architecture's settings (default the shipped best ones)",
    )
    source.add_argument(
        "--sweep", metavar="ENTITY/PROJECT/ID", help="the best run of a sweep on W&B"
    )
    source.add_argument("--study", metavar="NAME", help="the best trial of a local sweep")
    source.add_argument(
        "--storage", metavar="URL", help="database of the study (default in the runs folder)"
    )
    source.add_argument(
        "--save-settings",
        type=Path,
        metavar="FILE",
        help="write the one network's settings, and where they come from, and end",
    )
    common = parser.add_argument_group("settings of all networks, whatever the others are")
    fields = {field.name: field for field in dataclasses.fields(TrainingSettings)}
    for name in COMMON:
        add_flag(common, fields[name], "that of the settings")
    return parser.parse_args(argv)


def _plans(asked: argparse.Namespace) -> list[tuple[str, "TrainingSettings"]]:
    """The architectures to train, each with its settings."""
    from heartbeats import catalog
    from utils.settings import from_mapping

    common = {name: value for name in COMMON if (value := getattr(asked, name)) is not None}
    plans = [
        (name, from_mapping(type(settings), common, "the command line", settings))
        for name, settings in _settings(asked)
    ]
    for _name, settings in plans:
        catalog.find(settings.data)
        _check_choice(settings, is_swept=bool(asked.sweep or asked.study))
    return plans


def _check_choice(settings: "TrainingSettings", *, is_swept: bool) -> None:
    """Whether the beats that chose the settings have test beats of the training's protocol.

    Raises:
        InputError: they have, and a sweep of the user's chose them, which may be run again.
    """
    from heartbeats import catalog, splits

    data, _, chosen = settings.settings_chosen_on.rpartition("-")
    if not data or catalog.resolve(settings.data) != data:
        return
    beats = catalog.load(settings.data)
    protocol = settings.protocol or splits.allowed(beats)[0]
    if protocol == chosen or not (count := splits.seen_test_beats(beats, chosen, protocol)):
        return
    told = (
        f"the settings were chosen on beats of protocol {chosen}, {count:,} of which are test "
        f"beats of protocol {protocol}"
    )
    if is_swept:
        raise InputError(
            f"{told}: the test would flatter. Sweep with --protocol={protocol} among the "
            "parameters, or train with the protocol of the sweep"
        )
    print(f"note: {told}; the report will say so")


def _settings(asked: argparse.Namespace) -> list[tuple[str, "TrainingSettings"]]:
    """The architectures to train, with the settings of the source that was asked for."""
    if asked.settings:
        return [_of_file(asked.settings, asked.arch or [])]
    if asked.sweep:
        from training.settings import TrainingSettings
        from training.tracking import sweep_winner

        name, settings = sweep_winner(asked.sweep)
        of_final = {key: getattr(TrainingSettings, key) for key in OF_A_SWEEP}
        return [(name, chosen_here(dataclasses.replace(settings, **of_final)))]
    if asked.study:
        return [_winner_of_study(asked.study, asked.storage)]
    from heartbeats import catalog
    from training import architectures

    data = catalog.resolve(asked.data or catalog.AUTO)
    names = asked.arch or architectures.ARCHITECTURES
    return [(name, architectures.best_settings(name, data)) for name in names]


def _save_settings(asked: argparse.Namespace) -> int:
    """Write the settings of the one network that is asked for as YAML; the exit status."""
    import yaml

    from utils.files import write_whole
    from utils.paths import shown

    plans = _plans(asked)
    if len(plans) != 1:
        raise InputError("--save-settings writes one network's: name it, e.g. --arch cnn")
    ((name, settings),) = plans
    usual = type(settings)()
    changed = {
        field.name: value
        for field in dataclasses.fields(settings)
        if (value := getattr(settings, field.name)) != getattr(usual, field.name)
        and field.name not in ("data", "tracking")
    }
    words = " ".join(["python main.py", *_source_words(asked)])
    text = f"# {name}: {_source(asked)}\n# Written by: {words}\n"
    text += yaml.safe_dump(changed, sort_keys=False)
    write_whole(asked.save_settings, lambda draft: draft.write_text(text, encoding="utf-8"))
    print(f"settings: {shown(asked.save_settings)}")
    return 0


def _source_words(asked: argparse.Namespace) -> list[str]:
    """The flags that say where the settings come from."""
    names = ("study", "sweep", "settings", *COMMON)
    return [f"--{name}={value}" for name in names if (value := getattr(asked, name)) is not None]


def _source(asked: argparse.Namespace) -> str:
    """Where the settings come from, in a sentence."""
    if asked.study:
        from sweeps import retraining

        return retraining.winner(asked.study, asked.storage).summary
    if asked.sweep:
        return f"the best run of the W&B sweep {asked.sweep}"
    return f"the settings of {asked.settings or 'training/best_settings'}"


def chosen_here(settings: "TrainingSettings") -> "TrainingSettings":
    """The settings of a sweep's winner, which know the beats that chose them."""
    from heartbeats import catalog, splits

    data = catalog.resolve(settings.data)
    protocol = settings.protocol or splits.allowed(catalog.load(data))[0]
    return dataclasses.replace(settings, settings_chosen_on=f"{data}-{protocol}")


def _of_file(file: Path, names: Sequence[str]) -> tuple[str, "TrainingSettings"]:
    from training import architectures
    from utils.settings import from_mapping, read_yaml

    if len(names) != 1:
        raise InputError("--settings holds one network's settings: name it, e.g. --arch cnn")
    kind = architectures.find(names[0]).settings
    return names[0], from_mapping(kind, read_yaml(file), str(file))


# What studies begun before they kept their program's facts were sweeps of.
FACTS_OF_FORMER_COMMANDS = {
    "training.train_cnn": {"architecture": "cnn"},
    "training.train_cnn_lstm": {"architecture": "cnn_lstm"},
    "training.train_rnn": {"architecture": "rnn"},
    "training.cross_validate": {"experiment": "cross_validation"},
}


def _winner_of_study(study: str, storage: str | None) -> tuple[str, "TrainingSettings"]:
    """The architecture and the settings that a local sweep found best."""
    from experiments.cross_validation import settings as cross_validation
    from sweeps import retraining
    from training import architectures
    from utils.settings import from_mapping

    found = retraining.winner(study, storage)
    print(found.summary)
    facts = _former_facts(found.command) if found.facts is None else found.facts
    name, values, base = facts.get("architecture", ""), found.settings, None
    if facts.get("experiment") == cross_validation.EXPERIMENT:
        name, base = cross_validation.trained_by(
            {"arch": name or cross_validation.DEFAULT_ARCHITECTURE, **values}
        )
        values = cross_validation.without_folds(values)
    if name not in architectures.ARCHITECTURES:
        raise InputError(
            f"the study '{study}' did not sweep a program that trains one of "
            f"{', '.join(architectures.ARCHITECTURES)}"
        )
    values = {key: value for key, value in values.items() if key not in OF_A_SWEEP}
    settings = from_mapping(architectures.find(name).settings, values, f"study {study}", base)
    return name, chosen_here(settings)


def _former_facts(command: Sequence[str]) -> dict[str, str]:
    former = FACTS_OF_FORMER_COMMANDS
    return next((former[word] for word in command if word in former), {})


def _train(name: str, settings: "TrainingSettings", folder: Path, label: str) -> "Outcome":
    from training import run
    from training.classifier import Classifier

    keep = folder / f"seed-{settings.seed}"
    group = f"final-{folder.name}"
    return run.train(Classifier(name), settings, group=group, keep_in=keep, label=label)


if __name__ == "__main__":
    raise SystemExit(main())
