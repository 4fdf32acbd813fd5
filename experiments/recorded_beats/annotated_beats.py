"""Records of MIT-BIH with their beats as the detector finds them and as annotators marked them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg import detect, scoring
from ecg.reading import read_recording
from heartbeats import mitdb
from utils.errors import InputError
from utils.paths import data_folder

# Between a found and an annotated beat, as ANSI/AAMI EC57 allows.
TOLERANCE_S = 0.15
UNKNOWN_LABEL = -1
# Beats are classified in this lead where a record has it, which is all of DS1 and DS2.
LEAD = "MLII"


@dataclass(frozen=True)
class AnnotatedRecord:
    """One record, one lead.

    Attributes:
        name: e.g. ``100``.
        signal_mv: (samples,) the lead that beats are classified in.
        sampling_hz: samples per second.
        annotated: (beats,) int64, samples of the annotated beats.
        labels: (beats,) int, the AAMI class of each.
        found: (others,) int64, R peaks that the detector found in both leads.
        found_labels: (others,) int, the class of the annotated beat that each is, or -1.
    """

    name: str
    signal_mv: np.ndarray
    sampling_hz: float
    annotated: np.ndarray
    labels: np.ndarray
    found: np.ndarray
    found_labels: np.ndarray

    @property
    def missed(self) -> int:
        """Annotated beats that were not found."""
        return len(self.labels) - int((self.found_labels >= 0).sum())

    @property
    def invented(self) -> int:
        """Found beats that no annotator marked."""
        return int((self.found_labels < 0).sum())


def folder() -> Path:
    """Where MIT-BIH's records are; raises InputError where there are none."""
    if (found := mitdb.find_folder(data_folder())) is None:
        raise InputError(
            f"there are no records of MIT-BIH in {data_folder() / 'mitdb'}; fetch them with "
            "`python -m heartbeats.download mitdb`"
        )
    return found


def read(path: Path) -> AnnotatedRecord:
    """Read the record at `path` (without suffix) and find its beats."""
    marks = mitdb.read_recording(path)
    is_beat = marks.labels >= 0
    annotated, labels = marks.marks.samples[is_beat], marks.labels[is_beat]
    recording = read_recording(path)
    lead = recording.leads.index(LEAD) if LEAD in recording.leads else 0
    order = [lead, *(i for i in range(len(recording.leads)) if i != lead)]
    found = detect.r_peaks(recording.signal_mv[:, order], recording.sampling_hz)
    pairs = scoring.match(annotated, found, round(TOLERANCE_S * recording.sampling_hz))
    found_labels = np.full(len(found), UNKNOWN_LABEL)
    found_labels[pairs.found] = labels[pairs.truth]
    return AnnotatedRecord(
        path.name,
        recording.signal_mv[:, lead],
        recording.sampling_hz,
        annotated,
        labels,
        found,
        found_labels,
    )
