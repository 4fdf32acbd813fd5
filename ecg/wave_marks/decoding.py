"""From the network's probabilities to wave marks that are in order and were recorded.

`marks` places the marks of each beat, `orderly` keeps neighbouring waves apart, and `recorded`
tells which waves lie within what was recorded.
"""

import numpy as np
from scipy.special import log_softmax

from ecg.wave_marks.windows import GRID_HZ, GRID_S, averaged

P, QRS, T = range(3)
ONSET, PEAK, END = range(3)
ABSENT = -1
# A mark is the mean of its probability this far around the maximum, so it lies between grid
# points.
AROUND = np.arange(-round(0.04 * GRID_HZ), round(0.04 * GRID_HZ) + 1)[:, None]
# The fewest grid points that a P wave, a QRS complex and a T wave take to rise, and to fall.
LEAST_RISE = (2, 1, 4)


def marks(logits: np.ndarray, alike_ahead: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Place the nine marks of consecutive beats.

    A T wave that goes down and up is ambiguous. So the three marks of a wave are chosen together,
    and neighbours of the same shape choose the same T wave.

    Args:
        logits: (beats, grid, 9), onset, peak and end of P, QRS and T.
        alike_ahead: of `ecg.wave_marks.windows.alike`.

    Returns:
        (beats, 3, 3) seconds from the R peak, and the share of the mark's probability that lies
        around it.
    """
    log_p = log_softmax(logits, axis=1)
    found = []
    for wave, rise in enumerate(LEAST_RISE):
        own = log_p[:, :, 3 * wave : 3 * wave + 3]
        shared = averaged(own, alike_ahead) if wave == T else own
        found.append(_refined(own, _likeliest(shared, rise)))
    seconds, confidence = zip(*found, strict=True)
    return np.stack(seconds, axis=1), np.stack(confidence, axis=1)


def _likeliest(log_p: np.ndarray, rise: int) -> np.ndarray:
    """(beats, 3) grid points: the likeliest onset, peak and end together, in this order.

    Args:
        log_p: (beats, grid, 3) logarithms of probabilities.
        rise: the least distance of onset and peak, and of peak and end.
    """
    onset, peak, end = np.moveaxis(log_p, 2, 0)
    together = np.full(peak.shape, -np.inf, peak.dtype)
    best_onset = np.maximum.accumulate(onset, axis=1)[:, : -2 * rise]
    best_end = np.maximum.accumulate(end[:, ::-1], axis=1)[:, ::-1][:, 2 * rise :]
    together[:, rise:-rise] = best_onset + peak[:, rise:-rise] + best_end
    best = together.argmax(axis=1)[:, None]
    places = np.arange(peak.shape[1])
    before = np.where(places <= best - rise, onset, -np.inf).argmax(axis=1)
    after = np.where(places >= best + rise, end, -np.inf).argmax(axis=1)
    return np.stack([before, best[:, 0], after], axis=1)


def _refined(log_p: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(beats, 3) seconds and confidence of the maximum near each point chosen."""
    values, places = _around(log_p, near)
    own = np.take_along_axis(places, values.argmax(axis=1)[:, None], axis=1)[:, 0]
    values, places = _around(log_p, own)
    weights = np.exp(values)
    mass = np.maximum(weights.sum(axis=1), np.finfo(np.float32).tiny)
    return (weights * GRID_S[places]).sum(axis=1) / mass, mass


def _around(log_p: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(beats, window, 3) each: `log_p` around the points, minus infinity off the grid; places."""
    around = points[:, None] + AROUND
    places = np.clip(around, 0, len(GRID_S) - 1)
    values = np.take_along_axis(log_p, places, axis=1)
    return np.where(around == places, values, -np.inf), places


def orderly(marks: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move marks so that no wave reaches into another.

    If two beats claim one wave, it is the T wave of the earlier.

    Args:
        marks: (beats, 3, 3) samples of onset, peak and end of P, QRS and T.
        present: (beats, 3) bool, whether each wave is there.

    Returns:
        New arrays of both.
    """
    marks, present = marks.copy(), present.copy()
    _keep_out_of_qrs(marks)
    present[1:, P] &= ~present[:-1, T] | (marks[1:, P, PEAK] > marks[:-1, T, PEAK])
    _part_t_from_p(marks, present)
    marks[:, :, PEAK] = np.clip(marks[:, :, PEAK], marks[:, :, ONSET], marks[:, :, END])
    return marks, present & (marks[:, :, ONSET] < marks[:, :, END])


def _keep_out_of_qrs(marks: np.ndarray) -> None:
    qrs = marks[:, QRS]
    qrs[:, ONSET] = np.minimum(qrs[:, ONSET], qrs[:, PEAK])
    qrs[:, END] = np.maximum(qrs[:, END], qrs[:, PEAK])
    # Where two beats are so near that their complexes would overlap, the later gives way.
    qrs[1:, ONSET] = np.clip(qrs[1:, ONSET], np.minimum(qrs[:-1, END], qrs[1:, PEAK]), None)
    qrs[:-1, END] = np.minimum(qrs[:-1, END], qrs[1:, ONSET])
    marks[:, P, END] = np.minimum(marks[:, P, END], qrs[:, ONSET])
    marks[:, T, ONSET] = np.maximum(marks[:, T, ONSET], qrs[:, END])
    marks[:-1, T, END] = np.minimum(marks[:-1, T, END], qrs[1:, ONSET])
    marks[1:, P, ONSET] = np.maximum(marks[1:, P, ONSET], qrs[:-1, END])


def _part_t_from_p(marks: np.ndarray, present: np.ndarray) -> None:
    """End each T wave that overlaps the next P wave where the P wave begins."""
    t, p = marks[:-1, T], marks[1:, P]
    overlap = present[:-1, T] & present[1:, P] & (t[:, END] > p[:, ONSET])
    border = np.maximum(p[:, ONSET], t[:, PEAK] + 1)
    t[:, END] = np.where(overlap, border, t[:, END])
    p[:, ONSET] = np.where(overlap, border, p[:, ONSET])


def recorded(leads: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Find the waves that lie within the recording and were recorded completely by some lead.

    Args:
        leads: (samples, leads), NaN where nothing was recorded.
        marks: (beats, 3, 3) samples.

    Returns:
        (beats, 3) bool.
    """
    samples = len(leads)
    inside = (marks[:, :, ONSET] >= 0) & (marks[:, :, END] < samples)
    onsets = np.clip(marks[:, :, ONSET], 0, samples - 1)
    ends = np.clip(marks[:, :, END], 0, samples - 1)
    whole = np.zeros(inside.shape, bool)
    for lead in leads.T:
        gaps = np.flatnonzero(~np.isfinite(lead))
        whole |= np.searchsorted(gaps, onsets) == np.searchsorted(gaps, ends, side="right")
    return inside & whole
