"""Which trainings differ in their seed alone, so that a spread over them means something."""

from collections.abc import Sequence
from itertools import combinations
from string import ascii_uppercase
from typing import Any

# Settings that say where a training took place, how it computed or which random numbers it drew.
NO_DIFFERENCE = {"data", "protocol", "seed", "split_seed", "tracking", "xla"}
# What else must be one: the beats that were trained on.
OF_TRAINING = ("data", "fingerprint", "protocol")
MOST_NAMED = 6


def variants(trainings: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """A name for each training, the same for those that differ in their seed alone.

    It is the architecture, with a letter where it was trained in several ways.

    Args:
        trainings: the architecture of each, and the facts of its checkpoint.

    >>> variants([("cnn", {"settings": {"width": 8}}), ("cnn", {"settings": {"width": 9}})])
    ['cnn A', 'cnn B']
    """
    ways = _ways(trainings)
    return [_name(architecture, facts, ways[architecture]) for architecture, facts in trainings]


def numbered(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come more than once.

    >>> numbered(["cnn", "rnn", "cnn"])
    ['cnn #1', 'rnn', 'cnn #2']
    """
    return [
        name if names.count(name) == 1 else f"{name} #{names[:place].count(name) + 1}"
        for place, name in enumerate(names)
    ]


def differences(trainings: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """A sentence for each architecture that was trained in several ways, on what differs."""
    sentences = []
    for architecture, ways in _ways(trainings).items():
        if len(ways) < 2:
            continue
        named = " and ".join(f"{architecture} {_letter(place)}" for place in range(len(ways)))
        keys = sorted({key for pair in combinations(ways, 2) for key in _differing(*pair)})
        told = [f"{key} {_values(key, ways)}" for key in keys[:MOST_NAMED]]
        more = [f"{len(keys) - MOST_NAMED} more"] if len(keys) > MOST_NAMED else []
        sentences.append(f"{named} were trained differently: {'; '.join([*told, *more])}.")
    return sentences


def _ways(trainings: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Architecture -> the facts of the first training of each way."""
    ways: dict[str, list[dict[str, Any]]] = {}
    for architecture, facts in trainings:
        known = ways.setdefault(architecture, [])
        if all(_differing(facts, other) for other in known):
            known.append(facts)
    return ways


def _name(architecture: str, facts: dict[str, Any], ways: list[dict[str, Any]]) -> str:
    if len(ways) == 1:
        return architecture
    place = next(place for place, other in enumerate(ways) if not _differing(facts, other))
    return f"{architecture} {_letter(place)}"


def _differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """What two trainings differ in.

    A setting that one does not know came later, with a default that changed nothing.
    """
    first, second = _settings(one), _settings(other)
    return {key for key in first.keys() & second.keys() if first[key] != second[key]}


def _settings(facts: dict[str, Any]) -> dict[str, Any]:
    of_training = {key: facts[key] for key in OF_TRAINING if key in facts}
    own = facts.get("settings", {})
    return of_training | {key: value for key, value in own.items() if key not in NO_DIFFERENCE}


def _values(key: str, ways: list[dict[str, Any]]) -> str:
    return ", ".join(str(_settings(one).get(key, "unknown")) for one in ways)


def _letter(place: int) -> str:
    return ascii_uppercase[place] if place < len(ascii_uppercase) else str(place + 1)
