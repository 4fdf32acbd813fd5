"""What a result was made with: the commit, the code and the versions of the libraries."""

import functools
import hashlib
import importlib.metadata
import platform
import subprocess

from utils.paths import PROJECT_FOLDER

LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "jax", "numpy", "scikit-learn", "wandb")


def commit() -> str | None:
    """The project's git commit, with `+` behind it where files were changed; None outside git."""
    described = _git("rev-parse", "HEAD")
    if described is None:
        return None
    return described + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


@functools.cache
def code_digest(*folders: str) -> str:
    """A digest that changes with any file in some of the project's folders, and with no other.

    Args:
        folders: names of folders in the project.
    """
    whole = hashlib.sha256()
    for folder in folders:
        for file in sorted((PROJECT_FOLDER / folder).rglob("*")):
            name = file.relative_to(PROJECT_FOLDER)
            hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
            if file.is_file() and not hidden:
                content = hashlib.sha256(file.read_bytes()).digest()
                whole.update(name.as_posix().encode() + b"\0" + content)
    return whole.hexdigest()


def versions() -> dict[str, str]:
    """Python's version and that of each of LIBRARIES that is installed."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git(*words: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(PROJECT_FOLDER), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
