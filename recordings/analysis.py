"""Analysis of a recording: beats, their waves and kinds, rhythm, and unusable segments."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from ecg import delineate, detect, episodes, intervals, quality, rhythm
from ecg.beat_shapes import p_wave_constancy, unlike_beats
from ecg.episodes import Episode
from ecg.quality import UnusableSegment
from ecg.recording import Recording
from ecg.rhythm import DEFAULTS, IrregularSegment, RhythmSettings, irregular_segments
from heartbeats import mitdb
from recordings import beat_kinds, beat_table, classify, summary
from recordings.classify import RecordingClassifier
from utils.paths import shown
from utils.versions import commit, versions

# The training beats are of MIT-BIH's modified lead II. EDF files call it "ECG II" or "Lead II".
USUAL_LEADS = {"mlii", "ii"}
# In these segments no peak is a heartbeat; in other unusable ones peaks are kept, but not counted.
WITHOUT_BEATS = (quality.NOTHING, quality.FLAT)


@dataclass(frozen=True)
class Analysis:
    """The results of a recording.

    Attributes:
        name: of the recording.
        duration_s: its length.
        sampling_hz: samples per second.
        leads: the names of all leads; beats are detected in all of them together.
        lead: the lead in which waves are measured and beats classified.
        beats: a row for each beat: `sample`, `time_s`, `rr_s` (since the beat before; NaN after a
            gap), `class` (AAMI: N, S, V, F or Q) with its `probability` and those of all classes
            (`p_N` ...), `quality` (0 to 1), `usable`, `cluster` and `cluster_class`, `unknown`,
            `anomaly`, wave marks in seconds (`p_onset_s` ... `t_end_s`) and durations in ms
            (`p_ms`, `pr_ms`, `qrs_ms`, `qt_ms`, `qtc_ms`), NaN where a wave is absent.
        windows: a row for each rhythm window: `start_s`, `end_s`, `beats`, `irregularity`, the
            measures that it is made of, `heart_rate_bpm`, `irregular`.
        irregular: segments of irregular rhythm: `start_s`, `end_s`, `beats`, `irregularity`.
        episodes: `kind`, `start_s`, `end_s`, `beats`, `detail`.
        unusable: segments of `lead` that cannot be used: `start_s`, `end_s`, `reason`.
        summary: the main figures, from `recordings.summary`.
        notes: sentences to read before any number.
        provenance: checkpoint, settings and versions.
    """

    name: str
    duration_s: float
    sampling_hz: float
    leads: tuple[str, ...]
    lead: str
    beats: pd.DataFrame
    windows: pd.DataFrame
    irregular: pd.DataFrame
    episodes: pd.DataFrame
    unusable: pd.DataFrame
    summary: dict[str, Any]
    notes: tuple[str, ...]
    provenance: dict[str, Any]


def analyse(
    recording: Recording,
    classifier: RecordingClassifier,
    *,
    lead: str = "",
    settings: RhythmSettings = DEFAULTS,
) -> Analysis:
    """Find, measure and classify the beats of a recording, and analyse its rhythm.

    Args:
        recording: from `ecg.reading.read_recording`.
        classifier: from `classify.load`.
        lead: the lead to measure; lead II where there is one, else the first, by default.
        settings: of the search for irregular rhythm.

    Raises:
        InputError: there is no such lead.
    """
    lead = recording.lead_named(lead) if lead else usual_lead(recording)
    signal_mv, hz = recording.lead_mv(lead), recording.sampling_hz
    peaks, qualities, segments = _find_beats(recording, lead)
    probabilities = classifier.probabilities(signal_mv, hz, peaks, _breaks(segments, hz))
    beats = _beats(signal_mv, hz, peaks, segments, probabilities)
    beats.insert(beats.columns.get_loc("usable"), "quality", qualities)
    windows, irregular = _irregular(signal_mv, hz, beats[beats["usable"]], segments, settings)
    found = _episodes(beats[beats["usable"]], segments)
    unusable = _table(segments, UnusableSegment)
    facts = summary.summarise(recording.duration_s, beats, irregular, found, unusable)
    return Analysis(
        recording.name,
        recording.duration_s,
        hz,
        recording.leads,
        lead,
        beats,
        windows,
        irregular,
        found,
        unusable,
        facts,
        _notes(recording, classifier, lead, facts),
        _provenance(classifier, settings),
    )


def usual_lead(recording: Recording) -> str:
    """Lead II where there is one, since the training beats are of it, else the first lead."""
    for lead in recording.leads:
        if is_usual(lead):
            return lead
    return recording.leads[0]


def is_usual(lead: str) -> bool:
    """Whether a lead of this name is a lead II."""
    return bool(USUAL_LEADS & set(re.split(r"[^a-z0-9]+", lead.lower())))


def _find_beats(
    recording: Recording, lead: str
) -> tuple[np.ndarray, np.ndarray, list[UnusableSegment]]:
    """R peaks, their quality, and the unusable segments of `lead`.

    Beats are detected in all leads together and placed on `lead`. Those where it recorded nothing
    are left out, since nothing could be measured.
    """
    first = recording.leads.index(lead)
    order = [first, *(i for i in range(len(recording.leads)) if i != first)]
    hz, signal_mv = recording.sampling_hz, recording.signal_mv[:, first]
    peaks = detect.r_peaks(recording.signal_mv[:, order], hz)
    qualities = quality.beat_quality(signal_mv, hz, peaks)
    segments = quality.unusable_segments(signal_mv, hz, peaks, qualities)
    empty = [segment for segment in segments if segment.reason in WITHOUT_BEATS]
    kept = ~beat_table.inside(peaks / hz, empty)
    return peaks[kept], qualities[kept], segments


def _breaks(segments: Sequence[UnusableSegment], sampling_hz: float) -> np.ndarray:
    """Samples at which unusable segments begin."""
    return np.array([round(one.start_s * sampling_hz) for one in segments], np.int64)


def _beats(
    signal_mv: np.ndarray,
    sampling_hz: float,
    peaks: np.ndarray,
    segments: Sequence[UnusableSegment],
    probabilities: np.ndarray,
) -> pd.DataFrame:
    waves = delineate.waves(signal_mv, sampling_hz, peaks)
    usable = ~beat_table.inside(peaks / sampling_hz, segments)
    breaks = _breaks(segments, sampling_hz)
    kinds = beat_kinds.judge(
        signal_mv, sampling_hz, peaks, probabilities, usable=usable, breaks=breaks
    )
    seen = pd.DataFrame(
        {
            "usable": usable,
            "cluster": kinds.labels,
            "cluster_class": kinds.classes,
            "unknown": kinds.unknown,
            "anomaly": kinds.anomaly,
        }
    )
    parts = [
        beat_table.timing(peaks, sampling_hz, breaks),
        beat_table.kinds(kinds.probabilities),
        seen,
        beat_table.wave_times(waves, sampling_hz),
        beat_table.durations(intervals.intervals(waves, sampling_hz, peaks)),
    ]
    return pd.concat(parts, axis=1)


def _irregular(
    signal_mv: np.ndarray,
    sampling_hz: float,
    usable: pd.DataFrame,
    segments: Sequence[UnusableSegment],
    settings: RhythmSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rhythm windows, and the segments of those that are irregular."""
    peaks, times_s = usable["sample"].to_numpy(), usable["time_s"].to_numpy()
    unlike = unlike_beats(signal_mv, sampling_hz, peaks)
    constancy = p_wave_constancy(signal_mv, sampling_hz, peaks, ectopic_beats=unlike)
    windows = rhythm.irregular_windows(
        times_s,
        p_constancy=constancy,
        ectopic_beats=unlike,
        gaps=_spans(segments),
        settings=settings,
    )
    irregular = irregular_segments(windows, times_s, settings)
    return pd.DataFrame(vars(windows)), _table(irregular, IrregularSegment)


def _episodes(usable: pd.DataFrame, segments: Sequence[UnusableSegment]) -> pd.DataFrame:
    found = episodes.episodes(
        usable["time_s"].to_numpy(), classes=usable["class"].to_numpy(str), gaps=_spans(segments)
    )
    return _table(found, Episode)


def _spans(segments: Sequence[UnusableSegment]) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in segments]


def _table(rows: Sequence[Any], kind: type) -> pd.DataFrame:
    """A row for each, with the columns of their dataclass even where there is none."""
    return pd.DataFrame([asdict(row) for row in rows], columns=[f.name for f in fields(kind)])


def _notes(
    recording: Recording, classifier: RecordingClassifier, lead: str, facts: dict[str, Any]
) -> tuple[str, ...]:
    notes = list(recording.notes)
    if not facts["beats"]:
        notes.append("no heartbeat was found in this recording")
    if not is_usual(lead):
        notes.append(
            f"classes come from a network trained on lead II; lead {lead} looks different to it"
        )
    # Other databases number their records too, but sample them at other rates.
    is_mitdb = recording.sampling_hz == mitdb.RECORD_HZ
    if is_mitdb and classify.has_seen(classifier.checkpoint, recording.name):
        notes.append(
            f"MIT-BIH's record {recording.name} trained the classifier: expect less of its "
            "classes in other people"
        )
    return tuple(notes)


def _provenance(classifier: RecordingClassifier, settings: RhythmSettings) -> dict[str, Any]:
    facts = classifier.checkpoint.facts
    return {
        "checkpoint": shown(classifier.checkpoint.path),
        "architecture": facts.architecture,
        "trained on": f"{facts.data}, protocol {facts.protocol}",
        "weights": facts.weights_digest[:16],
        "rhythm": asdict(settings),
        "commit": commit(),
        "versions": versions(),
    }
