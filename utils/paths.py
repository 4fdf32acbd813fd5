"""Where things are read from and written to."""

import os
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """The folder of the user's downloads: `$ECG_DATA`, else `data/`.

    Inside of the project that is the project's own. Elsewhere it is the working folder's; where
    that has none, the project's again, so that a notebook finds what was downloaded before.
    """
    if given := os.environ.get("ECG_DATA"):
        return Path(given).expanduser()
    here, ours = home_folder() / "data", PROJECT_FOLDER / "data"
    return ours if ours.is_dir() and not here.is_dir() else here


def runs_folder() -> Path:
    """The folder of all that programs write: `$ECG_RUNS`, else `runs/`.

    Inside of the project that is the project's own, elsewhere the working folder's.
    """
    return Path(os.environ.get("ECG_RUNS") or home_folder() / "runs").expanduser()


def home_folder() -> Path:
    """The project where the working folder is the project or lies in it, else that folder."""
    here = Path.cwd()
    return PROJECT_FOLDER if here.is_relative_to(PROJECT_FOLDER) else here


def command(word: str, module: str) -> str:
    """How one of our programs is called from here: by its module inside of the project only."""
    inside = Path.cwd().is_relative_to(PROJECT_FOLDER)
    return f"python -m {module}" if inside else f"beatsweep {word}"


def shown(path: Path) -> str:
    """A path as a reader wants it: relative to the working folder where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
