"""What a trial's program is given: the command, the environment and the file of W&B's agent."""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sweeps.sweep_file import Sweep
from utils.files import write_whole
from utils.paths import PROJECT_FOLDER

ENVIRONMENT_MACRO = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
# Variables by which numerical libraries choose their number of threads.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
# TensorFlow leaves oneDNN off on processors without AVX-512, where too it halves the time of a
# training step.
FASTER = {"TF_ENABLE_ONEDNN_OPTS": "1"}


@dataclass(frozen=True)
class Launch:
    """How to start one trial.

    Attributes:
        command: the words.
        environment: all of it.
        wandb_folder: where W&B keeps the run, `wandb/offline-run-...` below it.
        run_id: W&B's.
        log: the file that gets the program's output.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    wandb_folder: Path
    run_id: str
    log: Path

    @property
    def added(self) -> dict[str, str]:
        """What differs from the environment of this process."""
        return {
            name: value
            for name, value in self.environment.items()
            if os.environ.get(name) != value
        }


def prepare(
    sweep: Sweep,
    folder: Path,
    sweep_id: str,
    run_id: str,
    number: int,
    values: Mapping[str, Any],
    group: str,
    threads: int,
    is_ours: bool = False,
) -> Launch:
    """Write the trial's parameter files and say how to start it.

    Args:
        sweep: the sweep file.
        folder: of the study; W&B's runs, logs and the trials' files lie below it.
        sweep_id, run_id: W&B's.
        number: the trial's.
        values: what the program gets, nested where the sweep file nests.
        group: W&B's group, so that runs are found together even where W&B knows no such sweep.
        threads: for the numerical libraries.
        is_ours: whether the program is one of this project.
    """
    folder, values = folder.resolve(), as_served(values)
    files = folder / "wandb" / f"sweep-{sweep_id}"
    parameters, as_json = files / f"config-{run_id}.yaml", files / f"config-{run_id}.json"
    content = {"wandb_version": 1} | {name: {"value": value} for name, value in values.items()}
    write_whole(parameters, lambda path: path.write_text(yaml.safe_dump(content)))
    if "${args_json_file}" in sweep.command:
        write_whole(as_json, lambda path: path.write_text(json.dumps(values)))
    trial_folder = folder / "trials" / f"{number:04d}"
    trial_folder.mkdir(parents=True, exist_ok=True)
    log = folder / "logs" / f"{number:04d}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: str(threads) for name in THREADS} | FASTER | os.environ
    environment |= {
        "WANDB_SWEEP_ID": sweep_id,
        "WANDB_RUN_ID": run_id,
        "WANDB_SWEEP_PARAM_PATH": str(parameters),
        "WANDB_DIR": str(folder),
        "SWEEP_TRIAL_DIR": str(trial_folder),
        "SWEEP_CANDIDATES_DIR": str(folder / "checkpoints"),
    }
    environment.setdefault("WANDB_RUN_GROUP", group)
    environment |= _as_wandbs_agent(sweep) | _python(is_ours)
    return Launch(tuple(words(sweep, values, as_json)), environment, folder, run_id, log)


def _as_wandbs_agent(sweep: Sweep) -> dict[str, str]:
    """The variables that are the same for all trials of a sweep."""
    # Else W&B writes an offline run's log calls to disk every 15 s: too late to stop it early.
    flush = os.environ.get("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL", "1")
    return {
        "WANDB_MODE": "offline",
        "WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL": flush,
        **{
            f"WANDB_{name.upper()}": str(sweep.content[name])
            for name in ("entity", "project")
            if name in sweep.content
        },
    }


def _python(is_ours: bool) -> dict[str, str]:
    """Which interpreter `python` is, and what it finds first.

    A program of somebody else's runs in the environment that is active, as under `wandb agent`,
    and in this one only where none is. One of ours runs in this one; called from another folder,
    it is to find our packages, not a `utils.py` of that folder.
    """
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if not is_ours and active and Path(active).resolve() != Path(sys.prefix).resolve():
        return {}
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    found = {"PATH": os.pathsep.join(path)}
    if is_ours and not Path.cwd().is_relative_to(PROJECT_FOLDER):
        ours = [str(PROJECT_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        found |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(ours)}
    return found


def words(sweep: Sweep, values: Mapping[str, Any], json_file: Path) -> list[str]:
    """The command with its macros filled in, as W&B's agent fills them."""
    lists = {
        "env": ["/usr/bin/env"] if os.name != "nt" else [],
        "interpreter": ["python"],
        "program": [sweep.program] if sweep.program else [],
        "args_json_file": [str(json_file)],
        **_arguments(values),
    }
    filled: list[str] = []
    for word in sweep.command:
        # An unset variable leaves its name, and an unknown macro nothing, as in W&B's agent.
        word = ENVIRONMENT_MACRO.sub(lambda m: os.environ.get(m[1], m[1]), word)
        if word.startswith("${") and word.endswith("}"):
            filled += lists.get(word[2:-1], [])
        else:
            filled.append(word)
    return filled


def as_served(value: Any) -> Any:
    """Parameters as W&B's server sends them: in the JSON that it keeps 3.0 has become 3."""
    if isinstance(value, Mapping):
        return {name: as_served(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_served(one) for one in value]
    return (
        int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e21
        else value
    )


def _arguments(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The forms in which a command may ask for the parameters."""
    without_booleans = [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, value in values.items()
        if value is not False
    ]
    return {
        "args": [f"--{name}={value}" for name, value in values.items()],
        "args_no_hyphens": [f"{name}={value}" for name, value in values.items()],
        "args_no_equals": [
            word for name, value in values.items() for word in (f"--{name}", str(value))
        ],
        "args_no_boolean_flags": without_booleans,
        "args_append_hydra": [f"+{name}={value}" for name, value in values.items()],
        "args_override_hydra": [f"++{name}={value}" for name, value in values.items()],
        "args_json": [json.dumps(dict(values))],
    }
