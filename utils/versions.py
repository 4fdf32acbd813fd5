"""What a result was made with: the commit and the versions of the libraries."""

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
