"""All recordings of a folder, side by side: several at once, resumed, none ending the others."""

import json
import os
import traceback
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
from recordings.classify import Classifier
from utils.errors import InputError
from utils.files import write_json
from utils.versions import commit

ERROR = "error.json"
# Stands while a recording is being analysed.
BEGUN = "begun"
THREAD_SETTINGS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
SUFFIXES = (".hea", ".edf")


@dataclass(frozen=True)
class Job:
    """What is asked of every recording.

    Attributes:
        checkpoint: the JSON of the classifier's checkpoint.
        digest: of its weights.
        lead: the lead to measure, empty for the usual one.
        rhythm: how irregular rhythm is looked for.
        html, annotate, pictures: what to write, as in `results.write`.
    """

    checkpoint: Path
    digest: str
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


def find(folder: Path) -> list[Path]:
    """The recordings below a folder, WFDB (without suffix) and EDF, in order of their names.

    Raises:
        InputError: there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; --database takes the folder of the recordings")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    found = [file.with_suffix("") if file.suffix == ".hea" else file for file in files]
    if not found:
        raise InputError(f"{folder} holds no recording: no WFDB header (.hea) and no .edf file")
    return found


def run(
    paths: Sequence[Path], folder: Path, to: Path, job: Job, workers: int
) -> Iterator[Outcome]:
    """Analyse recordings, several at once; yields each outcome as it comes.

    What an earlier call finished with the same settings, files and program is not done again.

    Args:
        paths: from `find(folder)`.
        to: results go to folders of the recordings' names below it.
        job: what is asked.
        workers: processes.
    """
    left = []
    for path in paths:
        record = str(path.relative_to(folder))
        if _is_finished(to / record, _made_with(path, job)):
            yield Outcome(record, _row(to / record, record), resumed=True)
        else:
            (to / record / BEGUN).unlink(missing_ok=True)
            left.append(path)
    while left:
        dead: list[Path] = []
        yield from _side_by_side(left, folder, to, job, workers, dead)
        # A process died and took the others along. What had been begun is tried again alone, so
        # that the one to blame is known; the rest goes on side by side.
        begun = [path for path in dead if (to / path.relative_to(folder) / BEGUN).exists()]
        for path in begun or dead:
            yield from _alone(path, folder, to, job)
        left = [path for path in dead if begun and path not in begun]


def _alone(path: Path, folder: Path, to: Path, job: Job) -> Iterator[Outcome]:
    dead: list[Path] = []
    yield from _side_by_side([path], folder, to, job, 1, dead)
    if dead:
        record = str(path.relative_to(folder))
        text = "the process that analysed it died; is there enough memory?"
        yield _failure(to / record, record, text, "")


def _side_by_side(
    paths: Sequence[Path], folder: Path, to: Path, job: Job, workers: int, dead: list[Path]
) -> Iterator[Outcome]:
    # The cores are shared out; TensorFlow's threads do not survive a fork.
    for name in THREAD_SETTINGS:
        os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // workers)))
    pool = ProcessPoolExecutor(
        min(workers, len(paths)), get_context("spawn"), _begin, (job.checkpoint,)
    )
    try:
        tasks = {pool.submit(_one, path, folder, to, job): path for path in paths}
        for task in as_completed(tasks):
            try:
                yield task.result()
            except BrokenProcessPool:
                dead.append(tasks[task])
    finally:  # Ctrl-C must not wait for all the others
        pool.shutdown(cancel_futures=True)


_classifier: Classifier | None = None


def _begin(checkpoint: Path) -> None:
    """Load the network once in a process."""
    global _classifier
    _classifier = classify.load(checkpoints.read(checkpoint))


def _one(path: Path, folder: Path, to: Path, job: Job) -> Outcome:
    record = str(path.relative_to(folder))
    assert _classifier is not None
    begun = to / record / BEGUN
    begun.parent.mkdir(parents=True, exist_ok=True)
    begun.touch()
    try:
        recording = read_recording(path)
        analysis = analyse(recording, _classifier, lead=job.lead, settings=job.rhythm)
        results.write(
            to / record,
            recording,
            analysis,
            pictures=job.pictures,
            html=job.html,
            annotate=job.annotate,
            made_with=_made_with(path, job),
        )
    except InputError as error:
        return _failure(to / record, record, str(error), "")
    except Exception as error:  # a fault of ours in one recording must not cost the others
        text = f"our own fault, please report it: {type(error).__name__}: {error}"
        return _failure(to / record, record, text, traceback.format_exc())
    finally:
        begun.unlink(missing_ok=True)
    (to / record / ERROR).unlink(missing_ok=True)
    return Outcome(record, _row(to / record, record))


def _failure(place: Path, record: str, text: str, trace: str) -> Outcome:
    write_json(place / ERROR, {"record": record, "error": text, "traceback": trace.splitlines()})
    return Outcome(record, patients.failed(record, text))


def _is_finished(place: Path, made_with: dict[str, Any]) -> bool:
    """Whether an earlier call left the results of a recording."""
    try:
        summary = json.loads((place / results.SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return summary.get("made_with") == made_with


def _row(place: Path, record: str) -> dict[str, Any]:
    summary = json.loads((place / results.SUMMARY).read_text(encoding="utf-8"))
    return patients.row(summary | {"name": record})


def _made_with(path: Path, job: Job) -> dict[str, Any]:
    """What the results depend on, as JSON gives it back."""
    files = sorted(path.parent.glob(f"{path.stem}.*"))
    sizes = {file.name: [file.stat().st_size, int(file.stat().st_mtime)] for file in files}
    asked = asdict(job) | {"checkpoint": job.digest}
    return {"files": sizes, "job": asked, "commit": commit()}
