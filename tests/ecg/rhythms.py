"""Invented rhythms, as R peak times: what they are is known."""

import numpy as np


def sinus(rng, beats, rr_s=0.85, spread=0.02, breathing=0.03):
    """Times of sinus beats that follow the breath a little."""
    breath = breathing * np.sin(2 * np.pi * np.arange(beats) / 5)
    return np.cumsum(rr_s * (1 + breath + spread * rng.standard_normal(beats)))


def fibrillation(rng, beats, rr_s=0.7, spread=0.22):
    """Times of beats whose intervals have nothing to do with each other."""
    return np.cumsum(np.maximum(0.3, rr_s * (1 + spread * rng.standard_normal(beats))))


def with_ventricular(times_s, beats):
    """The same times, with these beats early by a third of an interval, and which they are."""
    early = np.asarray(times_s).copy()
    early[beats] -= 0.35 * (early[beats] - early[np.asarray(beats) - 1])
    ventricular = np.zeros(len(early), bool)
    ventricular[beats] = True
    return early, ventricular


def joined(*parts, pause_s=0.8):
    """One after the other."""
    times_s = np.asarray(parts[0])
    for part in parts[1:]:
        times_s = np.append(times_s, times_s[-1] + pause_s + part - part[0])
    return times_s
