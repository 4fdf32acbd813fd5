"""The lines of the page's stream: arrays in base64, so that 100,000 beats stay small."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic_core import to_json

from models.predictor import Predictor
from serving.beat_predictions import Judged
from serving.model_store import meanings_of
from serving.records import STRIP_UNIT_MV, Result

MEDIA_TYPE = "application/x-ndjson"
TYPICAL_DECIMALS = 3


def line(content: Mapping[str, Any]) -> bytes:
    """One line of the stream."""
    return to_json(content) + b"\n"


def start(model: Predictor, kind: str, name: str, size: int, labelled: bool) -> bytes:
    """The first line: kind and name of the upload, and the facts that the page needs to show it.

    Args:
        model: what predicts.
        kind: ``beats`` or ``recording``.
        name: the file's.
        size: its bytes.
        labelled: whether the beats have labels.
    """
    beat_format = model.checkpoint.beat_format
    return line(
        {
            "type": "start",
            "kind": kind,
            "name": name,
            "model": model.id,
            "model_kind": model.kind,
            "class_names": model.class_names,
            "class_meanings": meanings_of(model.checkpoint),
            "samples": beat_format.samples,
            "sampling_hz": beat_format.sampling_hz,
            "labelled": labelled,
            "bytes": size,
            "uncertain_below": model.calibration.uncertain_below if model.calibration else None,
            "threshold": model.threshold,
            "typical": typical_beats(model),
        }
    )


def typical_beats(model: Predictor) -> list[dict[str, Any]]:
    """The typical beats that stand beside the checkpoint; empty where there are none."""
    if model.calibration is None:
        return []
    return [
        {"label": int(label), "class": model.class_names[label], "signal": signal}
        for label, signal in zip(
            model.calibration.typical_labels,
            np.round(model.calibration.typical_signals.astype(float), TYPICAL_DECIMALS).tolist(),
            strict=True,
        )
    ]


def beats(judged: Judged, signals: np.ndarray, first: int, bytes_read: int) -> bytes:
    """A part of the beats.

    Args:
        judged: what was found.
        signals: (beats, samples) in [0, 1]; sent in 256 steps, finer than a screen shows.
        first: how many beats came before.
        bytes_read: of the file, up to here.
    """
    said = judged.predictions
    return line(
        {
            "type": "beats",
            "first": first,
            "count": len(judged),
            "bytes_read": bytes_read,
            "signals": packed(np.round(255 * np.clip(signals, 0, 1)), "u1"),
            "predicted": packed(said.labels, "u1"),
            "probabilities": packed(said.probabilities, "<f4"),
            "ood_score": packed(said.ood_score, "<f4"),
            "uncertain": packed(said.uncertain, "u1"),
            "nearest": packed(said.nearest, "u1"),
            "labels": packed(judged.labels, "u1"),
            "anomaly_score": packed(said.anomaly_score, "<f4"),
        }
    )


def recording(result: Result, common: Mapping[str, Any]) -> bytes:
    """A recording's analysis and the strip to draw it on."""
    strip = {
        "sampling_hz": result.strip_hz,
        "unit_mv": STRIP_UNIT_MV,
        "signal": packed(result.strip, "<i2"),
    }
    return line({"type": "recording", "record": {**common, **result.answer}, "strip": strip})


def packed(values: np.ndarray | None, kind: str) -> str | None:
    """An array of the given NumPy type in base64."""
    if values is None:
        return None
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()
