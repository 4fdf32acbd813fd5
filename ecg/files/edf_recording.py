"""Reading EDF, EDF+ and BDF files (European Data Format).

Source: Kemp B et al., A simple format for exchange of digitized polygraphic recordings,
Electroencephalogr Clin Neurophysiol 82(5):391-393 (1992), and https://www.edfplus.info/specs.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import edfio
import numpy as np

from ecg.files.lead_choice import MILLIVOLTS, Channel, choose
from ecg.files.plausibility import stated_rate
from ecg.recording import Recording
from utils.errors import InputError

BDF_SUFFIX = ".bdf"
HEADER_BYTES = 256  # for the file, and the same again for each of its signals
BYTES_PER_SAMPLE = {".edf": 2, ".bdf": 3}
# In the header when the recorder was still running, or failed.
UNKNOWN_LENGTH = -1


def read_edf(path: Path, sampling_hz: float | None, units: str | None) -> tuple[Recording, str]:
    """Read the ECG leads of an EDF, EDF+ or BDF file.

    Args:
        path: the file.
        sampling_hz: of the leads, whatever the header says; None for the header's own.
        units: key of MILLIVOLTS that the values are in; None for the header's own.

    Returns:
        The recording at the file's own rate, and the units its values were taken for.

    Raises:
        InputError: the file is no EDF, is cut short, has gaps, or holds no ECG.
    """
    try:
        return _read(path, sampling_hz, units)
    except InputError:
        raise
    except Exception as error:  # edfio raises whatever its parsing stumbles over
        raise InputError(f"{path} cannot be read as EDF: {error}") from error


def _read(path: Path, sampling_hz: float | None, units: str | None) -> tuple[Recording, str]:
    records, notes = _check_length(path)
    edf = _open(path)
    if edf.reserved.startswith(("EDF+D", "BDF+D")):
        raise InputError(
            f"{path} is an EDF+D file, a recording with gaps; an unbroken one (EDF or EDF+C) "
            "expected: convert it, or cut it at its gaps"
        )
    channels = [
        Channel(signal.label, signal.physical_dimension, float(signal.sampling_frequency))
        for signal in edf.signals
    ]
    choice = choose(channels, units, str(path))
    rate, rate_notes = stated_rate(choice.sampling_hz, sampling_hz, str(path))
    chosen = [edf.signals[column] for column in choice.columns]
    recording = Recording(
        name=path.stem,
        signal_mv=_millivolts(path, chosen, choice.units, records),
        sampling_hz=rate,
        leads=choice.names,
        notes=(*notes, *rate_notes, *choice.notes),
        subject=_subject(edf),
    )
    return recording, Counter(choice.units).most_common(1)[0][0]


def _open(path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on lengths, which are checked here
        if path.suffix.lower() == BDF_SUFFIX:
            return edfio.read_bdf(path, header_encoding="latin-1")
        return edfio.read_edf(path, lazy_load_data=True, header_encoding="latin-1")


def _check_length(path: Path) -> tuple[int | None, tuple[str, ...]]:
    """How many data records to read, None for all; and a note where the file holds more.

    Raises:
        InputError: the file has fewer bytes than its header promises, or is no EDF.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        signals = int(_number(path, head[252:256], "the number of signals"))
        fields = file.read(HEADER_BYTES * max(0, signals))
    if signals < 1 or len(fields) < HEADER_BYTES * signals:
        raise InputError(f"{path} ends within its header: it was cut short, fetch it again")
    if not _number(path, head[244:252], "the duration of a data record") > 0:
        raise InputError(f"{path} has data records of no duration, so it has no sampling rate")
    begin = 216 * signals  # where the numbers of samples in a data record stand
    samples = [fields[begin + 8 * i : begin + 8 * i + 8] for i in range(signals)]
    per_record = sum(_number(path, field, "samples per data record") for field in samples)
    width = BYTES_PER_SAMPLE[path.suffix.lower()]
    promised = int(_number(path, head[236:244], "the number of data records"))
    header_bytes = HEADER_BYTES * (signals + 1)
    found = (size - header_bytes) / (per_record * width)
    if promised == UNKNOWN_LENGTH:
        return None, ("The header does not say how long the recording is; all of it is read.",)
    if found < promised:
        raise InputError(
            f"{path} has {size:,} bytes where its header promises "
            f"{header_bytes + promised * per_record * width:,.0f}: the file was cut short, fetch "
            "it again"
        )
    if found > promised:
        spare = f"{found - promised:,.1f} data records more than its header says; left unread."
        return promised, (f"{path.name} holds {spare}",)
    return promised, ()


def _number(path: Path, field: bytes, meaning: str) -> float:
    try:
        return float(field.decode("ascii"))
    except ValueError as error:
        raise InputError(
            f"{path} is no EDF file: {meaning} expected in its header, got {field!r}"
        ) from error


def _millivolts(
    path: Path, signals: Sequence, units: Sequence[str], records: int | None
) -> np.ndarray:
    """(samples, leads) float32: the integers of each signal, calibrated as EDF prescribes."""
    samples = len(signals[0].digital)
    if records is not None:
        samples = records * signals[0].samples_per_data_record
    millivolts = np.empty((samples, len(signals)), np.float32)
    for column, (signal, unit) in enumerate(zip(signals, units, strict=True)):
        steps = signal.digital_max - signal.digital_min
        gain = (signal.physical_max - signal.physical_min) / steps if steps else 0.0
        if gain == 0:
            raise InputError(
                f"{path}: {signal.label} has no calibration, its smallest and largest values "
                "are the same; mend the header"
            )
        offset = signal.physical_min - gain * signal.digital_min
        factor = MILLIVOLTS[unit]
        np.multiply(signal.digital[:samples], np.float32(gain * factor), out=millivolts[:, column])
        millivolts[:, column] += np.float32(offset * factor)
    return millivolts


def _subject(edf) -> str:
    """Sex as EDF+ gives it; names and birth dates are not read."""
    code_sex_birth_name = edf.local_patient_identification.split()
    if not edf.reserved.startswith(("EDF+", "BDF+")) or len(code_sex_birth_name) < 2:
        return ""  # the text about the patient has a form in EDF+ alone
    return {"M": "male", "F": "female"}.get(code_sex_birth_name[1], "")
