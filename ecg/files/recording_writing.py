"""A recording as a WFDB record: a header and one file of 16-bit samples."""

from pathlib import Path

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
