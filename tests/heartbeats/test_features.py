"""Features: finite for any beat, blind to padding, and in agreement with SciPy."""

import numpy as np
import pytest
from scipy import signal, stats

from heartbeats.features import BANDS, CHUNK, FEATURES, features

HZ = 120.0


def beats_of(lengths, samples: int = 187, seed: int = 0) -> np.ndarray:
    """Smooth random beats of these lengths, scaled to [0, 1], zeros after their end."""
    rng = np.random.default_rng(seed)
    beats = np.zeros((len(lengths), samples), np.float32)
    for beat, length in zip(beats, lengths, strict=True):
        wave = np.cumsum(rng.standard_normal(length))
        wave[-1] = wave.max()  # not the minimum: that would read as padding
        beat[:length] = (wave - wave.min()) / np.ptp(wave)
    return beats


def named(beats: np.ndarray, sampling_hz: float = HZ) -> dict[str, np.ndarray]:
    return dict(zip(FEATURES, features(beats, sampling_hz).T, strict=True))


def degenerate() -> np.ndarray:
    beats = np.zeros((7, 187), np.float32)
    beats[1] = 0.3  # constant, and fills all samples
    beats[2, :50] = 1  # constant and padded
    beats[3, :2] = 1, 0.5
    beats[4, 0] = 1
    beats[5, -1] = 1e-30
    beats[6] = 0.3 + 1e-7 * (np.arange(187) % 2)
    return beats


@pytest.mark.parametrize("samples", [187, 2, 1])
def test_any_beat_has_finite_features(samples):
    found = features(degenerate()[:, :samples], HZ)
    assert found.shape == (7, len(FEATURES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_no_beats_have_no_features():
    assert features(np.zeros((0, 187), np.float32), HZ).shape == (0, len(FEATURES))


def test_an_empty_beat_and_a_constant_one_have_no_shape():
    found = named(degenerate()[:3])
    assert np.array_equal(found["length_s"] * HZ, [0, 187, 50])
    for name in ("deviation", "skewness", "kurtosis", "steepest_rise_per_s", *BANDS):
        assert np.allclose(found[name], 0, atol=1e-6), name


def test_padding_does_not_matter():
    beats = beats_of([30, 60, 100, 99])
    longer = np.pad(beats, ((0, 0), (0, 213)))
    tight = beats[:, :100]
    expected = features(beats, HZ)
    assert np.allclose(features(longer, HZ), expected, rtol=1e-4, atol=1e-5)
    assert np.allclose(features(tight, HZ), expected, rtol=1e-4, atol=1e-5)


def test_a_beat_has_the_same_features_in_any_company():
    beats = beats_of([40, 187, 120] * (CHUNK // 2))
    assert np.allclose(features(beats, HZ)[-2:], features(beats[-2:], HZ), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [3, 17, 100, 187])
def test_moments_agree_with_scipy(length):
    (beat,) = beats = beats_of([length])
    own = beat[:length].astype(float)
    found = named(beats)
    assert found["mean"] == pytest.approx(own.mean(), abs=1e-5)
    assert found["deviation"] == pytest.approx(own.std(), abs=1e-5)
    assert found["skewness"] == pytest.approx(stats.skew(own), abs=1e-3)
    assert found["kurtosis"] == pytest.approx(stats.kurtosis(own), abs=1e-3)
    assert found["peak_to_peak"] == pytest.approx(np.ptp(own), abs=1e-6)
    assert found["energy_s"] == pytest.approx((own**2).sum() / HZ, rel=1e-5)
    assert found["length_s"] == pytest.approx(length / HZ)


def test_band_powers_agree_with_scipy_s_periodogram():
    (beat,) = beats = beats_of([150])
    own = beat[:150].astype(float)
    frequencies, power = signal.periodogram(own - own.mean(), HZ, nfft=24_000, detrend=False)
    edges = (0, 2, 5, 15, 40, HZ)
    found = named(beats)
    for name, low, high in zip(BANDS, edges, edges[1:], strict=False):
        share = power[(frequencies >= low) & (frequencies < high)].sum() / power.sum()
        assert found[name] == pytest.approx(share, abs=0.02), name
    assert sum(found[name] for name in BANDS) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("hz", "band"), list(zip((1, 3.5, 10, 25, 50), BANDS, strict=True)))
def test_a_sine_has_its_power_in_its_band(hz, band):
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * hz * np.arange(180) / HZ)
    found = named(np.float32(wave)[None])
    assert found[band] > 0.8


def test_times_and_slopes_of_a_beat_that_can_be_read_off():
    beat = np.zeros((1, 187), np.float32)
    beat[0, :60] = 0.2
    beat[0, :6] = 1, 0.8, 0.6, 0.4, 0.0, 0.1  # the QRS complex: down to 0 after 4 samples
    beat[0, 50] = 0.9  # the next R peak
    found = named(beat)
    assert found["length_s"] == pytest.approx(60 / HZ)
    assert found["maximum_at_s"] == 0
    assert found["minimum_at_s"] == pytest.approx(4 / HZ)
    assert found["late_maximum"] == pytest.approx(0.9)
    assert found["late_maximum_at_s"] == pytest.approx(50 / HZ)
    assert found["above_half_s"] == pytest.approx(4 / HZ)
    assert found["first_below_half_s"] == pytest.approx(3 / HZ)
    assert found["steepest_rise_per_s"] == pytest.approx(0.7 * HZ)
    assert found["steepest_fall_per_s"] == pytest.approx(0.7 * HZ)  # not 0.2 into the padding
    assert found["mean_crossings"] == 3


def test_the_sampling_rate_scales_times_and_slopes():
    beats = beats_of([100, 150])
    slow, fast = named(beats, 100.0), named(beats, 200.0)
    assert np.allclose(slow["length_s"], 2 * fast["length_s"])
    assert np.allclose(2 * slow["steepest_rise_per_s"], fast["steepest_rise_per_s"])
    assert np.allclose(slow["skewness"], fast["skewness"])
