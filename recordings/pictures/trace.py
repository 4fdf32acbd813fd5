"""A recording's trace for drawing: without baseline wander, with at most two points per pixel."""

import numpy as np

# The drift is the median over this time: longer than any wave, shorter than a breath.
BASELINE_S = 1.2
# A range of values leaves out this share of the seconds at either end, then adds some air.
RARE, AIR = 0.01, 0.08
NARROWEST_MV = 0.4


def level(signal_mv: np.ndarray, sampling_hz: float) -> np.ndarray:
    """The signal minus its drift: block medians, interpolated linearly.

    Args:
        signal_mv: (samples,), NaN where nothing was recorded.
        sampling_hz: samples per second.
    """
    block = max(int(BASELINE_S * sampling_hz), 1)
    whole = len(signal_mv) // block
    if whole < 2:
        middle = np.nanmedian(signal_mv) if np.isfinite(signal_mv).any() else 0.0
        return signal_mv - np.float32(middle)
    blocks = signal_mv[: whole * block].reshape(whole, block)
    known = np.isfinite(blocks).sum(axis=1) > block / 2
    if not known.any():
        return signal_mv
    centres = (np.flatnonzero(known) + 0.5) * block
    medians = np.nanmedian(blocks[known], axis=1)
    drift = np.interp(np.arange(len(signal_mv)), centres, medians)
    return signal_mv - drift.astype(np.float32)


def envelope(signal_mv: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """At most 2 x `columns` points that draw the same picture: each column's minimum and maximum.

    Args:
        signal_mv: (samples,), NaN where nothing was recorded.
        columns: width of the picture in pixels.

    Returns:
        Positions in samples and values, in order of time; a column without any sample is NaN.
    """
    samples = len(signal_mv)
    if samples <= 2 * columns:
        return np.arange(samples, dtype=float), signal_mv
    block = -(-samples // columns)
    padded = np.full(-(-samples // block) * block, np.nan, np.float32)
    padded[:samples] = signal_mv
    parts = padded.reshape(-1, block)
    ends = np.column_stack([np.fmin.reduce(parts, axis=1), np.fmax.reduce(parts, axis=1)])
    centres = (np.arange(len(parts)) + 0.5) * block
    return np.repeat(np.minimum(centres, samples - 1), 2), ends.ravel()


def span_mv(
    signal_mv: np.ndarray, sampling_hz: float, unusable_s: np.ndarray
) -> tuple[float, float]:
    """The range of values to draw, without rare artefacts and unusable segments.

    Args:
        signal_mv: (samples,) without drift.
        sampling_hz: samples per second.
        unusable_s: (segments, 2) start and end.
    """
    block = max(int(sampling_hz), 1)
    starts = np.arange(0, len(signal_mv), block)
    if not len(starts):
        return _at_least(np.nan, np.nan)
    lows = np.fmin.reduceat(signal_mv, starts)
    highs = np.fmax.reduceat(signal_mv, starts)
    usable = np.isfinite(lows) & ~_touched(starts / sampling_hz, block / sampling_hz, unusable_s)
    if not usable.any():
        usable = np.isfinite(lows)
    if not usable.any():
        return _at_least(np.nan, np.nan)
    return _at_least(
        float(np.percentile(lows[usable], 100 * RARE)),
        float(np.percentile(highs[usable], 100 * (1 - RARE))),
    )


def _touched(starts_s: np.ndarray, length_s: float, spans_s: np.ndarray) -> np.ndarray:
    touched = np.zeros(len(starts_s), bool)
    for start, end in spans_s:
        touched |= (starts_s < end) & (starts_s + length_s > start)
    return touched


def _at_least(low: float, high: float) -> tuple[float, float]:
    """The range with some air, never so narrow that a recorder's noise fills the picture."""
    if not np.isfinite(low + high):
        return -NARROWEST_MV / 2, NARROWEST_MV / 2
    lacking = max(NARROWEST_MV - (high - low), 0) / 2
    air = AIR * (high - low) + lacking
    return low - air, high + air
