"""Where things are read from and written to."""

import os
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """The folder of the user's downloads: `$ECG_DATA`, else `data/` in the project."""
    return Path(os.environ.get("ECG_DATA") or PROJECT_FOLDER / "data").expanduser()


def runs_folder() -> Path:
    """The folder of all that programs write: `$ECG_RUNS`, else `runs/` in the project."""
    return Path(os.environ.get("ECG_RUNS") or PROJECT_FOLDER / "runs").expanduser()


def shown(path: Path) -> str:
    """A path as a reader wants it: relative to the working folder where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
