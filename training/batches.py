"""Training beats, sampled, shuffled, augmented and served in batches."""

import numpy as np

from heartbeats.augment import (
    ARTEFACTS,
    add_artefacts,
    add_noise,
    bend_amplitude,
    drift_gain,
    shift,
    stretch,
    warp_time,
)
from heartbeats.balance import draw_rows, shown_counts
from heartbeats.beat_set import BeatSet
from heartbeats.mixture import ClassMixture, fit_all
from models.backend import keras
from models.predictor import Input, model_input
from training.settings import TrainingSettings


class Batches(keras.utils.PyDataset):
    """Whole batches in a new order each epoch; the few beats left over wait for the next order.

    A batch depends on the seed, the epoch and its index alone, so a run can be repeated.
    """

    def __init__(self, train: BeatSet, settings: TrainingSettings, model: keras.Model):
        """`model` is what the batches are for: some networks take features too."""
        super().__init__()
        self.train, self.settings, self.model = train, settings, model
        self.counts = train.class_counts()
        rare_share = settings.rare_share if settings.rare_filling != "none" else 0.0
        self.shown = shown_counts(self.counts, settings.common_share, rare_share)
        self.mixtures = _mixtures(train, self.shown > self.counts, settings)
        self.batch_size = min(settings.batch_size, int(self.shown.sum()))
        self.epoch = 0
        self._shuffle()

    def __len__(self) -> int:
        return int(self.shown.sum()) // self.batch_size

    def __getitem__(self, index: int) -> tuple[Input, np.ndarray]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        beats, labels = self._augment(self._signals(rows), rng), self.labels[rows].astype(np.int32)
        if self.settings.augment_mixup:
            shares = np.eye(len(self.counts), dtype=np.float32)[labels]
            beats, labels = mix_pairs(beats, shares, self.settings.augment_mixup, rng)
        return model_input(self.model, beats, self.train.sampling_hz), labels

    def go_on_after(self, epoch: int) -> None:
        """Let `fit` go on behind an epoch; it calls `on_epoch_end` before its first one too."""
        self.epoch = epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        """Draw the epoch's rows; those behind the training beats are in `drawn`."""
        rng = np.random.default_rng([self.settings.seed, self.epoch])
        self.labels, self.drawn = np.asarray(self.train.labels), np.empty((0, 0), np.float32)
        if (self.shown == self.counts).all():
            self.order = rng.permutation(len(self.labels))
            return
        given = np.minimum(self.shown, self.counts) if self.mixtures else self.shown
        rows = draw_rows(self.labels, given, rng)
        if self.mixtures:
            rows = np.concatenate([rows, self._draw_new(rng)])
        self.order = rng.permutation(rows)

    def _draw_new(self, rng: np.random.Generator) -> np.ndarray:
        """Rows of new beats, for the classes that are shown more often than they have beats."""
        missing = {label: self.shown[label] - self.counts[label] for label in self.mixtures}
        beats = [self.mixtures[label].draw(count, rng) for label, count in missing.items()]
        self.drawn = np.concatenate(beats)
        first, new = len(self.labels), np.repeat(list(missing), list(missing.values()))
        self.labels = np.concatenate([self.labels, new])
        return first + np.arange(len(new))

    def _signals(self, rows: np.ndarray) -> np.ndarray:
        beats = len(self.train)
        signals = np.array(self.train.signals[np.minimum(rows, beats - 1)])
        if len(self.drawn):
            is_drawn = rows >= beats
            signals[is_drawn] = self.drawn[rows[is_drawn] - beats]
        return signals

    def _augment(self, beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        settings = self.settings
        if settings.augment_stretch:
            beats = stretch(beats, settings.augment_stretch, rng)
        if settings.augment_warp:
            beats = warp_time(beats, settings.augment_warp, rng)
        if settings.augment_shift:
            beats = shift(beats, settings.augment_shift, rng)
        if settings.augment_amplitude:
            beats = bend_amplitude(beats, settings.augment_amplitude, rng)
        if settings.augment_drift:
            beats = drift_gain(beats, settings.augment_drift, rng)
        if settings.augment_artefacts != "none":
            kind = settings.augment_artefacts
            kinds = tuple(ARTEFACTS) if kind == "all" else (kind,)
            hz = self.train.sampling_hz
            beats = add_artefacts(beats, kinds, settings.augment_snr_db, hz, rng)
        if settings.augment_noise:
            beats = add_noise(beats, settings.augment_noise, rng)
        return beats


def mix_pairs(
    beats: np.ndarray, shares: np.ndarray, alpha: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Blend each beat, and its label likewise, with another of the batch: Zhang et al. 2018.

    Args:
        beats: (beats, samples) float32.
        shares: (beats, classes) float32, how much of each class a beat is; rows sum to one.
        alpha: of the Beta distribution that draws the weights; near 0 most stay as they are.
        rng: draws weights and partners.

    Returns:
        beats and shares, as they came in form.
    """
    weight = rng.beta(alpha, alpha, (len(beats), 1)).astype(np.float32)
    partner = rng.permutation(len(beats))
    return (
        weight * beats + (1 - weight) * beats[partner],
        weight * shares + (1 - weight) * shares[partner],
    )


def _mixtures(
    train: BeatSet, lacking: np.ndarray, settings: TrainingSettings
) -> dict[int, ClassMixture]:
    """Label -> mixture, for the classes that are to be shown more often than they have beats."""
    if settings.rare_filling != "mixture" or not lacking.any():
        return {}
    return fit_all(
        train.signals,
        np.asarray(train.labels),
        train.class_names,
        [name for name, lacks in zip(train.class_names, lacking, strict=True) if lacks],
        sampling_hz=train.sampling_hz,
        seed=settings.seed,
    )
