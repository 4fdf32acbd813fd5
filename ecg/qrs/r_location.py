"""Where in a QRS complex its R peak is: the largest deflection, up or down as its neighbours'.

The constants were chosen on the DS1 records of MIT-BIH, by the share of beats within 50 ms of the
annotators' marks; its four records with paced beats were looked at beside them.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from ecg.qrs.qrs_strength import LEAST_MV, SMOOTH_S

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
