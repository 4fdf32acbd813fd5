"""Measures of irregular rhythm, each for many windows of RR intervals at once.

All take `windows_s`, (windows, intervals) in seconds, in which NaN marks an interval that is left
out. All return (windows,) float64, NaN where too few intervals are left.
"""

import numpy as np

# Lake and Moorman: intervals match within 30 ms. Where fewer than five pairs match whose next
# intervals match too, the tolerance grows until five do.
TOLERANCE_S, LEAST_MATCHES = 0.03, 5
# This many windows are processed at a time, which bounds memory.
WINDOWS_AT_ONCE = 2000
# Zhou: heart rates in steps of 5 beats per minute, 64 symbols, words of three.
SYMBOL_BPM, SYMBOLS = 5, 64
LEAST_WORDS = 4


def cosen(windows_s: np.ndarray) -> np.ndarray:
    """Coefficient of sample entropy, in nats: below -2 in most sinus rhythm, about -0.5 in AF.

    Lake DE, Moorman JR. Accurate estimation of entropy in very short physiological time series.
    Am J Physiol Heart Circ Physiol 300(1):H319-H325 (2011). It is divided by the median interval
    here, not by the mean, so that a missed beat counts for little.
    """
    parts = [
        _cosen(windows_s[start : start + WINDOWS_AT_ONCE])
        for start in range(0, len(windows_s), WINDOWS_AT_ONCE)
    ]
    return np.concatenate([np.empty(0), *parts])


def _cosen(windows_s: np.ndarray) -> np.ndarray:
    _windows, intervals = windows_s.shape
    one, other = np.triu_indices(intervals - 1, 1)
    distance_s = np.abs(windows_s[:, one] - windows_s[:, other])
    next_s = np.abs(windows_s[:, one + 1] - windows_s[:, other + 1])
    farther_s = np.maximum(distance_s, next_s)  # NaN where one of the four is left out
    known = np.isfinite(farther_s)
    enough = known.sum(axis=1) >= LEAST_MATCHES
    if not enough.any():
        return np.full(len(windows_s), np.nan)
    sought = np.where(known, farther_s, np.inf)
    fifth_s = np.partition(sought, LEAST_MATCHES - 1, axis=1)[:, LEAST_MATCHES - 1]
    tolerance_s = np.maximum(TOLERANCE_S, np.where(enough, fifth_s, 0))
    within_s = tolerance_s[:, None] + 1e-9  # times that differ by rounding alone are the same
    matches = ((distance_s <= within_s) & known).sum(axis=1)
    longer_matches = np.maximum(1, (sought <= within_s).sum(axis=1))
    density = 2 * tolerance_s / median_of_known(windows_s)
    return np.where(enough, np.log(np.maximum(1, matches) / longer_matches * density), np.nan)


def symbolic_entropy(windows_s: np.ndarray) -> np.ndarray:
    """Shannon entropy of words of three coarse heart rates, 0 to 1.

    Zhou X, Ding H, Wu W, Zhang Y. A real-time atrial fibrillation detection algorithm based on
    the instantaneous state of heart rate. PLoS ONE 10(9):e0136544 (2015). Theirs are windows of
    127 beats; in windows of 16 it says little.
    """
    windows, _intervals = windows_s.shape
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.floor(60 / np.nan_to_num(windows_s) / SYMBOL_BPM)
    symbol = np.minimum(rate, SYMBOLS - 1).astype(np.int64)
    words = (symbol[:, :-2] * SYMBOLS + symbol[:, 1:-1]) * SYMBOLS + symbol[:, 2:]
    known = np.isfinite(windows_s[:, :-2] + windows_s[:, 1:-1] + windows_s[:, 2:])
    count = known.sum(axis=1)
    word_of_window = np.arange(windows)[:, None] * SYMBOLS**3 + words
    distinct, times = np.unique(word_of_window[known], return_counts=True)
    window = distinct // SYMBOLS**3
    share = times / count[window]
    entropy = np.bincount(window, -share * np.log2(share), minlength=windows)
    kinds = np.bincount(window, minlength=windows)
    enough = count >= LEAST_WORDS
    most = np.where(enough, count * np.log2(np.maximum(count, 2)), 1)
    return np.where(enough, kinds * entropy / most, np.nan)


def normalised_rmssd(windows_s: np.ndarray) -> np.ndarray:
    """Root mean square of successive differences, as a share of the mean interval.

    Dash S, Chon KH, Lu S, Raeder EA. Automatic real time detection of atrial fibrillation.
    Ann Biomed Eng 37(9):1701-1709 (2009).
    """
    squares = np.diff(windows_s, axis=1) ** 2
    return np.sqrt(_mean_of_known(squares)) / _mean_of_known(windows_s)


def turning_point_ratio(windows_s: np.ndarray) -> np.ndarray:
    """Share of intervals that are longer, or shorter, than both neighbours; 2/3 in white noise.

    Dash et al. 2009, as `normalised_rmssd`.
    """
    steps = np.diff(windows_s, axis=1)
    both = steps[:, :-1] * steps[:, 1:]
    return _mean_of_known(np.where(np.isfinite(both), both < 0, np.nan))


def median_of_known(values: np.ndarray) -> np.ndarray:
    """(rows,) the median of each row's numbers; NaN where a row has none."""
    known = np.isfinite(values).sum(axis=1)
    ordered = np.sort(values, axis=1)  # NaN come last
    row = np.arange(len(values))
    lower, upper = np.maximum(0, known - 1) // 2, np.minimum(known // 2, values.shape[1] - 1)
    return (ordered[row, lower] + ordered[row, upper]) / 2


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)
