"""Synthetic rhythm: which beats follow each other, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from ecg.synthetic.patient import Patient

# How ectopic beats come: mostly alone, at times in pairs, short runs, or every second beat.
PATTERNS = {
    "S": ("S", "S", "S", "S", "SS", "SSS"),
    "V": ("V", "V", "V", "V", "VV", "VNVNV"),
    "F": ("F",),
}
LONGEST_PACED_RUN = 40
# Premature beats shorten a recording: this many times the beats are drawn, and those past the end
# are dropped.
SPARE_BEATS = 1.15
# Beat-to-beat persistence of the slow changes of heart rate.
PERSISTENCE = 0.95


@dataclass(frozen=True)
class Rhythm:
    """The beats of a recording in order of time.

    Attributes:
        classes: (beats,) str, AAMI class.
        times_s: (beats,) float64, nominal time of each R peak.
        rr_s: (beats,) float64, interval from the beat before.
        breath: (beats,) float64 in -1 .. 1, the phase of breathing at each beat.
    """

    classes: np.ndarray
    times_s: np.ndarray
    rr_s: np.ndarray
    breath: np.ndarray


def draw_rhythm(
    rng: np.random.Generator, patient: Patient, duration_s: float, shares: Mapping[str, float]
) -> Rhythm:
    """Draw the beats of `duration_s` seconds, in sinus rhythm except for the ectopic ones.

    A premature supraventricular beat resets the sinus node, so its pause is less than
    compensatory. A ventricular one does not: the next sinus beat comes when it would have come
    anyway. A fusion beat comes on time. A pacemaker keeps its own rate.

    Args:
        shares: the share of beats of the classes S, V, F and Q; the rest is N.
    """
    mean_rr_s = 60 / patient.heart_rate_bpm
    beats = round(SPARE_BEATS * duration_s / mean_rr_s) + 5
    classes = draw_classes(rng, beats, shares)
    breath = np.sin(2 * np.pi * patient.respiration_hz * mean_rr_s * np.arange(beats))
    slow_noise = rng.normal(0, patient.rr_variation * np.sqrt(1 - PERSISTENCE**2), beats)
    slow = lfilter([1.0], [1.0, -PERSISTENCE], slow_noise)
    sinus = mean_rr_s * (1 + patient.sinus_arrhythmia * breath) * np.exp(slow)
    rr_s = _intervals(rng, classes, sinus, 60 / patient.pacing_rate_bpm)
    times_s = rng.uniform(0, mean_rr_s) + np.cumsum(rr_s) - rr_s[:1]
    inside = times_s < duration_s
    return Rhythm(classes[inside], times_s[inside], rr_s[inside], breath[inside])


def draw_classes(rng: np.random.Generator, beats: int, shares: Mapping[str, float]) -> np.ndarray:
    """(beats,) str: classes in order of time, whose counts are the shares, rounded.

    Events (single beats, pairs, runs) are kept apart by at least one N while there are enough.

    Raises:
        ValueError: the shares add up to more than 1, or name a class that is not S, V, F or Q.
    """
    if sum(shares.values()) > 1 + 1e-9 or not set(shares) <= set("SVFQ"):
        raise ValueError(f"shares of S, V, F and Q that add up to at most 1 expected: {shares}")
    events = []
    for kind, share in shares.items():
        events += _events(rng, kind, round(share * beats))
    normals = max(0, beats - sum(map(len, events)))
    crowded = len(events) > normals + 1
    gaps = [""] * (normals + 1)
    for gap, event in zip(
        rng.choice(normals + 1, len(events), replace=crowded), events, strict=True
    ):
        gaps[gap] += event
    return np.array(list("N".join(gaps)[:beats]), dtype="U1")


def _events(rng: np.random.Generator, kind: str, beats: int) -> list[str]:
    events = []
    while beats > 0:
        if kind == "Q":
            event = kind * min(beats, int(rng.integers(4, LONGEST_PACED_RUN + 1)))
        else:
            fitting = [p for p in PATTERNS[kind] if p.count(kind) <= beats]
            event = str(rng.choice(fitting))
        events.append(event)
        beats -= event.count(kind)
    return events


def _intervals(
    rng: np.random.Generator, classes: np.ndarray, sinus: np.ndarray, pacing_s: float
) -> np.ndarray:
    """(beats,) seconds from the beat before; `sinus` is what the sinus node would take."""
    before = np.append("N", classes[:-1])
    rr_s = sinus.copy()

    def scale(mask: np.ndarray, low: float, high: float) -> None:
        rr_s[mask] = sinus[mask] * rng.uniform(low, high, mask.sum())

    scale(classes == "S", 0.6, 0.82)
    scale(classes == "V", 0.58, 0.78)
    scale(classes == "F", 0.93, 1.0)
    scale((before == "S") & (classes != "S"), 1.1, 1.25)
    after_v = np.flatnonzero((before == "V") & np.isin(classes, ["N", "F"]))
    rr_s[after_v] = sinus[after_v] + sinus[after_v - 1] - rr_s[after_v - 1]
    paced = classes == "Q"
    rr_s[paced] = pacing_s * rng.normal(1, 0.003, paced.sum())
    resumed = (before == "Q") & (classes == "N")  # the heart's own beat came before the pacemaker
    rr_s[resumed] = np.minimum(rr_s[resumed], pacing_s * 0.95)
    return rr_s
