"""The folds of a cross-validation, one after the other: trained, scored and kept."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from experiments.cross_validation.folds import Division, Part, divide, part
from experiments.cross_validation.report import terminal_table
from experiments.cross_validation.results import (
    CrossValidation,
    FinishedFold,
    FoldResult,
    FoldStore,
    in_a_trial,
)
from experiments.cross_validation.settings import (
    CrossValidationSettings,
    of_sweep,
    refuse_test_beats,
)
from models.backend import keras
from models.predictor import predict
from training import architectures, loop
from training.epochs import FitResult
from training.progress import Progress
from training.tracked_run import StopRequest, clear_session, tracked_run
from training.tracking import Tracker
from utils.paths import shown
from utils.result_file import Identity


@dataclass(frozen=True)
class Outcome:
    """What a cross-validation reached.

    Attributes:
        reached: the finished folds; None where there are none.
        store: where they are kept.
        ended_by: why it ended before its last fold; empty where it did not.
        failed: whether a loss became NaN or infinite.
    """

    reached: CrossValidation | None
    store: FoldStore
    ended_by: str = ""
    failed: bool = False


class FoldEnded(Exception):
    """A fold's training ended before it was done; the message says why."""

    def __init__(self, reason: str, failed: bool):
        super().__init__(reason)
        self.failed = failed


class CrossValidator:
    """Takes the folds in turn, each from the store or by a training."""

    def __init__(self, settings: CrossValidationSettings, tracker: Tracker, stop: StopRequest):
        self.settings, self.tracker, self.stop = settings, tracker, stop
        self.division = divide(settings)
        self.store = FoldStore(_identity(self.division, settings))
        self.done: list[FoldResult] = []

    def run(self) -> Outcome:
        """All folds, or those that were done before a stop or a failure."""
        self._announce()
        try:
            for number in range(1, self.settings.folds + 1):
                fold = self._kept(number) or self._trained(number)
                self.done.append(fold.result)
                self._report_fold(fold.result)
        except FoldEnded as end:
            return Outcome(self._reached(), self.store, str(end), end.failed)
        self._summarise()
        return Outcome(self._reached(), self.store)

    def _announce(self) -> None:
        beats, settings = self.division.beats, self.settings
        of = f"the training part of protocol {self.division.protocol}"
        self.tracker.describe(
            {
                "architecture": settings.arch,
                "fingerprint": beats.fingerprint,
                "division": self.division.digest,
            }
        )
        print(
            f"{settings.arch} on {beats.name}: {sum(map(len, self.division.held_out)):,} beats, "
            f"{of if self.division.protocol else 'with those of the test set'}, in "
            f"{settings.folds} folds by {settings.by}\nW&B: {self.tracker.place}"
        )

    def _kept(self, number: int) -> FinishedFold | None:
        """A fold that was done before an interruption, its epochs logged again."""
        fold = self.store.read(number)
        if fold:
            for metrics in fold.history:
                self._log_epoch(number, metrics)
        return fold

    def _trained(self, number: int) -> FinishedFold:
        if self.stop.reason:
            raise FoldEnded(self.stop.reason, failed=False)
        split = part(self.division, number, self.settings)
        print(
            f"fold {number} of {self.settings.folds}: {len(split.train):,} training, "
            f"{len(split.validation):,} validation, {len(split.held_out):,} held-out beats"
        )
        try:
            fold = self._fit(split)
        finally:
            clear_session()
        self.store.write(fold)
        return fold

    def _fit(self, split: Part) -> FinishedFold:
        """Train on a part of the beats, and score the held-out ones once.

        Each fold has a seed of its own: the mean over folds then averages the luck of initial
        weights and batches too. Bouthillier X et al. Accounting for variance in machine learning
        benchmarks. MLSys (2021).
        """
        beats, number = self.division.beats, split.number
        settings = dataclasses.replace(self.settings, seed=self.settings.seed + number - 1)
        keras.utils.set_random_seed(settings.seed)
        build = architectures.find(settings.arch).build
        model = build(settings, beats.signals.shape[1], len(beats.class_names))
        label = f"{settings.arch}, fold {number} of {settings.folds}"
        result = loop.fit(
            model,
            beats.select(split.train),
            beats.select(split.validation),
            settings,
            on_epoch=lambda metrics: self._log_epoch(number, metrics),
            stop=self.stop,
            state_file=self.store.training(number),
            progress=Progress(label, settings.monitor, settings.epochs),
        )
        if result.failed or result.stopped or result.best_score is None:
            raise FoldEnded(result.ended_by, failed=not result.stopped)
        held_out = beats.select(split.held_out)
        fold = FoldResult(
            number,
            beats.class_names,
            split.held_out,
            np.asarray(held_out.labels, int),
            predict(model, held_out.signals, held_out.sampling_hz),
            {**_facts(split, held_out.patients, settings.seed), **_course(result)},
        )
        return FinishedFold(fold, result.history)

    def _log_epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        self.tracker.log({f"fold{number}/{name}": value for name, value in metrics.items()})

    def _report_fold(self, fold: FoldResult) -> None:
        """One log call a fold has the means so far, so that W&B's hyperband counts folds."""
        reached, name = self._reached(), f"fold{fold.number}"
        assert reached
        of_fold = {
            f"{name}/held_out_accuracy": fold.scores.accuracy,
            f"{name}/held_out_macro_f1": fold.scores.macro_f1,
        }
        self.tracker.log({**of_fold, **reached.as_metrics()})
        print(
            f"fold {fold.number}: macro-F1 {fold.scores.macro_f1:.4f}, accuracy "
            f"{fold.scores.accuracy:.4f}; mean of {len(self.done)}: {reached.macro_f1.mean:.4f}"
        )

    def _summarise(self) -> None:
        """The pooled matrix, and each class by the mean over folds."""
        reached = self._reached()
        assert reached
        title = f"{reached.title}, all folds pooled"
        self.tracker.confusion(
            reached.joined("labels"), reached.joined("predicted"), reached.class_names, title
        )
        f1s = {
            f"cv_f1_{name}": reached.of_class(index).mean
            for index, name in enumerate(reached.class_names)
        }
        known = {name: value for name, value in f1s.items() if value is not None}
        self.tracker.summarise({**reached.as_metrics(), **known})

    def _reached(self) -> CrossValidation | None:
        if not self.done:
            return None
        beats, settings = self.division.beats, self.settings
        return CrossValidation(
            settings.arch,
            beats.name,
            beats.fingerprint,
            self.division.protocol,
            settings.by,
            settings.folds,
            dataclasses.asdict(settings),
            tuple(self.done),
        )


def _identity(division: Division, settings: CrossValidationSettings) -> Identity:
    """What two runs share if one may go on where the other stopped."""
    beats = division.beats
    left_out = ("tracking", "start", "data", "protocol")  # `data` may say the same by `auto`
    values = dataclasses.asdict(settings)
    return Identity(
        {
            "architecture": settings.arch,
            "data": beats.name,
            "fingerprint": beats.fingerprint,
            "protocol": division.protocol,
            "division": division.digest,
            "backend": keras.backend.backend(),
            "settings": {name: value for name, value in values.items() if name not in left_out},
        }
    )


def _facts(split: Part, patients: np.ndarray | None, seed: int) -> dict:
    return {
        "seed": seed,
        "training_beats": len(split.train),
        "validation_beats": len(split.validation),
        "patients": None if patients is None else len(np.unique(patients)),
    }


def _course(result: FitResult) -> dict:
    return {
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "validation_score": result.best_score,
        "ended_by": result.ended_by,
        "seconds": sum(epoch["epoch_seconds"] for epoch in result.history),
    }


INTERRUPTED = 130


def run(settings: CrossValidationSettings) -> Outcome:
    """Train and score all folds that are not done yet, as one W&B run.

    Args:
        settings: a W&B sweep overrides them.

    Raises:
        InputError: the settings, the data or the W&B key cannot be used.
    """
    with tracked_run(settings, job="cross-validate") as tracked:
        swept = tracked.tracker.swept()
        if swept:
            settings = of_sweep(swept, settings)
        if swept or in_a_trial():
            refuse_test_beats(settings)
        outcome = CrossValidator(settings, tracked.tracker, tracked.stop).run()
        tracked.failed = outcome.failed
        return outcome


def report(outcome: Outcome) -> int:
    """Print the table and write the report; the exit status."""
    if outcome.reached:
        Console().print(terminal_table(outcome.reached))
    if outcome.failed:
        print(f"{outcome.ended_by}: try a smaller learning_rate, or clip_norm")
        return 1
    if outcome.ended_by:
        print(
            f"{outcome.ended_by}; what is done is kept in {shown(outcome.store.folder)}, and "
            "the same command goes on there"
        )
        return INTERRUPTED
    if outcome.reached and not in_a_trial():
        # Imported late: a sweep's trial should not wait for matplotlib.
        from experiments.cross_validation import report as fold_report

        paths = fold_report.write(outcome.store.folder, outcome.reached)
        print(f"report: {shown(paths[0])}")
    return 0
