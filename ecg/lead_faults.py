"""Faults of a lead: gaps, flat lines, clipping, implausible amplitudes.

All are found on a grid of short blocks, of which only the largest and the smallest value are kept,
so that a day takes little memory.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from ecg.gaps import runs

BLOCK_S = 0.05
# Shorter gaps hide no beat and are bridged.
LEAST_GAP_S = 0.2
# Between the beats of a slow heart a clean lead may be flat for more than a second; the noise of
# a recorder alone moves by less than this.
FLAT_S, FLAT_MV = 2.0, 0.02
# A rail is an end of the lead's range. A clipped signal stays at it, and comes and leaves steeply.
# A peak stays at its highest value for a few milliseconds only, and a slow wave comes slowly.
# Shorter stays count too if there are several of them, since no two peaks are equal.
RAIL_S, SHORT_RAIL_S, LEAST_RAIL_SAMPLES, SEVERAL = 0.02, 0.008, 3, 5
AT_RAIL_SHARE = 1e-4
STEEP_WITHIN_S, STEEP_SHARE, STEEP_MV = 0.02, 0.05, 0.1
# The isoelectric line is the lowest value of some leads, but no rail.
RAIL_FROM_MIDDLE_SHARE = 0.1
RAILS_ALIKE_S = 2.0
# No lead of MIT-BIH, PTB, PTB-XL or LUDB moves so much within a second.
WILD_S, WILD_MV = 1.0, 20.0
# This many values are enough for the median of a lead.
MIDDLE_VALUES = 100_000


@dataclass(frozen=True)
class Blocks:
    """A lead as blocks of samples.

    Attributes:
        size: samples in each; the last may have fewer.
        high: (blocks,) mV, the largest value, -inf where nothing was recorded.
        low: (blocks,) mV, the smallest value, inf where nothing was recorded.
        missing: (blocks,) share of samples that were not recorded.
    """

    size: int
    high: np.ndarray
    low: np.ndarray
    missing: np.ndarray


def blocks_of(lead_mv: np.ndarray, sampling_hz: float) -> Blocks:
    """Cut a lead (samples,) into blocks of 0.05 s."""
    size = max(1, round(BLOCK_S * sampling_hz))
    starts = np.arange(0, len(lead_mv), size)
    nothing = np.isnan(lead_mv)
    high = np.fmax.reduceat(lead_mv, starts)
    low = np.fmin.reduceat(lead_mv, starts)
    sizes = np.diff(np.append(starts, len(lead_mv)))
    missing = np.add.reduceat(nothing, starts, dtype=np.int64) / sizes
    empty = np.isnan(high)
    return Blocks(size, np.where(empty, -np.inf, high), np.where(empty, np.inf, low), missing)


def not_recorded(blocks: Blocks) -> np.ndarray:
    """(blocks,) bool: gaps long enough to hide a beat."""
    return without_short(blocks.missing >= 0.5, round(LEAST_GAP_S / BLOCK_S))


def flat(blocks: Blocks) -> np.ndarray:
    """(blocks,) bool: the lead moves by less than the noise of a recorder for two seconds."""
    window = round(FLAT_S / BLOCK_S)
    missing = blocks.missing == 1
    moving = replace(  # gaps are no flat lines, and do not lengthen a short flat line beside them
        blocks,
        high=np.where(missing, np.inf, blocks.high),
        low=np.where(missing, -np.inf, blocks.low),
    )
    return _covered(_height(moving, window) <= FLAT_MV, window, len(blocks.high))


def wild(blocks: Blocks) -> np.ndarray:
    """(blocks,) bool: the lead moves by more than any ECG within a second."""
    window = round(WILD_S / BLOCK_S)
    return _covered(_height(blocks, window) > WILD_MV, window, len(blocks.high))


def clipped(lead_mv: np.ndarray, sampling_hz: float, blocks: Blocks) -> np.ndarray:
    """(blocks,) bool: the lead is cut off at a rail, there or within the same two seconds."""
    found = np.zeros(len(blocks.high), bool)
    recorded = np.isfinite(blocks.high)
    if not recorded.any():
        return found
    top, bottom = blocks.high.max(), blocks.low.min()
    middle = np.nanmedian(lead_mv[:: max(1, len(lead_mv) // MIDDLE_VALUES)])
    for rail, sign in ((top, 1), (bottom, -1)):
        if sign * (rail - middle) > RAIL_FROM_MIDDLE_SHARE * (top - bottom):
            for first, last in _at_rail(lead_mv, sampling_hz, rail, sign, top - bottom):
                found[first // blocks.size : (last - 1) // blocks.size + 1] = True
    return joined(found, round(RAILS_ALIKE_S / BLOCK_S))


def joined(mask: np.ndarray, gap: int) -> np.ndarray:
    """`mask` with runs of False that are no longer than `gap`, and between two runs, filled."""
    filled = mask.copy()
    found = runs(mask)
    for (_, end), (start, _) in zip(found[:-1], found[1:], strict=True):
        if start - end <= gap:
            filled[end:start] = True
    return filled


def without_short(mask: np.ndarray, least: int) -> np.ndarray:
    """`mask` without runs of True that are shorter than `least`."""
    kept = mask.copy()
    for start, end in runs(mask):
        if end - start < least:
            kept[start:end] = False
    return kept


def _height(blocks: Blocks, window: int) -> np.ndarray:
    """(blocks - window + 1,) mV: range of the lead over `window` blocks from each on."""
    window = min(window, len(blocks.high))
    origin = -(window // 2)
    high = maximum_filter1d(blocks.high, window, origin=origin)
    low = minimum_filter1d(blocks.low, window, origin=origin)
    return (high - low)[: len(high) - window + 1]


def _covered(starts: np.ndarray, window: int, length: int) -> np.ndarray:
    """(length,) bool: blocks inside a window that begins at a True."""
    steps = np.zeros(length + 1, np.int64)
    begins = np.flatnonzero(starts)
    np.add.at(steps, begins, 1)
    np.add.at(steps, np.minimum(begins + window, length), -1)
    return np.cumsum(steps)[:-1] > 0


def _at_rail(
    lead_mv: np.ndarray, sampling_hz: float, rail: float, sign: int, height: float
) -> np.ndarray:
    """(runs, 2) int64: first sample and the one after the last, each time it stays at a rail."""
    near = lead_mv >= rail - AT_RAIL_SHARE * height
    if sign < 0:
        near = lead_mv <= rail + AT_RAIL_SHARE * height
    found = runs(near)
    reach = max(1, round(STEEP_WITHIN_S * sampling_hz))
    before = lead_mv[np.maximum(found[:, 0] - reach, 0)]
    after = lead_mv[np.minimum(found[:, 1] - 1 + reach, len(lead_mv) - 1)]
    depth = np.fmax(np.abs(rail - before), np.abs(rail - after))
    found = found[depth > max(STEEP_MV, STEEP_SHARE * height)]
    stay = found[:, 1] - found[:, 0]
    short = stay >= max(LEAST_RAIL_SAMPLES, round(SHORT_RAIL_S * sampling_hz))
    if short.sum() >= SEVERAL:
        return found[short]
    return found[stay >= max(LEAST_RAIL_SAMPLES, round(RAIL_S * sampling_hz))]
