"""Finding R peaks: where the ventricles' electrical wave is largest, beat by beat.

The design follows Pan J, Tompkins WJ, A real-time QRS detection algorithm, IEEE Trans Biomed Eng
32(3):230-236 (1985): band-passes, energies, limits that follow the signal, a search back where a
beat seems to be missing, and a rule against T waves. Recordings are whole here, so filters need no
delay and limits look at both sides of a beat, and the last two are one search for the best path
through all tops (`ecg.qrs.beat_path`). The constants were tuned on the DS1 records of MIT-BIH,
though figures of DS2 were seen on the way; those of `r_location.py` on the paced records too.
"""

import numpy as np
from scipy.signal import find_peaks

from ecg.gaps import without_gaps
from ecg.qrs.beat_likeness import are_heartbeats
from ecg.qrs.beat_path import Tops, beats_among
from ecg.qrs.qrs_strength import Strength, grid_of, qrs_strength
from ecg.qrs.r_location import largest_deflections

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
