"""What a person sees of a running sweep: a live table on a terminal, else lines."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.space import Space
from sweeps.trials import Counts, Trial

SCREEN_SECONDS = 0.5
LINES_SECONDS = 60
ENDED = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "stopped early",
    TrialState.FAIL: "failed",
    TrialState.WAITING: "interrupted",
}


@dataclass(frozen=True)
class View:
    """The state of a study: counts, the best trial, and what runs here with its seconds."""

    counts: Counts
    best: FrozenTrial | None
    running: Sequence[tuple[Trial, float]]
    workers: int


class Display(Protocol):
    """Where a sweep's progress is shown."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *exception: object) -> None: ...
    def say(self, text: str) -> None:
        """Print a line."""

    def notify(self, text: str) -> None:
        """Show what the agent waits for; an empty text: it waits no more."""

    def began(self, trial: Trial, space: Space) -> None: ...
    def ended(self, trial: Trial, state: TrialState, value: float | None, reason: str) -> None: ...
    def is_due(self) -> bool: ...
    def show(self, view: View) -> None: ...


class Lines:
    """One line for each thing that happens, and a summary now and then."""

    def __init__(self) -> None:
        self._shown = time.monotonic()
        self._notice = ""

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def say(self, text: str) -> None:
        print(text, flush=True)

    def notify(self, text: str) -> None:
        if text != self._notice:
            self._notice = text
            if text:
                self.say(text)

    def began(self, trial: Trial, space: Space) -> None:
        again = f" (attempt {trial.attempts})" if trial.attempts > 1 else ""
        self.say(f"trial {trial.number} began{again}: {settings(trial.stored, space)}")

    def ended(self, trial: Trial, state: TrialState, value: float | None, reason: str) -> None:
        self.say(f"trial {trial.number} {outcome(state, value, reason)}")

    def is_due(self) -> bool:
        return time.monotonic() > self._shown + LINES_SECONDS

    def show(self, view: View) -> None:
        self._shown = time.monotonic()
        self.say(headline(view))


class Screen(Lines):
    """A live table below the lines that scroll by."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._space: Space | None = None
        self._began = time.monotonic()
        self._seconds: dict[int, float] = {}

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def notify(self, text: str) -> None:
        self._notice = text

    def began(self, trial: Trial, space: Space) -> None:
        self._space = space

    def is_due(self) -> bool:
        return time.monotonic() > self._shown + SCREEN_SECONDS

    def show(self, view: View) -> None:
        self._shown = time.monotonic()
        parts: list[Any] = [self._bar(view), Text(f"  {progress(view)}")]
        if view.best and self._space:
            best = f"  best {view.best.value:.5g} (trial {view.best.number}): "
            parts.append(Text.assemble(best, (settings(view.best.params, self._space), "dim")))
        if view.running:
            parts.append(self._table(view))
        if self._notice:
            parts.append(Text(self._notice, style="yellow"))
        self._live.update(Group(*parts), refresh=True)

    def _bar(self, view: View) -> Any:
        counts = view.counts
        if counts.planned is None:
            return Text(f"  {counts.done} trials done")
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=counts.planned, completed=counts.done, width=40)
        row.add_row("", bar, f"{counts.done} of {counts.planned} trials done")
        return row

    def _table(self, view: View) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, side in (
            ("trial", "right"),
            ("time", "right"),
            ("log calls", "right"),
            ("metric", "right"),
            ("settings", "left"),
        ):
            table.add_column(name, justify=side, no_wrap=name != "settings")  # type: ignore[arg-type]
        for trial, seconds in view.running:
            value = f"{trial.values[-1]:.5g}" if trial.values else "-"
            varied = settings(trial.stored, self._space) if self._space else ""
            table.add_row(
                str(trial.number),
                clock(seconds),
                str(len(trial.values)),
                value,
                Text(varied, "dim"),
            )
        return table


def headline(view: View) -> str:
    """The whole view in one line, for logs."""
    counts = view.counts
    of = f" of {counts.planned}" if counts.planned is not None else ""
    words = [f"{counts.done}{of} trials done", progress(view)]
    if view.best:
        words.append(f"best {view.best.value:.5g} (trial {view.best.number})")
    return "; ".join(words)


def progress(view: View) -> str:
    """How many trials are in each state, and how long the rest will take."""
    counts = view.counts
    words = [
        f"{counts.complete} finished",
        f"{counts.stopped} stopped early",
        f"{counts.failed} failed",
        f"{counts.running} running",
    ]
    left = time_left(view)
    return ", ".join(words) + (f"; about {clock(left)} left" if left is not None else "")


def time_left(view: View) -> float | None:
    """Seconds until the planned trials are done, at the pace of those that are."""
    counts = view.counts
    if counts.planned is None or not counts.seconds_per_trial:
        return None
    spent = sum(min(seconds, counts.seconds_per_trial) for _, seconds in view.running)
    left = (counts.planned - counts.done) * counts.seconds_per_trial - spent
    return max(left, 0) / max(view.workers, counts.running)


def outcome(state: TrialState, value: float | None, reason: str) -> str:
    """How a trial ended, in words."""
    number = f" with {value:.6g}" if value is not None else ""
    return f"{ENDED[state]}{number}" + (f": {reason}" if reason else "")


def settings(stored: Any, space: Space) -> str:
    """The parameters that vary, short."""
    return ", ".join(f"{one.name}={_short(stored[one.name])}" for one in space.varying)


def clock(seconds: float) -> str:
    """1:05 or 2:03:09."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
