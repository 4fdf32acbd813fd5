"""What a checkpoint's JSON says: read and written without loss, and told where it is wrong."""

import dataclasses
import json

import pytest

from models import checkpoints, facts
from models.facts import UNKNOWN, AutoencoderFacts, CheckpointFacts
from utils.errors import InputError
from utils.files import write_json

SHIPPED = sorted(checkpoints.PRETRAINED_FOLDER.glob("*/*.json"))
LEAST = {"architecture": "cnn", "weights_file": "w", "weights_digest": "d", "score": 0.5}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_file_is_written_as_it_was_read(path, tmp_path):
    said = checkpoints.read(path).facts
    write_json(tmp_path / "same.json", said.to_json())
    assert (tmp_path / "same.json").read_bytes() == path.read_bytes()
    # Nothing of it is unknown here, so all of it could be written without the file.
    anew = dataclasses.replace(said, as_read={}).to_json()
    assert anew == json.loads(path.read_text())


def test_a_change_leaves_the_rest_as_it_was():
    content = {"note": "of a newer program", **LEAST, "commit": None, "class_names": ["N", "V"]}
    changed = dataclasses.replace(facts.read(content), score=0.7, calibration={"beats": 2})
    expected = {**content, "score": 0.7, "reference": {"beats": 2}}
    assert json.dumps(changed.to_json()) == json.dumps(expected)


def test_what_an_older_file_does_not_say_is_unknown():
    said = facts.read(LEAST)
    assert (said.data, said.samples, said.settings) == (UNKNOWN, None, {})
    assert said.says("score") and not said.says("samples") and not said.says("monitor")
    assert said.uncertain_below is None and said.to_json() == LEAST


def test_an_autoencoder_has_facts_of_its_own():
    said = facts.read(LEAST | {"architecture": "lstm_autoencoder", "threshold": 0.25})
    assert isinstance(said, AutoencoderFacts)
    assert said.threshold == 0.25 and not said.says("val_auc")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([1], "an object is expected, found list"),
        (LEAST | {"score": None}, "it lacks score"),
        (LEAST | {"samples": "187"}, "its samples is '187', expected int"),
        (LEAST | {"class_names": "NSV"}, "its class_names is 'NSV', expected tuple"),
        (LEAST | {"settings": 3}, "its settings is 3, expected mapping"),
        (LEAST | {"seed": True}, "its seed is True, expected int"),
    ],
)
def test_what_is_no_checkpoints_content_is_told(content, fault):
    with pytest.raises(InputError, match=fault):
        facts.read(content)


def test_what_is_needed_and_unknown_is_told(tmp_path):
    (tmp_path / "cnn.json").write_text(json.dumps(LEAST | {"samples": 187}))
    checkpoint = checkpoints.read(tmp_path / "cnn.json")
    with pytest.raises(InputError, match="cnn.json does not say its class_names, sampling_hz"):
        _ = checkpoint.beat_format
    with pytest.raises(InputError, match="does not say its scaling"):
        checkpoint.require("samples", "scaling")


def test_differences_are_in_the_words_of_the_file():
    said = CheckpointFacts(architecture="cnn", class_names=("N", "V"), samples=187)
    found = said.differences(class_names=("N", "S"), samples=187, sampling_hz=120.0)
    assert found == [("class_names", ["N", "V"], ["N", "S"]), ("sampling_hz", None, 120.0)]


def test_the_facts_tell_what_chose_the_weights_and_why_they_are_in_use():
    facts = CheckpointFacts(
        architecture="cnn",
        monitor="val_macro_f1",
        score=0.9,
        epoch=7,
        validation={
            "fingerprint": "a",
            "protocol": "kaggle",
            "unit": "beats",
            "seed": 3,
            "share": 0.1,
            "beats": 1200,
            "digest": "1",
        },
    )
    chosen = "chosen by val_macro_f1 0.9000 after epoch 7, on 1,200 beats, seed 3"
    assert facts.how_chosen == chosen
    promoted = dataclasses.replace(facts, promoted={"because": "it is better"})
    assert promoted.how_chosen == f"{chosen}; in use because it is better"
    assert "does not say" in CheckpointFacts(architecture="cnn").how_chosen
