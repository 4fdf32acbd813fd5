"""Scores of the network beside timing and shape, for each choice of how much it counts."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.metrics import Scores, score
from experiments.recorded_beats import evidence_trees
from experiments.recorded_beats.evidence_trees import Labelled
from experiments.recorded_beats.methods import chosen_checkpoint
from heartbeats import catalog, mitdb, splits
from heartbeats.beat_set import AAMI_CLASSES
from models.checkpoints import Checkpoint
from recordings import beat_kinds, classify
from recordings.beat_kinds import Weights

# Record 201 of DS1 neither trains nor validates a network: it is the person of 202, of DS2.
BESIDE = "201"
WEIGHTS_V, WEIGHTS_S, FUSION = (0.0, 0.2, 0.5, 1.0, 1.5, 2.0), (0.0, 0.2), (0.0, 0.5, 1.0)


def compare(checkpoint_file: Path | None) -> None:
    """Print one line for each choice of weights.

    Args:
        checkpoint_file: JSON file of a CNN, None for the best.

    Raises:
        InputError: the records or the network are not there.
    """
    checkpoint = chosen_checkpoint(checkpoint_file)
    names = patients(checkpoint)
    records = evidence_trees.read(mitdb.DS1)
    raw = evidence_trees.left_out(records, names)
    own = [one for one in records if one.record.name in names]
    networks = _networks(own, checkpoint)
    print(f"records {' '.join(names)}")
    evidence_trees.tell("the network alone", scores(own, networks))
    drawn = [evidence_trees.as_used(one, raw) for one in own]
    for weights in choices():
        pooled = [
            beat_kinds.combine(network, of_beats, weights)
            for network, of_beats in zip(networks, drawn, strict=True)
        ]
        evidence_trees.tell(
            f"V {weights.ventricular}, S {weights.supraventricular}, F {weights.fusion}",
            scores(own, pooled),
        )


def patients(checkpoint: Checkpoint) -> list[str]:
    """The records of DS1 that did not train the network."""
    beats = catalog.load("mitbih")
    assert beats.records is not None
    checkpoint.require("split_seed")
    _train, validation = splits.development(
        beats, "patients", seed=checkpoint.facts.split_seed or 0
    )
    return sorted({*np.unique(beats.records[validation]).tolist(), BESIDE})


def choices() -> list[Weights]:
    """All that are compared."""
    return [Weights(*one) for one in itertools.product(WEIGHTS_V, WEIGHTS_S, FUSION)]


def scores(records: Sequence[Labelled], probabilities: Sequence[np.ndarray]) -> Scores:
    """Of the most probable classes."""
    labels = np.concatenate([one.labels for one in records])
    predicted = np.concatenate(probabilities).argmax(axis=1)
    return score(labels[labels >= 0], predicted[labels >= 0], AAMI_CLASSES)


def _networks(records: Sequence[Labelled], checkpoint: Checkpoint) -> list[np.ndarray]:
    classifier = classify.load(checkpoint)
    return [
        classifier.probabilities(one.record.signal_mv, one.record.sampling_hz, one.record.found)
        for one in records
    ]
