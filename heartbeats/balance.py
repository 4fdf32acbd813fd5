"""Weights against class imbalance."""

import numpy as np

METHODS = ("none", "balanced", "square_root", "effective_number")
# Cui et al., CVPR 2019: beta close to 1 treats beats as nearly all different from each other.
EFFECTIVE_NUMBER_BETA = 0.9999


def class_weights(counts: np.ndarray, method: str) -> np.ndarray:
    """(classes,) float64 weights of the classes in the loss; a training beat weighs 1 on average.

    `balanced` weighs a class by one over its count, `square_root` by the root of that,
    `effective_number` by (1 - beta) / (1 - beta^count) with beta 0.9999 (Cui et al. 2019). A class
    with no training beat weighs 0.

    Args:
        counts: (classes,) training beats of each class.
        method: one of METHODS.
    """
    present = counts > 0
    safe = np.where(present, counts, 1).astype(np.float64)
    raw = {
        "none": np.ones(len(counts)),
        "balanced": 1 / safe,
        "square_root": 1 / np.sqrt(safe),
        "effective_number": (1 - EFFECTIVE_NUMBER_BETA) / (1 - EFFECTIVE_NUMBER_BETA**safe),
    }[method]
    raw = np.where(present, raw, 0.0)
    return raw * counts.sum() / (raw * counts).sum()
