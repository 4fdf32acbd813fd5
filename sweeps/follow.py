"""Read what a running W&B program logs, from its offline run while it is written.

`wandb leet inspect --json --follow` is W&B's own reader of the files that an offline run leaves;
it prints one record a line. So every program that calls `run.log` can be watched, with no change
to it and no server.
"""

import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from sweeps import guard

LOOK_SECONDS = 0.1
# `--follow` looks for new records once a second; at the end the rest is read at once.
END_SECONDS = 30


# What `define_metric` may keep of a value: `acc.max` is the largest `acc` so far.
AGGREGATES: dict[str, Callable[[list[float]], float]] = {
    "max": max,
    "min": min,
    "mean": fmean,
    "last": lambda values: values[-1],
}


@dataclass
class Logged:
    """What a trial's program has logged so far, to one run or to several with the same id.

    Attributes:
        metric: the name of the value to watch, perhaps with an aggregate, e.g. ``acc.max``.
        maximize: whether larger is better, for ``acc.best``.
        values: its finite values, one per log call that held it.
        last: its last value, finite or not; None where it was never logged.
        names: all that was logged.
        summary: the scalars of the last run.
        runs: how many runs there were.
    """

    metric: str | None
    maximize: bool = False
    values: list[float] = field(default_factory=list)
    last: float | None = None
    names: set[str] = field(default_factory=set)
    summary: dict[str, Any] = field(default_factory=dict)
    runs: int = 0
    _parts: list[float] = field(default_factory=list, repr=False)

    def begin_run(self) -> None:
        """The records that come are another run's: its summary takes the place of the last's."""
        self.runs += 1
        self.summary = {}

    def take(self, record: dict[str, Any]) -> float | None:
        """Read one record; the metric's new finite value where it holds one."""
        kind = record.get("type")
        if kind == "summary":
            self.summary |= _scalars(record["summary"].get("update", {}))
        if kind != "history":
            return None
        item = dict(_flat(record["history"].get("item", {})))
        self.names |= {name for name in item if not name.startswith("_")}
        value = self._watched(item)
        if value is None:
            return None
        self.last = value
        if not math.isfinite(value):
            return None
        self.values.append(value)
        return value

    def _watched(self, item: dict[str, Any]) -> float | None:
        """The metric in a log call: as it was logged, or its aggregate so far."""
        if self.metric is None:
            return None
        if self.metric in item:
            return _number(item[self.metric])
        name, _, kind = self.metric.rpartition(".")
        kind = ("max" if self.maximize else "min") if kind == "best" else kind
        value = _number(item[name]) if name in item and kind in AGGREGATES else None
        if value is None or not math.isfinite(value):
            return value
        self._parts.append(value)
        return AGGREGATES[kind](self._parts)

    @property
    def result(self) -> float | None:
        """The metric that W&B would sort by: the summary's, else the last one logged."""
        in_summary = _number(self.summary.get(self.metric)) if self.metric else None
        return self.last if in_summary is None else in_summary


class Follower:
    """Follows the runs of one trial in a thread, from before they exist until they have ended.

    A program may call `wandb.init` several times, once for each fold, say: all its runs have the
    trial's id, each in a folder of its own.
    """

    def __init__(
        self,
        wandb_folder: Path,
        run_id: str,
        metric: str | None,
        on_value: Callable[[float], None],
        maximize: bool = False,
    ):
        """Begin to follow.

        Args:
            wandb_folder: the program's WANDB_DIR; older runs with this id must be out of the way.
            run_id: W&B's.
            metric: what to watch.
            on_value: called from the thread with each finite value of the metric.
            maximize: whether larger is better.
        """
        self.logged = Logged(metric, maximize)
        self._folder, self._run_id, self._on_value = wandb_folder, run_id, on_value
        self._ended = threading.Event()
        self._reader: subprocess.Popen | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def finish(self) -> Logged:
        """All that the trial logged, once its program has ended; read anew, from its start."""
        self._ended.set()
        if self._reader:
            _kill(self._reader)
        self._thread.join(END_SECONDS)
        delivered = len(self.logged.values)
        whole = Logged(self.logged.metric, self.logged.maximize)
        for folder in run_folders(self._folder, self._run_id):
            whole.begin_run()
            for record in _records(_read(folder)):
                whole.take(record)
        for value in whole.values[delivered:]:
            self._on_value(value)
        self.logged = whole
        return whole

    def _follow(self) -> None:
        seen: set[Path] = set()
        while not self._ended.is_set():
            new = [one for one in run_folders(self._folder, self._run_id) if one not in seen]
            if new:
                seen.add(new[0])
                self._follow_run(new[0])
            else:
                time.sleep(LOOK_SECONDS)

    def _follow_run(self, folder: Path) -> None:
        """Take all records of a run until it ends."""
        self._reader, lifeline = _reader(folder)
        self.logged.begin_run()
        with self._reader:
            if self._ended.is_set():
                _kill(self._reader)
            assert self._reader.stdout is not None
            for record in _records(self._reader.stdout):
                value = self.logged.take(record)
                if value is not None:
                    self._on_value(value)
        os.close(lifeline)


def run_folders(wandb_folder: Path, run_id: str) -> list[Path]:
    """The folders of a trial's offline runs that have begun to write, in their order."""
    files = (wandb_folder / "wandb").glob(f"*run-*-{run_id}/run-{run_id}.wandb")
    return sorted(file.parent for file in files)


def move_aside(wandb_folder: Path, run_id: str) -> None:
    """Move earlier, interrupted runs with this id out of `wandb sync`'s way."""
    for folder in (wandb_folder / "wandb").glob(f"*run-*-{run_id}"):
        target = wandb_folder / "interrupted" / folder.name
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)


def _reader(folder: Path) -> tuple[subprocess.Popen, int]:
    # Never idle out: an epoch may take an hour. Under a guard, as it would outlive a killed agent.
    command = [*_inspect(folder), "--follow", "--idle-timeout", "0", *_target(folder)]
    return guard.start(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )


def _kill(reader: subprocess.Popen) -> None:
    try:
        if reader.poll() is None:
            os.killpg(reader.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has ended at this moment


def _read(folder: Path) -> list[str]:
    done = subprocess.run(
        [*_inspect(folder), *_target(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=END_SECONDS,
    )
    return done.stdout.splitlines()


def _inspect(folder: Path) -> list[str]:
    """W&B's reader: its compiled part itself where it is found, which starts 20 times as fast."""
    core = _core()
    if core:
        return [str(core), "leet", "inspect", "--no-observability", "--json"]
    return [sys.executable, "-m", "wandb", "leet", "inspect", "--json"]


def _target(folder: Path) -> list[str]:
    file = next(folder.glob("run-*.wandb"))
    return ["--run-file", str(file), str(folder.parent)] if _core() else [str(file)]


def _core() -> Path | None:
    package = importlib.util.find_spec("wandb")
    for place in (package and package.submodule_search_locations) or ():
        if (file := Path(place) / "bin" / "wandb-core").is_file():
            return file
    return None


def _records(lines: Any) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue  # a reader that is killed leaves half a line


def _scalars(update: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in _flat(update)
        if not name.startswith("_") and isinstance(value, bool | int | float | str)
    }


def _flat(item: dict[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values; those of mappings with dots between them, as W&B's server has them."""
    for name, value in item.items():
        if isinstance(value, dict) and "_type" not in value:
            yield from _flat(value, f"{outer}{name}.")
        else:
            yield f"{outer}{name}", value


def _number(value: Any) -> float | None:
    """A logged number; JSON has no NaN, so W&B writes it as text."""
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
