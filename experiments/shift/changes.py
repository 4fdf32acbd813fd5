"""Cut beats changed as their recordings would have been, as far as that can be.

`experiments.shift.changes` does it properly where the recordings are there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from ecg.noise import (
    KINDS,
    MAINS_ERROR_HZ,
    MAINS_HZ,
    NoiseSource,
    at_snr,
    power_of_height,
    qrs_power,
)
from heartbeats.beat_set import BeatSet
from heartbeats.cutting import BEAT_SAMPLES, cut_beats
from heartbeats.mitdb import ADC_BITS, ADC_ZERO, RECORD_HZ, STEP, Recording, read_recording
from utils.errors import InputError


def amplify(adc: np.ndarray, gain: float, zero: int, bits: int) -> np.ndarray:
    """What a converter of this resolution would have read behind an amplifier of this gain.

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


# A changed signal and its onsets for each level of a change.
Changed = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class _Part:
    """One recording, which of its marks are wanted, and where their beats go."""

    recording: Recording
    wanted: np.ndarray
    rows: np.ndarray


class RecordedBeats:
    """Beats of MIT-BIH that are cut again from their changed recordings.

    Kinds of change and their levels: ``white wander mains muscle`` in dB of signal over noise,
    ``gain`` as a factor before the converter, ``offset`` of all R marks in ms, ``inversion`` (0 or
    1), and ``clock``, the per cent by which the converter's clock was too fast.
    """

    how = (
        "Recordings are changed at 360 Hz before beats are cut and scaled. 0 dB: noise as strong, "
        "within one second, as a sine as high as the record's QRS complexes, as in the MIT-BIH "
        "Noise Stress Test Database. Gain: scaling undoes it; what remains is the converter's "
        f"{ADC_BITS} bits, rounding below 1 and clipping above. Offset: all R marks, to the "
        "nearest sample of 2.8 ms."
    )

    def __init__(
        self, folder: Path, beats: BeatSet, noises: Mapping[str, NoiseSource], seed: int
    ) -> None:
        """Read the recordings that hold the beats.

        Args:
            folder: holds MIT-BIH's WFDB records.
            beats: which beats to cut; their `records` and `times_s` must be known.
            noises: one source for each of `ecg.noise.KINDS`.
            seed: draws noise; the same for all levels of a kind, whatever beats are wanted.

        Raises:
            InputError: a record is missing or damaged, or other beats come out of it.
        """
        assert beats.records is not None
        self.noises, self.seed, self.count = noises, seed, len(beats)
        self.changes: dict[str, Callable[[Recording, Sequence[float]], Changed]] = {
            **{kind: self._noises_of(kind) for kind in KINDS},
            "gain": _amplified,
            "offset": _offset,
            "inversion": _inverted,
            "clock": _mistimed,
        }
        names = np.unique(beats.records)
        with ThreadPoolExecutor(2) as pool:
            recordings = pool.map(lambda name: read_recording(folder / str(name)), names)
            self.parts = [_find(recording, beats) for recording in recordings]
        if not np.array_equal(self.cut("offset", [0])[0], beats.signals):
            raise InputError(
                f"the records in {folder} do not give the beats of {beats.name} that are to be "
                "changed; fetch them again with `python -m heartbeats.download mitdb`"
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of change that are possible."""
        return tuple(self.changes)

    def cut(self, kind: str, levels: Sequence[float]) -> np.ndarray:
        """(levels, beats, 187) float32 in [0, 1]: the beats at each level of a change."""
        cut = np.zeros((len(levels), self.count, BEAT_SAMPLES), np.float32)
        for part in self.parts:
            changed = self.changes[kind](part.recording, levels)
            for place, (signal, onsets) in enumerate(changed):
                cut[place, part.rows] = cut_beats(signal, onsets, part.wanted, STEP)[0]
        return cut

    def _noises_of(self, kind: str) -> Callable[[Recording, Sequence[float]], Changed]:
        def noisy(recording: Recording, levels: Sequence[float]) -> Changed:
            rng = np.random.default_rng([self.seed, KINDS.index(kind), int(recording.name)])
            noise = self.noises[kind].draw(len(recording.adc), RECORD_HZ, rng)
            r_peaks = recording.marks.samples[recording.labels >= 0]
            power = qrs_power(recording.adc, r_peaks, RECORD_HZ)
            for snr_db in levels:
                yield at_snr(recording.adc, noise, snr_db, power), recording.onsets

        return noisy


def _find(recording: Recording, beats: BeatSet) -> _Part:
    """Where the wanted beats of a recording stand among its marks."""
    assert beats.records is not None and beats.times_s is not None
    rows = np.flatnonzero(beats.records == recording.name)
    samples = np.rint(beats.times_s[rows] * RECORD_HZ).astype(np.int64)
    rows = rows[np.argsort(samples, kind="stable")]  # cut_beats goes by time
    wanted = np.isin(recording.marks.samples, samples) & (recording.labels >= 0)
    if wanted[:-1].sum() != len(rows):
        raise InputError(
            f"record {recording.name} marks {wanted[:-1].sum()} of {len(rows)} beats that are to "
            "be cut from it; fetch it again with `python -m heartbeats.download mitdb`"
        )
    return _Part(recording, wanted, rows)


def _amplified(recording: Recording, gains: Sequence[float]) -> Changed:
    for gain in gains:
        yield amplify(recording.adc, gain, ADC_ZERO, ADC_BITS), recording.onsets


def _offset(recording: Recording, offsets_ms: Sequence[float]) -> Changed:
    length = len(recording.adc)
    for offset_ms in offsets_ms:
        onsets = np.clip(recording.onsets + round(offset_ms * RECORD_HZ / 1000), 0, length)
        onsets[-1] = length
        yield recording.adc, onsets


def _inverted(recording: Recording, flags: Sequence[float]) -> Changed:
    for flag in flags:
        yield invert(recording.adc, ADC_ZERO) if flag else recording.adc, recording.onsets


def _mistimed(recording: Recording, errors_percent: Sequence[float]) -> Changed:
    for error_percent in errors_percent:
        error = Fraction(error_percent / 100).limit_denominator(1000)
        signal = mistime(recording.adc, error)
        onsets = np.rint(recording.onsets * float(1 + error)).astype(np.int64)
        yield signal, np.minimum(onsets, len(signal))


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
