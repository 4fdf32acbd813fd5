"""Whether a checkpoint may be scored on some beats, and what its scores are then worth."""

from pathlib import Path
from typing import Any

from heartbeats.beat_set import BeatSet
from utils.errors import InputError
from utils.paths import shown


def check_fits(facts: dict[str, Any], path: Path, beats: BeatSet) -> None:
    """Raise InputError unless classes, sampling rate and length of the beats are the checkpoint's.

    Args:
        facts: what the checkpoint's JSON says.
        path: that file, for the message.
        beats: what is to be scored.
    """
    _beats, samples = beats.signals.shape
    here = {
        "class_names": list(beats.class_names),
        "sampling_hz": beats.sampling_hz,
        "samples": samples,
    }
    for key, value in here.items():
        if facts.get(key) != value:
            raise InputError(
                f"{shown(path)} does not fit {beats.name}: its {key} is {facts.get(key)}, that "
                f"of the data {value}; evaluate it on the data it was made for (--data)"
            )


def doubts(facts: dict[str, Any], test: BeatSet, protocol: str) -> tuple[str, ...]:
    """Why the scores of a checkpoint on `test` may not be what they seem, a sentence each.

    Args:
        facts: what the checkpoint's JSON says.
        test: the test beats, as a selection of the whole data set.
        protocol: how they were held out.
    """
    data, fingerprint, trained_under = (
        facts.get(key, "unknown") for key in ("data", "fingerprint", "protocol")
    )
    name = facts["architecture"]
    if data != test.name:
        return (f"{name} was trained on other data: on {data}, and is tested on {test.name}.",)
    found = []
    if fingerprint != test.fingerprint:
        found.append(
            f"{name} was trained on other data: the {data} that it saw has the fingerprint "
            f"{fingerprint}, the one here {test.fingerprint}. Test beats may have trained it."
        )
    if trained_under != protocol:
        found.append(
            f"{name} was trained under protocol {trained_under}, so it has very likely learned "
            f"from test beats of protocol {protocol}: its scores flatter."
        )
    return tuple(found)
