"""Run a W&B sweep file with no account: searches, goes on where it was cut off, on many machines.

    python -m sweeps.agent sweeps/cnn_bayes.yaml --count 50 --workers 2
    python -m sweeps.agent sweeps/cnn_bayes.yaml --retry-failed
    python -m sweeps.agent sweeps/cnn_bayes.yaml --storage postgresql://user@host/name

Each trial is the very program that `wandb agent` would launch, with W&B offline. The same command
goes on after Ctrl-C, a kill or a restart, and may run on any number of machines at once.
"""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

import optuna

from sweeps import launch, space, storage, sweep_file
from sweeps.display import Display, Lines, Screen
from sweeps.programs import warm_call
from sweeps.runner import Options, Runner, fair_threads
from sweeps.storage import study_folder
from sweeps.study import SweepStudy
from sweeps.sweep_file import Sweep
from utils.errors import InputError, exit_plainly
from utils.paths import shown

INTERRUPTED = 130


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Read the sweep, check it, run its trials; 1 where it had to be given up."""
    asked = _parse(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sweep = sweep_file.read(asked.sweep)
    _check_end(sweep, asked.count)
    options = _options(asked)
    display: Display = Screen() if sys.stdout.isatty() else Lines()
    for note in sweep.notes:
        display.say(f"note: {note}")
    with StopAsked() as stop:
        study = SweepStudy(
            sweep,
            asked.study,
            asked.storage,
            seed=asked.seed,
            method=asked.method,
            dead_after=asked.dead_after,
            on_trouble=display.trouble,
            give_up=lambda: stop.count > 0,
        )
        folder = study_folder(study.name)
        runner = Runner(study, folder, options, display, stop)
        if not any(trial.values for trial in study.trials()):
            _check_program(runner)
        _begin(study, asked, display)
        with display:
            status = runner.run(asked.count)
    _end(study, asked, display, stop)
    return INTERRUPTED if stop.count else status


class StopAsked:
    """While entered, counts Ctrl-C and SIGTERM: one lets trials end in order, two kill them."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "StopAsked":
        self._before = {n: signal.signal(n, self._note) for n in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("sweep", type=Path, help="W&B sweep file")
    parser.add_argument("--count", type=_positive, help="trials in the whole study")
    parser.add_argument("--workers", type=_positive, default=1, help="trials at a time, here")
    parser.add_argument("--study", help="its name; default: the sweep's `name`")
    parser.add_argument("--storage", help="SQLAlchemy URL; default: SQLite in the runs folder")
    parser.add_argument("--retry-failed", action="store_true", help="run only what failed, again")
    parser.add_argument(
        "--warm",
        choices=("auto", "on", "off"),
        default="auto",
        help="keep workers' processes between trials; auto: for our own programs",
    )
    parser.add_argument(
        "--method",
        choices=("random", "bayes", "tpe"),
        help="search by this in place of the sweep's method",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument("--timeout", type=float, metavar="MINUTES", help="longest trial")
    parser.add_argument("--threads", type=_positive, help="for each worker; default: a fair share")
    parser.add_argument(
        "--dead-after",
        type=_positive,
        default=storage.DEAD_AFTER_SECONDS,
        metavar="SECONDS",
        help="silence after which another machine's trial is taken up (default: %(default)s)",
    )
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _options(asked: argparse.Namespace) -> Options:
    threads = asked.threads or fair_threads(asked.workers)
    timeout = asked.timeout * 60 if asked.timeout else None
    return Options(asked.workers, threads, asked.warm, timeout, asked.retry_failed)


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
    if "faults" not in answer:
        reason = answer.get("reason", "its process ended")
        told = [f"{sweep.where('command')}: {call[0]} cannot be loaded: {reason}"]
    else:
        told = [
            f"{sweep.where_parameter(name) if name else sweep.where('metric', 'name')}: {text}"
            for name, text in answer["faults"]
        ]
    if told or runner.options.warm == "off":
        worker.close()
    if told:
        raise InputError("\n".join(told))
    runner.study.keep_facts(answer["facts"])


def _begin(study: SweepStudy, asked: argparse.Namespace, display: Display) -> None:
    counts = study.counts(asked.count)
    planned = f"trials: {counts.planned}" if counts.planned is not None else "trials without end"
    before = f", {counts.done} of them done before" if counts.done else ""
    display.say(
        f"study {study.name}: {planned}{before}, {asked.workers} at a time; {study.method} search "
        f"over {', '.join(one.name for one in study.sweep.space.varying) or 'constants alone'}"
    )
    if asked.retry_failed:
        display.say(f"{study.retry_failed()} failed trials are run again")


def _end(study: SweepStudy, asked: argparse.Namespace, display: Display, stop: StopAsked) -> None:
    counts, best = study.counts(asked.count), study.best()
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


if __name__ == "__main__":
    raise SystemExit(main())
