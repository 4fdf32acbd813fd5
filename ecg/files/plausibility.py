"""Whether sampling rate and values of a file can be those of an ECG; resampling of high rates.

`stated_rate` decides between the rate in the file and the user's, `check_rate` and `check_units`
refuse what no ECG has, and `at_most_1000_hz` resamples recordings that were sampled faster.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ecg.files.lead_choice import MILLIVOLTS
from ecg.gaps import without_gaps
from ecg.recording import Recording
from utils.errors import InputError

# The detector and the delineator are made for these. Below, a QRS complex has too few samples.
LOWEST_HZ, HIGHEST_HZ = 100.0, 1000.0
# No electrocardiograph samples faster; a header that says more is wrong.
ABSURD_HZ = 50_000.0
# Ratios of rates are rounded to fractions with this largest denominator; it keeps the filter
# short.
LARGEST_DENOMINATOR = 1000

# Two seconds always hold a beat. Its usual peak-to-peak height is 0.12 to 7.6 mV in all leads of
# MIT-BIH, PTB, PTB-XL and LUDB; a thousand times as much or as little is far outside this range.
WINDOW_S = 2.0
LEAST_MV, MOST_MV = 0.01, 50.0
# This many windows, spread over the recording, are enough for the median.
WINDOWS = 2000


def stated_rate(
    in_file: str | float | None, by_user: float | None, where: str
) -> tuple[float, tuple[str, ...]]:
    """The sampling rate to use: the user's if given, else the file's; and notes.

    Args:
        in_file: the rate in the file, None where there is none.
        by_user: the rate given with `--sampling-hz`.
        where: the file, for messages.

    Raises:
        InputError: it is missing, or no rate of an ECG.
    """
    file_hz = _as_number(in_file)
    if by_user is not None:
        _check_possible(by_user, "--sampling-hz")
        if file_hz is None or file_hz == by_user:
            return by_user, ()
        return by_user, (f"Sampling rate of {by_user:g} Hz as given, not {in_file} as in file.",)
    if in_file is None:
        raise InputError(f"{where} gives no sampling rate; pass it with --sampling-hz")
    if file_hz is None:
        raise InputError(
            f"{where} gives '{in_file}' as sampling rate, a number of hertz expected; pass the "
            "true one with --sampling-hz"
        )
    _check_possible(file_hz, where)
    return file_hz, ()


def check_rate(sampling_hz: float, where: str) -> None:
    """Raise InputError where a rate is too low for an ECG."""
    if sampling_hz < LOWEST_HZ:
        raise InputError(
            f"{where} is sampled at {sampling_hz:g} Hz, at least {LOWEST_HZ:g} Hz expected; if "
            "that is not its true rate, pass it with --sampling-hz"
        )


def at_most_1000_hz(recording: Recording) -> Recording:
    """The recording resampled to 1000 Hz if its rate is higher, with a note that says so."""
    if recording.sampling_hz <= HIGHEST_HZ:
        return recording
    ratio = Fraction(HIGHEST_HZ / recording.sampling_hz).limit_denominator(LARGEST_DENOMINATOR)
    sampling_hz = float(recording.sampling_hz * ratio)
    leads = [_resampled(lead, ratio) for lead in recording.signal_mv.T]
    note = f"Resampled from {recording.sampling_hz:g} to {sampling_hz:g} Hz."
    return replace(
        recording,
        signal_mv=np.stack(leads, axis=1),
        sampling_hz=sampling_hz,
        notes=(*recording.notes, note),
    )


def check_units(recording: Recording, units: str, where: str) -> None:
    """Raise InputError where no lead has the size of an ECG, though some lead moves.

    Args:
        recording: in what should be millivolts.
        units: key of MILLIVOLTS, the units assumed for the file's values.
        where: the file, for the message.
    """
    heights = [_usual_height_mv(lead, recording.sampling_hz) for lead in recording.signal_mv.T]
    known = [height for height in heights if not np.isnan(height)]
    if not known or any(LEAST_MV <= height <= MOST_MV for height in known):
        return
    typical = float(np.median(known))
    raise InputError(
        f"{where}: taken as {units}, the leads move by {typical:.3g} mV within {WINDOW_S:g} s, "
        f"where an ECG moves by 0.1 to 10 mV; {_way_out(typical, units)}"
    )


# Sampling rates


def _as_number(rate: str | float | None) -> float | None:
    try:
        return None if rate is None else float(rate)
    except ValueError:
        return None


def _check_possible(sampling_hz: float, where: str) -> None:
    if not 0 < sampling_hz <= ABSURD_HZ:
        raise InputError(
            f"{where} gives a sampling rate of {sampling_hz:g} Hz, which no ECG has; pass the "
            "true one with --sampling-hz"
        )


def _resampled(lead: np.ndarray, ratio: Fraction) -> np.ndarray:
    """(samples * ratio,) float32; samples that were not recorded stay NaN."""
    gaps = np.isnan(lead)
    if not gaps.any():
        return _filtered(lead, ratio)
    whole = without_gaps(lead).astype(np.float32)
    result = _filtered(whole, ratio)
    nearest = np.minimum(np.round(np.arange(len(result)) / float(ratio)), len(lead) - 1)
    result[gaps[nearest.astype(np.int64)]] = np.nan
    return result


def _filtered(lead: np.ndarray, ratio: Fraction) -> np.ndarray:
    # Late, since few recordings need it and it is slow to import.
    from scipy.signal import resample_poly

    return resample_poly(lead, ratio.numerator, ratio.denominator, padtype="line")


# Amplitudes


def _usual_height_mv(lead_mv: np.ndarray, sampling_hz: float) -> float:
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


def _way_out(typical_mv: float, units: str) -> str:
    for other, factor in MILLIVOLTS.items():
        if LEAST_MV * 5 <= typical_mv * factor / MILLIVOLTS[units] <= MOST_MV / 5:
            return f"if the values are in {other}, pass --units {other}"
    return "convert the values into mV first, or choose another file if this is no ECG"
