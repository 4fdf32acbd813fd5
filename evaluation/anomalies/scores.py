"""How far a beat is from its reconstructions, and where normal ends: pure arithmetic."""

import numpy as np
from scipy.ndimage import uniform_filter1d

# Samples over which `smoothed_l2` averages a residual: noise cancels, a misplaced wave does not.
SMOOTHING_SAMPLES = 5


def _absolute(residuals: np.ndarray) -> np.ndarray:
    return np.abs(residuals).mean(axis=-1)


def _squared(residuals: np.ndarray) -> np.ndarray:
    return np.square(residuals).mean(axis=-1)


def _smoothed_squared(residuals: np.ndarray) -> np.ndarray:
    return _squared(uniform_filter1d(residuals, SMOOTHING_SAMPLES, axis=-1, mode="nearest"))


SCORES = {"l1": _absolute, "l2": _squared, "smoothed_l2": _smoothed_squared}


def of_each_net(inputs: np.ndarray, reconstructions: np.ndarray, kind: str) -> np.ndarray:
    """Scores by every net.

    Args:
        inputs: (beats, samples).
        reconstructions: (beats, folds, samples).
        kind: a key of SCORES.

    Returns:
        (beats, folds) float64, larger for stranger beats.
    """
    return SCORES[kind](reconstructions.astype(float) - inputs[:, np.newaxis, :])


def held_back(scores: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """The score of each training beat by the one net that was trained without it.

    Args:
        scores: (beats, folds).
        fold_of: (beats,) int, the fold that each beat was held back in.
    """
    return scores[np.arange(len(scores)), fold_of]


def threshold_of(held_back_scores: np.ndarray, false_alarm_share: float) -> float:
    """The score above which a beat is called an anomaly.

    It is the smallest held-back score that at most `false_alarm_share` of n + 1 normal beats
    exceed, the extra one being the beat to come.

    Source: Barber RF, Candes EJ, Ramdas A, Tibshirani RJ. Predictive inference with the
    jackknife+. Ann Stat 49(1):486-507 (2021), CV+, here with the nets' mean score.
    """
    beats = len(held_back_scores)
    rank = int(np.ceil((1 - false_alarm_share) * (beats + 1)))
    return float(np.sort(held_back_scores)[min(rank, beats) - 1])
