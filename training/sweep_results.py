"""Reading the winner of a W&B sweep."""

from dataclasses import fields
from typing import Any

import wandb

from training import architectures
from training.settings import TrainingSettings
from utils.errors import InputError
from utils.settings import from_mapping


def winner(sweep: str) -> tuple[str, TrainingSettings]:
    """The architecture and the settings of the best run of the sweep ENTITY/PROJECT/ID.

    "Best" is by the sweep's own metric, whose last value is the run's best: see
    `training.program.Recorder`.

    Raises:
        InputError: W&B cannot be reached, knows no such sweep, or no run of it was trained here.
    """
    try:
        run = wandb.Api().sweep(sweep).best_run()
    except (wandb.Error, ValueError) as error:
        raise InputError(
            f"the sweep '{sweep}' could not be read from W&B: {error}. Expected "
            "ENTITY/PROJECT/ID as `wandb sweep` prints it, and a key (`wandb login`)"
        ) from error
    if run is None:
        raise InputError(f"the sweep '{sweep}' has no finished run yet")
    config = dict(run.config)
    name = config.get("architecture")
    if name is None:
        raise InputError(f"the best run of '{sweep}', {run.name}, was not trained by Beatsweep")
    kind = architectures.find(name).settings
    print(f"best run of {sweep}: {run.name}, {_score(run)}")
    return name, from_mapping(kind, _settings_alone(kind, config), f"run {run.name}")


def _settings_alone(kind: type[TrainingSettings], config: dict[str, Any]) -> dict[str, Any]:
    """The config without what the run described beside its settings."""
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in config.items() if name in known}


def _score(run: Any) -> str:
    scores = {name: run.summary.get(name) for name in ("best_val_macro_f1", "best_val_accuracy")}
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items() if value is not None)
