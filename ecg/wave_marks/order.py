"""Marks of neighbouring waves put in order, and kept within what was recorded."""

import numpy as np

P, QRS, T = range(3)
ONSET, PEAK, END = range(3)
ABSENT = -1


def orderly(marks: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Marks of which no wave reaches into another.

    Of two beats that claim one wave, the earlier has it as its T wave.

    Args:
        marks: (beats, 3, 3) samples of onset, peak and end of P, QRS and T.
        present: (beats, 3) bool, whether each wave is there.

    Returns:
        Both, anew.
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
    """Where a T wave runs into the next P wave, it ends where that begins."""
    t, p = marks[:-1, T], marks[1:, P]
    overlap = present[:-1, T] & present[1:, P] & (t[:, END] > p[:, ONSET])
    border = np.maximum(p[:, ONSET], t[:, PEAK] + 1)
    t[:, END] = np.where(overlap, border, t[:, END])
    p[:, ONSET] = np.where(overlap, border, p[:, ONSET])


def recorded(leads: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Which waves lie within the recording, and were recorded whole by some lead.

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
