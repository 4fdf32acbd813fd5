"""Durations and intervals of each beat, from its wave marks.

Correction of QT for the heart rate: Fridericia LS, Acta Med Scand 53:469-486 (1920), and Bazett
HC, Heart 7:353-370 (1920). The latter corrects too much where the heart is fast, and is no longer
recommended: Rautaharju PM et al., Circulation 119(10):e241-e250 (2009).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecg.delineate import Waves
from utils.errors import InputError

ONSET, PEAK, END = range(3)
# QTc = QT / RR ** exponent, with RR in seconds.
EXPONENT: Mapping[str, float] = {"fridericia": 1 / 3, "bazett": 1 / 2}


@dataclass(frozen=True)
class Intervals:
    """Milliseconds, (beats,) float64 each; NaN where a mark is missing.

    Attributes:
        p_ms: duration of the P wave.
        pr_ms: from the onset of P to the onset of QRS.
        qrs_ms: duration of QRS.
        qt_ms: from the onset of QRS to the end of T.
        qtc_ms: QT corrected for the RR interval before the beat; NaN for the first beat too.
    """

    p_ms: np.ndarray
    pr_ms: np.ndarray
    qrs_ms: np.ndarray
    qt_ms: np.ndarray
    qtc_ms: np.ndarray


def intervals(
    waves: Waves, sampling_hz: float, r_peaks: np.ndarray, *, correction: str = "fridericia"
) -> Intervals:
    """Measure each beat.

    Args:
        waves: as `ecg.delineate.waves` gives them.
        sampling_hz: samples per second.
        r_peaks: (beats,) ascending samples, the same beats.
        correction: how QT is corrected for the heart rate, ``fridericia`` or ``bazett``.

    Raises:
        InputError: the correction is unknown, the sampling rate is not positive, or the numbers of
            beats differ.
    """
    if correction not in EXPONENT:
        raise InputError(f"correction: {' or '.join(EXPONENT)} expected, got {correction!r}")
    if not sampling_hz > 0:
        raise InputError(f"a sampling rate above 0 expected, got {sampling_hz}")
    if len(waves.qrs) != len(r_peaks):
        raise InputError(f"waves of {len(r_peaks)} beats expected, got {len(waves.qrs)}")
    p_onset, p_end = _ms(waves.p, ONSET, sampling_hz), _ms(waves.p, END, sampling_hz)
    qrs_onset, qrs_end = _ms(waves.qrs, ONSET, sampling_hz), _ms(waves.qrs, END, sampling_hz)
    qt_ms = _ms(waves.t, END, sampling_hz) - qrs_onset
    rr_s = np.full(len(r_peaks), np.nan)
    rr_s[1:] = np.diff(r_peaks) / sampling_hz
    return Intervals(
        p_ms=p_end - p_onset,
        pr_ms=qrs_onset - p_onset,
        qrs_ms=qrs_end - qrs_onset,
        qt_ms=qt_ms,
        qtc_ms=qt_ms / rr_s ** EXPONENT[correction],
    )


def _ms(wave: np.ndarray, mark: int, sampling_hz: float) -> np.ndarray:
    """(beats,) time of one mark, NaN where the wave is absent."""
    samples = wave[:, mark]
    return np.where(samples >= 0, samples, np.nan) * (1000 / sampling_hz)
