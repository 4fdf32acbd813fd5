"""Synthetic ECG recordings in millivolts, with the position of every wave known.

They are an oracle for detectors and delineators, and the source of the `synthetic` heartbeats.
They model no disease: draw no medical conclusions from results on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ecg.synthetic.noise import draw_noise
from ecg.synthetic.patient import Patient, draw_patient
from ecg.synthetic.rhythm import draw_rhythm
from ecg.synthetic.shapes import WAVES
from ecg.synthetic.waves import draw_beats

LOWEST_HZ = 60.0


@dataclass(frozen=True)
class SyntheticRecord:
    """One synthetic recording and all that is true of it.

    Attributes:
        signal_mv: (samples, leads) float32.
        sampling_hz: samples per second.
        patient: the person's name; it says synthetic unless the caller chose otherwise.
        r_peaks: (beats,) int64, sample of the largest deflection of each QRS in the first lead.
        classes: (beats,) str, AAMI class: N, S, V, F or Q.
        symbols: (beats,) str, WFDB annotation symbol.
        waves: ``P``, ``QRS`` and ``T`` -> (beats, 3) int64 samples: onset, peak and end in the
            first lead. A wave that is absent, or cut by an end of the recording, is -1, -1, -1.
        spikes: (beats,) int64, sample of the pacing spike, -1 where there is none.
    """

    signal_mv: np.ndarray
    sampling_hz: float
    patient: str
    r_peaks: np.ndarray
    classes: np.ndarray
    symbols: np.ndarray
    waves: dict[str, np.ndarray] = field(repr=False)
    spikes: np.ndarray = field(repr=False)


def generate_record(
    rng: np.random.Generator,
    duration_s: float,
    sampling_hz: float,
    *,
    patient: Patient | None = None,
    shares: Mapping[str, float] | None = None,
    leads: int = 1,
    noise: float = 1.0,
) -> SyntheticRecord:
    """Make a recording.

    Args:
        rng: the only source of chance.
        duration_s: length in seconds.
        sampling_hz: samples per second, at least 60.
        patient: whose ECG it is; a new person by default.
        shares: share of the beats of classes S, V, F and Q, e.g. ``{"V": 0.1}``; the rest is N.
        leads: number of channels, where no patient is given.
        noise: factor of the patient's own noise; 0 gives a clean recording.

    Example:
        >>> record = generate_record(np.random.default_rng(0), 10, 360, shares={"V": 0.1})
        >>> record.signal_mv.shape
        (3600, 1)
    """
    if sampling_hz < LOWEST_HZ:
        raise ValueError(f"sampling_hz of at least {LOWEST_HZ:g} expected, got {sampling_hz:g}")
    person = patient or draw_patient(rng, leads=leads)
    rhythm = draw_rhythm(rng, person, duration_s, shares or {})
    samples = round(duration_s * sampling_hz)
    signal, marks = draw_beats(rng, person, rhythm, samples, sampling_hz)
    if noise > 0:
        for lead in signal.T:
            lead += noise * draw_noise(rng, person, samples, sampling_hz)
    r_peaks = marks["QRS"][:, 1]
    seen = (r_peaks >= 0) & (r_peaks < samples)
    classes = rhythm.classes[seen]
    whole = {part: _forget_cut(positions[seen], samples) for part, positions in marks.items()}
    return SyntheticRecord(
        signal_mv=signal.astype(np.float32),
        sampling_hz=sampling_hz,
        patient=person.name,
        r_peaks=r_peaks[seen],
        classes=classes,
        symbols=np.array([person.symbols[kind] for kind in classes], dtype="U1"),
        waves={part: whole[part] for part in WAVES},
        spikes=whole["spike"][:, 1],
    )


def _forget_cut(positions: np.ndarray, samples: int) -> np.ndarray:
    """(beats, 3) positions, with -1 for every wave that an end of the recording cuts."""
    cut = ((positions < 0) | (positions >= samples)).any(axis=1, keepdims=True)
    return np.where(cut, -1, positions)
