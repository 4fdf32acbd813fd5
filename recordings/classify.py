"""Which kind of beat each one is: cut as the training beats were, by a trained network."""

from dataclasses import dataclass

import numpy as np

from heartbeats import mitdb
from heartbeats.beat_set import AAMI_CLASSES
from heartbeats.cutting import BEAT_HZ, BEAT_SAMPLES, cut_at_peaks
from models import checkpoints
from models.checkpoints import Checkpoint
from models.predictor import Classifier
from utils.errors import InputError
from utils.paths import shown

# Whose beats trained the networks; `kaggle` saw the most people, so it goes first.
DATA, PROTOCOLS = "mitbih", ("kaggle", "patients")


@dataclass(frozen=True)
class RecordingClassifier:
    """Classifies the beats of recordings; loaded once for many of them."""

    predictor: Classifier

    @property
    def checkpoint(self) -> Checkpoint:
        return self.predictor.checkpoint

    def probabilities(
        self,
        signal_mv: np.ndarray,
        sampling_hz: float,
        r_peaks: np.ndarray,
        breaks: np.ndarray | None = None,
    ) -> np.ndarray:
        """(beats, 5) float64 probabilities of the AAMI classes N, S, V, F and Q.

        Args:
            signal_mv: (samples,) one lead, best lead II, which the training beats are of.
            sampling_hz: samples per second.
            r_peaks: (beats,) int, ascending sample indices.
            breaks: samples at which the recording stops being a recording.
        """
        if not len(r_peaks):
            return np.empty((0, len(AAMI_CLASSES)))
        cut = cut_at_peaks(signal_mv, sampling_hz, r_peaks, breaks)
        return np.asarray(self.predictor.probabilities(cut), float)


def load(checkpoint: Checkpoint) -> RecordingClassifier:
    """The classifier of a checkpoint.

    Raises:
        InputError: the checkpoint was made for other beats or classes.
    """
    wrong = checkpoint.facts.differences(
        class_names=AAMI_CLASSES, sampling_hz=BEAT_HZ, samples=BEAT_SAMPLES
    )
    for name, said, expected in wrong:
        raise InputError(
            f"{shown(checkpoint.path)} cannot classify the beats of a recording: its {name} is "
            f"{said}, expected {expected}; give one trained on mitbih"
        )
    return RecordingClassifier(Classifier(checkpoint))


def best_checkpoint() -> Checkpoint:
    """The best CNN trained here on MIT-BIH, or the pretrained one.

    Raises:
        InputError: there is none.
    """
    for protocol in PROTOCOLS:
        found = checkpoints.best(DATA, protocol, "cnn")
        if found:
            return found
    raise InputError("no CNN trained on mitbih was found; train one: python main.py --arch cnn")


def has_seen(checkpoint: Checkpoint, record: str) -> bool:
    """Whether beats of this MIT-BIH record trained the network, so that its classes flatter."""
    facts = checkpoint.facts
    if facts.data != DATA:
        return False
    return record in (mitdb.DS1 if facts.protocol == "patients" else mitdb.RECORDS)
