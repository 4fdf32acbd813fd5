"""Whether a recording's values can be millivolts of an ECG."""

import numpy as np

from ecg.files.lead_choice import MILLIVOLTS
from ecg.recording import Recording
from utils.errors import InputError

# Any two seconds hold a beat. Its usual peak-to-peak height is 0.12 to 7.6 mV in all leads of
# MIT-BIH, PTB, PTB-XL and LUDB; a thousand times as much or as little lies far outside.
WINDOW_S = 2.0
LEAST_MV, MOST_MV = 0.01, 50.0
# So many windows, spread over the recording, say what is usual.
WINDOWS = 2000


def usual_height_mv(lead_mv: np.ndarray, sampling_hz: float) -> float:
    """The median of a lead's peak-to-peak height in 2 s; NaN where it is flat or not recorded.

    Args:
        lead_mv: (samples,) millivolts.
        sampling_hz: samples per second.
    """
    window = min(round(WINDOW_S * sampling_hz), len(lead_mv))
    starts = np.arange(0, len(lead_mv) - window + 1, max(1, window))
    if len(starts) > WINDOWS:
        starts = starts[np.linspace(0, len(starts) - 1, WINDOWS).astype(int)]
    pieces = [lead_mv[start : start + window] for start in starts]
    heights = np.array([np.fmax.reduce(piece) - np.fmin.reduce(piece) for piece in pieces])
    moving = heights[heights > 0]
    return float(np.median(moving)) if moving.size else np.nan


def check_units(recording: Recording, units: str, where: str) -> None:
    """Raise InputError where no lead has the size of an ECG, though some lead moves.

    Args:
        recording: in what is thought to be millivolts.
        units: key of MILLIVOLTS that the file's values were taken for.
        where: the file, for the message.
    """
    heights = [usual_height_mv(lead, recording.sampling_hz) for lead in recording.signal_mv.T]
    known = [height for height in heights if not np.isnan(height)]
    if not known or any(LEAST_MV <= height <= MOST_MV for height in known):
        return
    typical = float(np.median(known))
    raise InputError(
        f"{where}: taken as {units}, the leads move by {typical:.3g} mV within {WINDOW_S:g} s, "
        f"where an ECG moves by 0.1 to 10 mV; {_way_out(typical, units)}"
    )


def _way_out(typical_mv: float, units: str) -> str:
    for other, factor in MILLIVOLTS.items():
        if LEAST_MV * 5 <= typical_mv * factor / MILLIVOLTS[units] <= MOST_MV / 5:
            return f"if the values are in {other}, pass --units {other}"
    return "convert the values into mV first, or choose another file if this is no ECG"
