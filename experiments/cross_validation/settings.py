"""The settings of a cross-validation: those of its architecture, and how the beats are divided.

Nothing here needs Keras.
"""

import argparse
import dataclasses
import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from heartbeats import catalog
from training import architectures
from training.settings import TrainingSettings
from utils import settings
from utils.errors import InputError
from utils.settings import option

DEFAULT_ARCHITECTURE = "cnn"
EXPERIMENT = "cross_validation"  # as studies record it
# What a run logs of all folds: `CrossValidation.as_metrics`, as a test checks.
METRICS = (
    "cv_accuracy",
    "cv_accuracy_deviation",
    "cv_folds",
    "cv_macro_f1",
    "cv_macro_f1_deviation",
    "cv_pooled_macro_f1",
)
# How the beats were divided, in the words that reports print.
DIVISIONS = {
    "beats": "folds by beat: the beats of one patient are in training and in the held-out fold, "
    "so the scores are too good for new patients",
    "patients": "folds by patient: nobody is in training and in the held-out fold",
}
DEVELOPMENT, ALL = "development", "all"
# A sweep that looked at the test beats would choose its settings by them.
NOT_IN_SWEEPS = (
    f"'{ALL}' has the test beats in it, by which no sweep may choose; use '{DEVELOPMENT}'"
)


@dataclass(frozen=True)
class CrossValidationSettings(TrainingSettings):
    """What is asked of every cross-validation; `settings_kind` adds the architecture's own."""

    GROUP: ClassVar[str] = "cross-validation"

    arch: str = option(DEFAULT_ARCHITECTURE, "architecture")
    folds: int = option(5, "parts, each held out once", low=2)
    by: str = option(
        "beats", "what is divided: single beats or whole patients", choices=tuple(DIVISIONS)
    )
    beats: str = option(
        DEVELOPMENT,
        "the protocol's training part alone, or the test set's beats as well",
        choices=(DEVELOPMENT, ALL),
    )
    start: str = option(
        "best",
        "what the flags change: the shipped best settings, or the defaults",
        choices=("best", "defaults"),
    )


@functools.cache
def settings_kind(arch: str) -> type[CrossValidationSettings]:
    """The settings class for an architecture; raises InputError where there is none."""
    own = architectures.find(arch).settings
    names = tuple(architectures.ARCHITECTURES)
    return dataclasses.make_dataclass(
        "CrossValidationSettings",
        [("arch", str, option(arch, "architecture", choices=names))],
        bases=(own, CrossValidationSettings),
        frozen=True,
    )


def from_command_line(argv: Sequence[str] | None, about: str = "") -> CrossValidationSettings:
    """Flags over `--settings FILE`, or else over the shipped best settings or the defaults.

    Raises:
        InputError: a value, or a name in the file, is not allowed.
    """
    flags = list(sys.argv[1:] if argv is None else argv)
    early = _early(flags)
    of_file = settings.read_yaml(Path(early["settings"])) if early.get("settings") else {}
    arch = str(early.get("arch") or of_file.get("arch") or DEFAULT_ARCHITECTURE)
    kind = settings_kind(arch)
    base = None
    if not early.get("settings") and early.get("start") != "defaults":
        best = architectures.best_settings(
            arch, catalog.resolve(early.get("data") or catalog.AUTO)
        )
        base = kind(**dataclasses.asdict(best))
    return settings.from_command_line(kind, flags, about, base)


def of_sweep(swept: Mapping[str, Any], base: CrossValidationSettings) -> CrossValidationSettings:
    """`base` with what W&B's sweep chose."""
    kind = settings_kind(str(swept.get("arch", base.arch)))
    same = base if isinstance(base, kind) else None
    return settings.from_mapping(kind, swept, "the sweep's parameters", same)


def refuse_test_beats(chosen: CrossValidationSettings) -> None:
    """Raise InputError where a sweep's trial asks for the test beats."""
    if chosen.beats == ALL:
        raise InputError(f"setting 'beats': {NOT_IN_SWEEPS}")


def trained_by(values: Mapping[str, Any]) -> tuple[str, TrainingSettings]:
    """The architecture that a trial's values name, and the settings that they change."""
    arch = str(values.get("arch", DEFAULT_ARCHITECTURE))
    if values.get("start") == "defaults":
        return arch, architectures.find(arch).settings()
    data = catalog.resolve(str(values.get("data", catalog.AUTO)))
    return arch, architectures.best_settings(arch, data)


def without_folds(values: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's values without those that only a cross-validation knows."""
    own = {field.name for field in dataclasses.fields(CrossValidationSettings)}
    known = {field.name for field in dataclasses.fields(TrainingSettings)}
    return {name: value for name, value in values.items() if name not in own - known}


def _early(flags: Sequence[str]) -> dict[str, str]:
    """The flags that decide which settings there are, and what the others change."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("arch", "data", "settings", "start"):
        parser.add_argument(f"--{name}")
    return vars(parser.parse_known_args(flags)[0])
