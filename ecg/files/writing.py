"""Writing WFDB files: a recording as header and 16-bit samples, and annotations."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wfdb

from ecg.recording import Recording


def write_wfdb(recording: Recording, folder: Path) -> list[Path]:
    """Write ``NAME.hea`` and ``NAME.dat``; the paths.

    Args:
        recording: NaN is kept, as WFDB's mark for what was not recorded.
        folder: must exist; files of the same names are replaced.
    """
    leads = list(recording.leads)
    wfdb.wrsamp(
        recording.name,
        fs=recording.sampling_hz,
        units=["mV"] * len(leads),
        sig_name=leads,
        fmt=["16"] * len(leads),
        p_signal=recording.signal_mv.astype(float),
        write_dir=str(folder),
    )
    return [folder / f"{recording.name}.{suffix}" for suffix in ("hea", "dat")]


def record_name(name: str) -> str:
    """The name as WFDB allows it: letters, digits, hyphens and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name) or "record"


def write_annotations(
    path: Path,
    samples: np.ndarray,
    symbols: Sequence[str],
    sampling_hz: float,
    notes: Sequence[str] | None = None,
) -> None:
    """Write `path`, e.g. ``100.bsw``, whole or not at all; the marks may come in any order.

    Args:
        path: its suffix is the annotator's name, in letters; its stem one of `record_name`.
        samples: (marks,) int sample indices.
        symbols: (marks,) WFDB's annotation symbols.
        sampling_hz: samples per second.
        notes: (marks,) auxiliary text, empty where there is none.
    """
    order = np.argsort(samples, kind="stable")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not len(order):  # wfdb writes no empty file; two zero bytes end every one
        path.write_bytes(b"\0\0")
        return
    texts = [(notes[i] + "\0") if notes and notes[i] else "" for i in order]
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".annotations-") as draft:
        wfdb.wrann(
            path.stem,
            path.suffix[1:],
            np.asarray(samples, np.int64)[order],
            symbol=[symbols[i] for i in order],
            aux_note=texts if notes else None,
            fs=sampling_hz,
            write_dir=draft,
        )
        (Path(draft) / path.name).replace(path)
