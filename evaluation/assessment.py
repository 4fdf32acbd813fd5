"""Assessment: what one checkpoint did on one test set, all that a report needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from string import ascii_uppercase

import numpy as np

from evaluation import metrics
from heartbeats.beat_set import BeatSet
from heartbeats.names import PROTOCOLS
from models.checkpoints import Checkpoint
from models.facts import CheckpointFacts
from utils.errors import InputError
from utils.paths import shown

# Settings that say where a training took place, how it computed or which random numbers it drew.
NO_DIFFERENCE = {
    "data",
    "protocol",
    "seed",
    "settings_chosen_on",
    "split_seed",
    "tracking",
    "xla",
}
# What else must be one: the beats that were trained on.
OF_TRAINING = ("data", "fingerprint", "protocol")
MOST_NAMED = 6


def variants(trainings: Sequence[CheckpointFacts]) -> list[str]:
    """A name for each training, the same for those that differ in their seed alone.

    It is the architecture, with a letter where it was trained in several ways.

    >>> narrow, wide = (
    ...     CheckpointFacts(architecture="cnn", settings={"width": width}) for width in (8, 9)
    ... )
    >>> variants([narrow, wide])
    ['cnn A', 'cnn B']
    """
    ways = _ways(trainings)
    return [_name(facts, ways[facts.architecture]) for facts in trainings]


def numbered(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come more than once.

    >>> numbered(["cnn", "rnn", "cnn"])
    ['cnn #1', 'rnn', 'cnn #2']
    """
    return [
        name if names.count(name) == 1 else f"{name} #{names[:place].count(name) + 1}"
        for place, name in enumerate(names)
    ]


def differences(trainings: Sequence[CheckpointFacts]) -> list[str]:
    """A sentence for each architecture that was trained in several ways, on what differs."""
    sentences = []
    for architecture, ways in _ways(trainings).items():
        if len(ways) < 2:
            continue
        named = " and ".join(f"{architecture} {_letter(place)}" for place in range(len(ways)))
        keys = sorted({key for pair in combinations(ways, 2) for key in _differing(*pair)})
        lines = [f"{key} {_values(key, ways)}" for key in keys[:MOST_NAMED]]
        more = [f"{len(keys) - MOST_NAMED} more"] if len(keys) > MOST_NAMED else []
        sentences.append(f"{named} were trained differently: {'; '.join([*lines, *more])}.")
    return sentences


def _ways(trainings: Sequence[CheckpointFacts]) -> dict[str, list[CheckpointFacts]]:
    """Architecture -> the facts of the first training of each way."""
    ways: dict[str, list[CheckpointFacts]] = {}
    for facts in trainings:
        known = ways.setdefault(facts.architecture, [])
        if all(_differing(facts, other) for other in known):
            known.append(facts)
    return ways


def _name(facts: CheckpointFacts, ways: list[CheckpointFacts]) -> str:
    if len(ways) == 1:
        return facts.architecture
    place = next(place for place, other in enumerate(ways) if not _differing(facts, other))
    return f"{facts.architecture} {_letter(place)}"


def _differing(one: CheckpointFacts, other: CheckpointFacts) -> set[str]:
    """What two trainings differ in.

    A setting that one does not know came later, with a default that changed nothing.
    """
    first, second = _settings(one), _settings(other)
    return {key for key in first.keys() & second.keys() if first[key] != second[key]}


def _settings(facts: CheckpointFacts) -> dict[str, object]:
    of_training = {name: getattr(facts, name) for name in OF_TRAINING if facts.says(name)}
    own = {key: value for key, value in facts.settings.items() if key not in NO_DIFFERENCE}
    return of_training | own


def _values(key: str, ways: list[CheckpointFacts]) -> str:
    return ", ".join(str(_settings(one).get(key, "unknown")) for one in ways)


def _letter(place: int) -> str:
    return ascii_uppercase[place] if place < len(ascii_uppercase) else str(place + 1)


TITLES = {
    "mitbih": "MIT-BIH",
    "ptb": "PTB Diagnostic",
    "ptbxl": "PTB-XL",
    "ecg5000": "ECG5000",
    "synthetic": "Synthetic beats",
}


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Assessment:
    """A checkpoint's predictions for the test beats of a data set.

    Attributes:
        architecture: e.g. ``cnn``.
        checkpoint: the checkpoint's JSON file.
        facts: what it says.
        data, fingerprint, protocol: the data set that was tested on, and how it was split.
        class_names: names in the order of the labels.
        labels: (beats,) int.
        probabilities: (beats, classes) float.
        records, patients, times_s: (beats,) where each beat is from; None where unknown.
        warnings: sentences that must stand beside every score of this assessment.
        is_baseline: whether it is no network of ours, but what one must beat.
    """

    architecture: str
    checkpoint: Path
    facts: CheckpointFacts
    data: str
    fingerprint: str
    protocol: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    records: np.ndarray | None = None
    patients: np.ndarray | None = None
    times_s: np.ndarray | None = None
    warnings: tuple[str, ...] = field(default=())
    is_baseline: bool = False

    def __post_init__(self) -> None:
        expected = (len(self.labels), len(self.class_names))
        if self.probabilities.shape != expected:
            raise ValueError(f"probabilities of shape {self.probabilities.shape} for {expected}")

    @property
    def monitor(self) -> str:
        """The validation score that chose the weights; macro-F1 where an old file does not say."""
        return self.facts.monitor if self.facts.says("monitor") else "val_macro_f1"

    @property
    def seed(self) -> int | None:
        return self.facts.seed

    @cached_property
    def predicted(self) -> np.ndarray:
        """(beats,) int: the class of the largest probability."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def scores(self) -> metrics.Scores:
        return metrics.score(self.labels, self.predicted, self.class_names)

    @property
    def is_synthetic(self) -> bool:
        return self.data == "synthetic"

    @property
    def test_title(self) -> str:
        """The test set in a line, e.g. ``MIT-BIH, protocol kaggle, 21,892 test beats``."""
        kind = "synthetic test beats" if self.is_synthetic else "test beats"
        name = TITLES.get(self.data, self.data)
        return f"{name}, protocol {self.protocol}, {len(self.labels):,} {kind}"

    @property
    def protocol_meaning(self) -> str:
        return PROTOCOLS.get(self.protocol, "")


def names(assessments: Sequence[Assessment]) -> list[str]:
    """A short name for each: its variant, with the seed or a number where that is not unique.

    >>> names([cnn_of_seed_0, cnn_of_seed_1, rnn_of_seed_0])  # doctest: +SKIP
    ['cnn seed 0', 'cnn seed 1', 'rnn']
    """
    plain = variants_of(assessments)
    seeded = [
        name if plain.count(name) == 1 else f"{name} seed {one.seed}"
        for name, one in zip(plain, assessments, strict=True)
    ]
    return numbered(seeded)


def variants_of(assessments: Sequence[Assessment]) -> list[str]:
    """A name for each, the same for those that differ in their seed alone."""
    return variants([one.facts for one in assessments])


def representatives(assessments: Sequence[Assessment]) -> list[Assessment]:
    """One for each variant, and one baseline: those with the best validation score.

    Test scores have no say.
    """
    chosen: dict[str, Assessment] = {}
    for name, one in zip(variants_of(assessments), assessments, strict=True):
        family = "baseline" if one.is_baseline else name
        standing = chosen.get(family)
        standing_score = standing.facts.score if standing else None
        if standing is None or metrics.better(one.monitor, one.facts.score, standing_score):
            chosen[family] = one
    return list(chosen.values())


def check_fits(checkpoint: Checkpoint, beats: BeatSet) -> None:
    """Raise InputError unless classes, sampling rate and length of the beats are the checkpoint's.

    Args:
        checkpoint: what would score them.
        beats: what is to be scored.
    """
    _beats, samples = beats.signals.shape
    wrong = checkpoint.facts.differences(
        class_names=tuple(beats.class_names), sampling_hz=beats.sampling_hz, samples=samples
    )
    for name, said, here in wrong:
        raise InputError(
            f"{shown(checkpoint.path)} does not fit {beats.name}: its {name} is {said}, that of "
            f"the data {here}; evaluate it on the data it was made for (--data)"
        )


def doubts(facts: CheckpointFacts, test: BeatSet, protocol: str) -> tuple[str, ...]:
    """Why the scores of a checkpoint on `test` may not be what they seem, a sentence each.

    Args:
        facts: what the checkpoint's JSON says.
        test: the test beats, as a selection of the whole data set.
        protocol: how they were held out.
    """
    data, fingerprint, trained_under = facts.data, facts.fingerprint, facts.protocol
    name = facts.architecture
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
    chosen_on = facts.settings.get("settings_chosen_on", "")
    if chosen_on.startswith(f"{data}-") and chosen_on != f"{data}-{protocol}":
        found.append(
            f"The settings of {name} were chosen on beats of {chosen_on}, which may be test beats "
            f"of protocol {protocol}: its scores may flatter a little."
        )
    return tuple(found)
