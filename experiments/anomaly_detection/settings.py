"""The settings of `training.train_autoencoder`, and what it logs. Nothing here needs Keras."""

from dataclasses import dataclass
from typing import ClassVar

from models.architectures import LstmAutoencoderArchitecture
from training.settings import DATA_MEANING, PROTOCOL_MEANING, XLA_FOR_RECURRENT_NETS, Tracking
from utils.settings import option

MONITORS = {"val_auc": "max", "val_loss": "min"}
HELD_BACK_ERROR = "val_loss"  # what stops and selects


@dataclass(frozen=True)
class NormalBeatsSettings:
    """Which beats train."""

    GROUP: ClassVar[str] = "data"

    data: str = option("ecg5000", DATA_MEANING)
    protocol: str = option("", PROTOCOL_MEANING)
    seed: int = option(0, "seed of the initial weights, the batches and the noise")
    split_seed: int = option(0, "seed that draws the folds of the normal beats")
    train_limit: int = option(0, "normal training beats to use; 0: all")


@dataclass(frozen=True)
class ReconstructionSettings:
    """The course of a training."""

    GROUP: ClassVar[str] = "optimisation"

    epochs: int = option(150, "most passes over the normal beats", low=1)
    patience: int = option(40, "epochs without a better val_loss before stopping", low=1)
    monitor: str = option(
        "val_auc",
        "score by which trainings are compared; val_loss looks at normal beats alone, "
        "val_auc at the labelled anomalies among the training beats too",
        choices=tuple(MONITORS),
    )
    batch_size: int = option(32, "beats in a batch", low=1)
    learning_rate: float = option(5e-3, "largest learning rate", low=1e-7, high=1)
    clip_norm: float = option(1.0, "largest norm of the gradient; 0: any")
    loss: str = option("l1", "error of the reconstruction", choices=("l1", "l2"))
    denoising: float = option(
        0.0, "deviation of the white noise that inputs get in training, in scaled units", high=5
    )
    xla: bool = option(True, XLA_FOR_RECURRENT_NETS)


@dataclass(frozen=True)
class DetectionSettings:
    """From a reconstruction to an anomaly."""

    GROUP: ClassVar[str] = "detection"

    # The keys of `models.lstm_autoencoder.SCALINGS` and `SCORES`; a test compares them.
    scaling: str = option("minmax", "how each beat is scaled", choices=("minmax", "standard"))
    score: str = option(
        "smoothed_l2", "what makes a beat an anomaly", choices=("l1", "l2", "smoothed_l2")
    )
    false_alarm_share: float = option(
        0.05, "share of held-back normal beats above the threshold", low=0.001, high=0.5
    )


@dataclass(frozen=True)
class AutoencoderSettings(
    Tracking,
    DetectionSettings,
    ReconstructionSettings,
    NormalBeatsSettings,
    LstmAutoencoderArchitecture,
):
    """Fields are flags, YAML keys and run.config keys. Python takes the last base's first."""


# What one epoch logs; a test compares it with a real run.
LOGGED = (
    "epoch",
    "loss",
    "learning_rate",
    "beats_per_second",
    "epoch_seconds",
    "best_epoch",
    *MONITORS,
    *(f"best_{name}" for name in MONITORS),
    "draws_done",
    *(f"mean_best_{name}" for name in MONITORS),
)
