"""Runs a study's trials on this machine: begins them, watches them, stops and closes them."""

import os
import queue
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from optuna.trial import TrialState

from sweeps import follow, launch
from sweeps.display import Display, View
from sweeps.follow import Follower, Logged
from sweeps.programs import KILLED, FreshProgram, Program, WarmProgram, WarmWorker, warm_call
from sweeps.storage import BEAT_SECONDS
from sweeps.study import Assignment, SweepStudy

PAUSE_SECONDS = 0.02
# W&B's agent kills a trial so long after it asked it to stop.
STOP_SECONDS = 30
# As W&B's agent does, give up where the first trials all fail.
FAILURES_AT_START = 3
# A trial whose process is killed is begun again so often: memory may have been short for a while.
ATTEMPTS = 3
# Memory by which a warm worker may grow before it is replaced.
GROWTH_MB = 1024
LOOK_AGAIN_SECONDS = 5
TAKEN_UP = "another agent has taken it up"


class Stop(Protocol):
    """How often a person asked for the end."""

    count: int


@dataclass(frozen=True)
class Options:
    """How trials are run here.

    Attributes:
        workers: trials at a time.
        threads: for each of them.
        warm: `auto`, `on` or `off`.
        timeout: seconds after which a trial is ended as failed; None for no bound.
        only_retries: whether no new trials are begun.
    """

    workers: int = 1
    threads: int = 1
    warm: str = "auto"
    timeout: float | None = None
    only_retries: bool = False


@dataclass
class Running:
    """A trial that runs here now.

    Attributes:
        end: why it was asked to stop, and the state in which it then is; None where it was not.
    """

    own: Assignment
    launch: launch.Launch
    program: Program
    follower: Follower
    values: queue.SimpleQueue
    slot: int
    is_warm: bool
    started: float = field(default_factory=time.monotonic)
    beaten: float = field(default_factory=time.monotonic)
    end: tuple[TrialState | None, str] | None = None
    kill_after: float = float("inf")

    @property
    def is_lost(self) -> bool:
        """Whether it is another agent's by now."""
        return self.end is not None and self.end[0] is None

    @property
    def seconds(self) -> float:
        return self.own.seconds + time.monotonic() - self.started


def fair_threads(workers: int) -> int:
    """Each worker's share of the cores."""
    return max(1, (os.cpu_count() or 1) // workers)


def worker_environment(options: Options) -> dict[str, str]:
    """The environment of warm workers: this one's, with the threads shared out."""
    return {name: str(options.threads) for name in launch.THREADS} | os.environ


class Runner:
    """Keeps `workers` trials running until the study is done or a person wants the end."""

    def __init__(
        self, study: SweepStudy, folder: Path, options: Options, display: Display, stop: Stop
    ):
        self.study, self.folder, self.options = study, folder, options
        self.display, self.stop = display, stop
        self.running: dict[int, Running] = {}
        self.warm: dict[int, WarmWorker] = {}
        self.cold: set[int] = set()  # trials whose warm worker crashed
        self.ended = self.failed = 0
        self.wrong: str | None = None
        self.look_again = 0.0

    def run(self, count: int | None) -> int:
        """Run trials until there is nothing left to do; 1 where the sweep had to be given up."""
        try:
            while self._fill(count) or self.running or self._waits_for_others(count):
                for trial in list(self.running.values()):
                    self._watch(trial)
                self._show(count)
                time.sleep(PAUSE_SECONDS)
        finally:
            for trial in self.running.values():
                trial.program.kill()
            for worker in self.warm.values():
                worker.close()
        if self.wrong:
            self.display.say(self.wrong)
        return 1 if self.wrong else 0

    def _fill(self, count: int | None) -> bool:
        """Begin trials in idle slots; whether one was begun."""
        if self.stop.count or self.wrong or time.monotonic() < self.look_again:
            return False
        begun = False
        for slot in range(self.options.workers):
            if slot not in self.running:
                own = self.study.take(0 if self.options.only_retries else count)
                if own is None:
                    self.look_again = time.monotonic() + LOOK_AGAIN_SECONDS
                    break
                self._begin(own, slot)
                begun = True
        return begun

    def _waits_for_others(self, count: int | None) -> bool:
        """Whether trials of other agents may yet come to this one."""
        if self.stop.count or self.wrong:
            return False
        counts = self.study.counts(count)
        if counts.running or counts.waiting:
            self.display.trouble(f"waiting for {counts.running} trials of other agents")
            time.sleep(min(1, LOOK_AGAIN_SECONDS))
            return True
        return False

    def _begin(self, own: Assignment, slot: int) -> None:
        study = self.study
        follow.set_aside(self.folder, own.run_id)
        prepared = launch.prepare(
            study.sweep,
            self.folder,
            study.sweep_id,
            own.run_id,
            own.number,
            study.sweep.space.reals(own.stored),
            study.name,
            self.options.threads,
        )
        metric = study.sweep.metric.name if study.sweep.metric else None
        values: queue.SimpleQueue = queue.SimpleQueue()
        follower = Follower(prepared.wandb_folder, own.run_id, metric, values.put)
        program, is_warm = self._start(own, prepared, slot)
        self.running[slot] = Running(own, prepared, program, follower, values, slot, is_warm)
        self.display.began(own, study.sweep.space)

    def _start(self, own: Assignment, prepared: launch.Launch, slot: int) -> tuple[Program, bool]:
        call = warm_call(prepared.command, anywhere=self.options.warm == "on")
        if self.options.warm == "off" or call is None or own.number in self.cold:
            return FreshProgram(prepared), False
        module, arguments = call
        return WarmProgram(self.worker(slot, module), prepared, arguments), True

    def worker(self, slot: int, module: str) -> WarmWorker:
        """The slot's warm worker, a new one where there is none or it has grown too large."""
        worker = self.warm.get(slot)
        if worker and worker.is_alive and worker.module == module:
            if worker.memory_mb < worker.first_memory_mb + GROWTH_MB:
                return worker
        if worker:
            worker.close()
        log = self.folder / "logs" / f"worker-{slot}.log"
        self.warm[slot] = WarmWorker(module, worker_environment(self.options), log)
        return self.warm[slot]

    def _watch(self, trial: Running) -> None:
        """One look at a running trial."""
        if time.monotonic() > trial.beaten + min(BEAT_SECONDS, self.study.dead_after / 4):
            self._beat(trial)
        status = trial.program.status()
        self._take_values(trial, has_ended=status is not None)
        now = time.monotonic()
        if status is not None:
            self._close(trial, status)
        elif self.stop.count > 1 or now > trial.kill_after:
            trial.program.kill()
        elif self.stop.count and not trial.end:
            self._ask_to_stop(trial, TrialState.WAITING, "")
        elif self.options.timeout and now > trial.started + self.options.timeout and not trial.end:
            minutes = self.options.timeout / 60
            self._ask_to_stop(trial, TrialState.FAIL, f"took longer than {minutes:g} minutes")

    def _beat(self, trial: Running) -> None:
        """Say that the trial lives, or let go of it: this agent may have been frozen for long."""
        trial.beaten = time.monotonic()
        if not self.study.beat(trial.own) and not trial.is_lost:
            self._ask_to_stop(trial, None, TAKEN_UP)

    def _take_values(self, trial: Running, has_ended: bool = False) -> None:
        rule = None if has_ended else self.study.sweep.early_terminate
        while not trial.values.empty():
            value = trial.values.get()
            if trial.is_lost:
                continue
            self.study.report(trial.own, value)
            if rule and not trial.end:
                others = self.study.others(trial.own)
                if verdict := rule.judge(trial.own.values, others, self.study.maximize):
                    self._ask_to_stop(trial, TrialState.PRUNED, verdict.sentence())

    def _ask_to_stop(self, trial: Running, state: TrialState | None, reason: str) -> None:
        trial.end = (state, reason)
        trial.kill_after = time.monotonic() + STOP_SECONDS
        trial.program.stop()

    def _close(self, trial: Running, status: int) -> None:
        """Record how a trial ended, and free its slot."""
        del self.running[trial.slot]
        logged = trial.follower.finish()
        self._take_values(trial, has_ended=True)
        state, value, reason = self._verdict(trial, status, logged)
        if state is None:
            self.display.trouble(f"trial {trial.own.number}: {reason}")
            self.study.held.discard(trial.own.trial_id)
            return
        facts = {
            "seconds": round(trial.seconds, 2),
            "host": socket.gethostname(),
            "log": str(trial.launch.log),
            "summary": _plain(logged.summary),
            "kills": trial.own.kills,
        }
        if reason:
            facts["reason"] = reason
        if not self.study.finish(trial.own, state, value, facts):
            self.display.trouble(f"trial {trial.own.number}: {TAKEN_UP}")
            return
        self.display.ended(trial.own, state, value, reason)
        if state != TrialState.WAITING:
            self._count(trial, state, logged)
            shutil.rmtree(trial.launch.environment["SWEEP_TRIAL_DIR"], ignore_errors=True)

    def _verdict(
        self, trial: Running, status: int, logged: Logged
    ) -> tuple[TrialState | None, float | None, str]:
        """State, value and reason with which a trial ends."""
        if trial.end:
            state, reason = trial.end
            last = trial.own.values[-1] if trial.own.values else None
            return state, last if state == TrialState.PRUNED else None, reason
        if status == KILLED or (trial.is_warm and status > 128):
            # Nobody here did that: the system, short of memory, or a person.
            self.cold.add(trial.own.number)
            reason = f"its process was ended by signal {status - 128}"
            trial.own.kills += 1
            if trial.own.kills < ATTEMPTS:
                return TrialState.WAITING, None, reason
            return TrialState.FAIL, None, f"{reason}, {ATTEMPTS} times; is memory short?"
        if status:
            return TrialState.FAIL, None, f"exit status {status}: {last_line(trial.launch.log)}"
        return _finished(self.study, logged)

    def _count(self, trial: Running, state: TrialState, logged: Logged) -> None:
        """Give up where the sweep itself must be wrong."""
        self.ended += 1
        self.failed += state == TrialState.FAIL
        metric = self.study.sweep.metric
        went_well = not trial.end and trial.program.status() == 0
        never = metric and logged.result is None and logged.names
        if self.failed == self.ended and metric and never and went_well:
            where = self.study.sweep.where("metric", "name")
            self.wrong = (
                f"{where}: the metric '{metric.name}' is never logged; the program logged "
                f"{', '.join(sorted(logged.names))}"
            )
        elif self.failed == self.ended == FAILURES_AT_START:
            self.wrong = (
                f"the first {FAILURES_AT_START} trials all failed; the last one's output is in "
                f"{trial.launch.log}"
            )
        if self.wrong:
            for other in self.running.values():
                if not other.end:
                    self._ask_to_stop(other, TrialState.WAITING, "the sweep is given up")

    def _show(self, count: int | None) -> None:
        if self.display.is_due():
            now = [(one.own, one.seconds) for one in self.running.values()]
            self.display.show(
                View(self.study.counts(count), self.study.best(), now, self.options.workers)
            )


def _finished(study: SweepStudy, logged: Logged) -> tuple[TrialState, float | None, str]:
    """How a trial ended whose program says that all went well."""
    metric = study.sweep.metric
    if metric is None:
        return TrialState.COMPLETE, 0.0, ""
    value = logged.result
    if value is None:
        logged_names = ", ".join(sorted(logged.names)) or "nothing"
        return TrialState.FAIL, None, f"'{metric.name}' was not logged; it logged {logged_names}"
    if value != value or value in (float("inf"), -float("inf")):
        return TrialState.FAIL, None, f"'{metric.name}' is {value}"
    return TrialState.COMPLETE, value, ""


def last_line(log: Path, size: int = 4096) -> str:
    """The last line of a program's output that is not empty."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - size))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "no output")


def _plain(summary: dict) -> dict:
    """The summary without what JSON lacks."""
    return {
        name: value
        for name, value in summary.items()
        if not isinstance(value, float) or abs(value) < float("inf")
    }
