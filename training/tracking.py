"""Everything that talks to W&B: the tracker of a run, and the winner of a sweep.

A tracker is W&B online, W&B offline, or silent: one object with log, summarise and finish.
"""

import functools
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import wandb
from PIL import Image

from training import architectures
from training.settings import TrainingSettings
from utils.errors import InputError
from utils.paths import runs_folder, shown
from utils.settings import from_mapping

PROJECT = "beatsweep"
# By default wandb waits 90 s for a server that does not answer, and for ever at the run's end.
# `wandb agent` kills a trial 30 s after it asked it to stop, so the end may not take longer.
INIT_SECONDS = 30
FINISH_SECONDS = 20


class Tracker(Protocol):
    """Where a run's numbers go."""

    @property
    def place(self) -> str: ...
    def swept(self) -> dict[str, Any]: ...
    def describe(self, facts: Mapping[str, Any]) -> None: ...
    def log(self, metrics: Mapping[str, float]) -> None: ...
    def summarise(self, values: Mapping[str, Any]) -> None: ...
    def confusion(
        self, labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...], title: str
    ) -> None: ...
    def save_model(self, files: list[Path], name: str) -> None: ...
    def finish(self, failed: bool = False) -> None: ...


class SilentTracker:
    """Keeps nothing: for tests, and for those who want no W&B at all."""

    place = "nowhere (tracking is silent)"

    def swept(self) -> dict[str, Any]:
        return {}

    def describe(self, facts: Mapping[str, Any]) -> None:
        pass

    def log(self, metrics: Mapping[str, float]) -> None:
        pass

    def summarise(self, values: Mapping[str, Any]) -> None:
        pass

    def confusion(
        self, labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...], title: str
    ) -> None:
        pass

    def save_model(self, files: list[Path], name: str) -> None:
        pass

    def finish(self, failed: bool = False) -> None:
        pass


class WandbTracker:
    """A W&B run, online or offline."""

    def __init__(self, run: wandb.Run):
        self.run = run

    @property
    def place(self) -> str:
        """Where to look: the run's page, or its folder and how to send it."""
        if self.run.offline:
            folder = shown(Path(self.run.dir).parent)
            return f"offline; later, with an account: wandb sync {folder}"
        return str(self.run.url)

    def swept(self) -> dict[str, Any]:
        """The settings that the sweep chose for this run; empty outside sweeps."""
        if not self.run.sweep_id:
            return {}
        return {name: value for name, value in dict(self.run.config).items() if name[0] != "_"}

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Add what is known now to the run's config; what the sweep chose stays locked."""
        self.run.config.update(dict(facts), allow_val_change=True)

    def log(self, metrics: Mapping[str, float]) -> None:
        """One epoch's metrics, in one call: W&B's hyperband counts calls."""
        self.run.log(dict(metrics))

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Final scalars, by which the dashboard and `best_run` sort."""
        self.run.summary.update(dict(values))

    def confusion(
        self, labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...], title: str
    ) -> None:
        """W&B's own interactive confusion matrix, and the picture that reports show.

        Trials of a sweep go without the picture: it costs them more than all else that is logged.
        """
        plot = wandb.plot.confusion_matrix(
            y_true=labels.tolist(), preds=predicted.tolist(), class_names=list(class_names)
        )
        picture = self._picture(labels, predicted, class_names, title)
        self.run.log({"confusion_matrix": plot, **picture})

    def _picture(
        self, labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...], title: str
    ) -> dict[str, wandb.Image]:
        if self.run.sweep_id:
            return {}
        # Imported late: a trial should not wait for matplotlib.
        from evaluation.plots import confusion_figure

        picture = io.BytesIO()
        confusion_figure(labels, predicted, class_names, title).savefig(picture, format="png")
        return {"confusion_image": wandb.Image(Image.open(picture))}

    def save_model(self, files: list[Path], name: str) -> None:
        """The checkpoint's files as one model artifact with the alias `best`."""
        artifact = wandb.Artifact(name, type="model")
        for file in files:
            artifact.add_file(str(file))
        try:
            self.run.log_artifact(artifact, aliases=["best"])
        except wandb.Error as error:
            print(f"note: the checkpoint was not sent to W&B ({error}); it is at {files[0]}")

    def finish(self, failed: bool = False) -> None:
        """Send what is left. A server that went away leaves the run on disk for `wandb sync`."""
        self.run.finish(exit_code=1 if failed else 0)


def open_tracker(
    mode: str,
    *,
    job: str,
    group: str | None,
    config: Mapping[str, Any],
    on_stop: Callable[[], None] | None = None,
) -> WandbTracker | SilentTracker:
    """A tracker for one run.

    Args:
        mode: `auto` (online where W&B knows us, else offline; `WANDB_MODE` is obeyed), `online`,
            `offline` or `silent`.
        job: W&B's job type, e.g. ``train-cnn``.
        group: W&B's group, for runs that belong together.
        config: the run's settings; a sweep overrides them.
        on_stop: called from a thread of wandb's when the dashboard or a sweep stops the run.

    Raises:
        InputError: `online` was asked for and W&B refuses the key or does not answer. With `auto`
            the run goes on offline then, so that no training is lost.
    """
    asked = os.environ.get("WANDB_MODE", "") if mode == "auto" else mode
    if asked in ("silent", "disabled"):
        return SilentTracker()
    start = partial(_init, job=job, group=group, config=config, on_stop=on_stop)
    if asked in ("offline", "dryrun"):
        return WandbTracker(start("offline"))
    try:
        # Asks nobody and returns False where no key is configured: wandb.init would wait for one
        # to be typed.
        if wandb.login(prompt=False, verify=True):
            return WandbTracker(start("online"))
        problem = "no W&B key is configured (`wandb login` sets one)"
    except wandb.Error as error:
        problem = f"W&B does not answer or refuses the key: {error}"
    if asked == "online":
        raise InputError(f"tracking is 'online', but {problem}; --tracking=offline needs no key")
    _print_once(f"{problem}; the run is kept offline")
    return WandbTracker(start("offline"))


@functools.cache
def _print_once(text: str) -> None:
    """A study of a hundred runs need not say it a hundred times."""
    print(text)


def _init(
    mode: str,
    *,
    job: str,
    group: str | None,
    config: Mapping[str, Any],
    on_stop: Callable[[], None] | None,
) -> wandb.Run:
    folder = Path(os.environ.get("WANDB_DIR") or runs_folder())
    folder.mkdir(parents=True, exist_ok=True)
    # Artifacts of offline runs wait here for `wandb sync`; wandb's default is outside the project.
    os.environ.setdefault("WANDB_DATA_DIR", str(folder.resolve() / "wandb" / "staging"))
    settings = wandb.Settings(
        init_timeout=INIT_SECONDS, finish_timeout=FINISH_SECONDS, console="off", silent=True
    )
    if on_stop:
        settings.stop_fn = on_stop
    return wandb.init(
        project=os.environ.get("WANDB_PROJECT") or PROJECT,
        job_type=job,
        group=group,
        config=dict(config),
        dir=str(folder),
        mode=mode,  # type: ignore[arg-type]
        settings=settings,
    )


def sweep_winner(sweep: str) -> tuple[str, TrainingSettings]:
    """The architecture and the settings of the best run of the sweep ENTITY/PROJECT/ID.

    "Best" is by the sweep's own metric, whose last value is the run's best: see
    `training.recorder.Recorder`.

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
