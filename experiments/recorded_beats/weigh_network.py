"""How much the network should count beside timing and shape: scores on patients new to both.

python -m experiments.recorded_beats.weigh_network    # on validation patients of DS1

Trees are fitted without these patients, part by part. They selected the network's weights, though,
so that its scores flatter a little, and what this table favours is, if anything, too much of it.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.metrics import Scores, score
from experiments.recorded_beats import fit_evidence
from experiments.recorded_beats.fit_evidence import Labelled
from experiments.recorded_beats.record_beats import chosen_checkpoint
from heartbeats import catalog, mitdb, splits
from heartbeats.beat_set import AAMI_CLASSES
from models.checkpoints import Checkpoint
from recordings import beat_kinds, classify
from recordings.beat_kinds import Weights
from utils.errors import exit_plainly

# Record 201 of DS1 neither trains nor validates a network: it is the person of 202, of DS2.
BESIDE = "201"
WEIGHTS_V, WEIGHTS_S, FUSION = (0.0, 0.2, 0.5, 1.0, 1.5, 2.0), (0.0, 0.2), (0.0, 0.5, 1.0)


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Print one line for each choice of weights."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--checkpoint", type=Path, help="JSON file of a CNN (default: the best)")
    asked = parser.parse_args(argv)
    checkpoint = chosen_checkpoint(asked.checkpoint)
    names = patients(checkpoint)
    records = fit_evidence.read(mitdb.DS1)
    raw = fit_evidence.left_out(records, names)
    own = [one for one in records if one.record.name in names]
    networks = _networks(own, checkpoint)
    print(f"records {' '.join(names)}")
    fit_evidence.tell("the network alone", scores(own, networks))
    drawn = [fit_evidence.as_used(one, raw) for one in own]
    for weights in choices():
        pooled = [
            beat_kinds.combine(network, of_beats, weights)
            for network, of_beats in zip(networks, drawn, strict=True)
        ]
        fit_evidence.tell(
            f"V {weights.ventricular}, S {weights.supraventricular}, F {weights.fusion}",
            scores(own, pooled),
        )
    return 0


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


if __name__ == "__main__":
    raise SystemExit(main())
