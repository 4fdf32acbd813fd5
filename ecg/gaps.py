"""Gaps: filling what was not recorded, for filters; and runs of True in a mask.

Short, because most modules of `ecg` need these two functions and nothing else in common.
"""

import numpy as np


def without_gaps(lead: np.ndarray) -> np.ndarray:
    """(samples,) float64: straight lines where `lead` is not finite, zeros if it never is."""
    whole = np.array(lead, np.float64)
    missing = ~np.isfinite(whole)
    if missing.all():
        return np.zeros_like(whole)
    if missing.any():
        there = np.flatnonzero(~missing)
        whole[missing] = np.interp(np.flatnonzero(missing), there, whole[there])
    return whole


def runs(mask: np.ndarray) -> np.ndarray:
    """(runs, 2) int64: first position and the one after the last of each run of True."""
    if not mask.any():
        return np.empty((0, 2), np.int64)
    changes = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    first = [0] if mask[0] else []
    last = [len(mask)] if mask[-1] else []
    return np.concatenate([first, changes, last]).astype(np.int64).reshape(-1, 2)
