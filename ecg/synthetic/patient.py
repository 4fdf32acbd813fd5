"""Synthetic patients: one invented person's beats, heart rate, breathing and noise.

A beat is a sum of bells, as in McSharry PE et al., A dynamical model for generating synthetic
electrocardiogram signals, IEEE Trans Biomed Eng 50(3):289-294 (2003). Here every bell may rise and
fall at different speeds, and each kind of beat has its own set. Amplitudes and widths are drawn
around textbook values of a limb lead like MLII.
"""

from dataclasses import dataclass, replace

import numpy as np

# The waves whose positions are known. Other bells (`ST`, `spike`) are drawn but not delineated.
WAVES = ("P", "QRS", "T")
# A pacing pulse lasts about a millisecond; the recorder's own bandwidth smears it.
SPIKE_RISE_S, SPIKE_FALL_S = 0.004, 0.006


@dataclass(frozen=True)
class Bell:
    """One bell-shaped deflection of a beat.

    Attributes:
        part: ``P``, ``QRS``, ``ST``, ``T`` or ``spike``.
        centre_s: time of the top, from the beat's nominal R peak.
        amplitudes_mv: (leads,) height in each lead; negative for a dip.
        rise_s, fall_s: standard deviations before and after the top.
    """

    part: str
    centre_s: float
    amplitudes_mv: np.ndarray
    rise_s: float
    fall_s: float


Shape = tuple[Bell, ...]


@dataclass(frozen=True)
class Patient:
    """One invented person.

    Attributes:
        name: what records of this person are called.
        shapes: the bells of each kind of beat, ``N``, ``S``, ``V`` and ``Q``. A fusion beat is a
            mixture of N and V and has none of its own.
        symbols: WFDB's annotation symbol of each AAMI class in this person: bundle branch block
            makes the N an L or R, a junctional focus makes the S a J.
        heart_rate_bpm: mean sinus rate.
        rr_variation: standard deviation of slow changes of the RR interval, as a share of it.
        sinus_arrhythmia: swing of the RR interval with breathing, as a share of it.
        respiration_hz: breaths per second.
        pacing_rate_bpm: rate of the pacemaker, for those who have one.
        wander_mv, muscle_mv, mains_mv: standard deviations of the three kinds of noise.
        mains_hz: 50 or 60.
    """

    name: str
    shapes: dict[str, Shape]
    symbols: dict[str, str]
    heart_rate_bpm: float
    rr_variation: float
    sinus_arrhythmia: float
    respiration_hz: float
    pacing_rate_bpm: float
    wander_mv: float
    muscle_mv: float
    mains_mv: float
    mains_hz: float

    @property
    def leads(self) -> int:
        return len(self.shapes["N"][0].amplitudes_mv)


def draw_patient(rng: np.random.Generator, name: str = "synthetic", leads: int = 1) -> Patient:
    """Draw a person. One in five has bundle branch block, which is a wide QRS of class N."""
    normal_symbol = str(rng.choice(["N", "L", "R"], p=[0.78, 0.12, 0.1]))
    normal = NORMALS[normal_symbol](rng)
    premature, premature_symbol = _supraventricular(rng, normal)
    shapes = {"N": normal, "S": premature, "V": _ventricular(rng), "Q": _paced(rng)}
    rate = rng.uniform(58, 88)
    return Patient(
        name=name,
        shapes=_spread_over_leads(rng, shapes, leads),
        symbols={"N": normal_symbol, "S": premature_symbol, "V": "V", "F": "F", "Q": "/"},
        heart_rate_bpm=rate,
        rr_variation=rng.uniform(0.015, 0.05),
        sinus_arrhythmia=rng.uniform(0.01, 0.06),
        respiration_hz=rng.uniform(0.18, 0.35),
        pacing_rate_bpm=rate * rng.uniform(0.95, 1.05),
        wander_mv=rng.uniform(0.02, 0.12),
        muscle_mv=_around(rng, 0.018, 0.5),
        mains_mv=rng.uniform(0.0, 0.008),
        mains_hz=float(rng.choice([50.0, 60.0])),
    )


def _spread_over_leads(
    rng: np.random.Generator, shapes: dict[str, Shape], leads: int
) -> dict[str, Shape]:
    """Give every bell an amplitude in each further lead; those of the first lead stay."""
    if leads == 1:
        return shapes
    return {
        kind: tuple(
            replace(
                bell,
                amplitudes_mv=np.append(
                    bell.amplitudes_mv, bell.amplitudes_mv[0] * rng.normal(0.5, 0.5, leads - 1)
                ),
            )
            for bell in shape
        )
        for kind, shape in shapes.items()
    }


# The shapes of each kind of beat


def _p_wave(rng: np.random.Generator) -> Bell:
    return _bell(rng, "P", -0.165, 0.12, 0.022, 0.022)


def _repolarisation(
    rng: np.random.Generator, t_mv: float, centre_s: float, rise_s: float
) -> Shape:
    """A T wave, slower up than down, on an ST segment that may lie high or low."""
    return (
        _bell(rng, "ST", 0.14, rng.normal(0, 0.035), 0.04, 0.05),
        _bell(rng, "T", centre_s, t_mv, rise_s, 0.6 * rise_s),
    )


def _narrow(rng: np.random.Generator) -> Shape:
    """A normal beat; the heart's axis makes the R wave large or the S wave deep."""
    axis = rng.random()
    r_mv, s_mv = 0.7 + 0.8 * axis, -0.5 + 0.4 * axis
    t_mv = rng.uniform(0.12, 0.4)
    return (
        _p_wave(rng),
        _bell(rng, "QRS", -0.024, -0.09 * rng.random(), 0.007, 0.007),
        _bell(rng, "QRS", 0.001, r_mv, 0.010, 0.010),
        _bell(rng, "QRS", 0.028, s_mv, 0.009, 0.010),
        *_repolarisation(rng, t_mv, 0.31, 0.052),
    )


def _left_block(rng: np.random.Generator) -> Shape:
    """Left bundle branch block: a broad, notched R and a T against it."""
    return (
        _p_wave(rng),
        _bell(rng, "QRS", -0.004, 1.0, 0.015, 0.016),
        _bell(rng, "QRS", 0.042, 0.55, 0.014, 0.016),
        *_repolarisation(rng, -0.16, 0.33, 0.054),
    )


def _right_block(rng: np.random.Generator) -> Shape:
    """Right bundle branch block: a narrow R, then a broad and slurred S."""
    return (
        _p_wave(rng),
        _bell(rng, "QRS", -0.002, 1.0, 0.010, 0.011),
        _bell(rng, "QRS", 0.048, -0.38, 0.016, 0.024),
        *_repolarisation(rng, 0.25, 0.33, 0.054),
    )


NORMALS = {"N": _narrow, "L": _left_block, "R": _right_block}


def _supraventricular(rng: np.random.Generator, normal: Shape) -> tuple[Shape, str]:
    """The patient's own QRS with a late dip, a lower T, and another P, or none (junctional).

    The dip is aberrant conduction: the right bundle has not yet recovered (Gouaux JL, Ashman R,
    Am Heart J 34:366-373, 1947). Prematurity itself is drawn with the rhythm, and so is the T
    wave that comes sooner after a short interval.

    Returns:
        shape: the bells.
        symbol: A for an atrial, J for a junctional focus.
    """
    junctional = rng.random() < 0.25
    altered = rng.choice([-0.8, 0.4, 1.5]) * _around(rng, 1, 0.2)
    earlier_s = rng.uniform(0.015, 0.04)
    t_gain = rng.uniform(0.4, 0.65)
    last_s = max(bell.centre_s for bell in normal if bell.part == "QRS")
    shape = [_bell(rng, "QRS", last_s + 0.014, -0.32, 0.009, 0.013)]
    for bell in normal:
        if bell.part == "P" and junctional:
            continue
        if bell.part == "P":
            bell = replace(bell, centre_s=bell.centre_s + earlier_s)
        gain = {"P": altered, "T": t_gain}.get(bell.part, 1.0)
        shape.append(replace(bell, amplitudes_mv=bell.amplitudes_mv * gain))
    return tuple(shape), "J" if junctional else "A"


def _ventricular(rng: np.random.Generator) -> Shape:
    """No P, a broad QRS up or down, a large T in the other direction: the focus lies anywhere."""
    mv = 1.5 if rng.random() < 0.55 else -1.4
    notch = rng.uniform(-0.3, 0.5)
    return (
        _bell(rng, "QRS", -0.001, mv, 0.026, 0.030),
        _bell(rng, "QRS", 0.062, notch * mv, 0.024, 0.026),
        _bell(rng, "ST", 0.15, -0.15 * mv, 0.04, 0.06),
        _bell(rng, "T", 0.36, -0.42 * mv, 0.070, 0.050),
    )


def _paced(rng: np.random.Generator) -> Shape:
    """A spike, then a broad QRS away from the lead: it starts at the right ventricle's apex."""
    mv = -1.1
    spike_mv = float(rng.choice([-1, 1])) * rng.uniform(0.4, 1.0)
    late = rng.uniform(0.2, 0.7)
    return (
        Bell("spike", -0.085, np.array([spike_mv]), SPIKE_RISE_S, SPIKE_FALL_S),
        _bell(rng, "QRS", -0.001, mv, 0.025, 0.026),
        _bell(rng, "QRS", 0.046, late * mv, 0.020, 0.024),
        _bell(rng, "ST", 0.15, -0.12 * mv, 0.04, 0.06),
        _bell(rng, "T", 0.36, -0.35 * mv, 0.066, 0.046),
    )


def _bell(
    rng: np.random.Generator, part: str, centre_s: float, mv: float, rise_s: float, fall_s: float
) -> Bell:
    """A bell whose parameters all vary a little around those given."""
    width = _around(rng, 1, 0.1)
    return Bell(
        part,
        _around(rng, centre_s, 0.06),
        np.array([_around(rng, mv, 0.15)]),
        rise_s * width * _around(rng, 1, 0.05),
        fall_s * width * _around(rng, 1, 0.05),
    )


def _around(rng: np.random.Generator, middle: float, spread: float) -> float:
    """A log-normal number around `middle`, usually within the share `spread`; the sign stays."""
    return float(middle * np.exp(rng.normal(0, spread)))
