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

from collections.abc import Mapping, Sequence

from utils.errors import InputError, exit_plainly

# Libraries, and what needs them, are imported where they are called: a Python that lacks them gets
# a sentence, and a wrong flag does not wait for Keras.


@exit_plainly
def main(argv: Sequence[str] | None = None) -> int:
    """Settings, folds, table and report; 1 where a loss was not finite, 130 where stopped."""
    from experiments.cross_validation.settings import from_command_line
    from heartbeats import catalog

    settings = from_command_line(argv, about=__doc__)
    catalog.find(settings.data)
    from experiments.cross_validation import cross_validate

    return cross_validate.report(cross_validate.run(settings))


def check_sweep(values: Mapping[str, list], metric: str | None) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep of this program; see `training.settings.sweep_faults`."""
    from experiments.cross_validation import settings
    from training.settings import sweep_faults

    found: list[tuple[str | None, str]] = []
    for arch in values.get("arch", [settings.DEFAULT_ARCHITECTURE]):
        try:
            kind = settings.settings_kind(str(arch))
        except InputError as error:
            return [("arch", str(error))]
        found += sweep_faults(kind, values, metric, settings.METRICS)
    if settings.ALL in values.get("beats", []):
        found.append(("beats", settings.NOT_IN_SWEEPS))
    return list(dict.fromkeys(found))


def sweep_facts(values: Mapping[str, list]) -> dict[str, str]:
    """What is kept with a study of this program: `main.py --study` trains its winner by it.

    A sweep over several architectures has no one name: each trial's `arch` says it.
    """
    from experiments.cross_validation import settings

    names = values.get("arch", [settings.DEFAULT_ARCHITECTURE])
    of_all = {"architecture": str(names[0])} if len(names) == 1 else {}
    return {"experiment": settings.EXPERIMENT, **of_all}


if __name__ == "__main__":
    raise SystemExit(main())
