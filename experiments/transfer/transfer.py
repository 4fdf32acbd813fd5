"""A transfer experiment: the source network, its trainings on the target, their report."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from experiments.transfer import cells as transfer_source
from experiments.transfer import report as transfer_report
from experiments.transfer.cells import Bench, Cell, Stopped, Trainer, run_cell
from experiments.transfer.scores import CellResult, check_classes, held_out_beats
from experiments.transfer.settings import TransferSettings
from experiments.transfer.store import TUNING_FRACTION, TUNING_SEEDS, Store, best_rate, tried_rates
from experiments.transfer.summary import Study
from heartbeats import catalog, splits
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from models.backend import keras
from models.checkpoints import Checkpoint
from training.tracked_run import StopRequest, clear_session
from training.tracking import open_tracker
from utils.errors import InputError
from utils.paths import runs_folder, shown
from utils.result_file import Identity
from utils.versions import commit, versions

LAYOUT = 1  # one more with every change that makes earlier results those of another study
# Settings that say how much of a study is done, or where it goes, and not what it is.
NOT_IDENTIFYING = ("modes", "percents", "seeds", "source_epochs", "tracking", "to")


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
            "source_protocol": source.facts.get("protocol"),
            "source_weights": source.facts["weights_digest"],
            "target_fingerprint": target.fingerprint,
            "backend": keras.backend.backend(),
            "layout": LAYOUT,
        }
    )


def facts_of(source: Checkpoint, bench: Bench, test: BeatSet, protocol: str) -> dict[str, Any]:
    """What the report says besides."""
    parts = {"training": bench.train, "validation": bench.validation, "test": test}
    return {
        "protocol_meaning": PROTOCOLS[protocol],
        "unit": "patients" if bench.by_patient else "beats",
        "parts": {name: _counts(part) for name, part in parts.items()},
        "source_checkpoint": shown(source.path),
        "source_score": source.facts["score"],
        "source_parameters": source.facts.get("parameters"),
        "synthetic": test.is_synthetic or source.facts.get("data") == "synthetic",
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


def folder_of(settings: TransferSettings, identity: Identity) -> Path:
    if settings.to:
        return Path(settings.to)
    name = f"{settings.source}-to-{settings.target}-{settings.arch}-{identity.digest}"
    return runs_folder() / "transfer" / name


def run_and_report(settings: TransferSettings) -> None:
    """Run the study and print what was found; arguments and errors as for `run`."""
    study, folder = run(settings)
    for sentence in study.sentences():
        print(sentence)
    print(f"report: {shown(folder / 'report.html')} (with PNG, CSV and JSON files beside it)")


def run(settings: TransferSettings) -> tuple[Study, Path]:
    """The whole study, or what is left of it, and its report.

    Returns:
        the study, and the folder that its report is in.

    Raises:
        InputError: a setting, the data or a checkpoint cannot be used, or a person stopped it.
    """
    settings.check()
    target = catalog.load(settings.target)
    check_classes(target, "whole")
    protocol = settings.protocol or transfer_source.customary_protocol(target)
    test = held_out_beats(target, protocol)
    source = transfer_source.find_or_train(
        settings.source,
        settings.source_protocol,
        settings.arch,
        epochs=settings.source_epochs,
        tracking=settings.tracking,
    )
    transfer_source.check_fits(source, target)
    identity = identity_of(settings, source, target, protocol)
    store = Store(folder_of(settings, identity), identity)
    with StopRequest() as stop:
        bench = _bench(settings, source, target, protocol, stop)
        facts = {**identity.values, **facts_of(source, bench, test, protocol)}
        try:
            study = _study(settings, bench, test, store, facts)
        except Stopped as reason:
            raise InputError(f"{reason}; the same command goes on from here") from None
    transfer_report.write(store.folder, study)
    return study, store.folder


def _study(
    settings: TransferSettings, bench: Bench, test: BeatSet, store: Store, facts: dict[str, Any]
) -> Study:
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
    done = _results(settings, bench, cells, rates, test, store)
    results = tuple(result for result, _probabilities in done)
    predicted = tuple(probabilities.argmax(axis=1) for _result, probabilities in done)
    return Study(facts, tried, rates, results, predicted, test)


def _cells(settings: TransferSettings) -> list[Cell]:
    """Seeds outermost: an unfinished study has whole learning curves of its first seeds."""
    return [
        Cell(mode, fraction, seed)
        for seed in range(settings.seeds)
        for fraction in settings.fractions()
        for mode in settings.mode_names()
    ]


def _results(
    settings: TransferSettings,
    bench: Bench,
    cells: list[Cell],
    rates: dict[str, float],
    test: BeatSet,
    store: Store,
) -> list[tuple[CellResult, np.ndarray]]:
    """Result and probabilities of each cell, from the store or from a training now."""
    trainers: dict[str, Trainer] = {}
    done = []
    for place, cell in enumerate(cells, start=1):
        if (found := store.read(cell)) is None:
            if cell.mode not in trainers:
                trainers[cell.mode] = Trainer(bench, cell.mode, rates[cell.mode])
            found = _tracked_cell(settings, trainers[cell.mode], cell, test, store)
            unit = "patients" if bench.by_patient else "beats"
            print(f"{place}/{len(cells)} {_line(found[0], unit)}", flush=True)
        done.append(found)
    clear_session()
    return done


def _tracked_cell(
    settings: TransferSettings, trainer: Trainer, cell: Cell, test: BeatSet, store: Store
) -> tuple[CellResult, np.ndarray]:
    """Train, put on record, tell W&B."""
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


def _line(result: CellResult, unit: str) -> str:
    used = f"{result.units} {unit}" + (f", {result.beats:,} beats" if unit != "beats" else "")
    return (
        f"{result.mode} {result.fraction:.4g} seed {result.seed}: {used}; test macro-F1 "
        f"{result.by_beat.macro_f1:.3f}, AUC {result.by_beat.auc:.3f}; {result.seconds:.1f} s"
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
        transfer_source.settings_of(source),
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
