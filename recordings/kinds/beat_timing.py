"""Timing of every beat: its RR interval relative to those around it.

Beats from the atria or the junction (class S) look like normal ones and differ in their timing, so
intervals distinguish them: de Chazal P et al., IEEE Trans Biomed Eng 51(7):1196-1206
(2004). The beats that networks see begin at the R peak, so they do not contain the interval
before it.
"""

import numpy as np
from scipy.ndimage import median_filter, percentile_filter, uniform_filter1d

# An interval is compared with the median and the mean over this many beats. A run of early beats,
# or pauses between them, change the one and not the other.
NEAR_BEATS, FAR_BEATS, LONG_BEATS = 11, 41, 2000
# Percentile of the deviations nearby: the usual one, not that of single early beats.
SPREAD_PERCENTILE = 60
TIMING = (
    "rr_to_median",
    "rr_to_mean",
    "rr_to_recording",
    "rr_to_previous",
    "next_to_median",
    "next_to_mean",
    "next_to_rr",
    "spread",
    "irregularity",
)
# A shorter interval means two marks on one beat; its logarithm would be an outlier.
LEAST_RR_S = 0.1


def timing(
    r_peaks: np.ndarray, sampling_hz: float, breaks: np.ndarray | None = None
) -> np.ndarray:
    """Measures of every beat's timing, all natural logarithms of ratios.

    Args:
        r_peaks: (beats,) int, ascending sample indices.
        sampling_hz: samples per second.
        breaks: ascending samples; an interval that holds one counts as a usual one.

    Returns:
        (beats, 9) float64, the columns named by TIMING: the interval before the beat against the
        median and the mean of the nearest 11, against the mean of the recording (of long ones: of
        about 2000 beats) and against the interval before it; the interval after the beat against
        that median and mean and against the interval before the beat; and how much the intervals
        around differ from their median, and each from the one before.
    """
    if len(r_peaks) < 2:
        return np.zeros((len(r_peaks), len(TIMING)))
    rr_s = _intervals(r_peaks, sampling_hz, breaks)
    rr, median = np.log(rr_s), np.log(_median(rr_s, NEAR_BEATS))
    mean = np.log(uniform_filter1d(rr_s, NEAR_BEATS, mode="nearest"))
    previous, following = _shifted(rr, 1), _shifted(rr, -1)
    return np.column_stack(
        [
            rr - median,
            rr - mean,
            rr - np.log(_long_mean(rr_s)),
            rr - previous,
            following - median,
            following - mean,
            following - rr,
            _percentile(
                np.abs(rr - np.log(_median(rr_s, FAR_BEATS))), SPREAD_PERCENTILE, FAR_BEATS
            ),
            _median(np.abs(rr - previous), FAR_BEATS),
        ]
    )


def since_beat_before(
    r_peaks: np.ndarray, sampling_hz: float, breaks: np.ndarray | None
) -> np.ndarray:
    """(beats,) seconds since the beat before; NaN for the first, and across a break."""
    rr_s = np.full(len(r_peaks), np.nan)
    rr_s[1:] = np.diff(r_peaks) / sampling_hz
    if breaks is not None:
        part = np.searchsorted(breaks, r_peaks, side="right")
        rr_s[1:][np.diff(part) > 0] = np.nan
    return rr_s


def _intervals(r_peaks: np.ndarray, sampling_hz: float, breaks: np.ndarray | None) -> np.ndarray:
    """(beats,) seconds since the beat before; the median where that is unknown."""
    rr_s = since_beat_before(r_peaks, sampling_hz, breaks)
    usual = float(np.nanmedian(rr_s)) if np.isfinite(rr_s).any() else 1.0
    return np.maximum(np.where(np.isnan(rr_s), usual, rr_s), LEAST_RR_S)


def _median(values: np.ndarray, beats: int) -> np.ndarray:
    return median_filter(values, beats, mode="nearest")


def _percentile(values: np.ndarray, percent: float, beats: int) -> np.ndarray:
    return percentile_filter(values, percent, beats, mode="nearest")


def _long_mean(rr_s: np.ndarray) -> np.ndarray:
    """The mean of the recording, or of parts of about LONG_BEATS, interpolated linearly."""
    parts = np.array_split(np.arange(len(rr_s)), max(1, round(len(rr_s) / LONG_BEATS)))
    means = [rr_s[part].mean() for part in parts]
    return np.interp(np.arange(len(rr_s)), [part.mean() for part in parts], means)


def _shifted(values: np.ndarray, beats: int) -> np.ndarray:
    """The values `beats` earlier, or later if negative; the outermost is repeated."""
    places = np.clip(np.arange(len(values)) - beats, 0, len(values) - 1)
    return values[places]
