"""Irregular rhythm: atrial fibrillation, distinguished from sinus rhythm with ectopic beats.

Windows of RR intervals slide over the recording (`irregular_windows`). A window is irregular by
the coefficient of sample entropy (COSEn) of its intervals, as they are and with ectopic beats
evened out. Where the signal is known, it also counts that no P waves of one shape precede the
beats (`ecg.beat_shapes`).

Each beat then takes the mean irregularity of its windows, and short segments join their
surroundings (`irregular_segments`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import expit

from ecg import irregularity as measures
from ecg.gaps import runs
from ecg.rr_intervals import RRIntervals, checked_per_beat, checked_times, rr_intervals
from utils.errors import InputError

# Log-odds of atrial fibrillation or flutter: constant, per nat of COSEn of all intervals, per nat
# of COSEn with ectopy evened out, per unit of P wave constancy. A logistic regression on windows
# of DS1 of MIT-BIH, both classes with equal weight. The constant is then moved, so that at 0.5
# about 4 % (intervals alone) and 3 % of the regular beats of DS1, each record judged by a fit of
# the others, and at most 3 % of those of LUDB and PTB-XL are called irregular. `python -m
# benchmarks.irregular_rhythm --fit` prints these numbers.
BY_INTERVALS = (4.81, 0.28, 4.91)
BY_INTERVALS_AND_P_WAVES = (12.00, 3.33, 2.11, -7.61)
FEWEST_IN_WINDOW = 8
# Where a smaller share of a window's pairs of successive intervals is of sinus origin, the other
# measures take all its intervals: ectopy is its rhythm.
LEAST_SUCCESSIVE = 0.6
# P waves say nothing where fewer than this share of a window's beats could be compared.
LEAST_COMPARED = 0.25


@dataclass(frozen=True)
class RhythmSettings:
    """Settings of the search for irregular rhythm.

    Attributes:
        window_beats: RR intervals in a window; the constants were fitted with 16.
        step_beats: intervals from the start of a window to the next one's.
        threshold: a beat is irregular at this irregularity or above, 0 to 1.
        shortest_beats: shorter segments, regular or irregular, join what is around them.
    """

    window_beats: int = 16
    step_beats: int = 2
    threshold: float = 0.5
    shortest_beats: int = 16

    def __post_init__(self) -> None:
        if self.window_beats < FEWEST_IN_WINDOW:
            raise InputError(
                f"window_beats of at least {FEWEST_IN_WINDOW} expected, got {self.window_beats}"
            )
        if not 1 <= self.step_beats <= self.window_beats:
            raise InputError(
                f"step_beats from 1 to window_beats ({self.window_beats}) expected, "
                f"got {self.step_beats}"
            )
        if not 0 < self.threshold < 1:
            raise InputError(f"threshold between 0 and 1 expected, got {self.threshold}")
        if self.shortest_beats < 0:
            raise InputError(f"shortest_beats of 0 or more expected, got {self.shortest_beats}")


DEFAULTS = RhythmSettings()


@dataclass(frozen=True)
class RhythmWindows:
    """Windows of successive beats, one value of each array per window.

    Attributes:
        first_beat: index of the first beat.
        start_s, end_s: times of the first and the last beat.
        beats: number of beats, both ends counted.
        cosen: `ecg.irregularity.cosen` of all intervals.
        cosen_evened: the same where ectopic beats are evened out, see `ecg.rr_intervals`.
        symbolic_entropy, normalised_rmssd, turning_point_ratio: see `ecg.irregularity`; of
            sinus intervals alone, where they are enough.
        p_constancy: median of the beats' `ecg.beat_shapes.p_wave_constancy`, NaN where unknown.
        ectopic_share: share of the intervals that ectopy made.
        heart_rate_bpm: from the mean interval.
        irregularity: 0 to 1, from COSEn and, where known, the constancy of P waves.
        irregular: whether that reaches the threshold.
    """

    first_beat: np.ndarray
    start_s: np.ndarray
    end_s: np.ndarray
    beats: np.ndarray
    cosen: np.ndarray
    cosen_evened: np.ndarray
    symbolic_entropy: np.ndarray
    normalised_rmssd: np.ndarray
    turning_point_ratio: np.ndarray
    p_constancy: np.ndarray
    ectopic_share: np.ndarray
    heart_rate_bpm: np.ndarray
    irregularity: np.ndarray
    irregular: np.ndarray

    def __len__(self) -> int:
        return len(self.first_beat)


@dataclass(frozen=True)
class IrregularSegment:
    """A segment of irregular rhythm, from its first beat to its last.

    Attributes:
        start_s, end_s: times of these beats.
        beats: number of beats, both ends counted.
        irregularity: mean of the beats, 0 to 1.
    """

    start_s: float
    end_s: float
    beats: int
    irregularity: float


def irregular_windows(
    r_peaks_s: np.ndarray,
    *,
    p_constancy: np.ndarray | None = None,
    ectopic_beats: np.ndarray | None = None,
    gaps: Sequence[tuple[float, float]] = (),
    settings: RhythmSettings = DEFAULTS,
) -> RhythmWindows:
    """Measure the irregularity of the rhythm in overlapping windows.

    No window reaches across a gap, and there is none where fewer beats follow each other than a
    window holds.

    Args:
        r_peaks_s: (beats,) seconds, ascending.
        p_constancy: (beats,) -1 to 1, of `ecg.beat_shapes.p_wave_constancy`; without it
            the intervals alone decide, which is much less reliable.
        ectopic_beats: (beats,) bool, ventricular beats, of
            `ecg.beat_shapes.unlike_beats` or of a classifier; the constants were fitted
            with the former.
        gaps: (start_s, end_s) of segments in which beats could not be seen.
        settings: window length, step and threshold.

    Raises:
        InputError: times are not finite or not ascending, or an array has not one value per beat.
    """
    times_s = checked_times(r_peaks_s)
    intervals = rr_intervals(times_s, gaps=gaps, ectopic_beats=ectopic_beats)
    first = _first_beats(intervals, settings)
    all_s = _windows(intervals.rr_s, first, settings)
    sinus_s = _without_ectopy(all_s, _windows(intervals.sinus_s, first, settings))
    cosen = measures.cosen(all_s)
    cosen_evened = measures.cosen(_windows(intervals.evened_s, first, settings))
    constancy = _p_constancy(p_constancy, times_s, intervals, first, settings)
    irregularity = _irregularity(cosen, cosen_evened, constancy)
    return RhythmWindows(
        first_beat=first,
        start_s=times_s[first],
        end_s=times_s[first + settings.window_beats],
        beats=np.full(len(first), settings.window_beats + 1),
        cosen=cosen,
        cosen_evened=cosen_evened,
        symbolic_entropy=measures.symbolic_entropy(sinus_s),
        normalised_rmssd=measures.normalised_rmssd(sinus_s),
        turning_point_ratio=measures.turning_point_ratio(sinus_s),
        p_constancy=constancy,
        ectopic_share=_windows(intervals.ectopic, first, settings).mean(axis=1),
        heart_rate_bpm=60 / all_s.mean(axis=1),
        irregularity=irregularity,
        irregular=irregularity >= settings.threshold,
    )


def irregular_segments(
    windows: RhythmWindows, r_peaks_s: np.ndarray, settings: RhythmSettings = DEFAULTS
) -> list[IrregularSegment]:
    """Join consecutive irregular beats to segments, in order of time.

    Args:
        windows: of `irregular_windows` of the same beats.
        r_peaks_s: (beats,) seconds.
    """
    times_s = checked_times(r_peaks_s)
    scores = beat_irregularity(windows, len(times_s))
    flags = irregular_beats(windows, len(times_s), settings)
    return [
        IrregularSegment(
            float(times_s[first]),
            float(times_s[end - 1]),
            end - first,
            float(scores[first:end].mean()),
        )
        for first, end in runs(flags).tolist()
    ]


def irregular_beats(
    windows: RhythmWindows, beats: int, settings: RhythmSettings = DEFAULTS
) -> np.ndarray:
    """(beats,) bool: which beats belong to an irregular segment.

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


def beat_irregularity(windows: RhythmWindows, beats: int) -> np.ndarray:
    """(beats,) float64: the mean irregularity of the windows that hold a beat.

    NaN for a beat that is in no window.
    """
    edges = np.zeros((2, beats + 1))
    for row, weights in enumerate([windows.irregularity, np.ones(len(windows))]):
        np.add.at(edges[row], windows.first_beat, weights)
        np.add.at(edges[row], windows.first_beat + windows.beats, -weights)
    total, count = np.cumsum(edges, axis=1)[:, :-1]
    held = np.rint(count)
    return np.where(held > 0, total / np.maximum(1, held), np.nan)


# Measures of the windows


def _first_beats(intervals: RRIntervals, settings: RhythmSettings) -> np.ndarray:
    """(windows,) index of each window's first interval; the last one ends with its part."""
    parts = [np.empty(0, np.int64)]
    for first, end in runs(np.isfinite(intervals.rr_s)).tolist():
        last = end - settings.window_beats
        if last >= first:
            parts.append(np.append(np.arange(first, last, settings.step_beats), last))
    return np.concatenate(parts)


def _windows(values: np.ndarray, first: np.ndarray, settings: RhythmSettings) -> np.ndarray:
    """(windows, window_beats) of the values of each interval."""
    if not len(first):
        return np.empty((0, settings.window_beats))
    return sliding_window_view(values, settings.window_beats)[first]


def _without_ectopy(all_s: np.ndarray, sinus_s: np.ndarray) -> np.ndarray:
    """(windows, window_beats): sinus intervals, or all where too few successive ones are left."""
    successive = np.isfinite(sinus_s[:, :-1]) & np.isfinite(sinus_s[:, 1:])
    enough = successive.mean(axis=1) >= LEAST_SUCCESSIVE
    return np.where(enough[:, None], sinus_s, all_s)


def _p_constancy(
    p_constancy: np.ndarray | None,
    times_s: np.ndarray,
    intervals: RRIntervals,
    first: np.ndarray,
    settings: RhythmSettings,
) -> np.ndarray:
    """(windows,) the median of the beats that end a sinus interval, NaN where they are too few."""
    if p_constancy is None:
        return np.full(len(first), np.nan)
    of_beats = checked_per_beat(p_constancy, times_s, "p_constancy").astype(np.float64)
    of_intervals = np.where(intervals.ectopic, np.nan, of_beats[1:])
    values = _windows(of_intervals, first, settings)
    enough = np.isfinite(values).mean(axis=1) >= LEAST_COMPARED
    return np.where(enough, measures.median_of_known(values), np.nan)


def _irregularity(
    cosen: np.ndarray, cosen_evened: np.ndarray, p_constancy: np.ndarray
) -> np.ndarray:
    constant, per_nat, per_nat_evened = BY_INTERVALS
    by_intervals = constant + per_nat * cosen + per_nat_evened * cosen_evened
    constant, per_nat, per_nat_evened, per_constancy = BY_INTERVALS_AND_P_WAVES
    by_both = constant + per_nat * cosen + per_nat_evened * cosen_evened
    by_both = by_both + per_constancy * p_constancy
    return expit(np.where(np.isfinite(p_constancy), by_both, by_intervals))


# From windows to segments


def _without_short(flags: np.ndarray, shortest: int) -> np.ndarray:
    """Fill short regular segments between irregular ones, then remove short irregular ones.

    A recording that is irregular from end to end stays so, however short it is.
    """
    joined = flags.copy()
    for first, end in runs(~joined).tolist():
        if first > 0 and end < len(joined) and end - first < shortest:
            joined[first:end] = True
    for first, end in runs(joined).tolist():
        if end - first < min(shortest, len(joined)):
            joined[first:end] = False
    return joined
