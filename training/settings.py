"""Settings of the classifiers' trainings, and the check of a sweep against them.

Fields are flags, YAML keys and run.config keys: see `utils.settings`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluation.metrics import DIRECTIONS
from heartbeats.augment import ARTEFACTS
from heartbeats.balance import METHODS
from heartbeats.names import DATA_SETS, PROTOCOLS
from models.architectures import CnnArchitecture, CnnLstmArchitecture, RnnArchitecture
from utils.errors import InputError
from utils.settings import from_mapping, option

DATA_MEANING = f"data set: {', '.join(DATA_SETS)}; auto: MIT-BIH where found, else synthetic"
PROTOCOL_MEANING = (
    f"how it is split: {', '.join(PROTOCOLS)}; empty: as is customary for the data set"
)


@dataclass(frozen=True)
class Data:
    """Which beats train and which validate."""

    GROUP: ClassVar[str] = "data"

    data: str = option("auto", DATA_MEANING)
    protocol: str = option("", PROTOCOL_MEANING)
    seed: int = option(0, "seed of the initial weights, the batches and the augmentation")
    split_seed: int = option(0, "seed that draws the validation beats")
    validation_share: float = option(
        0.1, "share of training beats that validate", low=0.01, high=0.5
    )
    draws: int = option(
        1,
        "draws of validation beats: the network is trained anew on each, sweeps see the means",
        low=1,
        high=50,
    )
    settings_chosen_on: str = option(
        "", "the data set and protocol whose beats chose these settings, e.g. mitbih-kaggle"
    )
    train_limit: int = option(0, "training beats to use, drawn by class; 0: all")


@dataclass(frozen=True)
class Optimisation:
    """The course of a training."""

    GROUP: ClassVar[str] = "optimisation"

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
    label_smoothing: float = option(0.0, "share of the label given to all classes", high=0.5)
    xla: bool = option(False, "compile the training step with XLA")


@dataclass(frozen=True)
class ClassBalance:
    """What is done about classes that are rarer than others by a factor of a hundred."""

    GROUP: ClassVar[str] = "class balance"

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


@dataclass(frozen=True)
class Augmentation:
    """How training beats are changed each time they are shown; zero leaves them as they are."""

    GROUP: ClassVar[str] = "augmentation"

    augment_stretch: float = option(0.08, "slow down or speed up by up to this share", high=0.5)
    augment_amplitude: float = option(0.2, "bend amplitudes by powers up to 1 + this", high=2)
    augment_noise: float = option(0.008, "deviation of white noise, in scaled units", high=0.5)
    augment_warp: float = option(0.0, "let time run unevenly by up to this share", high=0.9)
    augment_shift: int = option(0, "move the R mark by up to this many samples", high=20)
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


@dataclass(frozen=True)
class Tracking:
    """Where the numbers of a run go."""

    GROUP: ClassVar[str] = "tracking"

    tracking: str = option(
        "auto",
        "W&B: auto is online with a key, else offline",
        choices=("auto", "online", "offline", "silent"),
    )


@dataclass(frozen=True)
class TrainingSettings(Tracking, Augmentation, ClassBalance, Optimisation, Data):
    """What the training of every classifier reads. Python takes the last base's fields first."""


XLA_FOR_RECURRENT_NETS = "compile the training step with XLA; a recurrent net gains by it"


@dataclass(frozen=True)
class CnnSettings(TrainingSettings, CnnArchitecture):
    """Settings of `training.train_cnn`."""


@dataclass(frozen=True)
class RnnSettings(TrainingSettings, RnnArchitecture):
    """Settings of `training.train_rnn`."""

    xla: bool = option(True, XLA_FOR_RECURRENT_NETS)


@dataclass(frozen=True)
class CnnLstmSettings(TrainingSettings, CnnLstmArchitecture):
    """Settings of `training.train_cnn_lstm`."""


# What `training.recorder` logs once an epoch; a test compares it with a real run.
OF_AN_EPOCH = (
    "accuracy",
    "loss",
    "epoch",
    "epoch_seconds",
    "beats_per_second",
    "learning_rate",
    *DIRECTIONS,
)
LOGGED = (
    *OF_AN_EPOCH,
    "best_epoch",
    *(f"best_{name}" for name in DIRECTIONS),
    "draws_done",
    *(f"mean_best_{name}" for name in DIRECTIONS),
)


def sweep_faults(
    kind: type,
    values: Mapping[str, Sequence[Any]],
    metric: str | None,
    logged: Collection[str] = LOGGED,
) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep: pairs of a parameter (None for the metric) and a sentence.

    Args:
        kind: the settings of the program that the sweep launches.
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
        known = ", ".join(sorted(logged))
        found.append((None, f"the metric '{metric}' is never logged; logged are {known}"))
    return found
