"""One call of the agent: the sweep is checked, its trials are run, the outcome is printed."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import optuna

from sweeps import launch, space, storage, sweep_file
from sweeps.display import Display, Lines, Screen
from sweeps.programs import warm_call
from sweeps.runner import Options, Runner, fair_threads
from sweeps.storage import study_folder
from sweeps.study import SweepStudy
from sweeps.sweep_file import Sweep
from utils.errors import InputError
from utils.paths import shown

INTERRUPTED = 130


class StopRequests:
    """While entered, counts Ctrl-C and SIGTERM: one lets trials end in order, two kill them."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "StopRequests":
        self._before = {
            n: signal.signal(n, self._count_one) for n in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _count_one(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def run(args: argparse.Namespace) -> int:
    """Run a sweep's trials.

    Args:
        args: as `sweeps.agent` parses them.

    Returns:
        the exit status: 1 where the sweep had to be given up, 130 where a person stopped it.

    Raises:
        InputError: the sweep file, the storage or the program cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sweep = sweep_file.read(args.sweep)
    _check_end(sweep, args.count)
    display = open_display()
    for note in sweep.notes:
        display.say(f"note: {note}")
    with StopRequests() as stop:
        study = _open(sweep, args, display, stop)
        runner = Runner(study, study_folder(study.name), _options(args), display, stop)
        if not any(trial.values for trial in study.trials()):
            _check_program(runner)
        _print_plan(study, args, display)
        with display:
            status = runner.run(args.count)
    _print_outcome(study, args, display, stop)
    return INTERRUPTED if stop.count else status


def open_display() -> Display:
    """A live table on a terminal, else lines."""
    return Screen() if sys.stdout.isatty() else Lines()


def _open(
    sweep: Sweep, args: argparse.Namespace, display: Display, stop: StopRequests
) -> SweepStudy:
    return SweepStudy(
        sweep,
        args.study,
        args.storage,
        seed=args.seed,
        method=args.method,
        dead_after=args.dead_after or storage.DEAD_AFTER_SECONDS,
        notify=display.notify,
        give_up=lambda: stop.count > 0,
    )


def _options(args: argparse.Namespace) -> Options:
    threads = args.threads or fair_threads(args.workers)
    timeout = args.timeout * 60 if args.timeout else None
    return Options(args.workers, threads, args.warm, timeout, args.retry_failed)


def _check_end(sweep: Sweep, count: int | None) -> None:
    if sweep.method != "grid" and count is None and sweep.run_cap is None:
        raise InputError(
            f"{sweep.path}: a {sweep.method} sweep never ends by itself. Say how many trials it "
            "is to have: --count 50, or `run_cap: 50` in the file"
        )


def _check_program(runner: Runner) -> None:
    """Ask our own programs, before any trial, for faults of the sweep and facts for the study."""
    sweep = runner.study.sweep
    call = warm_call(tuple(launch.words(sweep, {}, Path("none"))))
    if call is None:
        return
    worker = runner.worker(0, call[0])  # it stays for the first trials
    metric = sweep.metric.name if sweep.metric else None
    worker.send({"check": space.examples(sweep.space), "metric": metric})
    while (answer := worker.answer(wait=1)) is None:
        pass
    faults = _sentences(answer, sweep, call[0])
    if faults or runner.options.warm == "off":
        worker.close()
    if faults:
        raise InputError("\n".join(faults))
    runner.study.keep_facts(answer["facts"])


def _sentences(answer: dict[str, Any], sweep: Sweep, module: str) -> list[str]:
    """A worker's faults with their lines in the sweep file."""
    if "faults" not in answer:
        reason = answer.get("reason", "its process ended")
        return [f"{sweep.where('command')}: {module} cannot be loaded: {reason}"]
    return [
        f"{sweep.where_parameter(name) if name else sweep.where('metric', 'name')}: {text}"
        for name, text in answer["faults"]
    ]


def _print_plan(study: SweepStudy, args: argparse.Namespace, display: Display) -> None:
    counts = study.counts(args.count)
    planned = f"trials: {counts.planned}" if counts.planned is not None else "trials without end"
    before = f", {counts.done} of them done before" if counts.done else ""
    display.say(
        f"study {study.name}: {planned}{before}, {args.workers} at a time; {study.method} search "
        f"over {', '.join(one.name for one in study.sweep.space.varying) or 'constants alone'}"
    )
    if args.retry_failed:
        display.say(f"{study.retry_failed()} failed trials are run again")


def _print_outcome(
    study: SweepStudy, args: argparse.Namespace, display: Display, stop: StopRequests
) -> None:
    counts, best = study.counts(args.count), study.best()
    display.say(
        f"trials: {counts.complete} finished, {counts.stopped} stopped early, "
        f"{counts.failed} failed"
    )
    if best:
        display.say(f"best: trial {best.number} with {best.value:.6g}")
    if stop.count:
        display.say("interrupted; the same command goes on")
    elif counts.failed:
        display.say("`--retry-failed` runs the failed ones again")
    if best:
        display.say(
            f"report: python -m sweeps.report {study.name}\n"
            f"is it luck? python -m sweeps.best {study.name}\n"
            f"with an account: wandb sync {shown(study_folder(study.name))}/wandb/offline-run-*"
        )
