"""Cross-validate one architecture: every beat is held out once, by a model that never saw it.

    python -m training.cross_validate --arch cnn --folds 5
    python -m training.cross_validate --arch rnn --folds 5 --by patients
    python -m training.cross_validate --settings training/best_settings/cnn-mitbih.yaml

The settings are the architecture's own; without `--settings` flags change its shipped best ones.
The protocol's training beats are divided, so the test set stays unread; `--beats all` divides
every beat, as much of the literature does. In each fold a part of the other folds stops and
selects, and the fold is scored once. Interrupted, the same command goes on at the last epoch.

W&B gets one run, with `fold1/val_macro_f1` and the like for each epoch and `cv_macro_f1`, the mean
of the finished folds, once a fold. Sweeps optimise that: see `sweeps/cross_validated.yaml`.
"""

from collections.abc import Mapping

from rich.console import Console

from evaluation.folds.cross_validation import METRICS
from evaluation.folds.tables import terminal_table
from training import fold_settings, sweep_check
from training.cross_validator import CrossValidator, Outcome
from training.fold_settings import CrossValidationSettings
from training.fold_store import in_a_trial
from training.tracked_run import tracked_run, verbosity
from utils.errors import InputError, exit_plainly
from utils.paths import shown

INTERRUPTED = 130


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, folds, table and report; 1 where a loss was not finite, 130 where stopped."""
    settings = fold_settings.from_command_line(argv, about=__doc__)
    return tell(run(settings))


def check_sweep(values: Mapping[str, list], metric: str | None) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep of this program; see `training.sweep_check`."""
    found: list[tuple[str | None, str]] = []
    for arch in values.get("arch", [fold_settings.DEFAULT_ARCHITECTURE]):
        try:
            kind = fold_settings.settings_kind(str(arch))
        except InputError as error:
            return [("arch", str(error))]
        found += sweep_check.faults(kind, values, metric, METRICS)
    if fold_settings.ALL in values.get("beats", []):
        found.append(("beats", fold_settings.NOT_IN_SWEEPS))
    return list(dict.fromkeys(found))


def run(settings: CrossValidationSettings, *, verbose: int | None = None) -> Outcome:
    """Train and score all folds that are not done yet, as one W&B run.

    Args:
        settings: a W&B sweep overrides them.
        verbose: as in Keras' fit; by default a progress bar on a terminal, else a line per epoch.

    Raises:
        InputError: the settings, the data or the W&B key cannot be used.
    """
    verbose = verbosity() if verbose is None else verbose
    with tracked_run(settings, job="cross-validate") as own:
        swept = own.tracker.swept()
        if swept:
            settings = fold_settings.of_sweep(swept, settings)
        if swept or in_a_trial():
            fold_settings.refuse_test_beats(settings)
        outcome = CrossValidator(settings, own.tracker, own.stop, verbose).run()
        own.failed = outcome.failed
        return outcome


def tell(outcome: Outcome) -> int:
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
        from evaluation.folds import report as fold_report

        paths = fold_report.write(outcome.store.folder, outcome.reached)
        print(f"report: {shown(paths[0])}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
