"""Weights and sampling against class imbalance."""

import numpy as np

METHODS = ("none", "balanced", "square_root", "effective_number")
# Cui et al., CVPR 2019: beta close to 1 treats beats as nearly all different from each other.
EFFECTIVE_NUMBER_BETA = 0.9999


def class_weights(counts: np.ndarray, method: str) -> np.ndarray:
    """(classes,) float64 class weights of the loss, 1 for a training beat on average.

    `balanced` weights a class by one over its count, `square_root` by the root of that, and
    `effective_number` by (1 - beta) / (1 - beta^count) with beta 0.9999 (Cui et al. 2019). A class
    without training beats has weight 0.

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


def shown_counts(counts: np.ndarray, common_share: float, rare_share: float) -> np.ndarray:
    """(classes,) int: how many beats of each class an epoch shows.

    Args:
        counts: (classes,) training beats of each class.
        common_share: share of the most common class's beats that is shown, but no fewer than the
            second most common class has.
        rare_share: every other class that has beats is shown at least this share of what the most
            common one then shows.
    """
    common = int(np.argmax(counts))
    second = int(np.sort(counts)[-2]) if len(counts) > 1 else 0
    shown = counts.astype(int)
    shown[common] = min(max(round(counts[common] * common_share), second, 1), counts[common])
    least = round(rare_share * shown[common])
    return np.where((counts > 0) & (shown < least), least, shown)


def draw_rows(labels: np.ndarray, shown: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(rows,) int: one epoch's beats, `shown[c]` of class c; none repeats before all were drawn.

    Args:
        labels: (beats,) int.
        shown: (classes,) int, from `shown_counts`.
        rng: draws and shuffles within each class.
    """
    parts = [
        _in_rounds(np.flatnonzero(labels == label), wanted, rng)
        for label, wanted in enumerate(shown)
        if wanted
    ]
    return np.concatenate(parts)


def _in_rounds(rows: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    rounds = -(-wanted // len(rows))
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:wanted]
