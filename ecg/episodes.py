"""Episodes of a rhythm: pauses, fast and slow runs, bigeminy, runs of ectopic beats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ecg.gaps import runs
from ecg.rr_intervals import across_gaps, checked_per_beat, checked_times
from utils.errors import InputError

CLASSES = "NSVFQ"


@dataclass(frozen=True)
class EpisodeSettings:
    """What makes an episode.

    Attributes:
        pause_s: an interval longer than this is a pause; 2 s is the usual limit.
        fast_bpm, slow_bpm: tachycardia above the one, bradycardia below the other.
        fewest_beats: successive beats that make tachycardia or bradycardia.
        rate_beats: intervals whose median is the heart rate, so that one premature beat or pause
            neither begins nor ends an episode.
        fewest_repeats: how often N V (bigeminy) or N N V (trigeminy) must follow each other.
    """

    pause_s: float = 2.0
    fast_bpm: float = 100.0
    slow_bpm: float = 50.0
    fewest_beats: int = 8
    rate_beats: int = 5
    fewest_repeats: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.slow_bpm < self.fast_bpm:
            raise InputError(
                f"slow_bpm above 0 and below fast_bpm expected, got {self.slow_bpm:g} and "
                f"{self.fast_bpm:g}"
            )
        for name in ("pause_s", "fewest_beats", "rate_beats", "fewest_repeats"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} above 0 expected, got {getattr(self, name)}")


@dataclass(frozen=True)
class Episode:
    """An episode of a rhythm.

    Attributes:
        kind: ``pause``, ``tachycardia``, ``bradycardia``, ``bigeminy``, ``trigeminy``,
            ``V couplet``, ``V run``, ``S couplet`` or ``S run``.
        start_s, end_s: times of its first and last beat.
        beats: how many beats it has, both ends counted.
        detail: a short description, e.g. ``3.1 s without a beat``.
    """

    kind: str
    start_s: float
    end_s: float
    beats: int
    detail: str


DEFAULTS = EpisodeSettings()


def episodes(
    r_peaks_s: np.ndarray,
    *,
    classes: np.ndarray | None = None,
    gaps: Sequence[tuple[float, float]] = (),
    settings: EpisodeSettings = DEFAULTS,
) -> list[Episode]:
    """Find the episodes of a recording.

    Beats on both sides of a gap do not follow each other: no pause, run or pattern reaches across.

    Args:
        r_peaks_s: (beats,) seconds, ascending.
        classes: (beats,) str of AAMI classes N, S, V, F, Q; without them there are neither
            patterns nor runs.
        gaps: (start_s, end_s) of segments in which beats could not be seen.
        settings: limits.

    Returns:
        Episodes in order of their start.

    Raises:
        InputError: times are not finite or not ascending, or classes are not one of the five for
            each beat.
    """
    times_s = checked_times(r_peaks_s)
    follows = ~across_gaps(times_s, gaps)
    found = [*_pauses(times_s, follows, settings), *_by_rate(times_s, follows, settings)]
    if classes is not None:
        letters = _checked_classes(classes, times_s)
        for first, end in _parts(follows, len(times_s)):
            text = "".join(letters[first:end])
            found += _patterns(text, times_s[first:end], settings)
            found += _runs(text, times_s[first:end])
    return sorted(found, key=lambda episode: (episode.start_s, episode.end_s))


def _checked_classes(classes: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    letters = checked_per_beat(classes, times_s, "classes").astype(str)
    unknown = np.flatnonzero(~np.isin(letters, list(CLASSES)))
    if len(unknown):
        raise InputError(
            f"classes {', '.join(CLASSES)} expected, got {str(letters[unknown[0]])!r} for beat "
            f"{unknown[0]}"
        )
    return letters


def _parts(follows: np.ndarray, beats: int) -> list[tuple[int, int]]:
    """First beat and end (exclusive) of each part of successive beats."""
    borders = [0, *(np.flatnonzero(~follows) + 1), beats]
    return [(int(a), int(b)) for a, b in zip(borders[:-1], borders[1:], strict=True) if b > a]


def _pauses(
    times_s: np.ndarray, follows: np.ndarray, settings: EpisodeSettings
) -> Iterator[Episode]:
    rr_s = np.diff(times_s)
    for beat in np.flatnonzero(follows & (rr_s > settings.pause_s)):
        start_s, end_s = float(times_s[beat]), float(times_s[beat + 1])
        yield Episode("pause", start_s, end_s, 2, f"{rr_s[beat]:.1f} s without a beat")


def _by_rate(
    times_s: np.ndarray, follows: np.ndarray, settings: EpisodeSettings
) -> Iterator[Episode]:
    rr_s = np.diff(times_s)
    for start, stop in runs(follows).tolist():
        usual_s = _running_median(rr_s[start:stop], settings.rate_beats)
        for kind, mask in (
            ("tachycardia", usual_s < 60 / settings.fast_bpm),
            ("bradycardia", usual_s > 60 / settings.slow_bpm),
        ):
            for first, end in runs(mask).tolist():
                if end - first + 1 >= settings.fewest_beats:
                    inside_s = rr_s[start + first : start + end]
                    begin_s, end_s = times_s[start + first], times_s[start + end]
                    detail = f"{end - first + 1} beats at {60 / inside_s.mean():.0f} per minute"
                    yield Episode(kind, float(begin_s), float(end_s), end - first + 1, detail)


def _running_median(rr_s: np.ndarray, length: int) -> np.ndarray:
    """(intervals,) median of `length` intervals around each, of fewer at the ends."""
    half = length // 2
    padded_s = np.pad(rr_s, half, constant_values=np.nan)
    return np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded_s, 2 * half + 1), axis=1)


def _patterns(text: str, times_s: np.ndarray, settings: EpisodeSettings) -> Iterator[Episode]:
    """Every second or every third beat ventricular, from the first such beat to the last."""
    is_v = np.array(list(text)) == "V"
    for kind, period in (("bigeminy", 2), ("trigeminy", 3)):
        alone = is_v.copy()  # of a couplet, no beat is part of a pattern
        alone[1:] &= ~is_v[:-1]
        alone[:-1] &= ~is_v[1:]
        ventricular = np.flatnonzero(alone)
        for first, end in runs(np.diff(ventricular) == period).tolist():
            start, last = int(ventricular[first]), int(ventricular[end])
            if end - first + 1 >= settings.fewest_repeats:
                count = end - first + 1
                detail = f"{count} V beats, each {period - 1} beat{'s' * (period > 2)} apart"
                yield Episode(
                    kind, float(times_s[start]), float(times_s[last]), last - start + 1, detail
                )


def _runs(text: str, times_s: np.ndarray) -> Iterator[Episode]:
    letters = np.array(list(text))
    for letter in "VS":
        for first, end in runs(letters == letter).tolist():
            beats = end - first
            if beats >= 2:
                start_s, end_s = float(times_s[first]), float(times_s[end - 1])
                rate = 60 * (beats - 1) / (end_s - start_s)
                kind = f"{letter} couplet" if beats == 2 else f"{letter} run"
                yield Episode(
                    kind, start_s, end_s, beats, f"{beats} {letter} beats at {rate:.0f} per minute"
                )
