"""What a recorder may do to an ECG: another gain, swapped electrodes, a wrong clock."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from utils.errors import InputError


def amplify(adc: np.ndarray, gain: float, zero: int, bits: int) -> np.ndarray:
    """What a converter of so many bits would have read behind an amplifier of this gain.

    Args:
        adc: (samples,) int, the converter's integers.
        gain: times the amplitude that was recorded.
        zero: the integer that stands for 0 V.
        bits: integers go from 0 to 2 ** bits - 1; what lies outside is clipped.

    Returns:
        (samples,) float64 whole numbers. What was rounded once stays so: a gain above one gives
        larger steps, no finer ones.

    Raises:
        InputError: the gain is not above zero.
    """
    if not 0 < gain < np.inf:
        raise InputError(f"a gain above zero expected, got {gain:g}; invert() turns a lead over")
    return np.clip(np.rint((adc - zero) * gain) + zero, 0, 2**bits - 1)


def invert(adc: np.ndarray, zero: int) -> np.ndarray:
    """(samples,) as with the lead's two electrodes swapped."""
    return 2 * zero - adc


def mistime(signal: np.ndarray, clock_error: Fraction) -> np.ndarray:
    """The recording as a converter would have taken it whose clock ran this share too fast.

    Args:
        signal: (samples,) float, at the rate that the software believes in.
        clock_error: share of the sampling rate, e.g. ``Fraction(5, 100)``.

    Returns:
        (about samples * (1 + clock_error),) float64, band-limited.

    Raises:
        InputError: the clock would stand still, or run backwards.
    """
    if clock_error <= -1:
        got = f"{float(100 * clock_error):g} %"
        raise InputError(f"a clock error above -100 % expected, got {got}")
    if clock_error == 0:
        return signal.astype(float)
    rate = 1 + clock_error
    return resample_poly(signal.astype(float), rate.numerator, rate.denominator, padtype="line")
