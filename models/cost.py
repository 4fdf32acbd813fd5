"""What a network costs to train, from its settings alone, before it is built.

A step's time is close to a weighted sum of three things: the arithmetic of the matrix products,
the numbers that pass between layers, and the calls that a batch waits for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from models.architectures import CnnArchitecture, CnnLstmArchitecture, RnnArchitecture

# Seconds of one core for a beat's forward pass, a third of what its training takes: fitted to the
# steps of 21 settings of the three architectures, which they meet with a deviation of a factor 1.3
# (`python -m benchmarks.training_cost`), on a core whose matrix products reach REFERENCE_FLOPS.
SECONDS_PER_FLOP, SECONDS_PER_VALUE, SECONDS_PER_CALL = 1.0e-11, 2.4e-9, 1.9e-4
REFERENCE_FLOPS = 100e9
# Three times the forward pass: each product has two more in the backward pass.
TRAINING_OVER_FORWARD = 3.0
# Side of the matrices whose product is timed.
SIDE = 1024


@dataclass(frozen=True)
class Cost:
    """The forward pass of one beat.

    Attributes:
        flops: multiplications and additions, two for each weight and position.
        values: numbers that layers write.
        calls: steps of recurrent layers, one after the other; a batch waits for each.
    """

    flops: float = 0.0
    values: float = 0.0
    calls: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.flops + other.flops, self.values + other.values, self.calls + other.calls)


@singledispatch
def forward(shape: object, samples: int, classes: int) -> Cost:
    """The cost of one beat's forward pass through the network that `shape` describes.

    Args:
        shape: settings of a classifier.
        samples: of a beat.
        classes: that it tells apart.
    """
    raise TypeError(f"no cost is known of {type(shape).__name__}")


@forward.register
def _(shape: CnnArchitecture, samples: int, classes: int) -> Cost:
    cost, steps, channels = _convolutions(shape, samples)
    return cost + _head(shape, steps, channels, classes)


@forward.register
def _(shape: CnnLstmArchitecture, samples: int, classes: int) -> Cost:
    cost, steps, channels = _convolutions(shape, samples)
    for _ in range(shape.recurrent_layers):
        cost += _recurrent(shape.cell, channels, shape.recurrent_width, steps, shape.bidirectional)
        channels = shape.recurrent_width * (2 if shape.bidirectional else 1)
    return cost + _head(shape, steps, channels, classes)


@forward.register
def _(shape: RnnArchitecture, samples: int, classes: int) -> Cost:
    steps = -(-samples // shape.patch)
    channels = shape.patch * (2 if shape.patch_overlap and shape.patch > 1 else 1)
    cost = Cost()
    if shape.embedding:
        cost += Cost(2 * steps * channels * shape.embedding, steps * shape.embedding)
        channels = shape.embedding
    for depth in range(shape.layers):
        width = max(4, round(shape.width * shape.width_growth**depth))
        cost += _recurrent(shape.cell, channels, width, steps, shape.bidirectional)
        channels = width * (2 if shape.bidirectional else 1)
    return cost + _head(shape, steps, channels, classes)


def _convolutions(shape: CnnArchitecture, samples: int) -> tuple[Cost, int, int]:
    """The cost of the stem and all stages, and the steps and channels that they give."""
    steps = -(-samples // shape.stem_stride)
    channels = shape.width
    cost = _convolution(steps, shape.stem_kernel, 1, channels)
    for stage in range(shape.stages):
        width = max(4, round(shape.width * shape.width_growth**stage))
        for _ in range(shape.blocks):
            cost += _convolution(steps, shape.kernel, channels, width)
            if shape.block == "residual":
                cost += _convolution(steps, shape.kernel, width, width)
                cost += Cost(values=steps * width)
                if channels != width:
                    cost += Cost(2 * steps * channels * width, steps * width)
                if shape.squeeze_excite:
                    cost += Cost(4 * width * max(4, width // 8), steps * width)
            channels = width
        if steps >= 2:
            steps = -(-steps // 2)
            if shape.pooling == "stride":
                cost += Cost(2 * steps * 3 * channels * channels)
            cost += Cost(values=steps * channels)
    return cost, steps, channels


def _convolution(steps: int, kernel: int, channels: int, width: int) -> Cost:
    """A convolution with its normalisation and its ReLU, each of which writes what it gives."""
    return Cost(2 * steps * kernel * channels * width, 3 * steps * width)


def _recurrent(cell: str, channels: int, width: int, steps: int, both_ways: bool) -> Cost:
    gates = 3 if cell == "gru" else 4
    one = Cost(
        2 * steps * gates * width * (channels + width), steps * (gates + 2) * width, float(steps)
    )
    return one + one if both_ways else one


def _head(
    shape: CnnArchitecture | RnnArchitecture, steps: int, channels: int, classes: int
) -> Cost:
    summaries = {"flatten": steps, "average_max": 2}.get(shape.summary, 1)
    found, flops = summaries * channels, 0
    if shape.dense_units:
        flops += 2 * found * shape.dense_units
        found = shape.dense_units
    return Cost(flops + 2 * found * classes, steps * channels)


def training_seconds(cost: Cost, batch_size: int) -> float:
    """Seconds of one core of the reference for each beat that is trained on.

    Args:
        cost: of the forward pass.
        batch_size: all beats of a batch share its calls.
    """
    forward_seconds = (
        SECONDS_PER_FLOP * cost.flops
        + SECONDS_PER_VALUE * cost.values
        + SECONDS_PER_CALL * cost.calls / batch_size
    )
    return TRAINING_OVER_FORWARD * forward_seconds


def speed(clock: Callable[[], float] = time.perf_counter) -> float:
    """How many times as fast as the reference this process' matrix products are now."""
    one = np.ones((SIDE, SIDE), np.float32)
    seconds = []
    for _ in range(4):
        began = clock()
        one @ one
        seconds.append(clock() - began)
    return 2 * SIDE**3 / min(seconds) / REFERENCE_FLOPS
