"""Synthetic patients: one invented person's beats, heart rate, breathing and noise."""

from dataclasses import dataclass, replace

import numpy as np

from ecg.synthetic.shapes import NORMALS, Shape, around, paced, supraventricular, ventricular


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
    """Invent a person. One in five has a bundle branch block, so a wide QRS that is still N."""
    normal_symbol = str(rng.choice(["N", "L", "R"], p=[0.78, 0.12, 0.1]))
    normal = NORMALS[normal_symbol](rng)
    premature, premature_symbol = supraventricular(rng, normal)
    shapes = {"N": normal, "S": premature, "V": ventricular(rng), "Q": paced(rng)}
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
        muscle_mv=around(rng, 0.018, 0.5),
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
