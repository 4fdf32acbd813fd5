"""Synthetic beats and a synthetic recording, to try the page without data.

Short, because the examples have nothing in common with the rest of the service.
"""

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ecg.files.writing import write_wfdb
from ecg.recording import Recording
from ecg.synthetic.record import generate_record
from heartbeats import synthetic

SEED = 7
# Beats of each class, so that all five are seen.
BEATS_OF_A_CLASS = (100, 25, 40, 10, 25)
RECORD_S, RECORD_HZ = 180.0, 250.0
RECORD_SHARES = {"S": 0.05, "V": 0.08}
RECORD_NAME = "synthetic"


@lru_cache(maxsize=1)
def beats_csv() -> bytes:
    """Labelled beats, 187 values and a label a row, no header."""
    beats = synthetic.load(SEED, beats=4000, patients=16)
    rng = np.random.default_rng(SEED)
    chosen = np.concatenate(
        [
            rng.choice(found, min(wanted, len(found)), replace=False)
            for label, wanted in enumerate(BEATS_OF_A_CLASS)
            if len(found := np.flatnonzero(beats.labels == label))
        ]
    )
    rng.shuffle(chosen)
    rows = np.column_stack([beats.signals[chosen], beats.labels[chosen]])
    text = io.StringIO()
    np.savetxt(text, rows, delimiter=",", fmt="%.5g")
    return text.getvalue().encode()


@lru_cache(maxsize=1)
def recording_zip() -> bytes:
    """A zip with the header and signals of one WFDB record."""
    made = generate_record(np.random.default_rng(SEED), RECORD_S, RECORD_HZ, shares=RECORD_SHARES)
    recording = Recording(RECORD_NAME, made.signal_mv, RECORD_HZ, ("II",))
    packed = io.BytesIO()
    with TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as archive:
        for path in write_wfdb(recording, Path(folder)):
            archive.write(path, path.name, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
