"""Reading a recording from a file of any known format: WFDB, EDF, BDF, CSV, TSV, text.

The reader of a format is imported when a file of that format is read, since each needs another
library, and a path that leads nowhere should be refused at once.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg.files.lead_choice import MILLIVOLTS, unit_of
from ecg.files.plausibility import at_most_1000_hz, check_rate, check_units
from ecg.recording import Recording
from utils.errors import InputError

# (path, sampling_hz, units) -> the recording, and the units its values were taken for
Reader = Callable[[Path, float | None, str | None], tuple[Recording, str]]

EDF_SUFFIXES = (".edf", ".bdf")
CSV_SUFFIXES = (".csv", ".tsv", ".txt")
# A WFDB record is called by its name, but people and shells complete that to one of its files.
WFDB_SUFFIXES = (".hea", ".dat", ".atr", ".mat")
# What is looked for in a folder: a CSV file may be any table.
FOLDER_SUFFIXES = (".hea", ".edf")
# Less is half a beat of a slow heart, of which nothing can be said.
SHORTEST_S = 1.0


def read_recording(
    path: Path, *, sampling_hz: float | None = None, units: str | None = None
) -> Recording:
    """Read the ECG leads of a recording, in millivolts.

    Args:
        path: a WFDB record (``mitdb/203``, or one of its files), an EDF or BDF file, or a table
            with a column for each lead (``.csv``, ``.tsv``, ``.txt``).
        sampling_hz: samples per second; None for what the file says.
        units: ``mV``, ``uV`` or ``V``, what the values are in; None for what the file says.

    Returns:
        The recording at 100 to 1000 Hz; higher rates are resampled to 1000 Hz. Its notes tell what
        was unusual in the file, and what was left out.

    Raises:
        InputError: the file is missing, damaged, or does not hold an ECG; its sampling rate or
            its units are missing or impossible. The message tells what to do.
    """
    known_units = None if units is None else unit_of(units)
    if units is not None and known_units is None:
        raise InputError(f"--units is '{units}'; one of {', '.join(MILLIVOLTS)} expected")
    reader, file = _reader(Path(path))
    recording, taken_for = reader(file, sampling_hz, known_units)
    check_rate(recording.sampling_hz, str(file))
    _check_length(recording, file)
    check_units(recording, taken_for, str(file))
    return at_most_1000_hz(_with_note_on_gaps(recording))


def find_recordings(folder: Path) -> list[Path]:
    """The recordings below a folder, WFDB (without suffix) and EDF, in order of their names.

    Raises:
        InputError: there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; the folder of the recordings expected")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in FOLDER_SUFFIXES)
    found = [file.with_suffix("") if file.suffix == ".hea" else file for file in files]
    if not found:
        raise InputError(f"{folder} holds no recording: no WFDB header (.hea) and no .edf file")
    return found


def _reader(path: Path) -> tuple[Reader, Path]:
    """The function that reads `path`, and the path to give it."""
    suffix = path.suffix.lower()
    if path.with_name(f"{path.name}.hea").is_file():
        return _wfdb_reader(path), path
    if suffix in WFDB_SUFFIXES:
        return _wfdb_reader(path.with_suffix("")), path.with_suffix("")
    if path.is_dir():
        raise InputError(f"{path} is a folder; one recording expected, e.g. {path / '100'}")
    if suffix not in EDF_SUFFIXES + CSV_SUFFIXES and not path.is_file():
        return _wfdb_reader(path), path  # which says what is missing
    if not path.is_file():
        raise InputError(f"{path} is missing; the path of a recording expected")
    if suffix in EDF_SUFFIXES:
        from ecg.files.edf_recording import read_edf

        return read_edf, path
    if suffix in CSV_SUFFIXES:
        from ecg.files.csv_recording import read_csv

        return read_csv, path
    raise InputError(
        f"{path}: a WFDB record, or a file called {', '.join(EDF_SUFFIXES + CSV_SUFFIXES)} "
        "expected; rename it if it is one"
    )


def _wfdb_reader(path: Path) -> Reader:
    if not (header := path.with_name(f"{path.name}.hea")).is_file():
        raise InputError(f"{header} is missing: every WFDB record needs its header")
    from ecg.files.wfdb_recording import read_wfdb

    return read_wfdb


def _check_length(recording: Recording, file: Path) -> None:
    if recording.duration_s < SHORTEST_S:
        raise InputError(
            f"{file} holds {len(recording.signal_mv):,} samples, {recording.duration_s:.3g} s; at "
            f"least {SHORTEST_S:g} s expected"
        )


def _with_note_on_gaps(recording: Recording) -> Recording:
    empty = [
        lead
        for lead, signal in zip(recording.leads, recording.signal_mv.T, strict=True)
        if np.isnan(signal).all()
    ]
    if not empty:
        return recording
    note = f"Nothing was recorded in {', '.join(empty)}."
    return replace(recording, notes=(*recording.notes, note))
