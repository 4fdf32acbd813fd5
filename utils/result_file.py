"""Results of a long computation on disk, so that an interrupted one goes on.

A result is kept in one file under an identity: what a computation must have in common with the one
that kept it, to go on from it. The file is replaced in one step. Killed at any moment, a program
leaves the old result or the new one, whole. Damage and other identities are found before anything
is used, and named in a sentence.

The file is a SHA-256 digest (32 bytes) of what follows: a NumPy archive whose member `facts` is a
JSON text with the identity in it. The other members are the result's arrays. Some earlier
versions kept two files: a JSON file with the facts, and an archive of the same stem with the
arrays. They are read as well.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from utils.files import write_whole
from utils.paths import shown

DIGEST_BYTES = hashlib.sha256().digest_size
FACTS, IDENTITY = "facts", "identity"
ABSENT = object()


class IncompatibleState(Exception):
    """Something was kept that this computation cannot go on from; the message says why."""


class Identity:
    """What two computations share, if one may go on from what the other kept.

    Attributes:
        values: by name; settings, digests of the data, versions. As JSON gives them back, so that
            they compare equal to those in a file.
    """

    def __init__(self, values: Mapping[str, Any]):
        """values: JSON values; NaN, which is unequal to itself, raises ValueError."""
        self.values: dict[str, Any] = json.loads(json.dumps(dict(values), allow_nan=False))

    def extended(self, **more: Any) -> "Identity":
        """The identity of a part, such as one of several trainings."""
        return Identity({**self.values, **more})

    @property
    def digest(self) -> str:
        """Eight hex digits that change with any value: for names of folders."""
        text = json.dumps(self.values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def check(self, kept: Any) -> None:
        """Raise IncompatibleState, with the names of the differences, unless `kept` is the same.

        Args:
            kept: the values of an identity that was read from a file.
        """
        if kept != self.values:
            names = _differences(kept, self.values) if isinstance(kept, dict) else []
            raise IncompatibleState(f"it is of other {', '.join(names) or 'settings'}")


def _differences(kept: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The names of values that differ or that one of the two lacks; of a dictionary, its own."""
    names = []
    for name in dict.fromkeys([*wanted, *kept]):
        old, new = kept.get(name, ABSENT), wanted.get(name, ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            names += _differences(old, new)
        elif old != new:
            names.append(name)
    return names


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Result:
    """What was kept: JSON values, and arrays by their names."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class ResultFile:
    """The file of one result."""

    def __init__(
        self,
        path: Path,
        identity: Identity,
        *,
        arrays: Sequence[str] = (),
        former: Path | None = None,
    ):
        """Name a file; nothing is read or written yet.

        Args:
            path: of the file.
            identity: of the result.
            arrays: names of those without which a result is of no use.
            former: the JSON file of earlier versions, read where there is none at `path`.
        """
        self.path, self.identity = path, identity
        self.arrays, self.former = arrays, former

    def write(self, result: Result) -> None:
        """Put `result` in the place of the one before; raises OSError where that cannot be."""
        content = _packed(result, self.identity)
        digest = hashlib.sha256(content).digest()
        write_whole(self.path, lambda path: path.write_bytes(digest + content))

    def read(self) -> Result | None:
        """The result kept; None where there is none.

        Raises:
            IncompatibleState: the file cannot be read, is damaged, or is of another identity.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            result = self._read_former()
        except OSError as error:
            raise IncompatibleState(f"it cannot be read ({error.strerror})") from error
        else:
            result = _unpacked(content)
        if result is not None:
            self.identity.check(result.facts.pop(IDENTITY, None))
            self._check_arrays(result)
        return result

    def read_or_report(self, otherwise: str) -> Result | None:
        """The result kept; where it cannot be used, None, and a line says why.

        Args:
            otherwise: what is done without it, such as ``fold 1 is trained again``.
        """
        try:
            return self.read()
        except IncompatibleState as problem:
            report_unused(self._present, problem, otherwise)
            return None

    def remove(self) -> None:
        """Forget the result, if there is one."""
        self.path.unlink(missing_ok=True)

    def _read_former(self) -> Result | None:
        """What an earlier version kept; some left the identity to another file."""
        if self.former is None:
            return None
        try:
            facts = _facts(self.former.read_bytes())
            content = self.former.with_suffix(".npz").read_bytes() if self.arrays else b""
        except FileNotFoundError as error:
            if self.former.exists():
                raise IncompatibleState("its arrays are missing") from error
            return None
        except OSError as error:
            raise IncompatibleState(f"it cannot be read ({error.strerror})") from error
        digest = hashlib.sha256(content).hexdigest()
        if facts.pop("arrays_digest", digest) != digest:
            raise IncompatibleState("its arrays are not the ones that it describes")
        identity = {IDENTITY: self.identity.values}
        return Result({**identity, **facts}, _arrays(content) if content else {})

    def _check_arrays(self, result: Result) -> None:
        missing = [name for name in self.arrays if name not in result.arrays]
        if missing:
            raise IncompatibleState(f"it has no {', '.join(missing)}")

    @property
    def _present(self) -> Path:
        return self.former if self.former and not self.path.exists() else self.path


def report_unused(path: Path, problem: Exception, otherwise: str) -> None:
    """Print why a kept file is not used, and what is done instead."""
    print(f"{shown(path)} is not used: {problem}; {otherwise}")


def _packed(result: Result, identity: Identity) -> bytes:
    if IDENTITY in result.facts or FACTS in result.arrays:
        raise ValueError(f"the names '{IDENTITY}' and '{FACTS}' are taken")
    facts = json.dumps({IDENTITY: identity.values, **result.facts})
    archive = io.BytesIO()
    arrays: dict[str, Any] = {FACTS: facts, **result.arrays}
    np.savez(archive, allow_pickle=False, **arrays)
    return archive.getvalue()


def _unpacked(content: bytes) -> Result:
    digest, archive = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(archive).digest() != digest:
        raise IncompatibleState("it is damaged")
    arrays = _arrays(archive)
    return Result(_facts(str(arrays.pop(FACTS, ""))), arrays)


def _arrays(archive: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as opened:
            return {name: opened[name] for name in opened.files}
    except Exception as error:  # of many kinds, by where an archive without a digest is damaged
        raise IncompatibleState("its arrays are damaged") from error


def _facts(text: str | bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise IncompatibleState("it is damaged") from error
