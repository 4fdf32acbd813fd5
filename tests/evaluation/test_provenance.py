"""What is said of scores that are not what they seem."""

import dataclasses
from pathlib import Path

import pytest

from evaluation.assessment import check_fits, doubts
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from tests.heartbeats.conftest import make_beats
from utils.errors import InputError

BEATS = dataclasses.replace(make_beats(), fingerprint="here")
FACTS = {
    "architecture": "cnn",
    "data": "invented",
    "fingerprint": "here",
    "protocol": "kaggle",
    "class_names": ["N", "S", "V", "F", "Q"],
    "sampling_hz": 120.0,
    "samples": 187,
}


def facts(**changes) -> CheckpointFacts:
    return CheckpointFacts.from_json(FACTS | changes)


def checkpoint(**changes) -> Checkpoint:
    return Checkpoint(Path("cnn.json"), facts(**changes))


def test_a_checkpoint_of_this_data_and_protocol_raises_no_doubt():
    check_fits(checkpoint(), BEATS)
    assert doubts(facts(), BEATS, "kaggle") == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fingerprint": "there"}, "trained on other data"),
        ({"data": "synthetic"}, "on synthetic, and is tested on invented"),
        ({"protocol": "patients"}, "flatter"),
    ],
)
def test_each_mismatch_is_said(change, said):
    (sentence,) = doubts(facts(**change), BEATS, "kaggle")
    assert said in sentence


@pytest.mark.parametrize(
    "change",
    [{"class_names": ["N", "V"]}, {"sampling_hz": 360.0}, {"samples": 140}, {"samples": None}],
)
def test_what_does_not_fit_is_refused(change):
    with pytest.raises(InputError, match=f"its {next(iter(change))} is"):
        check_fits(checkpoint(**change), BEATS)
