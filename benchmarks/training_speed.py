"""How many beats a second do we train on, beside Keras' plain defaults and a PyTorch loop?

    python -m benchmarks.training_speed [--beats 12800]

The networks are the shipped ones. "Plain Keras" is what a notebook does: `compile("adam", ...)`
and `fit(x, y)` with its default batch of 32. "Ours" is `training.loop.fit`, augmentation and the
validation pass included. PyTorch is optional: pip install -r benchmarks/requirements.txt. All run
in one process, one after the other, twice; the faster counts, and the first batches, which
compile, do not.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from heartbeats.beat_set import AAMI_CLASSES, BeatSet
from training import loop
from training.architectures import best_settings, find
from training.settings import CnnSettings


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole beat looks like."""

    def __init__(self, width: int):
        super().__init__()
        self.down = nn.Linear(width, max(4, width // 8))
        self.up = nn.Linear(max(4, width // 8), width)

    def forward(self, x):
        gate = torch.sigmoid(self.up(functional.relu(self.down(x.mean(dim=2)))))
        return x * gate[:, :, None]


class Residual(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, before: int, width: int, kernel: int):
        super().__init__()
        self.first = nn.Conv1d(before, width, kernel, padding="same", bias=False)
        self.second = nn.Conv1d(width, width, kernel, padding="same", bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm1d(width), nn.BatchNorm1d(width)])
        self.gate = SqueezeExcite(width)
        self.short = nn.Conv1d(before, width, 1, bias=False) if before != width else nn.Identity()

    def forward(self, x):
        y = functional.relu(self.norms[0](self.first(x)))
        return functional.relu(self.short(x) + self.gate(self.norms[1](self.second(y))))


class Cnn(nn.Module):
    """As `models.cnn` builds it from the shipped settings."""

    def __init__(self, shape: CnnSettings, classes: int):
        super().__init__()
        widths = [round(shape.width * shape.width_growth**stage) for stage in range(shape.stages)]
        padding = shape.stem_kernel // 2
        self.stem = nn.Conv1d(
            1, widths[0], shape.stem_kernel, shape.stem_stride, padding, bias=False
        )
        self.norm = nn.BatchNorm1d(widths[0])
        pairs = zip([widths[0], *widths[:-1]], widths, strict=True)
        self.stages = nn.ModuleList([Residual(a, b, shape.kernel) for a, b in pairs])
        self.drop = nn.Dropout1d(shape.dropout)
        self.dense = nn.Linear(2 * widths[-1], shape.dense_units)
        self.out = nn.Linear(shape.dense_units, classes)

    def forward(self, x):
        x = functional.relu(self.norm(self.stem(x)))
        for stage in self.stages:
            x = self.drop(functional.max_pool1d(stage(x), 2, ceil_mode=True))
        x = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
        return self.out(functional.dropout(functional.relu(self.dense(x)), 0.2, self.training))


def beats_per_second(settings: CnnSettings, beats: BeatSet, parameters: int) -> float:
    """Train one epoch and say how fast.

    Args:
        settings: the shipped CNN's.
        beats: to train on.
        parameters: of the Keras network, to be sure that the two are the same.
    """
    net = Cnn(settings, len(beats.class_names))
    # Keras counts the moving statistics of batch normalisation; PyTorch calls them buffers.
    running = (buffer.numel() for name, buffer in net.named_buffers() if "running" in name)
    own = sum(weight.numel() for weight in net.parameters()) + sum(running)
    if own != parameters:
        raise ValueError(f"the PyTorch CNN has {own} parameters, the Keras CNN {parameters}")
    optimizer = torch.optim.AdamW(net.parameters(), lr=settings.learning_rate)
    signals = torch.from_numpy(np.ascontiguousarray(beats.signals))[:, None, :]
    labels = torch.from_numpy(beats.labels.astype(np.int64))
    _epoch(net, optimizer, signals[:1280], labels[:1280], settings.batch_size)
    started = time.perf_counter()
    _epoch(net, optimizer, signals, labels, settings.batch_size)
    return len(beats) / (time.perf_counter() - started)


def _epoch(net: nn.Module, optimizer, signals, labels, batch: int) -> None:
    net.train()
    for rows in torch.randperm(len(signals)).split(batch):
        optimizer.zero_grad()
        functional.cross_entropy(net(signals[rows]), labels[rows]).backward()
        optimizer.step()


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


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
    result = loop.fit(model, beats, some, settings, verbose=0)
    return len(beats) / result.history[-1]["epoch_seconds"]


def pytorch(name: str, beats: BeatSet) -> float | None:
    """Beats per second of the same CNN in a plain PyTorch loop; None where there is none."""
    try:
        pass  # IMPORT-GONE
    except ImportError:
        return None
    settings = best_settings(name, "mitbih")
    parameters = find(name).build(settings, 187, 5).count_params()
    return beats_per_second(settings, beats, parameters) if name == "cnn" else None


CONTENDERS: dict[str, Callable[[str, BeatSet], float | None]] = {
    "plain Keras": plain_keras,
    "ours": ours,
    "PyTorch": pytorch,
}


def main(argv: list[str] | None = None) -> int:
    """Print a table for each architecture; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--beats", type=int, default=12800)
    beats = random_beats(parser.parse_args(argv).beats)
    print(f"backend {keras.backend.backend()}, {os.cpu_count()} cores, {len(beats):,} beats")
    for name in ("cnn", "rnn"):
        speeds = {label: _faster_of_two(run, name, beats) for label, run in CONTENDERS.items()}
        plain = speeds["plain Keras"]
        for label, speed in speeds.items():
            if speed is not None and plain is not None:
                print(f"{name}  {label:<12} {speed:7.0f} beats/s   {speed / plain:4.2f} x plain")
    return 0


def _faster_of_two(run: Callable, name: str, beats: BeatSet) -> float | None:
    first = run(name, beats)
    return None if first is None else max(first, run(name, beats))


if __name__ == "__main__":
    raise SystemExit(main())
