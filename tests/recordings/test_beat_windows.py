"""Windows around R peaks: one grid, one scale, and no shape where nothing was recorded."""

import numpy as np
import pytest

from recordings.kinds.beat_windows import windows
from tests.recordings.invented_recording import WIDE, invented, mixed_kinds


@pytest.fixture(scope="module")
def recording():
    return invented(mixed_kinds(120))


def test_the_r_peak_is_in_its_place(recording):
    cut = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks)
    assert cut.whole.all()
    own = cut.between(-0.2, 0.2)  # later, the next beat may come
    assert np.abs(cut.times_s[own][cut.shapes[:, own].argmax(axis=1)]).max() <= 0.011


def test_gain_offset_and_polarity_do_not_matter_but_for_the_sign(recording):
    plain = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks)
    changed = windows(-3 * recording.signal_mv + 2, recording.sampling_hz, recording.r_peaks)
    inner = slice(10, -10)  # away from the ends, where the filter meets the offset
    assert np.allclose(changed.shapes[inner], -plain.shapes[inner], atol=0.02)


def test_the_sampling_rate_does_not_matter():
    slow, fast = (invented(mixed_kinds(60), hz, 0.0) for hz in (125.0, 500.0))
    first, second = (windows(one.signal_mv, one.sampling_hz, one.r_peaks) for one in (slow, fast))
    assert np.abs(first.shapes - second.shapes)[2:-2].mean() < 0.02


def test_a_complex_in_a_gap_or_cut_off_has_no_shape(recording):
    signal = recording.signal_mv.copy()
    gone = recording.r_peaks[10]
    signal[gone - 5 : gone + 5] = np.nan
    start = recording.r_peaks[0] - 2  # the recording begins in the middle of the first complex
    cut = windows(signal[start:], recording.sampling_hz, recording.r_peaks - start)
    assert np.flatnonzero(~cut.whole).tolist() == [0, 10]
    assert not cut.shapes[~cut.whole].any() and np.isfinite(cut.shapes).all()


def test_what_is_not_usable_has_no_shape(recording):
    usable = np.ones(len(recording.r_peaks), bool)
    usable[3] = False
    cut = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks, usable)
    assert np.flatnonzero(~cut.whole).tolist() == [3]


def test_nothing_recorded_or_no_beat_gives_no_shapes():
    peaks = np.array([300, 600])
    for signal in (np.full(1000, np.nan), np.zeros(1000)):
        cut = windows(signal, 250.0, peaks)
        assert np.isfinite(cut.shapes).all() and not cut.shapes.any()
    assert windows(np.zeros(1000), 250.0, np.empty(0, int)).shapes.shape[0] == 0


def test_wide_beats_are_high_in_usual_heights(recording):
    cut = windows(recording.signal_mv, recording.sampling_hz, recording.r_peaks)
    height = np.ptp(cut.shapes, axis=1)
    assert height[recording.kinds == WIDE].min() > 1.3
    assert np.median(height) == pytest.approx(1, abs=0.05)
