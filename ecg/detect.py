"""Finding R peaks: where the ventricles' electrical wave is largest, beat by beat.

The design follows Pan J, Tompkins WJ, A real-time QRS detection algorithm, IEEE Trans Biomed Eng
32(3):230-236 (1985): a band-pass, an envelope, thresholds that follow the signal, a search back
where a beat seems to be missing, and a rule against T waves. Recordings are whole here, so filters
need no delay and thresholds look at both sides of a beat. The constants were tuned on MIT-BIH, so
scores on it flatter a little; the records of LUDB had no say in them.
"""

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

# A long recording is searched part by part, which bounds memory; the margin on both sides is
# long enough for filters and thresholds to settle.
PART_S, MARGIN_S = 600.0, 20.0
SHORTEST_S = 0.5
# A QRS complex has most of its energy here, P and T waves have little.
QRS_BAND_HZ = (8.0, 25.0)
ENVELOPE_S = 0.08
# The ventricles cannot be excited again so soon.
REFRACTORY_S = 0.2
# Any so many seconds hold a beat; over so many such blocks, beats stay about as large.
BLOCK_S, ALIKE_BLOCKS = 2.0, 5
# Part of the way from the quiet signal to the usual beat.
THRESHOLD_SHARE = 0.25
# A beat is missing after a pause of so many usual ones; this share of the threshold will do there.
LONG_PAUSE, PAUSES_ALIKE, SEARCH_BACK_SHARE = 1.6, 9, 0.5
# What follows or precedes a complex so closely, and is so much smaller, is its T or P wave.
T_WAVE_WITHIN_S, T_WAVE_SHARE = 0.36, 0.4
P_WAVE_WITHIN_S, P_WAVE_SHARE = 0.28, 0.6
# In noise alone, the largest top of a block is at most some 3.6 times what is quiet in it; in fast
# broad ventricular tachycardia it can be no more than 3.9 times as large.
LEAST_CONTRAST = 3.7
# Below this there is but the noise of the recorder.
LEAST_MV = 0.005
BASELINE_BELOW_HZ = 1.0
REFINE_WITHIN_S = 0.08
# A deflection against the usual direction is the R peak only where it is so much larger.
AGAINST_USUAL = 1.5


def r_peaks(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    """Find the R peaks of a recording.

    QRS complexes are looked for in all leads together. The peak is the largest deflection of the
    first lead, up or down.

    Args:
        signal_mv: (samples,) or (samples, leads), millivolts; NaN where nothing was recorded.
        sampling_hz: samples per second, 100 to 1000.

    Returns:
        (beats,) int64 sample indices in ascending order, none where there is no heartbeat.
    """
    leads = signal_mv[:, None] if signal_mv.ndim == 1 else signal_mv
    samples, _leads = leads.shape
    part, margin = round(PART_S * sampling_hz), round(MARGIN_S * sampling_hz)
    found = [np.empty(0, np.int64)]
    for start in range(0, samples, part):
        first, last = max(0, start - margin), min(samples, start + part + margin)
        peaks = first + _peaks_of_part(leads[first:last], sampling_hz)
        found.append(peaks[(peaks >= start) & (peaks < start + part)])
    return np.concatenate(found)


def _peaks_of_part(leads: np.ndarray, sampling_hz: float) -> np.ndarray:
    samples, _leads = leads.shape
    if samples < SHORTEST_S * sampling_hz:
        return np.empty(0, np.int64)
    whole = _without_gaps(leads)
    complexes = _complexes(_envelope(whole, sampling_hz), sampling_hz)
    return _largest_deflections(whole[:, 0], complexes, sampling_hz)


def _without_gaps(leads: np.ndarray) -> np.ndarray:
    """The signal as float64, with straight lines where nothing was recorded."""
    whole = np.array(leads, np.float64)
    for lead in whole.T:
        gaps = ~np.isfinite(lead)
        if gaps.all():
            lead[:] = 0
        elif gaps.any():
            there = np.flatnonzero(~gaps)
            lead[gaps] = np.interp(np.flatnonzero(gaps), there, lead[there])
    return whole


def _envelope(leads: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(samples,) mV: the root mean square of all leads in the band of the QRS, smoothed."""
    band = butter(2, QRS_BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    size = np.sqrt(np.mean(sosfiltfilt(band, leads, axis=0) ** 2, axis=1))
    return uniform_filter1d(size, round(ENVELOPE_S * sampling_hz))


def _complexes(envelope: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats,) int64: the tops of the envelope that are taken for QRS complexes."""
    tops, _ = find_peaks(envelope, distance=max(1, round(REFRACTORY_S * sampling_hz)))
    times_s, heights_mv = tops / sampling_hz, envelope[tops]
    thresholds_mv = _thresholds(envelope, tops, sampling_hz)
    chosen = _search_back(times_s, heights_mv, thresholds_mv)
    return tops[chosen[_are_no_other_waves(times_s[chosen], heights_mv[chosen])]]


def _thresholds(envelope: np.ndarray, tops: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(tops,) mV, infinite where there is no heartbeat."""
    block = min(round(BLOCK_S * sampling_hz), len(envelope))
    blocks = envelope[: len(envelope) // block * block].reshape(-1, block)
    beat = median_filter(blocks.max(axis=1), ALIKE_BLOCKS, mode="nearest")
    quiet = median_filter(np.quantile(blocks, 0.25, axis=1), ALIKE_BLOCKS, mode="nearest")
    limit = quiet + THRESHOLD_SHARE * (beat - quiet)
    alive = (beat > LEAST_MV) & (beat > LEAST_CONTRAST * quiet)
    of_top = np.minimum(tops // block, len(blocks) - 1)
    return np.where(alive, limit, np.inf)[of_top]


def _search_back(
    times_s: np.ndarray, heights_mv: np.ndarray, thresholds_mv: np.ndarray
) -> np.ndarray:
    """Positions of the tops above their threshold, and of the best one in each long pause."""
    sure = np.flatnonzero(heights_mv > thresholds_mv)
    if len(sure) < 3:
        return sure
    pauses_s = np.diff(times_s[sure])
    usual_s = median_filter(pauses_s, PAUSES_ALIKE, mode="nearest")
    found = [sure]
    for place in np.flatnonzero(pauses_s > LONG_PAUSE * usual_s):
        before, after = sure[place], sure[place + 1]
        inside = np.arange(before + 1, after)
        fits = (
            (heights_mv[inside] > SEARCH_BACK_SHARE * thresholds_mv[inside])
            & (times_s[inside] - times_s[before] > T_WAVE_WITHIN_S)
            & (times_s[after] - times_s[inside] > P_WAVE_WITHIN_S)
        )
        if (inside := inside[fits]).size:
            found.append(inside[[heights_mv[inside].argmax()]])
    return np.sort(np.concatenate(found))


def _are_no_other_waves(times_s: np.ndarray, heights_mv: np.ndarray) -> np.ndarray:
    """(tops,) bool: whether each is neither the T wave before nor the P wave after it."""
    apart_s = np.diff(times_s)
    before, after = heights_mv[:-1], heights_mv[1:]
    keep = np.ones(len(times_s), bool)
    keep[1:] &= (apart_s > T_WAVE_WITHIN_S) | (after > T_WAVE_SHARE * before)
    keep[:-1] &= (apart_s > P_WAVE_WITHIN_S) | (before > P_WAVE_SHARE * after)
    return keep


def _largest_deflections(
    lead: np.ndarray, complexes: np.ndarray, sampling_hz: float
) -> np.ndarray:
    """(beats,) int64: the samples of the R peaks, most of them to one side of the baseline."""
    high = butter(2, BASELINE_BELOW_HZ, "highpass", fs=sampling_hz, output="sos")
    level = sosfiltfilt(high, lead)
    reach = round(REFINE_WITHIN_S * sampling_hz)
    around = np.arange(-reach, reach + 1)
    windows = np.clip(complexes[:, None] + around, 0, len(lead) - 1)
    values = level[windows]
    up, down = values.max(axis=1), -values.min(axis=1)
    if np.sum(up) >= np.sum(down):
        is_up = AGAINST_USUAL * up >= down
    else:
        is_up = up > AGAINST_USUAL * down
    columns = np.where(is_up, values.argmax(axis=1), values.argmin(axis=1))
    return np.unique(windows[np.arange(len(windows)), columns])
