"""Detection of R peaks, one sample index per heartbeat.

The design follows Pan J, Tompkins WJ, A real-time QRS detection algorithm, IEEE Trans Biomed Eng
32(3):230-236 (1985): band-pass filters, energies, thresholds that follow the signal, a search back
where a beat seems to be missing, and a rule against T waves. Recordings are complete here, so
filters need no delay and thresholds look at both sides of a beat. The search back and the rule
against T waves are one search for the best path through all candidates (`ecg.beat_path`).

The steps of `r_peaks`:

1. `ecg.qrs_strength` measures how much each moment resembles a QRS complex, in all leads together.
2. Its local maxima are candidates, and `ecg.beat_path` chooses the beats among them.
3. The R peak is the largest deflection near each chosen candidate.
4. Peaks that do not resemble their neighbours are noise, and are dropped.

The constants were tuned on the DS1 records of MIT-BIH, but figures of DS2 were seen on the way.
Those of step 3 were chosen by the share of beats within 50 ms of the
annotators' marks, with the four records with paced beats too.
"""

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from ecg.beat_path import Candidates, choose_beats
from ecg.gaps import without_gaps
from ecg.qrs_strength import LEAST_MV, SMOOTH_S, Strength, grid_of, qrs_strength

# A long recording is searched in parts, which bounds memory. The margin on both sides is long
# enough for filters, levels and paths to settle.
PART_VALUES, MARGIN_S = 4_000_000, 120.0
SHORTEST_S = 0.5

# Step 2. The ventricles cannot be excited again within this time.
REFRACTORY_S = 0.2
# The threshold of a candidate: this share of a usual beat, plus this multiple of the quiet level,
# but at most the last share of a usual beat.
SHARE_OF_BEAT, SHARE_OF_QUIET, MOST_SHARE_OF_BEAT = 0.12, 1.0, 0.65

# Step 3. The centre of the complex is where a lead has most energy in this band, smoothed over the
# length of a complex. Energy further away counts less, with a Gaussian of this standard deviation,
# because it may be noise.
CENTRE_BAND_HZ, CENTRE_WITHIN_S, CENTRE_DEVIATION_S = (8.0, 35.0), 0.1, 0.07
# The R peak is the largest deflection this close to the centre, after a high-pass filter.
PEAK_WITHIN_S, BASELINE_BELOW_HZ = 0.05, 1.0
# A deflection against the usual direction is the R peak only if it is this many times larger. The
# usual direction is that of the sum over this many beats.
AGAINST_USUAL, DIRECTION_BEATS = 1.5, 31

# Step 4, tuned on DS1 records with muscle noise, whose beats should stay, and on noise alone.
# Beats are compared in this band, this far around the R peak, with this many before and after.
LIKENESS_BAND_HZ, LIKENESS_WITHIN_S, NEIGHBOURS = (2.0, 25.0), 0.15, 4
LEAST_LIKENESS = 0.65
# Steady noise reaches no higher contrast than this. Only fast tachycardias reach less, and they
# repeat themselves all the better.
CLEAR_CONTRAST, FAST_S, FAST_LIKENESS = 2.5, 0.5, 0.9
# Leads that together have less than this share of the weight do not count.
LEAST_LEAD_SHARE = 0.05
# This many beats are accepted or rejected together, so that single ectopic beats may stay.
TOGETHER = 15


def r_peaks(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    """Find the R peaks of a recording.

    QRS complexes are looked for in all leads together. The peak is the largest deflection of the
    first lead, up or down, or of the next lead where that one is flat. A single beat cannot be
    told from noise and is not reported.

    Args:
        signal_mv: (samples,) or (samples, leads), millivolts; NaN where nothing was recorded.
        sampling_hz: samples per second, 100 to 1000.

    Returns:
        (beats,) int64 sample indices in ascending order; empty where there is no heartbeat.
    """
    leads_mv = signal_mv[:, None] if signal_mv.ndim == 1 else signal_mv
    samples, leads = leads_mv.shape
    block = grid_of(sampling_hz).block_samples
    part = max(1, round(PART_VALUES / max(1, leads) / block)) * block
    margin = -(-round(MARGIN_S * sampling_hz) // block) * block
    found = [np.empty(0, np.int64)]
    for start in range(0, samples, part):
        first, last = max(0, start - margin), min(samples, start + part + margin)
        peaks = _peaks_of_part(leads_mv[first:last], sampling_hz, first)
        found.append(peaks[(peaks >= start) & (peaks < start + part)])
    return np.concatenate(found)


def _peaks_of_part(leads_mv: np.ndarray, sampling_hz: float, first: int) -> np.ndarray:
    """(beats,) int64 samples of the recording; sample `first` is where this part begins."""
    samples, _leads = leads_mv.shape
    if samples < SHORTEST_S * sampling_hz:
        return np.empty(0, np.int64)
    filled_mv = np.column_stack([without_gaps(lead) for lead in leads_mv.T])
    strength = qrs_strength(filled_mv, sampling_hz)
    complexes = _complexes(strength, sampling_hz, first)
    peaks = np.unique(_locate(filled_mv, complexes, sampling_hz))
    return first + peaks[_are_heartbeats(filled_mv, peaks, strength, sampling_hz)]


# Step 2: the QRS complexes


def _complexes(strength: Strength, sampling_hz: float, first: int) -> np.ndarray:
    """(beats,) int64 samples of the part, each somewhere in a QRS complex."""
    step = grid_of(sampling_hz).step
    apart = max(1, round(REFRACTORY_S * sampling_hz / step))
    points, _ = find_peaks(strength.values, distance=apart)
    points = points[strength.beat[points] > 0]
    beat, quiet = strength.beat[points], strength.quiet[points]
    thresholds = np.minimum(
        SHARE_OF_BEAT * beat + SHARE_OF_QUIET * quiet, MOST_SHARE_OF_BEAT * beat
    )
    times_s = (first + points * step) / sampling_hz
    return points[choose_beats(Candidates(times_s, strength.values[points], thresholds))] * step


# Step 3: the R peak of each complex


def _locate(leads_mv: np.ndarray, complexes: np.ndarray, sampling_hz: float) -> np.ndarray:
    """The R peaks in the first lead, or in the next lead where that one is flat.

    Args:
        leads_mv: (samples, leads) without gaps.
        complexes: (beats,) ascending samples, each somewhere in a QRS complex.
        sampling_hz: samples per second.

    Returns:
        (beats,) int64 samples, in the order of the complexes.
    """
    peaks = complexes.copy()
    remaining = np.arange(len(complexes))
    for lead in leads_mv.T:
        windows = _windows(complexes[remaining], CENTRE_WITHIN_S, sampling_hz, len(lead))
        is_flat = np.ptp(lead[windows], axis=1) < LEAST_MV
        here, remaining = remaining[~is_flat], remaining[is_flat]
        if len(here):
            centres = _centres(lead, windows[~is_flat], sampling_hz)
            peaks[here] = _deflections(lead, centres, sampling_hz)
        if not len(remaining):
            break
    return peaks


def _windows(places: np.ndarray, reach_s: float, sampling_hz: float, samples: int) -> np.ndarray:
    """(beats, window samples) int64 samples around each place, cut off at the signal's ends."""
    reach = round(reach_s * sampling_hz)
    around = places[:, np.newaxis] + np.arange(-reach, reach + 1)
    return np.clip(around, 0, samples - 1)


def _centres(lead: np.ndarray, windows: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats,) int64 samples at which a lead has most energy of the QRS complex."""
    band = butter(2, CENTRE_BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    length = 2 * int(SMOOTH_S * sampling_hz / 2) + 1
    energy = uniform_filter1d(sosfiltfilt(band, lead) ** 2, length)
    energy = uniform_filter1d(energy, length)
    away = np.arange(windows.shape[1]) - windows.shape[1] // 2
    weights = np.exp(-0.5 * (away / (CENTRE_DEVIATION_S * sampling_hz)) ** 2)
    return windows[np.arange(len(windows)), (weights * energy[windows]).argmax(axis=1)]


def _deflections(lead: np.ndarray, centres: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats,) int64 samples of the largest deflections around the centres."""
    high_pass = butter(2, BASELINE_BELOW_HZ, "highpass", fs=sampling_hz, output="sos")
    windows = _windows(centres, PEAK_WITHIN_S, sampling_hz, len(lead))
    values = sosfiltfilt(high_pass, lead)[windows]
    up, down = values.max(axis=1), -values.min(axis=1)
    # Each sum is computed anew: a running sum would depend, by a rounding, on where it began.
    padded = np.pad(up - down, DIRECTION_BEATS // 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, DIRECTION_BEATS)
    usually_up = around.sum(axis=1) >= 0
    is_up = np.where(usually_up, AGAINST_USUAL * up >= down, up > AGAINST_USUAL * down)
    columns = np.where(is_up, values.argmax(axis=1), values.argmin(axis=1))
    return windows[np.arange(len(windows)), columns]


# Step 4: noise that was taken for beats. Any noise has peaks, and some path through them is always
# the best one. But the heart repeats itself: even where ectopic beats abound, most beats have a
# near double among their neighbours.


def _are_heartbeats(
    leads_mv: np.ndarray, peaks: np.ndarray, strength: Strength, sampling_hz: float
) -> np.ndarray:
    """(beats,) bool: whether each peak lies among peaks that resemble each other.

    A single peak resembles nothing, so it is no heartbeat.

    Args:
        leads_mv: (samples, leads) without gaps.
        peaks: (beats,) ascending samples.
        strength: of these leads.
        sampling_hz: samples per second.
    """
    if len(peaks) < 2:
        return np.zeros(len(peaks), bool)
    blocks = strength.block_of(peaks, sampling_hz)
    of_each = _likeness(leads_mv, peaks, strength.lead_shares[blocks], sampling_hz)
    likeness = median_filter(of_each, TOGETHER, mode="nearest")
    is_clear = strength.contrast[blocks] > CLEAR_CONTRAST
    intervals_s = np.diff(peaks, prepend=2 * peaks[0] - peaks[1]) / sampling_hz
    is_fast = median_filter(intervals_s, TOGETHER, mode="nearest") < FAST_S
    return np.where(is_clear, likeness > LEAST_LIKENESS, is_fast & (likeness > FAST_LIKENESS))


def _likeness(
    leads_mv: np.ndarray, peaks: np.ndarray, lead_shares: np.ndarray, sampling_hz: float
) -> np.ndarray:
    """(beats,) correlation of each beat with the most similar of its neighbours, at least 0."""
    distances = range(1, min(NEIGHBOURS + 1, len(peaks)))
    products, shares = np.zeros((2, NEIGHBOURS, len(peaks)))
    for lead, share in zip(leads_mv.T, lead_shares.T, strict=True):
        beats, is_flat = _unit_windows(lead, peaks, sampling_hz)
        share = np.where(is_flat, 0, share)
        for apart in distances:
            both = np.minimum(share[apart:], share[:-apart])
            correlation = np.einsum("bs,bs->b", beats[apart:], beats[:-apart])
            products[apart - 1, apart:] += both * correlation
            shares[apart - 1, apart:] += both
    correlations = products / np.maximum(shares, LEAST_LEAD_SHARE)
    likeness = correlations.max(axis=0)
    for apart in distances:
        likeness[:-apart] = np.maximum(likeness[:-apart], correlations[apart - 1, apart:])
    return likeness


def _unit_windows(
    lead: np.ndarray, peaks: np.ndarray, sampling_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """(beats, window samples) of Euclidean length 1; (beats,) bool, where the lead is flat."""
    band = butter(2, LIKENESS_BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    places = _windows(peaks, LIKENESS_WITHIN_S, sampling_hz, len(lead))
    windows = sosfiltfilt(band, lead)[places]
    length = np.linalg.norm(windows, axis=1, keepdims=True)
    is_flat = np.ptp(lead[places], axis=1) < LEAST_MV
    return windows / np.maximum(length, np.finfo(float).tiny), is_flat
