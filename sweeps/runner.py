"""Runs a study's trials on this machine: begins them, watches them, stops and closes them."""

import os
import queue
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from optuna.trial import TrialState

from sweeps import follow, launch, reasons
from sweeps.display import Display, View
from sweeps.follow import Follower, Logged
from sweeps.programs import (
    KILLED,
    FreshProgram,
    Program,
    WarmProgram,
    WarmWorker,
    own_module,
    warm_call,
)
from sweeps.storage import HEARTBEAT_SECONDS
from sweeps.study import SweepStudy
from sweeps.trials import Trial

PAUSE_SECONDS = 0.02
# After these W&B's agent kills a trial that it asked to stop.
STOP_SECONDS = 30
# As W&B's agent does, give up where the first trials all fail.
FAILURES_AT_START = 3
# How often a trial whose process is killed is begun: memory may have been short for a while.
ATTEMPTS = 3
# Memory by which a warm worker may grow before it is replaced.
GROWTH_MB = 1024
LOOK_AGAIN_SECONDS = 5
TAKEN = "another agent has taken it"


class Stop(Protocol):
    """How often a person asked to stop."""

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
        until: the time, by `time.monotonic`, at which trials are put aside, to be gone on with
            later; None for no bound.
    """

    workers: int = 1
    threads: int = 1
    warm: str = "auto"
    timeout: float | None = None
    only_retries: bool = False
    until: float | None = None


@dataclass
class RunningTrial:
    """A trial that runs here now.

    Attributes:
        end: why it was asked to stop, and the state in which it then is; None where it was not.
    """

    trial: Trial
    launch: launch.Launch
    program: Program
    follower: Follower
    values: queue.SimpleQueue
    slot: int
    is_warm: bool
    started: float = field(default_factory=time.monotonic)
    last_heartbeat: float = field(default_factory=time.monotonic)
    end: tuple[TrialState | None, str] | None = None
    kill_after: float = float("inf")

    @property
    def is_lost(self) -> bool:
        """Whether another agent has taken it."""
        return self.end is not None and self.end[0] is None

    @property
    def seconds(self) -> float:
        return self.trial.seconds + time.monotonic() - self.started


def fair_threads(workers: int) -> int:
    """Each worker's share of the cores."""
    return max(1, (os.cpu_count() or 1) // workers)


def worker_environment(options: Options) -> dict[str, str]:
    """The environment of warm workers: this one's, with the threads shared out."""
    threads = {name: str(options.threads) for name in launch.THREADS}
    return threads | launch.FASTER | os.environ


class Runner:
    """Keeps `workers` trials running until the study is done or a person stops it."""

    def __init__(
        self, study: SweepStudy, folder: Path, options: Options, display: Display, stop: Stop
    ):
        self.study, self.folder, self.options = study, folder, options
        self.display, self.stop = display, stop
        self.running: dict[int, RunningTrial] = {}
        self.warm: dict[int, WarmWorker] = {}
        self.cold: set[int] = set()  # trials whose warm worker crashed
        self.ended = self.failed = self.told = 0
        self.wrong: str | None = None
        self.is_ours = own_module(study.sweep) is not None
        self.look_again = 0.0

    def run(self, count: int | None) -> int:
        """Run trials until there is nothing left to do; 1 where the sweep had to be given up."""
        try:
            while self._fill(count) or self.running or self._waits_for_others(count):
                self._tell_of_stop()
                for running in list(self.running.values()):
                    self._watch(running)
                self._show(count)
                time.sleep(PAUSE_SECONDS)
        finally:
            for running in self.running.values():
                running.program.kill()
            for worker in self.warm.values():
                worker.close()
        if self.wrong:
            self.display.say(self.wrong)
        return 1 if self.wrong else 0

    def _tell_of_stop(self) -> None:
        """Say what a Ctrl-C does, as soon as it came."""
        if self.stop.count <= self.told:
            return
        self.told = self.stop.count
        many = len(self.running)
        trials = "the running trial" if many == 1 else f"the {many} running trials"
        if self.told == 1 and many:
            self.display.say(
                f"stopping: {trials} may end in order and will be gone on with; Ctrl-C once more "
                "kills at once"
            )
        elif many:
            self.display.say(f"killing {trials}")

    def _fill(self, count: int | None) -> bool:
        """Begin trials in idle slots; whether one was begun."""
        if self._is_ending or time.monotonic() < self.look_again:
            return False
        begun = False
        for slot in range(self.options.workers):
            if slot not in self.running:
                trial = self.study.take(0 if self.options.only_retries else count)
                if trial is None:
                    self.look_again = time.monotonic() + LOOK_AGAIN_SECONDS
                    break
                self._begin(trial, slot)
                begun = True
        return begun

    @property
    def _is_ending(self) -> bool:
        """Whether no trial is begun any more: a person, the time or a fault of the sweep."""
        return bool(self.stop.count or self.wrong) or self._time_is_up

    @property
    def _time_is_up(self) -> bool:
        return self.options.until is not None and time.monotonic() > self.options.until

    def _waits_for_others(self, count: int | None) -> bool:
        """Whether trials of other agents may yet come to this one."""
        if self._is_ending:
            return False
        counts = self.study.counts(count)
        if counts.running or counts.waiting:
            self.display.notify(f"waiting for {counts.running} trials of other agents")
            time.sleep(min(1, LOOK_AGAIN_SECONDS))
            return True
        return False

    def _begin(self, trial: Trial, slot: int) -> None:
        study = self.study
        follow.move_aside(self.folder, trial.run_id)
        prepared = launch.prepare(
            study.sweep,
            self.folder,
            study.sweep_id,
            trial.run_id,
            trial.number,
            study.sweep.space.reals(trial.stored),
            study.name,
            self.options.threads,
            self.is_ours,
        )
        metric = study.sweep.metric.name if study.sweep.metric else None
        values: queue.SimpleQueue = queue.SimpleQueue()
        follower = Follower(
            prepared.wandb_folder, trial.run_id, metric, values.put, study.maximize
        )
        program, is_warm = self._start(trial, prepared, slot)
        self.running[slot] = RunningTrial(
            trial, prepared, program, follower, values, slot, is_warm
        )
        self.display.began(trial, study.sweep.space)

    def _start(self, trial: Trial, prepared: launch.Launch, slot: int) -> tuple[Program, bool]:
        call = warm_call(prepared.command, anywhere=self.options.warm == "on")
        if self.options.warm == "off" or call is None or trial.number in self.cold:
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

    def _watch(self, running: RunningTrial) -> None:
        """Look once at a trial that runs: heartbeat, values, end, time."""
        if time.monotonic() > running.last_heartbeat + min(
            HEARTBEAT_SECONDS, self.study.dead_after / 4
        ):
            self._record_heartbeat(running)
        status = running.program.status()
        self._take_values(running, has_ended=status is not None)
        now = time.monotonic()
        if status is not None:
            self._close(running, status)
        elif self.stop.count > 1 or now > running.kill_after:
            running.program.kill()
        elif (self.stop.count or self._time_is_up) and not running.end:
            self._ask_to_stop(running, TrialState.WAITING, "")
        elif (
            self.options.timeout
            and now > running.started + self.options.timeout
            and not running.end
        ):
            minutes = self.options.timeout / 60
            self._ask_to_stop(running, TrialState.FAIL, f"took longer than {minutes:g} minutes")

    def _record_heartbeat(self, running: RunningTrial) -> None:
        """Record that the trial is alive, or stop it: this agent may have been frozen for long."""
        running.last_heartbeat = time.monotonic()
        if not self.study.record_heartbeat(running.trial) and not running.is_lost:
            self._give_up_trial(running)

    def _give_up_trial(self, running: RunningTrial, has_ended: bool = False) -> None:
        """Leave a trial to the agent that has taken it."""
        if has_ended:
            running.end = (None, TAKEN)
        else:
            self._ask_to_stop(running, None, TAKEN)

    def _take_values(self, running: RunningTrial, has_ended: bool = False) -> None:
        rule = None if has_ended else self.study.sweep.early_terminate
        while not running.values.empty():
            value = running.values.get()
            if running.is_lost:
                continue
            if not self.study.report(running.trial, value):
                self._give_up_trial(running, has_ended)
                continue
            if rule and not running.end:
                others = self.study.others(running.trial)
                if verdict := rule.judge(running.trial.values, others, self.study.maximize):
                    self._ask_to_stop(running, TrialState.PRUNED, verdict.sentence())

    def _ask_to_stop(self, running: RunningTrial, state: TrialState | None, reason: str) -> None:
        running.end = (state, reason)
        running.kill_after = time.monotonic() + STOP_SECONDS
        running.program.stop()

    def _close(self, running: RunningTrial, status: int) -> None:
        """Record how a trial ended, and free its slot."""
        del self.running[running.slot]
        trial, logged = running.trial, running.follower.finish()
        self._take_values(running, has_ended=True)
        state, value, reason = self._verdict(running, status, logged)
        if state is None:
            self.display.notify(f"trial {trial.number}: {reason}")
            self.study.held.discard(trial.trial_id)
            return
        if not self.study.finish(trial, state, value, _facts(running, logged, reason)):
            self.display.notify(f"trial {trial.number}: {TAKEN}")
            return
        self.display.ended(trial, state, value, reason)
        if state != TrialState.WAITING:
            self._count(running, state, logged)
            shutil.rmtree(running.launch.environment["SWEEP_TRIAL_DIR"], ignore_errors=True)

    def _verdict(
        self, running: RunningTrial, status: int, logged: Logged
    ) -> tuple[TrialState | None, float | None, str]:
        """State, value and reason with which a trial ends."""
        if running.end:
            state, reason = running.end
            last = running.trial.values[-1] if running.trial.values else None
            return state, last if state == TrialState.PRUNED else None, reason
        if status == KILLED or (running.is_warm and status > 128):
            # Not by this agent: by the system, short of memory, or by a person.
            self.cold.add(running.trial.number)
            reason = f"its process was ended by signal {status - 128}"
            running.trial.kills += 1
            if running.trial.kills < ATTEMPTS:
                return TrialState.WAITING, None, reason
            return TrialState.FAIL, None, f"{reason}, {ATTEMPTS} times; is memory short?"
        if status:
            said = reasons.last_words(running.launch.log)
            return TrialState.FAIL, None, f"exit status {status}: {said}"
        return reasons.finished(self.study.sweep.metric, logged)

    def _count(self, running: RunningTrial, state: TrialState, logged: Logged) -> None:
        """Count a trial that ended, and give up where the sweep itself must be wrong."""
        self.ended += 1
        self.failed += state == TrialState.FAIL
        if self.failed < self.ended:
            return
        self.wrong = self._fault(running, logged) or self.wrong
        if self.wrong:
            for other in self.running.values():
                if not other.end:
                    self._ask_to_stop(other, TrialState.WAITING, "the sweep is given up")

    def _fault(self, running: RunningTrial, logged: Logged) -> str | None:
        """What is wrong with a sweep all of whose trials failed; None where it may go on."""
        metric = self.study.sweep.metric
        went_well = not running.end and running.program.status() == 0
        if metric and went_well and logged.names and logged.result is None:
            return (
                f"{self.study.sweep.where('metric', 'name')}: the metric '{metric.name}' is never "
                f"logged; the program logged {', '.join(sorted(logged.names))}"
            )
        if self.failed == FAILURES_AT_START:
            return (
                f"the first {FAILURES_AT_START} trials all failed; the last one's output is in "
                f"{running.launch.log}"
            )
        return None

    def _show(self, count: int | None) -> None:
        if self.display.is_due():
            now = [(one.trial, one.seconds) for one in self.running.values()]
            self.display.show(
                View(self.study.counts(count), self.study.best(), now, self.options.workers)
            )


def _facts(running: RunningTrial, logged: Logged, reason: str) -> dict[str, Any]:
    """What is kept with a trial that ended, as its user attributes."""
    facts = {
        "seconds": round(running.seconds, 2),
        "host": socket.gethostname(),
        "log": str(running.launch.log),
        "summary": _finite(logged.summary),
        "kills": running.trial.kills,
    }
    return {**facts, "reason": reason} if reason else facts


def _finite(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary without NaN and infinity, which JSON lacks."""
    return {
        name: value
        for name, value in summary.items()
        if not isinstance(value, float) or abs(value) < float("inf")
    }
