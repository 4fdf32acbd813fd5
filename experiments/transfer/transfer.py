"""A transfer experiment: the source network, its trainings on the target, their report."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments.transfer import report as transfer_report
from experiments.transfer.cells import (
    TUNING_FRACTION,
    TUNING_SEEDS,
    Bench,
    Stopped,
    Trainer,
    best_rate,
    run_cell,
    tried_rates,
)
from experiments.transfer.results import Cell, CellResult, CellStore, TransferResults
from experiments.transfer.settings import TransferSettings
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from models import checkpoints
from models.backend import keras
from models.checkpoints import Checkpoint
from training import architectures
from training import run as training_run
from training.classifier import Classifier
from training.progress import duration, time_left
from training.settings import TrainingSettings
from training.tracked_run import StopRequest, clear_session
from training.tracking import open_tracker
from utils.errors import InputError
from utils.paths import runs_folder, shown
from utils.result_file import Identity
from utils.settings import from_mapping
from utils.versions import commit, versions

LAYOUT = 1  # one more with every change that makes earlier results those of another experiment
# Settings that say how much of an experiment is done, or where it goes, and not what it is.
NOT_IDENTIFYING = ("modes", "percents", "seeds", "source_epochs", "tracking", "to")


def run_and_report(settings: TransferSettings) -> None:
    """Run the experiment and print what was found; arguments and errors as for `run`."""
    results, folder = run(settings)
    for sentence in results.sentences():
        print(sentence)
    print(f"report: {shown(folder / 'report.html')} (with PNG, CSV and JSON files beside it)")


def run(settings: TransferSettings) -> tuple[TransferResults, Path]:
    """The whole experiment, or what is left to do of it, and its report.

    Returns:
        the results, and the folder that the report is in.

    Raises:
        InputError: a setting, the data or a checkpoint cannot be used, or a person stopped it.
    """
    settings.check()
    target = catalog.load(settings.target)
    check_classes(target, "whole")
    protocol = settings.protocol or customary_protocol(target)
    test = held_out_beats(target, protocol)
    source = find_or_train(
        settings.source,
        settings.source_protocol,
        settings.arch,
        epochs=settings.source_epochs,
        tracking=settings.tracking,
    )
    check_fits(source, target)
    identity = identity_of(settings, source, target, protocol)
    store = CellStore(folder_of(settings, identity), identity)
    with StopRequest() as stop:
        bench = _bench(settings, source, target, protocol, stop)
        facts = {**identity.values, **facts_of(source, bench, test, protocol)}
        try:
            results = _measured(settings, bench, test, store, facts)
        except Stopped as reason:
            raise InputError(f"{reason}; the same command goes on from here") from None
    transfer_report.write(store.folder, results)
    return results, store.folder


# The source network.


def find_or_train(
    data: str, protocol: str, arch: str, *, epochs: int, tracking: str
) -> Checkpoint:
    """The best checkpoint of `arch` on `data`; where there is none, one is trained and kept.

    Args:
        data: the source data set; it need not be here if a checkpoint of it is.
        protocol: how the source is split; empty for the first that has a checkpoint, else the
            data set's customary one.
        arch: an architecture's name.
        epochs: of the training, where there is one.
        tracking: of the training, where there is one.

    Raises:
        InputError: a name is unknown, or there is neither checkpoint nor data.
    """
    architectures.find(arch)
    for one in [protocol] if protocol else PROTOCOLS:
        if found := checkpoints.best(data, one, arch):
            return found
    settings = dataclasses.replace(
        architectures.best_settings(arch, data),
        data=data,
        protocol=protocol,
        epochs=epochs,
        tracking=tracking,
    )
    print(f"no {arch} was trained on {data} yet: training one for {epochs} epochs")
    outcome = training_run.train(Classifier(arch), settings, group=f"transfer-source-{data}")
    if outcome.result.stopped or outcome.candidate is None:
        raise InputError(
            f"the training of the source network ended early: {outcome.result.ended_by}; "
            f"finish one with `python -m training.train_{arch} --data={data}`"
        )
    return outcome.candidate


def settings_of(source: Checkpoint) -> TrainingSettings:
    """How the source was trained, as far as today's settings know the names."""
    kind = architectures.find(source.architecture).settings
    known = {field.name for field in dataclasses.fields(kind)}
    stored = source.facts.settings
    return from_mapping(
        kind, {name: stored[name] for name in known & set(stored)}, source.path.name
    )


def check_fits(source: Checkpoint, target: BeatSet) -> None:
    """Raise InputError unless the source network takes beats like the target's."""
    wrong = source.facts.differences(
        samples=target.signals.shape[1], sampling_hz=target.sampling_hz
    )
    for name, said, wanted in wrong:
        raise InputError(
            f"the network of {source.path} takes beats of {name} {said}, "
            f"those of '{target.name}' have {name} {wanted}; choose another source or target"
        )
    if source.facts.fingerprint == target.fingerprint:
        raise InputError(
            f"source and target are the same data, '{target.name}'; transfer needs two data sets"
        )


# The target, and what its trainings share.


def customary_protocol(target: BeatSet) -> str:
    """By patient where patients are known, else the first that the data set allows."""
    allowed = splits.allowed(target)
    return "patients" if "patients" in allowed else allowed[0]


def held_out_beats(target: BeatSet, protocol: str) -> BeatSet:
    """The target's test beats, to score networks whose training is over.

    Raises:
        InputError: the data set has no such protocol, or its test part has one class alone.
    """
    test = target.select(splits.held_out(target, protocol))
    check_classes(test, "test")
    return test


def check_classes(beats: BeatSet, part: str) -> None:
    """Raise InputError unless two classes occur at least: no score would mean anything.

    Args:
        beats: a part of a data set.
        part: its name for the message.
    """
    present = np.unique(beats.labels)
    if len(present) < 2:
        found = ", ".join(beats.class_names[label] for label in present) or "no beat at all"
        raise InputError(
            f"the {part} part of '{beats.name}' must have beats of two classes at least, found: "
            f"{found}; check the data set's labels, or choose another target"
        )


def _bench(
    settings: TransferSettings,
    source: Checkpoint,
    target: BeatSet,
    protocol: str,
    stop: StopRequest,
) -> Bench:
    train, validation = splits.development(target, protocol, seed=settings.split_seed)
    training_part, validation_part = target.select(train), target.select(validation)
    check_classes(training_part, "training")
    check_classes(validation_part, "validation")
    # What the losses and batches of the source were tuned to need not suit the target's classes.
    ours = dataclasses.replace(
        settings_of(source),
        batch_size=settings.batch_size,
        schedule="cosine",
        monitor="val_macro_f1",
        class_weighting="none",
        loss="cross_entropy",
        logit_adjustment=0.0,
        common_share=1.0,
        rare_share=0.0,
    )
    return Bench(
        source.load(),
        training_part,
        validation_part,
        protocol == "patients",
        settings.steps,
        ours,
        stop,
    )


# Which experiment it is.


def identity_of(
    settings: TransferSettings, source: Checkpoint, target: BeatSet, protocol: str
) -> Identity:
    """What two runs share if one may take over the other's trainings."""
    chosen = {
        key: value
        for key, value in dataclasses.asdict(settings).items()
        if key not in NOT_IDENTIFYING
    }
    return Identity(
        {
            **chosen,
            "protocol": protocol,
            "source_protocol": source.facts.protocol,
            "source_weights": source.facts.weights_digest,
            "target_fingerprint": target.fingerprint,
            "backend": keras.backend.backend(),
            "layout": LAYOUT,
        }
    )


def folder_of(settings: TransferSettings, identity: Identity) -> Path:
    if settings.to:
        return Path(settings.to)
    name = f"{settings.source}-to-{settings.target}-{settings.arch}-{identity.digest}"
    return runs_folder() / "transfer" / name


def facts_of(source: Checkpoint, bench: Bench, test: BeatSet, protocol: str) -> dict[str, Any]:
    """What the report says besides."""
    parts = {"training": bench.train, "validation": bench.validation, "test": test}
    return {
        "protocol_meaning": PROTOCOLS[protocol],
        "unit": "patients" if bench.by_patient else "beats",
        "parts": {name: _counts(part) for name, part in parts.items()},
        "source_checkpoint": shown(source.path),
        "source_score": source.facts.score,
        "source_parameters": source.facts.parameters,
        "synthetic": test.is_synthetic or source.facts.data == "synthetic",
        "tuning": {"fraction": TUNING_FRACTION, "seeds": list(TUNING_SEEDS)},
        "commit": commit(),
        "versions": versions(),
    }


def _counts(part: BeatSet) -> dict[str, Any]:
    """Patients, records and beats of each class; None where unknown."""
    known = {"patients": part.patients, "records": part.records}
    counts = {
        name: None if array is None else len(np.unique(array)) for name, array in known.items()
    }
    of_class = dict(zip(part.class_names, part.class_counts().tolist(), strict=True))
    return {**counts, "beats": len(part), "of_class": of_class}


# The trainings, one after the other.


def _measured(
    settings: TransferSettings,
    bench: Bench,
    test: BeatSet,
    store: CellStore,
    facts: dict[str, Any],
) -> TransferResults:
    cells = _cells(settings)
    print(
        f"{settings.arch} from {settings.source} to {settings.target}, "
        f"{facts['protocol_meaning']}: {len(bench.train):,} training, "
        f"{len(bench.validation):,} validation and {len(test):,} test beats\n"
        f"{len(cells)} trainings of {settings.steps} steps, kept in {shown(store.folder)}"
    )
    rate = settings.learning_rate
    tried = {
        mode: {} if rate else tried_rates(bench, mode, store) for mode in settings.mode_names()
    }
    rates = {mode: rate or best_rate(scores) for mode, scores in tried.items()}
    done = _trainings(settings, bench, cells, rates, test, store)
    trainings = tuple(result for result, _probabilities in done)
    predicted = tuple(probabilities.argmax(axis=1) for _result, probabilities in done)
    return TransferResults(facts, tried, rates, trainings, predicted, test)


def _cells(settings: TransferSettings) -> list[Cell]:
    """Seeds outermost: an unfinished experiment has whole learning curves of its first seeds."""
    return [
        Cell(mode, fraction, seed)
        for seed in range(settings.seeds)
        for fraction in settings.fractions()
        for mode in settings.mode_names()
    ]


def _trainings(
    settings: TransferSettings,
    bench: Bench,
    cells: list[Cell],
    rates: dict[str, float],
    test: BeatSet,
    store: CellStore,
) -> list[tuple[CellResult, np.ndarray]]:
    """Result and probabilities of each cell, from the store or from a training now."""
    trainers: dict[str, Trainer] = {}
    done, seconds = [], []
    for number, cell in enumerate(cells, start=1):
        if (found := store.read(cell)) is None:
            if cell.mode not in trainers:
                trainers[cell.mode] = Trainer(bench, cell.mode, rates[cell.mode])
            started = time.perf_counter()
            found = _tracked_cell(settings, trainers[cell.mode], cell, test, store)
            seconds.append(time.perf_counter() - started)
            position = f"network {number} of {len(cells)}"
            left = time_left(seconds, len(cells) - number)
            print(f"{_line(found[0], bench, position)}{left}", flush=True)
        done.append(found)
    clear_session()
    return done


def _tracked_cell(
    settings: TransferSettings, trainer: Trainer, cell: Cell, test: BeatSet, store: CellStore
) -> tuple[CellResult, np.ndarray]:
    """Train, keep the result, and log it to W&B."""
    config = {
        **dataclasses.asdict(settings),
        **dataclasses.asdict(cell),
        "learning_rate": trainer.settings.learning_rate,
    }
    stop = trainer.bench.stop
    tracker = open_tracker(
        settings.tracking,
        job=f"transfer-{cell.mode}",
        group=store.folder.name,
        config=config,
        on_stop=stop.request if stop else None,
    )
    failed = True
    try:
        result, probabilities = run_cell(trainer, cell, test)
        store.write(cell, result, probabilities)
        tracker.summarise(_summary(result))
        failed = False
        return result, probabilities
    finally:
        tracker.finish(failed)


def _summary(result: CellResult) -> dict[str, float]:
    """Flat scalars for W&B."""
    kinds = {"test": result.by_beat, "test_record": result.by_record}
    scores = {
        f"{kind}_{name}": getattr(scored, name)
        for kind, scored in kinds.items()
        if scored
        for name in ("macro_f1", "auc", "accuracy")
    }
    return {
        **scores,
        "labelled_units": result.units,
        "labelled_beats": result.beats,
        "seconds": result.seconds,
    }


def _line(result: CellResult, bench: Bench, position: str) -> str:
    """What a training reached, as the lines of other trainings' progress say it."""
    used = f"{result.units} patients, " if bench.by_patient else ""
    return (
        f"{result.mode}, {100 * result.fraction:.4g} % of the labels, seed {result.seed} "
        f"({position}): {used}{result.beats:,} beats, test macro-F1 "
        f"{result.by_beat.macro_f1:.3f}, AUC {result.by_beat.auc:.3f}, {duration(result.seconds)}"
    )
