"""What the JSON of a checkpoint says, typed: the one place that knows its keys.

The file is flat; a field here is a key there, and the three that have another name in the file
say so. Files of older programs lack some keys, those of newer ones have more: the first are
unknown here, the second survive reading and writing. Nothing here needs Keras.
"""

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

from heartbeats.validation import Validation
from utils.errors import InputError

UNKNOWN = "unknown"  # a text that the file does not say; numbers are None or NaN
# What a file without these is: not a checkpoint's.
REQUIRED = ("architecture", "weights_file", "weights_digest", "score")


@dataclass(frozen=True)
class BeatFormat:
    """The beats that a network reads, and the classes that it tells apart.

    Attributes:
        class_names: names in the order of the labels.
        sampling_hz: samples per second of the beats.
        samples: length of a beat.
    """

    class_names: tuple[str, ...]
    sampling_hz: float
    samples: int


def _named(key: str, default: Any) -> Any:
    """A field whose key in the file is an older name."""
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"key": key})
    return field(default=default, metadata={"key": key})


@dataclass(frozen=True, kw_only=True)
class CheckpointFacts:
    """How a network was trained, on what, and how well it validated.

    Attributes:
        architecture: e.g. ``cnn``.
        data, fingerprint, protocol: the data set, which version of it, and how it was split.
        class_names, sampling_hz, samples: see `BeatFormat`.
        scaling: how each beat was scaled, in words.
        monitor, score, epoch: the score that chose the weights, its value, and when it was so.
        seed, split_seed: of the training, and of the draw of its validation beats.
        validation: which beats gave the score, as `Validation.to_json` has it; see `chosen_on`.
        training_beats, validation_beats, parameters: counts.
        backend, versions, commit: what computed; no commit outside of git.
        settings: all settings of the training program, by name.
        created: when the weights were kept, ISO 8601.
        promoted: from where, when and why it was put into use; see `training.promotion`.
        weights_file, weights_digest: the file beside the JSON, and its SHA-256.
        calibration, calibration_file, calibration_digest: figures of the fit, the file beside the
            JSON, and its SHA-256. The file's keys are ``reference``, ``reference_file`` and
            ``reference_digest``.
        as_read: the JSON that this was read from, with the keys that are not known here.
    """

    architecture: str
    data: str = UNKNOWN
    fingerprint: str = UNKNOWN
    protocol: str = UNKNOWN
    class_names: tuple[str, ...] = ()
    sampling_hz: float | None = None
    samples: int | None = None
    scaling: str = UNKNOWN
    monitor: str = UNKNOWN
    seed: int | None = None
    split_seed: int | None = None
    validation: Mapping[str, Any] = field(default_factory=dict)
    training_beats: int | None = None
    validation_beats: int | None = None
    parameters: int | None = None
    backend: str = UNKNOWN
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    score: float = float("nan")
    epoch: int | None = None
    created: str = UNKNOWN
    promoted: Mapping[str, Any] = field(default_factory=dict)
    weights_file: str = UNKNOWN
    weights_digest: str = UNKNOWN
    calibration: Mapping[str, Any] = _named("reference", {})
    calibration_file: str = _named("reference_file", UNKNOWN)
    calibration_digest: str = _named("reference_digest", UNKNOWN)
    as_read: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The facts that a file holds.

        Raises:
            InputError: a value is of another kind than its key's.
        """
        hints = get_type_hints(cls)
        values = {
            one.name: _checked(_key(one), content[_key(one)], hints[one.name])
            for one in _stored(cls)
            if content.get(_key(one)) is not None
        }
        return cls(**values, as_read=content)

    def to_json(self) -> dict[str, Any]:
        """The content of the file: what was read, with what is known here in its place."""
        known = {
            _key(one): _plain(getattr(self, one.name))
            for one in _stored(type(self))
            if self.says(one.name)
        }
        return {**self.as_read, **known}

    def says(self, name: str) -> bool:
        """Whether the fact of this name is known."""
        value = getattr(self, name)
        return not (value is None or value in (UNKNOWN, (), {}) or value != value)

    def differences(self, **expected: Any) -> list[tuple[str, Any, Any]]:
        """Of each fact that is not as expected: its name, its value here, and the expected one."""
        return [
            (name, _plain(getattr(self, name)), _plain(value))
            for name, value in expected.items()
            if getattr(self, name) != value
        ]

    @property
    def chosen_on(self) -> Validation:
        """The beats that the score is of.

        Files of older programs say how they were drawn, not which they are. All seeds drew the
        same patients then: see `heartbeats.splits`.
        """
        if self.says("validation"):
            return Validation.from_json(self.validation)
        by_patient = self.protocol == "patients"
        return Validation(
            fingerprint=self.fingerprint,
            protocol=self.protocol,
            unit="patients" if by_patient else "beats",
            seed=0 if by_patient else self.split_seed or 0,
            share=None if by_patient else self.settings.get("validation_share"),
            beats=self.validation_beats,
        )

    @property
    def how_chosen(self) -> str:
        """What chose the weights, how good they are by it, and why they are in use, in words."""
        if self.score != self.score:
            return "its file does not say what chose it"
        when = "" if self.epoch is None else f" after epoch {self.epoch}"
        text = f"chosen by {self.monitor} {self.score:.4f}{when}, on {self.chosen_on.described}"
        if because := self.promoted.get("because"):
            text += f"; in use because {because}"
        return text

    @property
    def uncertain_below(self) -> float | None:
        """The threshold on the top probability; None without a calibration."""
        return self.calibration.get("certainty", {}).get("uncertain_below")


@dataclass(frozen=True, kw_only=True)
class AutoencoderFacts(CheckpointFacts):
    """The facts of an anomaly detector.

    Attributes:
        normal_class: the class that trained it.
        anomalies_watched: labelled anomalies that entered `val_auc`, and nothing else.
        val_auc, val_loss: of the kept weights.
        threshold: a beat with a larger score is an anomaly.
    """

    ARCHITECTURE: ClassVar[str] = "lstm_autoencoder"

    normal_class: str = UNKNOWN
    anomalies_watched: int | None = None
    val_auc: float = float("nan")
    val_loss: float = float("nan")
    threshold: float = float("nan")


def read(content: Any) -> CheckpointFacts:
    """The facts in a JSON's content, of the kind that its architecture has.

    Raises:
        InputError: it is not the content of a checkpoint's JSON; the message says why.
    """
    if not isinstance(content, dict):
        raise InputError(f"an object is expected, found {type(content).__name__}")
    missing = {key for key in REQUIRED if content.get(key) is None}
    if missing:
        raise InputError(f"it lacks {', '.join(sorted(missing))}")
    is_detector = content["architecture"] == AutoencoderFacts.ARCHITECTURE
    return (AutoencoderFacts if is_detector else CheckpointFacts).from_json(content)


def _stored(kind: type[CheckpointFacts]) -> list[dataclasses.Field]:
    """The fields that stand in the file."""
    return [one for one in dataclasses.fields(kind) if one.name != "as_read"]


def _key(one: dataclasses.Field) -> str:
    return one.metadata.get("key", one.name)


def _checked(key: str, value: Any, hint: Any) -> Any:
    """The value as its field takes it."""
    if isinstance(hint, types.UnionType):
        (hint,) = (one for one in get_args(hint) if one is not types.NoneType)
    kind = get_origin(hint) or hint
    if kind is tuple and isinstance(value, list):
        return tuple(value)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"its {key} is {value!r}, expected {kind.__name__.lower()}")
    return value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
