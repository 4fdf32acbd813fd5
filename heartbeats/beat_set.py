"""BeatSet: labelled heartbeats, cut and scaled, with records, patients and times where known."""

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np

# The five classes of ANSI/AAMI EC57, in the order that Kaggle's labels 0 to 4 use.
AAMI_CLASSES = ("N", "S", "V", "F", "Q")
AAMI_MEANINGS = {
    "N": "normal and bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion of ventricular and normal",
    "Q": "paced or unclassifiable",
}
# The two classes of PTB and PTB-XL, whose recordings were labelled as a whole.
NORMAL_ABNORMAL = ("normal", "abnormal")
# Data sets whose publishers stretched all beats to one length.
STRETCHED = ("ecg5000",)


@dataclass(frozen=True)
class BeatSet:
    """Labelled heartbeats.

    Arrays that the source cannot know (Kaggle's CSV files name no patient) are None.

    Attributes:
        name: the catalog's name of the data set, e.g. ``mitbih``.
        signals: (beats, samples) float32, each beat scaled to [0, 1], zeros after its end.
        labels: (beats,) uint8, an index into `class_names`.
        class_names: the classes in the order of the labels.
        sampling_hz: samples per second of `signals`.
        fingerprint: identifies the data, whatever the order of its beats; a selection keeps the
            fingerprint of the whole set that it was taken from.
        official_test: (beats,) bool, the test set that the publishers fixed.
        records: (beats,) str, the recording of each beat.
        patients: (beats,) str, the person of each beat; two recordings may share one.
        times_s: (beats,) float64, the time of each R peak from the start of its recording.
        symbols: (beats,) str, the annotators' symbol of each beat.
        folds: (beats,) uint8, the fold that the publishers put each beat in.
    """

    name: str
    signals: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    sampling_hz: float
    fingerprint: str = ""
    official_test: np.ndarray | None = None
    records: np.ndarray | None = None
    patients: np.ndarray | None = None
    times_s: np.ndarray | None = None
    symbols: np.ndarray | None = None
    folds: np.ndarray | None = None

    def __post_init__(self) -> None:
        beats, _samples = self.signals.shape
        for field in ARRAY_FIELDS:
            array = getattr(self, field)
            if array is not None and len(array) != beats:
                raise ValueError(f"{field} has {len(array)} entries for {beats} beats")

    def __len__(self) -> int:
        return len(self.signals)

    @property
    def is_synthetic(self) -> bool:
        return self.name == "synthetic"

    @property
    def keeps_time(self) -> bool:
        """False where each beat was stretched to the same length, so that seconds mean nothing."""
        return self.name not in STRETCHED

    def select(self, indices: np.ndarray) -> "BeatSet":
        """The beats at `indices` (positions or a mask), in that order, with all their arrays."""
        chosen = {
            field: array[indices]
            for field in ARRAY_FIELDS
            if (array := getattr(self, field)) is not None
        }
        return dataclasses.replace(self, **chosen)

    def class_counts(self) -> np.ndarray:
        """(classes,) int: the number of beats of each class."""
        return np.bincount(self.labels, minlength=len(self.class_names))

    def beat_lengths(self) -> np.ndarray:
        """(beats,) int: samples of each beat; see the function `beat_lengths`."""
        return beat_lengths(self.signals)


ARRAY_FIELDS = (
    "signals",
    "labels",
    "official_test",
    "records",
    "patients",
    "times_s",
    "symbols",
    "folds",
)


def beat_lengths(signals: np.ndarray) -> np.ndarray:
    """(beats,) int: samples of each beat up to its last one that is not 0; 0 for an empty beat.

    Padding is zeros, so a beat whose own last samples are its minimum reads a little short.

    Args:
        signals: (beats, samples), zeros after the end of each beat.
    """
    _beats, samples = signals.shape
    from_the_end = np.argmax(signals[:, ::-1] != 0, axis=1)
    return np.where(signals.any(axis=1), samples - from_the_end, 0)


def fingerprint(beats: BeatSet) -> str:
    """Sixteen hex digits that change with any sample, label, class name, rate, fold or test mark.

    The order of the beats does not matter: Kaggle's files hold MIT-BIH's beats in an order of
    their own, and are the same data.
    """
    test = np.zeros(len(beats), bool) if beats.official_test is None else beats.official_test
    marks = [beats.labels, test] + ([] if beats.folds is None else [beats.folds])
    tags = np.stack(marks, axis=1).astype(np.uint8)
    rows = np.ascontiguousarray(beats.signals, dtype="<f4")
    digests = sorted(
        hashlib.blake2b(row.tobytes() + tag.tobytes(), digest_size=16).digest()
        for row, tag in zip(rows, tags, strict=True)
    )
    whole = hashlib.blake2b(b"".join(digests), digest_size=8)
    whole.update(repr((beats.class_names, float(beats.sampling_hz))).encode())
    return whole.hexdigest()
