"""Small analyses whose beats, classes and waves are known, made from synthetic recordings."""

import numpy as np
import pandas as pd

from ecg.recording import Recording
from ecg.synthetic.record import SyntheticRecord, generate_record
from recordings.analysis import Analysis
from recordings.summary import summarise

SHARES = {"S": 0.06, "V": 0.08, "F": 0.03}
SPAN = ["start_s", "end_s"]


def make(
    seconds: float = 60, hz: float = 360, seed: int = 0, shares=None, **changes
) -> tuple[Analysis, Recording]:
    """An analysis that found everything, and its recording.

    Args:
        changes: `irregular` and `unusable` as lists of (start, end) in seconds, `episodes` as
            rows of the table; other fields as they are.
    """
    rng = np.random.default_rng(seed)
    truth = generate_record(rng, seconds, hz, leads=2, shares=SHARES if shares is None else shares)
    recording = Recording("made", truth.signal_mv, hz, ("II", "V5"), subject="40 years old")
    return analysis_of(recording, beats_of(truth), **changes), recording


def without_beats(seconds: float = 10, value: float = 0.0) -> tuple[Analysis, Recording]:
    """A flat line, or nothing at all where `value` is NaN."""
    signal = np.full((int(seconds * 360), 1), value, np.float32)
    recording = Recording("empty", signal, 360.0, ("II",))
    beats = beats_of(generate_record(np.random.default_rng(0), 10, 360)).iloc[:0]
    return analysis_of(recording, beats, unusable=[(0, seconds)]), recording


def beats_of(truth: SyntheticRecord) -> pd.DataFrame:
    times_s = truth.r_peaks / truth.sampling_hz
    beats = pd.DataFrame({"sample": truth.r_peaks, "time_s": times_s})
    beats["rr_s"] = beats["time_s"].diff()
    beats["class"] = truth.classes.astype(object)
    beats["cluster"] = ["NSVFQ".index(name) for name in truth.classes]
    beats["cluster_class"] = beats["class"]
    constants = {"probability": 0.9, "quality": 0.8, "anomaly": 0.1, "usable": True}
    beats = beats.assign(**constants, unknown=False)
    for wave, marks in truth.waves.items():
        for mark, samples in zip(("onset", "peak", "end"), marks.T, strict=True):
            known_s = np.where(samples < 0, np.nan, samples / truth.sampling_hz)
            beats[f"{wave.lower()}_{mark}_s"] = known_s
    return with_durations(beats)


def with_durations(beats: pd.DataFrame) -> pd.DataFrame:
    spans = {
        "p_ms": ("p_onset_s", "p_end_s"),
        "pr_ms": ("p_onset_s", "qrs_onset_s"),
        "qrs_ms": ("qrs_onset_s", "qrs_end_s"),
        "qt_ms": ("qrs_onset_s", "t_end_s"),
    }
    found = {name: 1000 * (beats[end] - beats[start]) for name, (start, end) in spans.items()}
    return beats.assign(**found, qtc_ms=found["qt_ms"] / np.sqrt(beats["rr_s"]))


def analysis_of(recording: Recording, beats: pd.DataFrame, **changes) -> Analysis:
    irregular = pd.DataFrame(changes.pop("irregular", []), columns=SPAN, dtype=float)
    unusable = pd.DataFrame(changes.pop("unusable", []), columns=SPAN, dtype=float)
    unusable["reason"] = "noise"
    for start, end in unusable[SPAN].itertuples(index=False):
        outside = ~beats["time_s"].between(start, end)
        beats = beats.assign(usable=beats["usable"] & outside)
    columns = ["kind", *SPAN, "beats", "detail"]
    episodes = pd.DataFrame(changes.pop("episodes", []), columns=columns)
    facts = {
        "name": recording.name,
        "duration_s": recording.duration_s,
        "sampling_hz": recording.sampling_hz,
        "leads": recording.leads,
        "lead": "II",
        "beats": beats,
        "windows": pd.DataFrame(columns=[*SPAN, "irregular"]),
        "irregular": irregular,
        "episodes": episodes,
        "unusable": unusable,
        "summary": summarise(recording.duration_s, beats, irregular, episodes, unusable),
        "notes": (),
        "provenance": {"checkpoint": "cnn.json", "versions": {"numpy": "2"}},
    }
    return Analysis(**(facts | changes))
