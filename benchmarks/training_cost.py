"""How well does `models.cost` foretell the seconds of a trained beat?

    python -m benchmarks.training_cost [--settings 6]

For each of the three big sweep files it draws settings as the sweep would, trains each for some
hundred batches of random beats on one core, and prints the microseconds of a beat beside those
foretold. At the end it prints the constants that would fit best: non-negative least squares on
relative errors. Compiling is not counted.
"""

import os

# Before any numerical library: one core, as the reference has.
os.environ.update(OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")

import time
from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from benchmarks.training_speed import random_beats
from models import cost
from sweeps import sweep_file
from training import architectures, loop
from training.batches import Batches
from training.settings import TrainingSettings
from utils.command_line import Parser, positive
from utils.paths import PROJECT_FOLDER
from utils.settings import from_mapping

SAMPLES, CLASSES = 187, 5
FILES = {"cnn": "cnn_bayes", "rnn": "rnn_bayes", "cnn_lstm": "cnn_lstm_bayes"}
SECONDS = 3.0


def main(argv: list[str] | None = None) -> int:
    """Print a line for each setting, and the constants that fit; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--settings", type=positive, default=6, help="of each architecture")
    count = parser.parse_args(argv).settings
    rows, measured = [], []
    for name, file in FILES.items():
        for settings in _drawn(name, file, count):
            found = cost.forward(settings, SAMPLES, CLASSES)
            seconds = _seconds(name, settings)
            fast = cost.speed(time.process_time)
            foretold = cost.training_seconds(found, settings.batch_size) / fast
            print(
                f"{name:<9}{found.flops / 1e6:8.2f} Mflop {found.values / 1e3:8.1f} k values "
                f"{found.calls:4.0f} calls, batch {settings.batch_size:3}: {seconds * 1e6:7.0f} "
                f"us a beat, foretold {foretold * 1e6:7.0f}, ratio {seconds / foretold:5.2f}",
                flush=True,
            )
            rows.append([found.flops, found.values, found.calls / settings.batch_size])
            measured.append(seconds * fast)
    of_all = cost.TRAINING_OVER_FORWARD * np.array(rows)
    relative = of_all / np.array(measured)[:, None]
    scale = relative.mean(axis=0)
    constants, _rest = nnls(relative / scale, np.ones(len(rows)))
    errors = np.log(relative / scale @ constants)
    print(
        "the best constants, seconds for a flop, a value and a call: "
        + ", ".join(f"{one:.3g}" for one in constants / scale)
        + f"; deviation of the ratios {np.exp(errors.std()):.2f}"
    )
    return 0


def _drawn(name: str, file: str, count: int) -> list[TrainingSettings]:
    sweep = sweep_file.read(PROJECT_FOLDER / "sweeps" / f"{file}.yaml")
    kind, rng = architectures.find(name).settings, np.random.default_rng(0)
    shipped = architectures.best_settings(name, "mitbih")
    drawn = [sweep.space.reals(sweep.space.draw(rng)) for _ in range(count - 1)]
    return [shipped, *(from_mapping(kind, one, "the sweep") for one in drawn)]


def _seconds(name: str, settings: TrainingSettings) -> float:
    """Processor seconds of a trained beat."""
    settings = replace(settings, common_share=1.0, rare_filling="none")
    beats = random_beats(settings.batch_size * 8)
    model = architectures.find(name).build(settings, SAMPLES, CLASSES)
    batches = Batches(beats, settings, model)
    network = loop.compiled(model, beats, settings, batches)
    network.train_on_batch(*batches[0])
    network.train_on_batch(*batches[1])
    trained, began = 0, time.process_time()
    while time.process_time() - began < SECONDS:
        network.train_on_batch(*batches[trained % len(batches)])
        trained += 1
    return (time.process_time() - began) / (trained * settings.batch_size)


if __name__ == "__main__":
    raise SystemExit(main())
