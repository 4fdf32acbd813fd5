"""Cut beats changed as their recordings would have been, as far as that can be.

`heartbeats.shifted_recordings` does it properly where the recordings are there.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ecg.noise import (
    KINDS,
    MAINS_ERROR_HZ,
    MAINS_HZ,
    NoiseSource,
    at_snr,
    power_of_height,
)
from heartbeats.beat_set import BeatSet


class CutBeats:
    """Beats without recordings, changed after they were cut and scaled, as far as that can be.

    Kinds and levels are those of `RecordedBeats`, without ``gain``, which needs the converter's
    units, and without ``mains`` where beats have too few samples a second.
    """

    how = (
        "No recordings were found, so the cut beats were changed: noise is added to each beat of "
        "height 1 (0 dB: as strong as a sine of that height) and the beat is scaled to [0, 1] "
        "again; offsets hold the first value where earlier ones are not known; beats end where "
        "they were cut. Gain is left out: it acts on the converter's steps, which are not known."
    )

    def __init__(self, beats: BeatSet, noises: Mapping[str, NoiseSource], seed: int) -> None:
        """Take the beats; `noises` and `seed` as in `RecordedBeats`."""
        self.signals = np.asarray(beats.signals, np.float32)
        self.sampling_hz, self.noises, self.seed = beats.sampling_hz, noises, seed
        places = np.arange(self.signals.shape[1])
        self.inside = places < beats.beat_lengths()[:, np.newaxis]
        self.changes: dict[str, Callable[[float], np.ndarray]] = {
            "offset": self._offset,
            "inversion": self._inverted,
            "clock": self._mistimed,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of change that are possible."""
        hums = self.sampling_hz / 2 > min(MAINS_HZ) + MAINS_ERROR_HZ
        return (*(kind for kind in KINDS if kind != "mains" or hums), *self.changes)

    def cut(self, kind: str, levels: Sequence[float]) -> np.ndarray:
        """(levels, beats, samples) float32 in [0, 1]: the beats at each level of a change."""
        if kind in KINDS:
            return self._noisy(kind, levels)
        return np.stack([self.changes[kind](level) for level in levels])

    def _noisy(self, kind: str, levels: Sequence[float]) -> np.ndarray:
        rng = np.random.default_rng([self.seed, KINDS.index(kind)])
        noise = self.noises[kind].draw(self.signals.size, self.sampling_hz, rng)
        noise = noise.reshape(self.signals.shape)
        power = power_of_height(1.0)
        return np.stack(
            [self._rescaled(at_snr(self.signals, noise, snr_db, power)) for snr_db in levels]
        )

    def _rescaled(self, changed: np.ndarray) -> np.ndarray:
        """Scaled to [0, 1] over each beat's own length, and to what lies behind a long beat's cut.

        A beat whose highest or lowest value is not to be seen was cut short behind it: that value
        lies in the part that is gone, and stays what it was.
        """
        low, high = _extremes(changed, self.inside)
        seen_low, seen_high = _extremes(self.signals, self.inside)
        low = np.where(seen_low > 0, np.minimum(low, 0), low)
        high = np.where(seen_high < 1, np.maximum(high, 1), high)
        height = np.where(high > low, high - low, 1)
        return np.where(self.inside, (changed - low) / height, 0).astype(np.float32)

    def _offset(self, offset_ms: float) -> np.ndarray:
        moved = np.arange(self.signals.shape[1]) + round(offset_ms * self.sampling_hz / 1000)
        known = self.signals[:, np.clip(moved, 0, self.signals.shape[1] - 1)]
        return np.where(moved < self.signals.shape[1], known, 0).astype(np.float32)

    def _inverted(self, inverted: float) -> np.ndarray:
        return np.where(self.inside, 1 - self.signals, 0) if inverted else self.signals

    def _mistimed(self, error_percent: float) -> np.ndarray:
        samples = self.signals.shape[1]
        places = np.arange(samples) / (1 + error_percent / 100)
        left = places.astype(int)
        share = (places - left).astype(np.float32)
        padded = np.pad(self.signals, ((0, 0), (0, 1)))
        before = padded[:, np.minimum(left, samples)]
        after = padded[:, np.minimum(left + 1, samples)]
        return before + share * (after - before)


def _extremes(beats: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(beats, 1) smallest and largest value inside each beat; infinities where there is none."""
    low = np.where(inside, beats, np.inf).min(axis=1, keepdims=True)
    return low, np.where(inside, beats, -np.inf).max(axis=1, keepdims=True)
