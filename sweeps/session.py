"""One call of the agent: the sweep is checked, its trials are run, the outcome is printed."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import optuna

from sweeps import results, space, storage, sweep_file
from sweeps.costs import Budget, Costs, Estimate, forecast
from sweeps.display import Display, Lines, Screen, clock
from sweeps.programs import WarmWorker, own_module
from sweeps.runner import Options, Runner, fair_threads, worker_environment
from sweeps.storage import study_folder
from sweeps.study import SweepStudy
from sweeps.sweep_file import Sweep
from utils.errors import InputError
from utils.paths import command, shown

INTERRUPTED = 130
# A sweep with a budget in hours tries no setting that takes more than one part in so many of it.
PARTS_OF_BUDGET = 8


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
        the exit status: 1 where the sweep had to be given up or no trial succeeded, 130 where a
        person stopped it.

    Raises:
        InputError: the sweep file, the storage or the program cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sweep = sweep_file.read(args.sweep)
    _check_end(sweep, args.count, args.hours)
    display = open_display()
    for note in sweep.notes:
        display.say(f"note: {note}")
    with StopRequests() as stop:
        study = _open(sweep, args, display, stop)
        _take_over(study, args.begin_with, display)
        until = time.monotonic() + args.hours * 3600 if args.hours else None
        runner = Runner(study, study_folder(study.name), _options(args, until), display, stop)
        if not any(trial.values for trial in study.trials()):
            _check_program(runner)
        with advisor(runner, display) as estimate:
            budget = _budget(study, args, estimate, until)
            _print_plan(study, args, display)
            _print_forecast(study, args, budget, display)
            with display:
                status = runner.run(args.count)
    _print_outcome(study, args, display, stop)
    if stop.count:
        return INTERRUPTED
    counts = study.counts(args.count)
    has_succeeded = counts.complete or counts.stopped
    return status or int(bool(counts.failed) and not has_succeeded)


def _take_over(study: SweepStudy, table: Path | None, display: Display) -> None:
    """Begin a new study with the trials of a table; one that has trials goes on with its own."""
    if table is None:
        return
    ended = results.read(table, study.sweep.space)
    if study.take_over(ended):
        display.say(f"{len(ended)} trials taken over from {shown(table)}")


@contextmanager
def advisor(runner: Runner, display: Display) -> Iterator[Estimate | None]:
    """What foretells the seconds of trials; None where the program makes no estimate.

    One of our own programs is asked, in a process that stays for later proposals. Where that ends,
    the sweep goes on without it.
    """
    module = own_module(runner.study.sweep)
    if module is None:
        yield None
        return
    log = runner.folder / "logs" / "costs.log"
    worker = WarmWorker(module, worker_environment(runner.options), log)

    def estimate(settings: Sequence[Mapping[str, Any]]) -> Sequence[float] | None:
        found = _asked(worker, {"costs": list(settings)}).get("costs")
        if found is None:
            display.say(
                f"note: {module} foretells its trials no more (see {shown(log)}); from now on "
                "what they take is learned from those that are done"
            )
        return found

    try:
        space = runner.study.sweep.space
        example = space.reals(space.draw(np.random.default_rng(0)))
        known = _asked(worker, {"costs": [example]}).get("costs") is not None
        yield estimate if known else None
    finally:
        worker.close()


def _asked(worker: WarmWorker, order: Mapping[str, Any]) -> dict[str, Any]:
    worker.send(order)
    while (answer := worker.answer(wait=1)) is None:
        pass
    return answer


def _budget(
    study: SweepStudy, args: argparse.Namespace, estimate: Estimate | None, until: float | None
) -> Budget:
    """The search's budget; without hours and a longest trial it changes nothing."""
    left_s = None if until is None else lambda: (until - time.monotonic()) * args.workers
    longest_s = args.longest * 60 if args.longest else None
    if longest_s is None and args.hours:
        longest_s = args.hours * 3600 / PARTS_OF_BUDGET
    budget = Budget(Costs(study.sweep.space, estimate), longest_s, left_s)
    budget.costs.learn(study.trials())
    if longest_s is not None:
        study.spend_by(budget)
    return budget


def _print_forecast(
    study: SweepStudy, args: argparse.Namespace, budget: Budget, display: Display
) -> None:
    if study.sweep.method == "grid":
        return
    stops_early = study.sweep.early_terminate is not None
    found = forecast(budget, stops_early, study.trials())
    if found is None:
        if budget.longest_s is not None:
            display.say("what a trial takes is learned from the first ones")
        return
    low, median, high = (clock(one) for one in (found.low_s, found.median_s, found.high_s))
    refused = (
        f"; {found.refused_share:.0%} of all settings would take more than "
        f"{clock(budget.longest_s)} and are not tried"
        if budget.longest_s is not None
        else ""
    )
    display.say(f"foretold: a trial at full length {median}, most {low} to {high}{refused}")
    mean = found.mean_s / args.workers
    counts = study.counts(args.count)
    left = None if counts.planned is None else counts.planned - counts.done
    if args.hours:
        possible = int(args.hours * 3600 / mean)
        display.say(
            f"{args.hours:g} hours suffice for about {possible:,} trials"
            + (f", {left:,} are wanted" if left is not None else "")
        )
    elif left:
        display.say(f"all {left:,} take about {clock(left * mean)}")


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


def _options(args: argparse.Namespace, until: float | None) -> Options:
    threads = args.threads or fair_threads(args.workers)
    timeout = args.timeout * 60 if args.timeout else None
    return Options(args.workers, threads, args.warm, timeout, args.retry_failed, until)


def _check_end(sweep: Sweep, count: int | None, hours: float | None) -> None:
    if sweep.method != "grid" and count is None and sweep.run_cap is None and hours is None:
        raise InputError(
            f"{sweep.path}: a {sweep.method} sweep never ends by itself. Say how many trials it "
            "is to have: --count 50, or `run_cap: 50` in the file; or how long it may take: "
            "--hours 3"
        )


def _check_program(runner: Runner) -> None:
    """Ask our own programs, before any trial, for faults of the sweep and facts for the study."""
    sweep = runner.study.sweep
    module = own_module(sweep)
    if module is None:
        return
    worker = runner.worker(0, module)  # it stays for the first trials
    metric = sweep.metric.name if sweep.metric else None
    answer = _asked(worker, {"check": space.examples(sweep.space), "metric": metric})
    faults = _sentences(answer, sweep, module)
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
    elif args.hours and counts.planned is not None and counts.done < counts.planned:
        display.say(f"{args.hours:g} hours are over; the same command goes on")
    elif counts.failed:
        display.say("`--retry-failed` runs the failed ones again")
    if best:
        display.say(
            f"report: {command('report', 'sweeps.report')} {study.name}\n"
            f"is it luck? {command('best', 'sweeps.best')} {study.name}\n"
            f"with an account: wandb sync {shown(study_folder(study.name))}/wandb/offline-run-*"
        )
