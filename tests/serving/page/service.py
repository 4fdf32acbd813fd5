"""The real service in a process of its own, and a stream of many beats that it never predicted."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from heartbeats.beat_set import AAMI_CLASSES, AAMI_MEANINGS
from utils.paths import PROJECT_FOLDER

START_S = 120
SAMPLES, HZ = 187, 120.0
PART = 4096


@contextmanager
def running_service(runs: Path) -> Iterator[str]:
    """Start `python -m serving` on a free port and give its address; at the end stop it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "serving", "--port", "0"],
        cwd=PROJECT_FOLDER,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ECG_RUNS": str(runs)},
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(START_S)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if "http://" in line:
            return next(word for word in line.split() if word.startswith("http://"))
    raise AssertionError(f"the service ended with {process.wait()} and named no address")


def probabilities_of(count: int) -> np.ndarray:
    """(count, 5) float32 invented probabilities, all of them different."""
    drawn = np.random.default_rng(3).dirichlet([4, 0.3, 0.6, 0.1, 0.4], count)
    return drawn.astype(np.float32)


def stream_of(probabilities: np.ndarray) -> bytes:
    """What the service would answer to a file of beats of these probabilities."""
    start = {
        "type": "start",
        "kind": "beats",
        "name": "many.csv",
        "model": "invented/cnn",
        "model_kind": "classifier",
        "class_names": AAMI_CLASSES,
        "class_meanings": AAMI_MEANINGS,
        "samples": SAMPLES,
        "sampling_hz": HZ,
        "labelled": False,
        "bytes": 1,
        "uncertain_below": 0.6,
        "threshold": None,
        "typical": [],
    }
    parts = [
        _part(first, probabilities[first : first + PART])
        for first in range(0, len(probabilities), PART)
    ]
    end = {
        "type": "end",
        "count": len(probabilities),
        "seconds": 1.0,
        "summary": {},
        "scores": None,
        "notes": [],
    }
    return b"".join(json.dumps(line).encode() + b"\n" for line in (start, *parts, end))


def _part(first: int, probabilities: np.ndarray) -> dict:
    phase = np.arange(first, first + len(probabilities))[:, None] / 50 + np.arange(SAMPLES) / 9
    return {
        "type": "beats",
        "first": first,
        "count": len(probabilities),
        "bytes_read": 1,
        "signals": _packed(np.rint(127 + 120 * np.sin(phase)), "u1"),
        "probabilities": _packed(probabilities, "<f4"),
        "predicted": _packed(probabilities.argmax(axis=1), "u1"),
        "uncertain": _packed(probabilities.max(axis=1) < 0.6, "u1"),
        "ood_score": _packed(probabilities[:, 1], "<f4"),
        "nearest": None,
        "labels": None,
        "anomaly_score": None,
    }


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()
