"""Train an LSTM autoencoder on normal beats, choose its threshold on normal beats, keep it.

    python -m training.train_autoencoder --data=ecg5000
    python -m training.train_autoencoder --latent_size=3 --loss=l2 --denoising=0.1

Each of its nets is trained without one part of the normal training beats, and the threshold comes
from the scores of every beat by the net that never saw it. `python eval.py --arch
lstm_autoencoder` tests it. W&B sweeps launch this program: see `sweeps/autoencoder_bayes.yaml`.
"""

from collections.abc import Mapping

from utils.errors import exit_plainly

# Libraries, and what needs them, are imported where they are called: a Python that lacks them gets
# a sentence, and a wrong flag does not wait for Keras.


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Settings, data, model, fit, threshold, record; the exit status."""
    from experiments.anomaly_detection.settings import AutoencoderSettings
    from heartbeats import catalog
    from utils.settings import from_command_line

    settings = from_command_line(AutoencoderSettings, argv, about=__doc__)
    catalog.find(settings.data)
    from experiments.anomaly_detection.autoencoder import Autoencoder
    from training import run

    return run.report(run.train(Autoencoder(), settings))


def check_sweep(values: Mapping[str, list], metric: str | None) -> list[tuple[str | None, str]]:
    """What is wrong with a sweep of this program; see `training.settings.sweep_faults`."""
    from experiments.anomaly_detection.settings import LOGGED, AutoencoderSettings
    from training.settings import sweep_faults

    return sweep_faults(AutoencoderSettings, values, metric, LOGGED)


def sweep_facts(values: Mapping[str, list]) -> dict[str, str]:
    """What is kept with a study of this program."""
    return {"architecture": "lstm_autoencoder"}


if __name__ == "__main__":
    raise SystemExit(main())
