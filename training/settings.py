"""Settings: one strict, flat, frozen dataclass <-> command line <-> YAML <-> run.config."""

import argparse
import dataclasses
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from evaluation.metrics import DIRECTIONS
from heartbeats.augment import ARTEFACTS
from heartbeats.balance import METHODS
from models.cnn import CnnArchitecture
from models.cnn_lstm import CnnLstmArchitecture
from models.options import option
from models.rnn import RnnArchitecture
from utils.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")  # a frozen one whose fields are `option`s
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class TrainingSettings:
    """What every training program reads. Fields are flags, YAML keys and run.config keys."""

    data: str = option("auto", "data set; auto: MIT-BIH where found, else synthetic")
    protocol: str = option("", "how the data is split; empty: the data set's customary protocol")
    seed: int = option(0, "seed of the initial weights, the batches and the augmentation")
    split_seed: int = option(0, "seed that draws the validation beats")
    validation_share: float = option(
        0.1, "share of training beats that validate", low=0.01, high=0.5
    )
    train_limit: int = option(0, "use only so many training beats, drawn by class; 0: all")
    epochs: int = option(30, "most passes over the training beats", low=1)
    patience: int = option(10, "epochs without a better score before stopping", low=1)
    monitor: str = option(
        "val_macro_f1", "score that stops, selects and saves", choices=tuple(DIRECTIONS)
    )
    batch_size: int = option(128, "beats in a batch", low=1)
    learning_rate: float = option(2e-3, "largest learning rate", low=1e-7, high=1)
    schedule: str = option(
        "cosine", "course of the learning rate", choices=("constant", "cosine", "plateau")
    )
    warmup: float = option(0.1, "share of the training spent raising the rate", low=0, high=0.9)
    plateau_patience: int = option(
        3, "epochs without a better score before the rate is halved", low=1
    )
    weight_decay: float = option(1e-2, "AdamW's decoupled weight decay", high=1)
    clip_norm: float = option(1.0, "largest norm of the gradient; 0: any")
    class_weighting: str = option("none", "weights of the classes in the loss", choices=METHODS)
    loss: str = option("cross_entropy", "loss", choices=("cross_entropy", "focal"))
    focal_gamma: float = option(2.0, "how far the focal loss discounts easy beats", high=10)
    logit_adjustment: float = option(
        0.0, "times the log class frequency added to the logits", high=5
    )
    common_share: float = option(
        1.0,
        "share of the most common class's beats that an epoch shows, others each time",
        low=0.001,
        high=1,
    )
    rare_filling: str = option(
        "none",
        "show rarer classes more often: by copies, or by beats drawn from a mixture",
        choices=("none", "copies", "mixture"),
    )
    rare_share: float = option(
        0.2, "how often, as a share of what is shown of the most common class", high=1
    )
    prior_correction: bool = option(
        True, "keep probabilities at the data's class frequencies, whatever the epochs show"
    )
    label_smoothing: float = option(0.0, "share of the label given to all classes", high=0.5)
    augment_stretch: float = option(0.08, "slow down or speed up by up to this share", high=0.5)
    augment_amplitude: float = option(0.2, "bend amplitudes by powers up to 1 + this", high=2)
    augment_noise: float = option(0.008, "deviation of white noise, in scaled units", high=0.5)
    augment_warp: float = option(0.0, "let time run unevenly by up to this share", high=0.9)
    augment_shift: int = option(0, "move the R mark by up to so many samples", high=20)
    augment_drift: float = option(0.0, "let the gain drift by up to this share", high=2)
    augment_artefacts: str = option(
        "none",
        "add what electrodes pick up: one kind, or one of all to each beat",
        choices=("none", *ARTEFACTS, "all"),
    )
    augment_snr_db: float = option(
        12.0,
        "the strongest artefacts' signal-to-noise ratio, dB; the weakest: 18 more",
        low=-20,
        high=60,
    )
    augment_mixup: float = option(
        0.0, "blend beats and labels in pairs, weights from Beta(this, this); 0: never", high=5
    )
    xla: bool = option(False, "compile the training step with XLA")
    tracking: str = option(
        "auto",
        "W&B: auto is online with a key, else offline",
        choices=("auto", "online", "offline", "silent"),
    )


@dataclass(frozen=True)
class CnnSettings(TrainingSettings, CnnArchitecture):
    """Settings of `training.train_cnn`."""


@dataclass(frozen=True)
class RnnSettings(TrainingSettings, RnnArchitecture):
    """Settings of `training.train_rnn`."""

    xla: bool = option(True, "compile the training step with XLA; a recurrent net gains by it")


@dataclass(frozen=True)
class CnnLstmSettings(TrainingSettings, CnnLstmArchitecture):
    """Settings of `training.train_cnn_lstm`."""


def from_command_line(kind: type[S], argv: list[str] | None = None, about: str = "") -> S:
    """Settings from flags, over those of `--settings FILE`, over the defaults.

    Raises:
        InputError: a value or a name in the file is not allowed. Unknown flags end the program
            as argparse does, with status 2.
    """
    given = vars(_parser(kind, about).parse_args(argv))
    file = given.pop("settings")
    flags = {name: value for name, value in given.items() if value is not None}
    of_file = read_yaml(Path(file)) if file else {}
    settings = from_mapping(kind, of_file, f"{file}") if file else kind()
    return from_mapping(kind, flags, "the command line", settings)


def from_mapping(
    kind: type[S], values: Mapping[str, Any], origin: str, base: S | None = None
) -> S:
    """`base` (or the defaults) with `values` in place.

    Args:
        kind: the settings class.
        values: names and values; numbers may come as text, since PyYAML reads `1e-4` as such.
        origin: where the values come from, for messages.
        base: settings to start from.

    Raises:
        InputError: a name is unknown, or a value has the wrong type or lies out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    checked = {}
    for name, value in values.items():
        if name not in fields:
            close = difflib.get_close_matches(name, fields, 1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise InputError(
                f"{origin}: unknown setting '{name}'; {hint}known: {', '.join(sorted(fields))}"
            )
        checked[name] = _checked(fields[name], value, origin)
    return dataclasses.replace(base or kind(), **checked)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping of names to values in a YAML file.

    Raises:
        InputError: the file is missing, is not YAML, or holds something else than a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected lines of `name: value`, found {type(content).__name__}"
        )
    return content


def _parser(kind: type, about: str) -> argparse.ArgumentParser:
    # An abbreviated flag would mean another one as soon as a setting is added.
    parser = argparse.ArgumentParser(description=about, allow_abbrev=False)
    parser.add_argument("--settings", metavar="FILE", help="YAML file of settings; flags go first")
    for field in dataclasses.fields(kind):
        about_field = f"{field.metadata['meaning']} (default: {field.default!r})"
        choices = field.metadata["choices"]
        metavar = "|".join(choices) if choices else type(field.default).__name__.upper()
        parser.add_argument(
            f"--{field.name}", metavar=metavar, help=about_field.replace("%", "%%")
        )
    return parser


def _checked(field: dataclasses.Field, value: Any, origin: str) -> Any:
    wanted = type(field.default)
    try:
        value = _CONVERTERS[wanted](value)
    except (TypeError, ValueError):
        raise InputError(
            f"{origin}: setting '{field.name}' takes {_NAMES[wanted]}, got {value!r}"
        ) from None
    choices, low, high = (field.metadata[key] for key in ("choices", "low", "high"))
    if choices and value not in choices:
        raise InputError(
            f"{origin}: setting '{field.name}' is one of {', '.join(choices)}; got {value!r}"
        )
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = f"at least {low}" + (f" and at most {high}" if high is not None else "")
        raise InputError(f"{origin}: setting '{field.name}' is {bounds}; got {value!r}")
    return value


def _to_bool(value: Any) -> bool:
    word = str(value).lower()
    if word not in TRUE + FALSE:
        raise ValueError(value)
    return word in TRUE


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or float(value) != int(float(value)):
        raise ValueError(value)
    return int(float(value))


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


_CONVERTERS = {bool: _to_bool, int: _to_int, float: _to_float, str: _to_text}
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


# What `training.program.Recorder` logs once an epoch; a test compares it with a real run.
OF_AN_EPOCH = (
    "accuracy",
    "loss",
    "epoch",
    "epoch_seconds",
    "beats_per_second",
    "learning_rate",
    *DIRECTIONS,
)
LOGGED = (*OF_AN_EPOCH, "best_epoch", *(f"best_{name}" for name in DIRECTIONS))


def faults(
    kind: type,
    values: Mapping[str, Sequence[Any]],
    metric: str | None,
    logged: Collection[str] = LOGGED,
) -> list[tuple[str | None, str]]:
    """What is wrong: pairs of a parameter's name (None for the metric) and a sentence.

    Args:
        kind: the program's settings.
        values: for each parameter of the sweep some that a trial may get.
        metric: what the sweep optimises; None where it optimises nothing.
        logged: the names that the program logs.
    """
    found: list[tuple[str | None, str]] = []
    for name, of_one in values.items():
        try:
            for value in of_one:
                from_mapping(kind, {name: value}, "the sweep")
        except InputError as error:
            found.append((name, str(error).removeprefix("the sweep: ")))
    if metric is not None and metric not in logged:
        found.append(
            (
                None,
                f"the metric '{metric}' is never logged; logged are {', '.join(sorted(logged))}",
            )
        )
    return found
