"""Analysis of recordings, in a process of its own, one recording at a time.

Analysing takes seconds of pure computing; in the server's own process every other request would
wait for it. A separate process can also be stopped when a file makes it run too long or too large.
`RecordAnalyst` is used by the server; `work` and what it calls run in the other process.
"""

import asyncio
import json
import multiprocessing
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pebble import ProcessExpired, ProcessPool

from ecg.reading import read_recording
from ecg.recording import Recording
from heartbeats.beat_set import AAMI_CLASSES
from heartbeats.cutting import cut_at_peaks
from models import checkpoints
from recordings import classify, page
from recordings.analysis import Analysis, analyse
from recordings.beat_table import rounded
from recordings.pictures import draw_all
from serving.settings import ServiceSettings
from utils.errors import InputError

Form = Literal["json", "page", "html"]
# The page draws at most this many samples per second: a pixel of its closest view is longer.
STRIP_HZ = 250.0
STRIP_SAMPLES = 4_000_000  # 8 MB; a day is drawn coarser
# One step of the strip's integers, in mV: less than recorders resolve.
STRIP_UNIT_MV = 0.002


@dataclass(frozen=True)
class Task:
    """A recording to analyse.

    Attributes:
        path: for `ecg.reading.read_recording`.
        name: the client's name for it.
        checkpoint: the JSON of the classifier.
        lead, sampling_hz, units: as `analyse_record.py` takes them.
        form: of the answer.
    """

    path: Path
    name: str
    checkpoint: Path
    lead: str
    sampling_hz: float | None
    units: str | None
    form: Form


@dataclass(frozen=True)
class Result:
    """The result of a task: `html` for that form, else `answer`; for the page also arrays."""

    answer: dict[str, Any]
    html: str = ""
    strip: np.ndarray | None = None
    strip_hz: float = 0.0
    signals: np.ndarray | None = None
    probabilities: np.ndarray | None = None


class Busy(RuntimeError):
    """Too many recordings are waiting; answered with 503."""


class RecordAnalyst:
    """A queue of recordings for one process, which is started for the first of them."""

    def __init__(self, settings: ServiceSettings):
        self._settings = settings
        # Not forked: the threads of the server and of TensorFlow would not survive a fork.
        self._pool = ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),
            initializer=end_with_server,
        )
        self._waiting = 0  # including the one in work

    def stop(self) -> None:
        """End the process; what it was working on is lost."""
        self._pool.stop()
        self._pool.join(timeout=5)

    async def analyse(self, task: Task) -> Result:
        """Analyse one recording; cancelling the caller cancels the work.

        Raises:
            InputError: the recording cannot be used, or takes too long.
            Busy: too many others wait.
        """
        if self._waiting > self._settings.records_waiting:
            raise Busy(f"{self._waiting} recordings are in work or waiting; try again in a minute")
        self._waiting += 1
        try:
            return await self._result(task)
        finally:
            self._waiting -= 1

    async def _result(self, task: Task) -> Result:
        # The time limit starts with the work. Cancelling the job ends the process.
        job: Any = self._pool.schedule(work, args=[task], timeout=self._settings.record_s)
        try:
            found = await asyncio.wrap_future(job)
        except TimeoutError as error:
            raise InputError(
                f"{task.name} took longer than {self._settings.record_s:g} s to analyse; send a "
                "shorter recording, or use analyse_record.py"
            ) from error
        except ProcessExpired as error:
            raise InputError(
                f"{task.name} could not be analysed: the process that read it ended, most likely "
                "because it needed too much memory; send a shorter recording, or use "
                "analyse_record.py"
            ) from error
        if isinstance(found, InputError):
            raise found
        return found


# In the other process


def end_with_server() -> None:
    """End this process as soon as the server has ended, even if that was killed."""
    server = multiprocessing.parent_process()
    assert server is not None

    def wait() -> None:
        server.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def work(task: Task) -> Result | InputError:
    """Analyse one recording; errors that the sender can correct are returned as values.

    An exception that crosses processes can lose its type.
    """
    try:
        recording = read_recording(task.path, sampling_hz=task.sampling_hz, units=task.units)
        classifier = _classifier(task.checkpoint)
        analysis = analyse(recording, classifier, lead=task.lead)
    except InputError as error:  # without the server's folder, which means nothing to the client
        return InputError(str(error).replace(f"{task.path.parent}{os.sep}", ""))
    if task.form == "html":
        figures = draw_all(analysis, recording)
        return Result({}, html=page.build(analysis, recording, figures, pngs=False).html())
    answer = answer_of(analysis)
    if task.form == "json":
        return Result(answer)
    strip, strip_hz = strip_of(recording, analysis.lead)
    return Result(
        answer,
        strip=strip,
        strip_hz=strip_hz,
        signals=beats_of(recording, analysis),
        probabilities=analysis.beats[[f"p_{name}" for name in AAMI_CLASSES]].to_numpy(np.float32),
    )


def _classifier(path: Path) -> classify.RecordingClassifier:
    return _loaded(path, checkpoints.read(path).facts.weights_digest)


@lru_cache(maxsize=2)
def _loaded(path: Path, digest: str) -> classify.RecordingClassifier:
    """Loaded once for each version of the file, which its digest identifies."""
    return classify.load(checkpoints.read(path))


def answer_of(analysis: Analysis) -> dict[str, Any]:
    """The API's answer without what the route adds: plain values, null where one is missing."""
    return {
        "name": analysis.name,
        "duration_s": analysis.duration_s,
        "sampling_hz": analysis.sampling_hz,
        "leads": list(analysis.leads),
        "lead": analysis.lead,
        "summary": analysis.summary,
        "notes": list(analysis.notes),
        "beats": _beats(analysis.beats),
        "windows": _objects(analysis.windows),
        "irregular": _objects(analysis.irregular),
        "episodes": _objects(analysis.episodes),
        "unusable": _objects(analysis.unusable),
        "provenance": json.loads(json.dumps(analysis.provenance, default=str)),
    }


def _beats(table: pd.DataFrame) -> list[dict[str, Any]]:
    beats = _objects(table)
    for beat in beats:
        beat["label"] = AAMI_CLASSES.index(beat["class"])
        beat["probabilities"] = {name: beat.pop(f"p_{name}") for name in AAMI_CLASSES}
    return beats


def _objects(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A dict for each row, None where a value is missing."""
    return json.loads(rounded(table).to_json(orient="records", double_precision=6))


def beats_of(recording: Recording, analysis: Analysis) -> np.ndarray:
    """(beats, 187) float32 in [0, 1]: the network's input beats."""
    peaks = analysis.beats["sample"].to_numpy()
    signal_mv, hz = recording.lead_mv(analysis.lead), recording.sampling_hz
    breaks = np.round(analysis.unusable["start_s"].to_numpy() * hz).astype(np.int64)
    return cut_at_peaks(signal_mv, hz, peaks, breaks)


def strip_of(recording: Recording, lead: str) -> tuple[np.ndarray, float]:
    """(samples,) int16 of the lead in STRIP_UNIT_MV, and its sampling rate.

    Each group of samples is reduced to the one farthest from the signal's median, so that narrow R
    peaks stay. Samples that were not recorded are -32768.
    """
    signal = recording.lead_mv(lead)
    step = max(1, int(recording.sampling_hz // STRIP_HZ), -(-len(signal) // STRIP_SAMPLES))
    whole = signal[: len(signal) // step * step].reshape(-1, step)
    missing = np.isnan(whole).all(axis=1)
    middle = np.nanmedian(signal) if not np.isnan(signal).all() else 0.0
    groups = np.nan_to_num(whole, nan=middle)
    farthest = np.abs(groups - middle).argmax(axis=1)
    kept = groups[np.arange(len(groups)), farthest]
    steps = np.clip(np.round(kept / STRIP_UNIT_MV), -32767, 32767).astype("<i2")
    steps[missing] = -32768
    return steps, recording.sampling_hz / step
