"""The shipped residual CNN in PyTorch with a plain training loop, to compare speed alone.

A module of its own because PyTorch is optional: `benchmarks.training_speed` imports it late.
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from heartbeats.beat_set import BeatSet
from training.settings import CnnSettings


class SqueezeExcite(nn.Module):
    """Channels weighted by their mean over the whole beat."""

    def __init__(self, width: int):
        super().__init__()
        self.down = nn.Linear(width, max(4, width // 8))
        self.up = nn.Linear(max(4, width // 8), width)

    def forward(self, x):
        gate = torch.sigmoid(self.up(functional.relu(self.down(x.mean(dim=2)))))
        return x * gate[:, :, None]


class Residual(nn.Module):
    """Two convolutions with a shortcut."""

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
    count = sum(weight.numel() for weight in net.parameters()) + sum(running)
    if count != parameters:
        raise ValueError(f"the PyTorch CNN has {count} parameters, the Keras CNN {parameters}")
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
