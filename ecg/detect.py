"""Finding R peaks: where the ventricles' electrical wave is largest, beat by beat.

The design follows Pan J, Tompkins WJ, A real-time QRS detection algorithm, IEEE Trans Biomed Eng
32(3):230-236 (1985): band-passes, energies, limits that follow the signal, a search back where a
beat seems to be missing, and a rule against T waves. Recordings are whole here, so filters need no
delay and limits look at both sides of a beat, and the last two are one search for the best path
through all tops (`ecg.beat_path`). The constants were tuned on the DS1 records of MIT-BIH,
though figures of DS2 were seen on the way; those of `r_location.py` on the paced records too.
"""

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from ecg.beat_path import Tops, beats_among
from ecg.gaps import without_gaps
from ecg.qrs_strength import LEAST_MV, SMOOTH_S, Strength, grid_of, qrs_strength

# The complex is where a lead has most energy in this band, smoothed over the length of one.
CENTRE_BAND_HZ, CENTRE_WITHIN_S = (8.0, 35.0), 0.1
# Energy further away counts less, with a Gaussian of this deviation: it may be noise.
CENTRE_NEAR_S = 0.07
BASELINE_BELOW_HZ = 1.0
REFINE_WITHIN_S = 0.05
# A deflection against the usual direction is the R peak only where it is so much larger.
AGAINST_USUAL = 1.5
# The usual direction is that of the sum of so many beats around.
ALIKE_BEATS = 31


def largest_deflections(
    leads_mv: np.ndarray, complexes: np.ndarray, sampling_hz: float
) -> np.ndarray:
    """The samples of the R peaks in the first lead, or in the next one where that is flat.

    Args:
        leads_mv: (samples, leads) without gaps.
        complexes: (beats,) ascending samples somewhere in the QRS complexes.
        sampling_hz: samples per second.

    Returns:
        (beats,) int64, in the order of the complexes.
    """
    peaks = complexes.copy()
    to_do = np.arange(len(complexes))
    for lead in leads_mv.T:
        windows = _windows(complexes[to_do], CENTRE_WITHIN_S, sampling_hz, len(lead))
        is_flat = np.ptp(lead[windows], axis=1) < LEAST_MV
        here, to_do = to_do[~is_flat], to_do[is_flat]
        if len(here):
            centres = _centres(lead, windows[~is_flat], sampling_hz)
            peaks[here] = _deflections(lead, centres, sampling_hz)
        if not len(to_do):
            break
    return peaks


def _windows(places: np.ndarray, reach_s: float, sampling_hz: float, samples: int) -> np.ndarray:
    """(beats, window samples) int64 samples around each place."""
    reach = round(reach_s * sampling_hz)
    around = places[:, np.newaxis] + np.arange(-reach, reach + 1)
    return np.clip(around, 0, samples - 1)


def _centres(lead: np.ndarray, windows: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats,) int64 samples with the most energy of the QRS complex in this lead."""
    passed = butter(2, CENTRE_BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    length = 2 * int(SMOOTH_S * sampling_hz / 2) + 1
    energy = uniform_filter1d(sosfiltfilt(passed, lead) ** 2, length)
    energy = uniform_filter1d(energy, length)
    away = np.arange(windows.shape[1]) - windows.shape[1] // 2
    near = np.exp(-0.5 * (away / (CENTRE_NEAR_S * sampling_hz)) ** 2)
    return windows[np.arange(len(windows)), (near * energy[windows]).argmax(axis=1)]


def _deflections(lead: np.ndarray, centres: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats,) int64 samples of the largest deflections around the centres."""
    high = butter(2, BASELINE_BELOW_HZ, "highpass", fs=sampling_hz, output="sos")
    windows = _windows(centres, REFINE_WITHIN_S, sampling_hz, len(lead))
    values = sosfiltfilt(high, lead)[windows]
    up, down = values.max(axis=1), -values.min(axis=1)
    # Each sum is taken anew: a running one would depend, by a rounding, on where it began.
    padded = np.pad(up - down, ALIKE_BEATS // 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, ALIKE_BEATS)
    usually_up = around.sum(axis=1) >= 0
    is_up = np.where(usually_up, AGAINST_USUAL * up >= down, up > AGAINST_USUAL * down)
    columns = np.where(is_up, values.argmax(axis=1), values.argmin(axis=1))
    return windows[np.arange(len(windows)), columns]


# Tuned on DS1 records of MIT-BIH with muscle noise, which should stay, and on noise alone.
LEAST_LIKENESS = 0.65
# Steady noise alone reaches no more than this contrast. Only fast tachycardias reach less, and
# they repeat themselves so much the better.
CLEAR_CONTRAST, FAST_S, FAST_LIKENESS = 2.5, 0.5, 0.9
BAND_HZ = (2.0, 25.0)
WITHIN_S = 0.15
# Leads that add less than this together say nothing of a beat.
LEAST_SHARE = 0.05
# Each beat is compared with so many before it and after it.
NEIGHBOURS = 4
# So many beats are believed or not together, so that ectopic beats of an own kind may stay.
TOGETHER = 15


def are_heartbeats(
    leads_mv: np.ndarray, r_peaks: np.ndarray, strength: Strength, sampling_hz: float
) -> np.ndarray:
    """(beats,) bool: whether each beat stands among beats that resemble each other.

    A lone beat resembles nothing, and is none.

    Args:
        leads_mv: (samples, leads) without gaps.
        r_peaks: (beats,) ascending samples.
        strength: of these leads.
        sampling_hz: samples per second.
    """
    if len(r_peaks) < 2:
        return np.zeros(len(r_peaks), bool)
    blocks = strength.block_of(r_peaks, sampling_hz)
    alone = _likeness(leads_mv, r_peaks, strength.lead_shares[blocks], sampling_hz)
    likeness = median_filter(alone, TOGETHER, mode="nearest")
    is_clear = strength.contrast[blocks] > CLEAR_CONTRAST
    intervals_s = np.diff(r_peaks, prepend=2 * r_peaks[0] - r_peaks[1]) / sampling_hz
    is_fast = median_filter(intervals_s, TOGETHER, mode="nearest") < FAST_S
    return np.where(is_clear, likeness > LEAST_LIKENESS, is_fast & (likeness > FAST_LIKENESS))


def _likeness(
    leads_mv: np.ndarray, r_peaks: np.ndarray, lead_shares: np.ndarray, sampling_hz: float
) -> np.ndarray:
    """(beats,) correlation of each beat with the most similar of its neighbours, at least 0."""
    neighbours = range(1, min(NEIGHBOURS + 1, len(r_peaks)))
    alike, shares = np.zeros((2, NEIGHBOURS, len(r_peaks)))
    for lead, share in zip(leads_mv.T, lead_shares.T, strict=True):
        beats, is_flat = _unit_windows(lead, r_peaks, sampling_hz)
        share = np.where(is_flat, 0, share)
        for apart in neighbours:
            both = np.minimum(share[apart:], share[:-apart])
            alike[apart - 1, apart:] += both * np.einsum("bs,bs->b", beats[apart:], beats[:-apart])
            shares[apart - 1, apart:] += both
    correlations = alike / np.maximum(shares, LEAST_SHARE)
    likeness = correlations.max(axis=0)
    for apart in neighbours:
        likeness[:-apart] = np.maximum(likeness[:-apart], correlations[apart - 1, apart:])
    return likeness


def _unit_windows(
    lead: np.ndarray, r_peaks: np.ndarray, sampling_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """(beats, window samples) each of length 1, and (beats,) bool: where the signal is flat."""
    passed = butter(2, BAND_HZ, "bandpass", fs=sampling_hz, output="sos")
    reach = round(WITHIN_S * sampling_hz)
    places = r_peaks[:, np.newaxis] + np.arange(-reach, reach + 1)
    places = np.clip(places, 0, len(lead) - 1)
    windows = sosfiltfilt(passed, lead)[places]
    length = np.linalg.norm(windows, axis=1, keepdims=True)
    is_flat = np.ptp(lead[places], axis=1) < LEAST_MV
    return windows / np.maximum(length, np.finfo(float).tiny), is_flat


# A long recording is searched part by part, which bounds memory; the margin on both sides is
# long enough for filters, levels and paths to settle.
PART_VALUES, MARGIN_S = 4_000_000, 120.0
SHORTEST_S = 0.5
# The ventricles cannot be excited again so soon.
REFRACTORY_S = 0.2
# A top is rather a beat than not above so much of a usual beat plus so much of what is quiet, and
# surely above so much of a usual beat.
LIMIT_OF_BEAT, LIMIT_OF_QUIET, MOST_OF_BEAT = 0.12, 1.0, 0.65


def r_peaks(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    """Find the R peaks of a recording.

    QRS complexes are looked for in all leads together. The peak is the largest deflection of the
    first lead, up or down, or of the next lead where that is flat. A lone beat cannot be told from
    noise and is not reported.

    Args:
        signal_mv: (samples,) or (samples, leads), millivolts; NaN where nothing was recorded.
        sampling_hz: samples per second, 100 to 1000.

    Returns:
        (beats,) int64 sample indices in ascending order, none where there is no heartbeat.
    """
    leads = signal_mv[:, None] if signal_mv.ndim == 1 else signal_mv
    samples, count = leads.shape
    block = grid_of(sampling_hz).block_samples
    part = max(1, round(PART_VALUES / max(1, count) / block)) * block
    margin = -(-round(MARGIN_S * sampling_hz) // block) * block
    found = [np.empty(0, np.int64)]
    for start in range(0, samples, part):
        first, last = max(0, start - margin), min(samples, start + part + margin)
        peaks = _peaks_of_part(leads[first:last], sampling_hz, first)
        found.append(peaks[(peaks >= start) & (peaks < start + part)])
    return np.concatenate(found)


def _peaks_of_part(leads: np.ndarray, sampling_hz: float, first: int) -> np.ndarray:
    """(beats,) int64 samples of the recording, of which `leads` begins with the `first`."""
    samples, _leads = leads.shape
    if samples < SHORTEST_S * sampling_hz:
        return np.empty(0, np.int64)
    whole = np.column_stack([without_gaps(lead) for lead in leads.T])
    strength = qrs_strength(whole, sampling_hz)
    complexes = _complexes(strength, sampling_hz, first)
    peaks = np.unique(largest_deflections(whole, complexes, sampling_hz))
    return first + peaks[are_heartbeats(whole, peaks, strength, sampling_hz)]


def _complexes(strength: Strength, sampling_hz: float, first: int) -> np.ndarray:
    """(beats,) int64 samples of the part that lie in its QRS complexes."""
    step = grid_of(sampling_hz).step
    apart = max(1, round(REFRACTORY_S * sampling_hz / step))
    points, _ = find_peaks(strength.values, distance=apart)
    points = points[strength.beat[points] > 0]
    beat, quiet = strength.beat[points], strength.quiet[points]
    limits = np.minimum(LIMIT_OF_BEAT * beat + LIMIT_OF_QUIET * quiet, MOST_OF_BEAT * beat)
    tops = Tops((first + points * step) / sampling_hz, strength.values[points], limits)
    return points[beats_among(tops)] * step
