"""From overlapping windows to beats and stretches of irregular rhythm.

Each beat takes the mean irregularity of its windows; then short stretches join their surroundings.
"""

from dataclasses import dataclass

import numpy as np

from ecg.gaps import runs
from ecg.rhythm import DEFAULTS, RhythmSettings, RhythmWindows
from ecg.rhythms.rr_intervals import checked_times


@dataclass(frozen=True)
class IrregularStretch:
    """A stretch of irregular rhythm, from its first beat to its last."""

    start_s: float
    end_s: float
    beats: int
    irregularity: float


def beat_irregularity(windows: RhythmWindows, beats: int) -> np.ndarray:
    """(beats,) float64: the mean irregularity of the windows that hold a beat, NaN in none."""
    edges = np.zeros((2, beats + 1))
    for row, weights in enumerate([windows.irregularity, np.ones(len(windows))]):
        np.add.at(edges[row], windows.first_beat, weights)
        np.add.at(edges[row], windows.first_beat + windows.beats, -weights)
    total, count = np.cumsum(edges, axis=1)[:, :-1]
    held = np.rint(count)
    return np.where(held > 0, total / np.maximum(1, held), np.nan)


def irregular_beats(
    windows: RhythmWindows, beats: int, settings: RhythmSettings = DEFAULTS
) -> np.ndarray:
    """(beats,) bool: which beats belong to an irregular stretch.

    Args:
        windows: of `irregular_windows`.
        beats: number of beats of the recording.
    """
    scores = beat_irregularity(windows, beats)
    known = np.isfinite(scores)
    flags = known & (np.nan_to_num(scores) >= settings.threshold)
    for first, end in runs(known).tolist():
        flags[first:end] = _without_short(flags[first:end], settings.shortest_beats)
    return flags


def irregular_stretches(
    windows: RhythmWindows, r_peaks_s: np.ndarray, settings: RhythmSettings = DEFAULTS
) -> list[IrregularStretch]:
    """Join irregular beats that follow each other to stretches, in order of time.

    Args:
        windows: of `irregular_windows` of the same beats.
        r_peaks_s: (beats,) seconds.
    """
    times_s = checked_times(r_peaks_s)
    scores = beat_irregularity(windows, len(times_s))
    flags = irregular_beats(windows, len(times_s), settings)
    return [
        IrregularStretch(
            float(times_s[first]),
            float(times_s[end - 1]),
            end - first,
            float(scores[first:end].mean()),
        )
        for first, end in runs(flags).tolist()
    ]


def _without_short(flags: np.ndarray, shortest: int) -> np.ndarray:
    """Irregular stretches join over short regular ones; then what is short and irregular goes.

    What is irregular from end to end stays, however short the recording.
    """
    joined = flags.copy()
    for first, end in runs(~joined).tolist():
        if first > 0 and end < len(joined) and end - first < shortest:
            joined[first:end] = True
    for first, end in runs(joined).tolist():
        if end - first < min(shortest, len(joined)):
            joined[first:end] = False
    return joined
