"""Synthetic ECG recordings in millivolts, with the position of every wave known.

They are the reference for tests of detectors and delineators, and the source of the `synthetic`
heartbeats. They model no disease: draw no medical conclusions from results on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from ecg.synthetic.noise import draw_noise
from ecg.synthetic.patient import WAVES, Bell, Patient, draw_patient
from ecg.synthetic.rhythm import Rhythm, draw_rhythm

# Where each part of a beat can lie, seconds from the nominal R peak.
REACH_S = {
    "P": (-0.34, 0.04),
    "spike": (-0.15, 0.0),
    "QRS": (-0.16, 0.26),
    "ST": (-0.1, 0.45),
    "T": (-0.05, 0.75),
}
# A wave begins and ends where it passes this share of its own largest deflection.
EDGE_SHARE = 0.03
# Bounds the memory that drawing takes, whatever the length of the recording.
BEATS_AT_ONCE = 512
# The ventricular share of a fusion beat: the two wave fronts meet sooner or later.
FUSION_SHARE = (0.35, 0.65)
# Standard deviations from beat to beat within one patient.
GAIN_VARIATION = {"P": 0.12, "spike": 0.05, "QRS": 0.04, "ST": 0.1, "T": 0.08}
WIDTH_VARIATION = 0.03
P_TIME_VARIATION_S = 0.004
# Breathing turns the heart's axis, so that the QRS grows and shrinks.
BREATH_GAIN = 0.05
# Repolarisation follows the interval before it by about a cube root (Fridericia LS, Acta Med
# Scand 53:469-486, 1920).
QT_POWER = 1 / 3
LOWEST_HZ = 60.0


@dataclass(frozen=True)
class SyntheticRecord:
    """One synthetic recording and its true annotations.

    Attributes:
        signal_mv: (samples, leads) float32.
        sampling_hz: samples per second.
        patient: the person's name; contains "synthetic" unless the caller chose another.
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
    """Generate a recording.

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
    signal, marks = _draw_beats(rng, person, rhythm, samples, sampling_hz)
    if noise > 0:
        for lead in signal.T:
            lead += noise * draw_noise(rng, person, samples, sampling_hz)
    r_peaks = marks["QRS"][:, 1]
    seen = (r_peaks >= 0) & (r_peaks < samples)
    classes = rhythm.classes[seen]
    whole = {part: _without_cut(positions[seen], samples) for part, positions in marks.items()}
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


def _without_cut(positions: np.ndarray, samples: int) -> np.ndarray:
    """(beats, 3) positions, with -1 for every wave that an end of the recording cuts."""
    cut = ((positions < 0) | (positions >= samples)).any(axis=1, keepdims=True)
    return np.where(cut, -1, positions)


# Drawing the bells of every beat


@dataclass(frozen=True)
class _Variation:
    """How single beats differ from their patient's shapes; each (beats,) float64."""

    gain: np.ndarray
    delay_s: np.ndarray
    slower: np.ndarray
    wider: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "_Variation":
        return _Variation(*(getattr(self, f.name)[rows] for f in fields(self)))


def _draw_beats(
    rng: np.random.Generator, patient: Patient, rhythm: Rhythm, samples: int, sampling_hz: float
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw all beats of a recording, without noise.

    Returns:
        signal_mv: (samples, leads) float64.
        marks: part (``P``, ``spike``, ``QRS``, ``T``) -> (beats, 3) int64, sample of onset, peak
            and end in the first lead, which may lie outside the recording. The marks of an
            absent wave are negative.
    """
    margin = int(max(abs(edge) for reach in REACH_S.values() for edge in reach) * sampling_hz) + 2
    canvas = np.zeros((samples + 2 * margin, patient.leads))
    nominal = np.rint(rhythm.times_s * sampling_hz).astype(np.int64)
    weights = _weights(rng, rhythm.classes)
    marks = {}
    for part, (first_s, last_s) in REACH_S.items():
        offsets = np.arange(int(first_s * sampling_hz), int(last_s * sampling_hz) + 1)
        variation = _vary(rng, part, rhythm)
        marks[part] = np.empty((len(nominal), 3), np.int64)
        for start in range(0, len(nominal), BEATS_AT_ONCE):
            beats = np.arange(start, min(start + BEATS_AT_ONCE, len(nominal)))
            drawn = _draw_part(patient, part, weights, variation, beats, offsets / sampling_hz)
            places = nominal[beats, None] + offsets
            np.add.at(canvas, places + margin, drawn)
            marks[part][beats] = _delineate(drawn[..., 0], places)
    return canvas[margin : margin + samples], marks


def _weights(rng: np.random.Generator, classes: np.ndarray) -> dict[str, np.ndarray]:
    """Kind of shape -> (beats,) float64: how much of it goes into each beat; they add up to 1."""
    weights = {kind: (classes == kind).astype(float) for kind in "NSVQ"}
    fused = classes == "F"
    weights["V"][fused] = rng.uniform(*FUSION_SHARE, fused.sum())
    weights["N"][fused] = 1 - weights["V"][fused]
    return weights


def _vary(rng: np.random.Generator, part: str, rhythm: Rhythm) -> _Variation:
    beats = len(rhythm.classes)
    gain = np.exp(rng.normal(0, GAIN_VARIATION[part], beats))
    wider = np.exp(rng.normal(0, WIDTH_VARIATION, beats))
    delay_s, slower = np.zeros(beats), np.ones(beats)
    if part == "P":
        delay_s = rng.normal(0, P_TIME_VARIATION_S, beats)
    elif part == "QRS":
        gain = gain * (1 + BREATH_GAIN * rhythm.breath)
    elif part == "T":
        slower = rhythm.rr_s**QT_POWER
    return _Variation(gain, delay_s, slower, wider * slower)


def _draw_part(
    patient: Patient,
    part: str,
    weights: dict[str, np.ndarray],
    variation: _Variation,
    beats: np.ndarray,
    offsets_s: np.ndarray,
) -> np.ndarray:
    """(beats, offsets, leads) millivolts of one part of the chosen beats."""
    drawn = np.zeros((len(beats), len(offsets_s), patient.leads))
    for kind, shape in patient.shapes.items():
        weight = weights[kind][beats]
        rows = np.flatnonzero(weight)
        if part == "P":  # a fusion beat has the whole P wave: the atria are not involved
            weight = np.sign(weight)
        changes = variation[beats[rows]]
        for bell in shape:
            if bell.part == part and len(rows):
                heights = _bell_values(bell, changes, offsets_s) * weight[rows, None]
                drawn[rows] += heights[..., None] * bell.amplitudes_mv
    return drawn


def _bell_values(bell: Bell, changes: _Variation, offsets_s: np.ndarray) -> np.ndarray:
    """(beats, offsets): a bell of height `gain`."""
    centres_s = bell.centre_s * changes.slower + changes.delay_s
    distance_s = offsets_s - centres_s[:, None]
    width_s = np.where(distance_s < 0, bell.rise_s, bell.fall_s) * changes.wider[:, None]
    return changes.gain[:, None] * np.exp(-0.5 * (distance_s / width_s) ** 2)


def _delineate(waves_mv: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(beats, 3): onset, peak and end of each wave, drawn alone at the samples `places`."""
    size = np.abs(waves_mv)
    peak = size.argmax(axis=1)
    seen = size > EDGE_SHARE * size.max(axis=1, keepdims=True)
    onset = seen.argmax(axis=1)
    end = seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    rows = np.arange(len(places))
    marks = np.stack([places[rows, column] for column in (onset, peak, end)], axis=1)
    return np.where(seen.any(axis=1)[:, None], marks, -1)
