"""QRS strength: how much each moment of a recording resembles a QRS complex.

All leads are filtered into bands of the QRS complex, and the energies are added with weights that
follow the recording: a band of a lead counts as much as its beats stand out from the signal
between them. So muscle noise takes weight from the high bands and T waves from the low bands, and
a lead whose electrode fell off has no weight. The result is relative to the usual beats nearby.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

# Bands of the QRS complex, and their weights where beats stand out equally in all bands. Tuned on
# the DS1 records of MIT-BIH, with and without muscle noise, which is strong above 15 Hz.
BANDS_HZ = ((4.0, 10.0), (8.0, 16.0), (12.0, 35.0))
BAND_SHARES = (8.0, 4.0, 1.0)
# A band's weight grows with this power of the contrast of its beats.
CONTRAST_POWER = 3
# Energies are smoothed twice over this length, about that of a QRS complex.
SMOOTH_S = 0.106
# Smoothed energies hold nothing above about 10 Hz, so this rate is enough for them.
STRENGTH_HZ = 100.0
# A block of this length holds a beat. Over this many blocks, beats keep about the same size.
BLOCK_S, STEADY_BLOCKS = 2.0, 5
# A block whose maximum is below this share of a usual beat has no beat, or its electrode is off.
LEAST_OF_BEAT = 0.1
# Noise may come and go from one block to the next.
NOISY_BLOCKS = 3
# Beats are no smaller than this share of the usual ones in the minute around: what is left in a
# pause is P waves and noise. Where less than half of that minute has beats, this says nothing.
LEAST_OF_SURROUND, SURROUND_BLOCKS = 0.25, 31
# Where usual beats have smaller `values` than this, they are not the beats that set the scale.
LEAST_BEAT = 0.6
# A signal with smaller beats than this holds only the noise of the recorder.
LEAST_MV = 0.005
# All contrasts above this are those of a signal without noise.
MOST_CONTRAST = 100.0
# Even a tachycardia of 220 beats per minute has more contrast than this; a steady tone has less.
LEAST_CONTRAST = 1.4


@dataclass(frozen=True)
class Grid:
    """Where the strength is computed: every `step` samples, `block` points to a block."""

    step: int
    block: int

    @property
    def block_samples(self) -> int:
        """Samples of the signal in a block."""
        return self.step * self.block


@dataclass(frozen=True)
class Strength:
    """The result of `qrs_strength`, on the points of a `Grid`.

    Attributes:
        values: (points,) about 1 at the height of the usual beats nearby.
        beat: (points,) `values` at the height of a usual beat, 0 where there are no beats.
        quiet: (points,) median of `values` nearby.
        contrast: (blocks,) how far usual beats stand out from the quieter quarter of the time.
        lead_shares: (blocks, leads) weight of each lead, 0 where it is dead.
    """

    values: np.ndarray
    beat: np.ndarray
    quiet: np.ndarray
    contrast: np.ndarray
    lead_shares: np.ndarray

    def block_of(self, samples: np.ndarray, sampling_hz: float) -> np.ndarray:
        """The blocks of these samples: rows of `contrast` and `lead_shares`."""
        return np.minimum(samples // grid_of(sampling_hz).block_samples, len(self.contrast) - 1)


def grid_of(sampling_hz: float) -> Grid:
    """The grid for a recording of this rate; it begins with the recording's first sample."""
    step = max(1, int(sampling_hz / STRENGTH_HZ))
    return Grid(step, round(BLOCK_S * sampling_hz / step))


def qrs_strength(leads_mv: np.ndarray, sampling_hz: float) -> Strength:
    """Weigh and add the energies of all bands and leads.

    Args:
        leads_mv: (samples, leads) without gaps; begins where a block of the recording begins.
        sampling_hz: samples per second, 100 to 1000.
    """
    grid = grid_of(sampling_hz)
    samples, leads = leads_mv.shape
    points = -(-samples // grid.step)
    blocks = max(1, points // grid.block)
    total, weights = np.zeros(points), np.zeros((blocks, leads, len(BANDS_HZ)))
    for lead, signal in enumerate(leads_mv.T):
        for band in range(len(BANDS_HZ)):
            energy = _energy(signal, band, sampling_hz, grid.step)
            beat, loud = _beat_and_noise(np.sqrt(energy), grid)
            weights[:, lead, band] = _weight(beat, loud, band)
            around = median_filter(beat, SURROUND_BLOCKS, mode="mirror")
            beat = np.maximum(beat, LEAST_OF_SURROUND * around)
            per_energy = weights[:, lead, band] / np.maximum(beat, LEAST_MV) ** 2
            total += energy * _between_blocks(per_energy, points, grid)
    sums = weights.sum(axis=(1, 2))
    positive = np.maximum(sums, np.finfo(float).tiny)
    values = np.sqrt(total / np.maximum(_between_blocks(sums, points, grid), np.finfo(float).tiny))
    return _with_levels(values, weights.sum(axis=2) / positive[:, np.newaxis], sums > 0, grid)


def _energy(signal: np.ndarray, band: int, sampling_hz: float, step: int) -> np.ndarray:
    """(points,) square millivolts in a band, smoothed."""
    passed = butter(2, BANDS_HZ[band], "bandpass", fs=sampling_hz, output="sos")
    energy = sosfiltfilt(passed, signal) ** 2
    length = 2 * int(SMOOTH_S * sampling_hz / 2) + 1
    smooth = uniform_filter1d(uniform_filter1d(energy, length), length)
    # The running sums of the filter can fall below nothing by a rounding.
    return np.maximum(smooth[::step], 0)


def _beat_and_noise(values: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """(blocks,) usual height of a beat, and (blocks,) noise between beats, the loudest nearby.

    The noise is infinite in a block without anything like a beat, so that it gets no weight.
    """
    beat, quiet, _low = _levels(values, grid)
    blocks = _blocks(values, grid)
    middle = np.quantile(blocks, 0.5, axis=1)
    noise = np.maximum(quiet, maximum_filter1d(middle, NOISY_BLOCKS, mode="mirror"))
    return beat, np.where(blocks.max(axis=1) < LEAST_OF_BEAT * beat, np.inf, noise)


def _levels(values: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(blocks,) each: the usual maximum, median and lower quartile of the blocks around each."""
    blocks = _blocks(values, grid)
    low, middle = np.quantile(blocks, (0.25, 0.5), axis=1)
    beat, middle, low = (
        median_filter(level, STEADY_BLOCKS, mode="mirror")
        for level in (blocks.max(axis=1), middle, low)
    )
    return beat, middle, low


def _blocks(values: np.ndarray, grid: Grid) -> np.ndarray:
    """(blocks, points) without an incomplete last block, unless it is the only one."""
    block = min(grid.block, len(values))
    return values[: len(values) // block * block].reshape(-1, block)


def _weight(beat: np.ndarray, noise: np.ndarray, band: int) -> np.ndarray:
    """(blocks,) weight of a band of a lead, 0 where the lead is dead."""
    contrast = beat / np.maximum(noise, np.maximum(beat, LEAST_MV) / MOST_CONTRAST)
    return np.where(beat > LEAST_MV, BAND_SHARES[band] * contrast**CONTRAST_POWER, 0)


def _with_levels(
    values: np.ndarray, lead_shares: np.ndarray, alive: np.ndarray, grid: Grid
) -> Strength:
    beat, quiet, low = _levels(values, grid)
    contrast = beat / np.maximum(low, np.finfo(float).tiny)
    alive = alive & (beat > LEAST_BEAT) & (contrast > LEAST_CONTRAST)
    points = np.minimum(np.arange(len(values)) // grid.block, len(beat) - 1)
    return Strength(
        values,
        np.where(alive[points], _between_blocks(beat, len(values), grid), 0),
        _between_blocks(quiet, len(values), grid),
        contrast,
        lead_shares,
    )


def _between_blocks(levels: np.ndarray, points: int, grid: Grid) -> np.ndarray:
    """(points,) levels of blocks, interpolated linearly between the middles of blocks."""
    middles = (np.arange(len(levels)) + 0.5) * grid.block
    return np.interp(np.arange(points), middles, levels)
