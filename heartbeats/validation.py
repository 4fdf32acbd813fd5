"""Which beats chose a network: the identity of a validation set.

A score says something about another one only where both are of the same beats. What stores a score
(a trial, a W&B run, a checkpoint) stores a `Validation` with it, and what compares two scores asks
`differs_from` first.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

import numpy as np

from heartbeats.beat_set import BeatSet

Unit = Literal["beats", "patients"]
UNKNOWN = ""


@dataclass(frozen=True)
class Validation:
    """A validation set.

    Attributes:
        fingerprint: of the data set that it was drawn from.
        protocol: of the data set's split.
        unit: what was drawn, ``beats`` or whole ``patients``.
        seed: drew them.
        share: of the training beats; None by patient.
        beats: how many there are; None where a file does not say it.
        digest: of their positions in the data set; empty in what was stored before it was kept.
    """

    fingerprint: str
    protocol: str
    unit: Unit
    seed: int
    share: float | None
    beats: int | None
    digest: str = UNKNOWN

    @classmethod
    def of(
        cls, whole: BeatSet, protocol: str, seed: int, share: float, *positions: np.ndarray
    ) -> Self:
        """The identity of a validation set.

        Args:
            whole: the data set.
            protocol: how it is split.
            seed: drew the validation beats.
            share: of the training beats; it means nothing under protocol `patients`.
            positions: (beats,) int in the data set; several arrays where the beats have parts, for
                example the folds of a cross-validation.
        """
        by_patient = protocol == "patients"
        return cls(
            fingerprint=whole.fingerprint,
            protocol=protocol,
            unit="patients" if by_patient else "beats",
            seed=seed,
            share=None if by_patient else share,
            beats=sum(map(len, positions)),
            digest=digest_of(positions),
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `to_json` gave; keys of newer versions are passed over."""
        return cls(**{one.name: content[one.name] for one in fields(cls) if one.name in content})

    def to_json(self) -> dict[str, Any]:
        """Plain values by the names of the fields."""
        return asdict(self)

    def differs_from(self, other: Self) -> str:
        """In what the other set differs, as the end of a sentence; empty where it is the same."""
        if self.fingerprint != other.fingerprint:
            return f"other data (fingerprint {other.fingerprint} and not {self.fingerprint})"
        if self.protocol != other.protocol:
            return f"beats of protocol {other.protocol} and not {self.protocol}"
        if self.digest and other.digest:
            same = self.digest == other.digest
        else:  # what was stored before digests were says how they were drawn, as far as it knows
            pairs = zip(self._drawn(), other._drawn(), strict=True)
            same = all(None in pair or pair[0] == pair[1] for pair in pairs)
        return "" if same else f"another draw: {other.described} and not {self.described}"

    def _drawn(self) -> tuple:
        return self.unit, self.seed, self.share, self.beats

    @property
    def described(self) -> str:
        """The draw in words, e.g. ``8,756 beats, seed 0``."""
        count = "beats" if self.beats is None else f"{self.beats:,} beats"
        return (
            f"{count}{' of whole patients' if self.unit == 'patients' else ''}, seed {self.seed}"
        )


def digest_of(positions: Iterable[np.ndarray]) -> str:
    """Changes with any position, and with the part that it is in."""
    whole = hashlib.blake2b(digest_size=8)
    for part in positions:
        whole.update(np.asarray(part, "<i8").tobytes() + b"|")
    return whole.hexdigest()
