"""Input of the delineator: a window around each R peak, on one grid for all sampling rates.

Averaging a beat with neighbours of its own shape lifts waves that return with every beat, P waves
above all, out of noise and fibrillation, which do not return: the idea of signal-averaged ECG
(Simson MB, Use of signals in the terminal QRS complex, Circulation 64(2):235-242, 1981).
"""

import numpy as np

# P waves begin at most about 0.4 s before the R peak, T waves of slow hearts end 0.65 s after it.
GRID_HZ = 125
BEFORE, AFTER = 64, 96
GRID_S = np.arange(-BEFORE, AFTER) / GRID_HZ
# Waves have little power above this, and recordings of 100 Hz have none.
LOW_PASS_HZ, KERNEL_S = 45.0, 0.04
# Neighbours on each side, and the correlation of QRS and T that makes one alike.
NEIGHBOURS, ALIKE, ALIKE_WITHIN_S = 4, 0.9, (-0.06, 0.3)
# The direction of a complex is determined this far around the R peak.
QRS_WITHIN_S = 0.06
# Another beat in the window is shown as a bump of this width.
BUMP_S = 0.016
# Small waves are amplified: arcsinh is linear for small values and grows slowly for large ones.
LIFT = 8.0
CHANNELS = 4


def reach_samples(sampling_hz: float) -> tuple[int, int]:
    """How many samples before and after an R peak a window needs."""
    margin = int(np.ceil(KERNEL_S * sampling_hz)) + 1
    return (
        int(BEFORE / GRID_HZ * sampling_hz) + margin,
        int(AFTER / GRID_HZ * sampling_hz) + margin,
    )


def resampling_matrix(sampling_hz: float) -> np.ndarray:
    """(samples, grid) weights that low-pass and resample a window in one product.

    The kernel is a sinc under a Hann window; each column adds up to one.
    """
    before, after = reach_samples(sampling_hz)
    samples_s = np.arange(-before, after + 1) / sampling_hz
    apart_s = GRID_S - samples_s[:, None]
    near = np.abs(apart_s) < KERNEL_S
    hann = np.cos(0.5 * np.pi * apart_s / KERNEL_S) ** 2
    weights = np.where(near, np.sinc(2 * LOW_PASS_HZ * apart_s) * hann, 0.0)
    return (weights / weights.sum(axis=0)).astype(np.float32)


def cut(signal_mv: np.ndarray, r_peaks: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats, samples) float32: the signal around each R peak, with ends and gaps filled."""
    before, after = reach_samples(sampling_hz)
    places = r_peaks[:, None] + np.arange(-before, after + 1)
    raw = signal_mv[np.clip(places, 0, len(signal_mv) - 1)]
    holes = ~np.isfinite(raw)
    broken = holes.any(axis=1)
    if broken.any():
        raw[broken] = _held(raw[broken], holes[broken])
    # Offsets of many millivolts would cost float32 its last digits.
    return (raw - raw[:, [before]]).astype(np.float32)


def _held(raw: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Windows with holes filled by the last value before them, or the first after them."""
    columns = np.arange(raw.shape[1])
    last = np.maximum.accumulate(np.where(holes, -1, columns), axis=1)
    first = np.argmin(holes, axis=1)[:, None]
    filled = np.take_along_axis(raw, np.where(last < 0, first, last), axis=1)
    return np.where(np.isfinite(filled), filled, 0.0)


def normalised(windows: np.ndarray) -> np.ndarray:
    """(beats, grid) windows without slope and offset, of unit size, most of the QRS upwards."""
    line = np.stack([np.ones_like(GRID_S), GRID_S - GRID_S.mean()])
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    line = line.astype(np.float32)
    level = windows - (windows @ line.T) @ line
    size = np.sqrt(np.mean(level**2, axis=1, keepdims=True))
    qrs = level[:, np.abs(GRID_S) <= QRS_WITHIN_S]
    sign = np.where(np.sum(qrs**3, axis=1, keepdims=True) < 0, -1, 1)
    return sign * level / np.where(size > 0, size, 1)


def alike(windows: np.ndarray) -> list[np.ndarray]:
    """Find neighbours of the same shape.

    Args:
        windows: (beats, grid) of unit size; neighbours of the other direction do not count.

    Returns:
        For each distance of 1 to NEIGHBOURS beats, (beats - distance,) bool: whether a beat and
        the one this many beats later are alike.
    """
    within = (GRID_S >= ALIKE_WITHIN_S[0]) & (GRID_S <= ALIKE_WITHIN_S[1])
    shapes = windows[:, within] - windows[:, within].mean(axis=1, keepdims=True)
    norms = np.linalg.norm(shapes, axis=1, keepdims=True)
    shapes = shapes / np.where(norms > 0, norms, 1)
    distances = range(1, min(NEIGHBOURS, len(windows) - 1) + 1)
    return [np.einsum("bg,bg->b", shapes[far:], shapes[:-far]) > ALIKE for far in distances]


def averaged(values: np.ndarray, alike_ahead: list[np.ndarray]) -> np.ndarray:
    """Each beat's values averaged with those of its neighbours of the same shape.

    Args:
        values: (beats, ...), such as windows.
        alike_ahead: from `alike`.
    """
    total = values.copy()
    count = np.ones((len(values),) + (1,) * (values.ndim - 1), values.dtype)
    for far, are_alike in enumerate(alike_ahead, 1):
        weight = are_alike.astype(values.dtype).reshape(-1, *count.shape[1:])
        total[far:] += weight * values[:-far]
        total[:-far] += weight * values[far:]
        count[far:] += weight
        count[:-far] += weight
    return total / count


def other_beats(r_peaks: np.ndarray, sampling_hz: float) -> np.ndarray:
    """(beats, grid) float32: a bump of height one at each other R peak within the window."""
    times_s = r_peaks / sampling_hz
    bumps = np.zeros((len(r_peaks), len(GRID_S)), np.float32)
    for apart in (1, 2, 3):
        ahead_s = (times_s[apart:] - times_s[:-apart])[:, None]
        bumps[:-apart] += _bump(GRID_S - ahead_s)
        bumps[apart:] += _bump(GRID_S + ahead_s)
    return bumps


def _bump(distance_s: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * (distance_s / BUMP_S) ** 2).astype(np.float32)


def channels(level: np.ndarray, alike_ahead: list[np.ndarray], bumps: np.ndarray) -> np.ndarray:
    """(beats, grid, CHANNELS) float32: the network's input for each beat.

    Args:
        level: (beats, grid) of consecutive beats, as `normalised` leaves them.
        alike_ahead: of `alike`.
        bumps: (beats, grid) of `other_beats`.
    """
    lifted = np.arcsinh(LIFT * level)
    usual = np.arcsinh(LIFT * averaged(level, alike_ahead))
    return np.stack([level, lifted, usual, bumps], axis=2, dtype=np.float32)
