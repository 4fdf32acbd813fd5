"""Whether beats are heartbeats: a heartbeat looks like one of those around it, noise like nothing.

Any noise has tops, and among them some path is always the best one. What tells heartbeats apart is
that the heart repeats itself: even where ectopic beats abound, most beats have a near double among
their neighbours.
"""

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfiltfilt

from ecg.qrs.qrs_strength import LEAST_MV, Strength

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
