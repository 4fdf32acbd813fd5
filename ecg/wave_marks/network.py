"""The small convolutional network that places wave marks, in plain NumPy.

It is a U-Net (Ronneberger O et al., MICCAI 2015), as others have used for the same task
(Moskalenko V et al., Deep Learning for ECG Segmentation, Neuroinformatics 2019), here with one
window per beat. `experiments.delineation.fit` fits its weights and writes them beside this file.
"""

from functools import cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("network.npz")
# Filters and widths of the layers on the way down, of which the second to fifth pool two samples
# into one first, and on the way up, each beside the layer of its resolution on the way down.
DOWN = ((12, 9), (24, 5), (32, 5), (48, 5), (48, 5), (48, 5))
UP = ((32, 3), (24, 3), (16, 3), (16, 3))
POOLED_DOWN = 4
# The resolution at which it is judged whether a wave is there.
PRESENCE_AFTER = 2
# Products of two matrices are fastest while both stay in the processor's cache.
BATCH = 64


@cache
def shipped_weights() -> dict[str, np.ndarray]:
    """Name of each layer's part -> its weights."""
    with np.load(WEIGHTS) as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def evaluate(
    channels: np.ndarray, weights: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Run the network.

    Args:
        channels: (beats, grid, channels) float32, the grid a multiple of 16.
        weights: as `shipped_weights` gives them.

    Returns:
        Logits of each mark over the grid, (beats, grid, marks), and of the presence of P, QRS and
        T, (beats, 3).
    """
    parts = [
        _evaluate(channels[first : first + BATCH], weights)
        for first in range(0, len(channels), BATCH)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _evaluate(layer: np.ndarray, weights: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    skipped = []
    for depth in range(len(DOWN)):
        if 0 < depth <= POOLED_DOWN:
            skipped.append(layer)
            layer = np.maximum(layer[:, ::2], layer[:, 1::2])
        layer = _convolve([layer], weights, f"down{depth}")
    for height in range(len(UP)):
        layer = _convolve([np.repeat(layer, 2, axis=1), skipped.pop()], weights, f"up{height}")
        if height + 1 == PRESENCE_AFTER:
            presence = _presence(layer, weights)
    return _dense(layer, weights, "marks"), presence


def _presence(layer: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    pooled = np.concatenate([layer.mean(axis=1), layer.max(axis=1)], axis=1)
    return _dense(np.maximum(_dense(pooled, weights, "pooled"), 0), weights, "presence")


def _convolve(layers: list[np.ndarray], weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Convolution and rectifier over layers of one resolution, laid side by side.

    All beats lie end to end, zeros between them, so that each tap of the kernel is one product of
    two matrices. What is computed across the zeros is cut off.
    """
    kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
    width, inputs, outputs = kernel.shape
    beats, grid, _inputs = layers[0].shape
    padded = np.zeros((beats, grid + width - 1, inputs), np.float32)
    np.concatenate(layers, axis=2, out=padded[:, width // 2 : width // 2 + grid])
    rows = padded.reshape(-1, inputs)
    total = np.empty((len(rows), outputs), np.float32)
    inner = total[: len(rows) - width + 1]
    np.matmul(rows[: len(inner)], kernel[0], out=inner)
    for tap in range(1, width):
        inner += rows[tap : tap + len(inner)] @ kernel[tap]
    found = total.reshape(beats, -1, outputs)[:, :grid] + bias
    return np.maximum(found, 0, out=found)


def _dense(layer: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    return layer @ weights[f"{name}.kernel"] + weights[f"{name}.bias"]
