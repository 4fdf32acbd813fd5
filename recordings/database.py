"""All recordings of a folder, side by side: several at once, resumed, none ending the others."""

import glob
import hashlib
import json
import os
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ecg.reading import read_recording
from ecg.rhythm import DEFAULTS, RhythmSettings
from models import checkpoints
from recordings import classify, patients, results
from recordings.analysis import analyse
from recordings.classify import RecordingClassifier
from utils.errors import InputError
from utils.files import write_json
from utils.result_file import Identity, IncompatibleState, Result, ResultFile
from utils.versions import code_digest

ERROR = "error.json"
# Stands while a recording is being analysed.
BEGUN = "begun"
# Put in place last: the recording's row in the patients' table, and which files belong to it.
FINISHED = "analysis.result"
# What an analysis is made by, besides the checkpoint: this room and those that it imports.
ROOMS = ("recordings", "models", "heartbeats", "evaluation", "ecg", "utils")
THREAD_SETTINGS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is asked of every recording.

    Attributes:
        checkpoint: the JSON of the classifier's checkpoint.
        lead: the lead to measure, empty for the usual one.
        rhythm: how irregular rhythm is looked for.
        html, annotate, pictures: what to write, as in `results.write`.
    """

    checkpoint: Path
    lead: str = ""
    rhythm: RhythmSettings = DEFAULTS
    html: bool = False
    annotate: bool = False
    pictures: bool = True


@dataclass(frozen=True)
class Outcome:
    """How it went with one recording: its row in the patients' table."""

    record: str
    row: dict[str, Any]
    resumed: bool = False


@dataclass(frozen=True)
class Task:
    """One recording to analyse.

    Attributes:
        path: of the recording, as `ecg.reading` takes it.
        record: its name below the database's folder.
        place: the folder of its results.
        identity: what its results depend on.
    """

    path: Path
    record: str
    place: Path
    identity: Identity

    @property
    def finished(self) -> ResultFile:
        """Where it is kept that the recording is analysed."""
        return ResultFile(self.place / FINISHED, self.identity)

    @property
    def begun(self) -> Path:
        """A file that is there while the recording is being analysed."""
        return self.place / BEGUN


def run(
    paths: Sequence[Path], folder: Path, to: Path, job: Job, workers: int
) -> Iterator[Outcome]:
    """Analyse recordings, several at once; yields each outcome as it comes.

    What an earlier call finished with the same settings, files and code is not done again. How
    many of its results cannot be used is printed, with the reason.

    Args:
        paths: from `ecg.reading.find_recordings(folder)`.
        to: results go to folders of the recordings' names below it.
        job: what is asked.
        workers: processes.
    """
    left, unused = [], Counter[str]()
    for task in _tasks(paths, folder, to, job):
        try:
            row = _finished_row(task)
        except IncompatibleState as problem:
            row = None
            unused[str(problem)] += 1
        if row:
            yield Outcome(task.record, row, resumed=True)
        else:
            task.begun.unlink(missing_ok=True)
            left.append(task)
    for reason, count in unused.items():
        print(f"{count} of {len(paths)} recordings are analysed again; what is kept: {reason}")
    yield from _analysed(left, job, workers)


def _analysed(left: Sequence[Task], job: Job, workers: int) -> Iterator[Outcome]:
    """Each in a process of a pool; those that a dying process took along, once more."""
    while left:
        dead: list[Task] = []
        yield from _side_by_side(left, job, workers, dead)
        # A process died and took the others along. What had been begun is tried again alone, so
        # that the one to blame is known; the rest goes on side by side.
        begun = [task for task in dead if task.begun.exists()]
        for task in begun or dead:
            yield from _alone(task, job)
        left = [task for task in dead if begun and task not in begun]


def _alone(task: Task, job: Job) -> Iterator[Outcome]:
    dead: list[Task] = []
    yield from _side_by_side([task], job, 1, dead)
    if dead:
        yield _failure(task, "the process that analysed it died; is there enough memory?", "")


def _side_by_side(
    tasks: Sequence[Task], job: Job, workers: int, dead: list[Task]
) -> Iterator[Outcome]:
    # The cores are shared out; TensorFlow's threads do not survive a fork.
    for name in THREAD_SETTINGS:
        os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // workers)))
    pool = ProcessPoolExecutor(
        min(workers, len(tasks)), get_context("spawn"), _begin, (job.checkpoint,)
    )
    try:
        futures = {pool.submit(_one, task, job): task for task in tasks}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                dead.append(futures[future])
    finally:  # Ctrl-C must not wait for all the others
        pool.shutdown(cancel_futures=True)


_classifier: RecordingClassifier | None = None


def _begin(checkpoint: Path) -> None:
    """Load the network once in a process."""
    global _classifier
    _classifier = classify.load(checkpoints.read(checkpoint))


def _one(task: Task, job: Job) -> Outcome:
    assert _classifier is not None
    task.place.mkdir(parents=True, exist_ok=True)
    task.begun.touch()
    task.finished.remove()  # its files are about to be replaced, one after the other
    try:
        recording = read_recording(task.path)
        analysis = analyse(recording, _classifier, lead=job.lead, settings=job.rhythm)
        files = results.write(
            task.place,
            recording,
            analysis,
            pictures=job.pictures,
            html=job.html,
            annotate=job.annotate,
        )
        row = _row(task)
        task.finished.write(Result({"row": row, "bytes": _sizes(files)}))
    except InputError as error:
        return _failure(task, str(error), "")
    except Exception as error:  # a fault of ours in one recording must not cost the others
        text = f"our own fault, please report it: {type(error).__name__}: {error}"
        return _failure(task, text, traceback.format_exc())
    finally:
        task.begun.unlink(missing_ok=True)
    (task.place / ERROR).unlink(missing_ok=True)
    return Outcome(task.record, row)


def _failure(task: Task, text: str, trace: str) -> Outcome:
    facts = {"record": task.record, "error": text, "traceback": trace.splitlines()}
    write_json(task.place / ERROR, facts)
    return Outcome(task.record, patients.failed(task.record, text))


def _row(task: Task) -> dict[str, Any]:
    summary = json.loads((task.place / results.SUMMARY).read_text(encoding="utf-8"))
    return patients.row(summary | {"name": task.record})


def _sizes(files: Sequence[Path]) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in files}


def _finished_row(task: Task) -> dict[str, Any] | None:
    """The row of a recording that an earlier call finished; None where there was none.

    Raises:
        IncompatibleState: its results cannot be used, or one of its files is gone.
    """
    kept = task.finished.read()
    if kept is None:
        return None
    # Sizes, not digests: the pictures of a large database are gigabytes.
    for name, size in kept.facts["bytes"].items():
        file = task.place / name
        if not file.is_file() or file.stat().st_size != size:
            raise IncompatibleState("one of its files is missing or was changed")
    return kept.facts["row"]


def _tasks(paths: Sequence[Path], folder: Path, to: Path, job: Job) -> Iterator[Task]:
    """The recordings, each with what its results depend on.

    The digest of the code is in it, not the commit: it changes with the files that were not
    committed, too, and not with those that have no say.
    """
    shared = {
        "job": {name: value for name, value in asdict(job).items() if name != "checkpoint"},
        "checkpoint": hashlib.sha256(job.checkpoint.read_bytes()).hexdigest(),
        "code": code_digest(*ROOMS),
    }
    for path in paths:
        record = str(path.relative_to(folder))
        identity = Identity({**shared, "files": _states(path)})
        yield Task(path, record, to / record, identity)


def _states(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of each file of a recording."""
    files = sorted(path.parent.glob(f"{glob.escape(path.stem)}.*"))
    states = [(file.name, file.stat()) for file in files]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]
