"""MIT-BIH's beats cut again from changed recordings: noise, gain, timing, polarity, clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ecg.noise import KINDS, NoiseSource, at_snr, qrs_power
from ecg.recorder_faults import amplify, invert, mistime
from heartbeats.beat_set import BeatSet
from heartbeats.cutting import BEAT_SAMPLES, cut_beats
from heartbeats.mitdb import ADC_BITS, ADC_ZERO, RECORD_HZ, STEP, Recording, read_recording
from utils.errors import InputError

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
