"""How many beats a second do we train on, compared with plain Keras and a PyTorch loop?

    python -m benchmarks.training_speed [--beats 12800]

The networks are the shipped ones. "Plain Keras" is what a notebook does: `compile("adam", ...)`
and `fit(x, y)` with its default batch of 32. "Ours" is `training.loop.fit`, augmentation and the
validation pass included. PyTorch is optional: pip install -r benchmarks/requirements.txt. All run
in one process, one after the other, twice; the faster counts, and the first batches, which
compile, do not.

TensorFlow computes with oneDNN here, which it leaves off on processors without AVX-512 unless it
is asked for; `TF_ENABLE_ONEDNN_OPTS=0` shows what that is worth. The last column is the arithmetic
of the network over what these cores reach in a product of large matrices.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from models import cost
from models.backend import keras
from training import loop
from training.architectures import ARCHITECTURES, best_settings, find
from utils.command_line import Parser

VALIDATION_SHARE = 0.1


def random_beats(count: int) -> BeatSet:
    """Speed does not depend on what is learned."""
    rng = np.random.default_rng(0)
    signals = rng.random((count, 187), dtype=np.float32)
    labels = rng.integers(0, 5, count).astype(np.uint8)
    return BeatSet("random", signals, labels, AAMI_CLASSES, 120.0)


def plain_keras(name: str, beats: BeatSet) -> float:
    """Beats per second of a notebook's compile and fit."""
    settings = best_settings(name, "mitbih")
    model = find(name).build(settings, 187, 5)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = beats.signals[..., None], beats.labels
    some = int(len(x) * VALIDATION_SHARE)
    model.fit(x[:640], y[:640], validation_data=(x[:some], y[:some]), verbose=0)
    started = time.perf_counter()
    model.fit(x, y, validation_data=(x[:some], y[:some]), verbose=0)
    return len(x) / (time.perf_counter() - started)


def ours(name: str, beats: BeatSet) -> float:
    """Beats per second of the second epoch of `training.loop.fit`."""
    settings = replace(best_settings(name, "mitbih"), epochs=2)
    model = find(name).build(settings, 187, 5)
    some = beats.select(np.arange(int(len(beats) * VALIDATION_SHARE)))
    result = loop.fit(model, beats, some, settings)
    return len(beats) / result.history[-1]["epoch_seconds"]


def pytorch(name: str, beats: BeatSet) -> float | None:
    """Beats per second of the same CNN in a plain PyTorch loop; None where there is none."""
    if name != "cnn":
        return None
    try:  # imported late: PyTorch is optional
        from benchmarks.pytorch_cnn import beats_per_second
    except ImportError:
        return None
    settings = best_settings(name, "mitbih")
    parameters = find(name).build(settings, 187, 5).count_params()
    return beats_per_second(settings, beats, parameters)


CONTENDERS: dict[str, Callable[[str, BeatSet], float | None]] = {
    "plain Keras": plain_keras,
    "ours": ours,
    "PyTorch": pytorch,
}


def main(argv: list[str] | None = None) -> int:
    """Print a table for each architecture; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--beats", type=int, default=12800)
    beats = random_beats(parser.parse_args(argv).beats)
    peak = cost.speed() * cost.REFERENCE_FLOPS
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    one_dnn = "off" if os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0" else "on"
    print(
        f"backend {keras.backend.backend()}, oneDNN {one_dnn}, {os.cpu_count()} cores, "
        f"{peak / 1e9:.0f} GFLOP/s in products of large matrices, {len(beats):,} beats\n"
        f"processor: {', '.join([*simd['baseline'], *simd['found']])}"
    )
    for name in ARCHITECTURES:
        speeds = {label: _faster_of_two(run, name, beats) for label, run in CONTENDERS.items()}
        plain = speeds["plain Keras"]
        forward = cost.forward(best_settings(name, "mitbih"), beats.signals.shape[1], 5).flops
        for label, speed in speeds.items():
            if speed is not None and plain is not None:
                share = speed * forward * cost.TRAINING_OVER_FORWARD / peak
                print(
                    f"{name:<9}{label:<12} {speed:7.0f} beats/s   {speed / plain:4.2f} x plain   "
                    f"{share:4.0%} of the peak"
                )
    return 0


def _faster_of_two(run: Callable, name: str, beats: BeatSet) -> float | None:
    first = run(name, beats)
    return None if first is None else max(first, run(name, beats))


if __name__ == "__main__":
    raise SystemExit(main())
