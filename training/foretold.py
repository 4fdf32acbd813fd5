"""How long trainings will take, from their settings alone."""

import functools
from collections.abc import Sequence

import numpy as np

from heartbeats import catalog, splits
from heartbeats.balance import shown_counts
from models import cost
from training.settings import TrainingSettings

# What a run spends beside its epochs: it loads the beats, builds and compiles.
START_SECONDS = 8.0


def seconds(all_settings: Sequence[TrainingSettings]) -> list[float]:
    """The seconds of each training at full length, on this process' cores as they are now.

    Args:
        all_settings: of classifiers.

    Raises:
        InputError: a data set or protocol is not there.
    """
    fast = _speed()
    return [START_SECONDS + _on_the_reference(one) / fast for one in all_settings]


def _on_the_reference(settings: TrainingSettings) -> float:
    counts, samples = _development(settings.data, settings.protocol)
    per_beat = cost.training_seconds(
        cost.forward(settings, samples, len(counts)), settings.batch_size
    )
    share = settings.validation_share
    shown = shown_counts(
        np.round(counts * (1 - share)).astype(int),
        settings.common_share,
        settings.rare_share if settings.rare_filling != "none" else 0.0,
    ).sum()
    if settings.train_limit:
        shown = min(shown, settings.train_limit)
    # Validation beats take the forward pass alone.
    beats = shown + share * counts.sum() / cost.TRAINING_OVER_FORWARD
    return per_beat * beats * settings.epochs * settings.draws


@functools.cache
def _development(data: str, protocol: str) -> tuple[np.ndarray, int]:
    """(classes,) training and validation beats of each class, and the samples of a beat."""
    beats = catalog.load(data)
    both = splits.development(beats, protocol or splits.allowed(beats)[0], seed=0)
    labels = np.asarray(beats.labels)[np.concatenate(both)]
    return np.bincount(labels, minlength=len(beats.class_names)), beats.signals.shape[1]


@functools.cache
def _speed() -> float:
    return cost.speed()
