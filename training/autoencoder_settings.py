"""The settings of `training.train_autoencoder`."""

from dataclasses import dataclass

from evaluation.anomalies.scores import SCORES
from models.lstm_autoencoder import SCALINGS, LstmAutoencoderArchitecture
from models.options import option

MONITORS = {"val_auc": "max", "val_loss": "min"}


@dataclass(frozen=True)
class AutoencoderSettings(LstmAutoencoderArchitecture):
    """Fields are flags, YAML keys and run.config keys."""

    data: str = option("ecg5000", "data set")
    protocol: str = option("", "how the data is split; empty: the data set's customary protocol")
    seed: int = option(0, "seed of the initial weights, the batches and the noise")
    split_seed: int = option(0, "seed that draws the folds of the normal beats")
    train_limit: int = option(0, "use only so many normal training beats; 0: all")
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
    scaling: str = option("minmax", "how each beat is scaled", choices=SCALINGS)
    score: str = option("smoothed_l2", "what makes a beat an anomaly", choices=tuple(SCORES))
    false_alarm_share: float = option(
        0.05, "share of held-back normal beats above the threshold", low=0.001, high=0.5
    )
    xla: bool = option(True, "compile the training step with XLA; a recurrent net gains by it")
    tracking: str = option(
        "auto",
        "W&B: auto is online with a key, else offline",
        choices=("auto", "online", "offline", "silent"),
    )
