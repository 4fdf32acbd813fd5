"""What a transfer study is, for its folder's name, its resumption and its report."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from heartbeats import splits
from heartbeats.beat_set import BeatSet
from models.checkpoints import Checkpoint
from training.transfer_cells import Bench
from training.transfer_rates import TUNING_FRACTION, TUNING_SEEDS
from training.transfer_settings import TransferSettings
from utils.paths import runs_folder, shown
from utils.versions import commit, versions

LAYOUT = 1  # one more with every change that makes earlier results those of another study
# Settings that say how much of a study is done, or where it goes, and not what it is.
NOT_IDENTIFYING = ("modes", "percents", "seeds", "source_epochs", "tracking", "to")


def identity_of(
    settings: TransferSettings, source: Checkpoint, target: BeatSet, protocol: str
) -> dict[str, Any]:
    """What two runs share if one may take over the other's trainings."""
    chosen = {
        key: value
        for key, value in dataclasses.asdict(settings).items()
        if key not in NOT_IDENTIFYING
    }
    return {
        **chosen,
        "protocol": protocol,
        "source_protocol": source.facts.get("protocol"),
        "source_weights": source.facts["weights_digest"],
        "target_fingerprint": target.fingerprint,
        "backend": keras.backend.backend(),
        "layout": LAYOUT,
    }


def facts_of(source: Checkpoint, bench: Bench, test: BeatSet, protocol: str) -> dict[str, Any]:
    """What the report says besides."""
    parts = {"training": bench.train, "validation": bench.validation, "test": test}
    return {
        "protocol_meaning": splits.PROTOCOLS[protocol],
        "unit": "patients" if bench.by_patient else "beats",
        "parts": {name: _counts(part) for name, part in parts.items()},
        "source_checkpoint": shown(source.path),
        "source_score": source.facts["score"],
        "source_parameters": source.facts.get("parameters"),
        "synthetic": test.is_synthetic or source.facts.get("data") == "synthetic",
        "tuning": {"fraction": TUNING_FRACTION, "seeds": list(TUNING_SEEDS)},
        "commit": commit(),
        "versions": versions(),
    }


def _counts(part: BeatSet) -> dict[str, Any]:
    """Patients, records and beats of each class; None where unknown."""
    known = {"patients": part.patients, "records": part.records}
    counts = {
        name: None if array is None else len(np.unique(array)) for name, array in known.items()
    }
    of_class = dict(zip(part.class_names, part.class_counts().tolist(), strict=True))
    return {**counts, "beats": len(part), "of_class": of_class}


def folder_of(settings: TransferSettings, identity: dict[str, Any]) -> Path:
    if settings.to:
        return Path(settings.to)
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{settings.source}-to-{settings.target}-{settings.arch}-{digest}"
    return runs_folder() / "transfer" / name
