"""Training beats, shuffled, augmented and served in batches."""

import keras
import numpy as np

from heartbeats.augment import add_noise, bend_amplitude, stretch
from models.inference import model_input
from training.settings import TrainingSettings


class Batches(keras.utils.PyDataset):
    """Whole batches in a new order each epoch; the few beats left over wait for the next order.

    A batch depends on the seed, the epoch and its index alone, so a run can be repeated.
    """

    def __init__(self, signals: np.ndarray, labels: np.ndarray, settings: TrainingSettings):
        """signals: (beats, samples) float32; labels: (beats,) int."""
        super().__init__()
        self.signals, self.labels, self.settings = signals, labels, settings
        self.batch_size = min(settings.batch_size, len(signals))
        self.epoch = 0
        self._shuffle()

    def __len__(self) -> int:
        return len(self.signals) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        beats = self._augment(self.signals[rows], rng)
        return model_input(beats), self.labels[rows].astype(np.int32)

    def go_on_after(self, epoch: int) -> None:
        """Let `fit` go on behind an epoch; it calls `on_epoch_end` before its first one too."""
        self.epoch = epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng([self.settings.seed, self.epoch])
        self.order = rng.permutation(len(self.signals))

    def _augment(self, beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        settings = self.settings
        if settings.augment_stretch:
            beats = stretch(beats, settings.augment_stretch, rng)
        if settings.augment_amplitude:
            beats = bend_amplitude(beats, settings.augment_amplitude, rng)
        if settings.augment_noise:
            beats = add_noise(beats, settings.augment_noise, rng)
        return beats
