"""Train an LSTM autoencoder on normal beats, choose its threshold on normal beats, keep it.

    python -m training.train_autoencoder --data=ecg5000
    python -m training.train_autoencoder --latent_size=3 --loss=l2 --denoising=0.1

Each of its nets is trained without one part of the normal training beats, and the threshold comes
from the scores of every beat by the net that never saw it. `python eval.py --arch
lstm_autoencoder` tests it. W&B sweeps launch this program: see `sweeps/autoencoder_bayes.yaml`.
"""

from collections.abc import Mapping

from models import checkpoints
from training import autoencoder_program, sweep_check
from training.autoencoder_program import Outcome
from training.autoencoder_settings import MONITORS, AutoencoderSettings
from training.settings import from_command_line
from utils.errors import InputError, exit_plainly
from utils.paths import shown

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
)


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, data, model, fit, threshold, record; the exit status."""
    settings = from_command_line(AutoencoderSettings, argv, about=__doc__)
    return tell(autoencoder_program.run(settings))


def check_sweep(values: Mapping[str, list], metric: str | None) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep of this program; see `training.sweep_check`."""
    return sweep_check.faults(AutoencoderSettings, values, metric, LOGGED)


def tell(outcome: Outcome) -> int:
    """Print how a run ended; the exit status, 1 where the loss was not finite.

    Raises:
        InputError: the run was stopped before it finished an epoch, so that nothing was reached.
    """
    result, facts = outcome.result, outcome.facts
    print(f"{facts['architecture']}: {result.ended_by}; {len(result.history)} epochs")
    if "score" not in facts:
        if result.failed:
            print("nothing was reached: try a smaller learning_rate, or clip_norm")
            return 1
        raise InputError(f"{result.ended_by} before the first epoch was done; nothing to keep")
    folder = checkpoints.folder_of(facts["data"], facts["protocol"])
    kept = "the new best" if outcome.is_new_best else "not better than the one that stands in"
    print(
        f"least val_loss {facts['val_loss']:.4f} in epoch {facts['epoch']}, val_auc there "
        f"{facts['val_auc']:.4f}, threshold {facts['threshold']:.4g}; {kept} "
        f"{shown(folder / facts['architecture'])}.json"
    )
    return 1 if result.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
