"""Small twelve-lead WFDB records of synthetic ECGs."""

from pathlib import Path

import numpy as np
import wfdb

from ecg.synthetic.record import SyntheticRecord, generate_record
from heartbeats.labelled_records import LEADS


def write_record(
    folder: Path,
    name: str,
    sampling_hz: int,
    *,
    seed: int = 0,
    comments: tuple[str, ...] = (),
    leads: tuple[str, ...] = LEADS,
    silent: bool = False,
) -> SyntheticRecord:
    """Ten seconds in format 16 at 1 uV; with `silent`, a recording without a heartbeat."""
    record = generate_record(np.random.default_rng(seed), 10, sampling_hz, noise=0.3)
    signal_mv = record.signal_mv * np.linspace(1, 0.4, len(leads)) * (not silent)
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=sampling_hz,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        d_signal=np.rint(signal_mv * 1000).astype(np.int64),
        fmt=["16"] * len(leads),
        adc_gain=[1000] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(folder),
        comments=list(comments),
    )
    return record
