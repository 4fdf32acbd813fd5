"""The import table of CONTRIBUTING.md, kept true."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# room -> the rooms of ours that it may import
TABLE = {
    "experiments": {
        "recordings",
        "training",
        "models",
        "heartbeats",
        "evaluation",
        "ecg",
        "utils",
    },
    "studies": {"experiments"},
    "serving": {"recordings", "models", "heartbeats", "evaluation", "ecg", "utils"},
    "recordings": {"models", "heartbeats", "evaluation", "ecg", "utils"},
    "training": {"models", "heartbeats", "evaluation", "ecg", "utils"},
    "sweeps": {"utils"},
    # It scores checkpoints; `models` knows nothing of evaluation, so there is no circle.
    "evaluation": {"models", "heartbeats", "ecg", "utils"},
    "models": {"heartbeats", "utils"},
    "heartbeats": {"ecg", "utils"},
    "ecg": {"utils"},
    "utils": set(),
}
# library -> the rooms that may import it; a dot file is a top-level script
LIBRARIES = {
    "wandb": {"training", "main.py"},
    "wfdb": {"ecg", "heartbeats", "experiments"},
    "edfio": {"ecg"},
    "matplotlib": {
        "evaluation",
        "experiments",
        "recordings",
        "sweeps",
        "utils",
    },
    "keras": {"models", "training", "experiments", "recordings", "serving"},
    "fastapi": {"serving"},
    "starlette": {"serving"},
    "uvicorn": {"serving"},
    "optuna": {"sweeps"},
    "sqlalchemy": {"sweeps"},
    "psycopg": {"sweeps"},
}
# Modules that only keep a former name alive, with the room that the program lies in now.
ENTRIES = {
    "training/cross_validate.py": "experiments",
    "training/train_autoencoder.py": "experiments",
    "training/transfer.py": "experiments",
}
# Rooms that hold other rooms' experiments and checks may import anything.
FREE = {"tests", "benchmarks"}


def modules() -> list[Path]:
    files = [file for file in ROOT.glob("*.py")]
    for room in TABLE:
        files += (ROOT / room).rglob("*.py")
    return sorted(files)


def imported(file: Path) -> set[str]:
    """The top-level names that a file imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def violations(room: str, names: set[str], file: str) -> list[str]:
    found = []
    if room in TABLE:
        allowed = TABLE[room] | {room, ENTRIES.get(file, room)}
        for other in sorted((names & set(TABLE)) - allowed):
            found.append(f"{file}: {room} may not import {other}; move what both need down")
    for library, rooms in LIBRARIES.items():
        if library in names and room not in rooms:
            found.append(f"{file}: import {library} in {', '.join(sorted(rooms))} only")
    return found


@pytest.mark.slow
def test_imports_follow_the_table():
    found = []
    for file in modules():
        parts = file.relative_to(ROOT).parts
        found += violations(parts[0], imported(file), "/".join(parts))
    assert not found


def test_a_violation_is_found():
    assert violations("models", {"training", "numpy"}, "models/x.py")
    assert violations("heartbeats", {"wandb"}, "heartbeats/x.py")
    assert not violations("training", {"heartbeats", "keras"}, "training/x.py")


def test_every_room_is_in_the_table():
    rooms = {
        path.name
        for path in ROOT.iterdir()
        if (path / "__init__.py").is_file() and path.name not in FREE
    }
    assert rooms == set(TABLE)


def test_modules_stay_short():
    long = {
        str(file.relative_to(ROOT)): lines
        for file in modules()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert not long, "a module is one idea: split these by what they do"
