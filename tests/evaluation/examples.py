"""Small assessments with known scores."""

from pathlib import Path

import numpy as np

from evaluation.assessment import Assessment
from models.facts import CheckpointFacts

CLASSES = ("N", "S", "V", "F", "Q")
# 10 beats: true and predicted classes; N: 5 of 6 right, S: 1 of 2, V: 2 of 2; F and Q have none.
TRUE = (0, 0, 0, 0, 0, 0, 1, 1, 2, 2)
PREDICTED = (0, 0, 0, 0, 0, 1, 1, 0, 2, 2)
RECORDS = ("a", "a", "a", "b", "b", "b", "a", "b", "a", "b")


def certain(predicted, classes: int = 5, probability: float = 0.9) -> np.ndarray:
    """Probabilities whose largest one is at the predicted class."""
    rest = (1 - probability) / (classes - 1)
    table = np.full((len(predicted), classes), rest, np.float32)
    table[np.arange(len(predicted)), list(predicted)] = probability
    return table


def make_assessment(
    architecture="cnn", predicted=PREDICTED, true=TRUE, records=RECORDS, **changes
):
    """An assessment of the ten beats above, or of others."""
    said = {
        "architecture": architecture,
        "score": 0.9,
        "monitor": "val_macro_f1",
        "seed": 0,
        "data": changes.get("data", "mitbih"),
        "protocol": "kaggle",
        "epoch": 3,
        "parameters": 1234,
        "settings": {"width": 8},
    } | changes.pop("facts", {})
    values = {
        "architecture": architecture,
        "checkpoint": Path(f"runs/checkpoints/{architecture}.json"),
        "facts": CheckpointFacts.from_json(said),
        "data": "mitbih",
        "fingerprint": "abc",
        "protocol": "kaggle",
        "class_names": CLASSES,
        "labels": np.array(true),
        "probabilities": certain(predicted),
        "records": None if records is None else np.array(records),
        "patients": None if records is None else np.array(records),
    }
    return Assessment(**values | changes)


def many(beats: int = 600, patients: int = 6, wrong: float = 0.1, seed: int = 0, **changes):
    """An assessment of many random beats, a share of them wrong."""
    rng = np.random.default_rng(seed)
    true = np.random.default_rng(99).integers(0, 5, beats)  # the same beats for every model
    predicted = np.where(rng.random(beats) < wrong, (true + 1) % 5, true)
    records = np.array([f"p{n}" for n in np.arange(beats) % patients])
    return make_assessment(predicted=predicted, true=true, records=records, **changes)
