"""Noise is as loud as asked, of the kind asked, and the same for the same seed."""

import numpy as np
import pytest
import wfdb
from scipy.signal import welch

from ecg import noise
from ecg.noise import at_snr, noise_power, qrs_power
from utils.errors import InputError

GENERATORS = {
    "white": noise.white,
    "wander": noise.baseline_wander,
    "mains": noise.mains,
    "muscle": noise.muscle,
}
HZ = 360.0


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spikes(height: float = 400.0) -> tuple[np.ndarray, np.ndarray]:
    """A minute of spikes of this height, one a second, and their samples."""
    r_peaks = np.arange(180, 60 * 360, 360)
    signal = np.zeros(60 * 360)
    signal[r_peaks] = height
    return signal, r_peaks


@pytest.fixture
def nstdb(tmp_path):
    """A folder with short records `bw` and `ma`, whose two leads differ."""
    (tmp_path / "nstdb").mkdir()
    for seed, name in enumerate(("bw", "ma")):
        steps = rng(seed).integers(-40, 40, (360 * 20, 2))
        wfdb.wrsamp(
            name,
            fs=360,
            units=["mV", "mV"],
            sig_name=["noise1", "noise2"],
            d_signal=steps,
            fmt=["212", "212"],
            adc_gain=[200, 200],
            baseline=[0, 0],
            write_dir=str(tmp_path / "nstdb"),
        )
    return tmp_path


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("hz", [120.0, 360.0, 1000.0])
def test_every_generator_has_unit_power_and_no_mean(name, hz):
    made = GENERATORS[name](int(30 * hz), hz, rng())
    assert len(made) == int(30 * hz)
    assert noise_power(made, hz) == pytest.approx(1)
    assert made.mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", GENERATORS)
def test_the_seed_decides(name):
    first, again, other = (GENERATORS[name](3600, HZ, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize(
    ("name", "low_hz", "high_hz"),
    [("wander", 0, 0.6), ("mains", 45, 185), ("muscle", 15, 180)],
)
def test_power_lies_in_the_band_of_its_kind(name, low_hz, high_hz):
    hz, density = welch(GENERATORS[name](360 * 300, HZ, rng()), HZ, nperseg=360 * 60)
    inside = (hz >= low_hz) & (hz <= high_hz)
    assert density[inside].sum() > 0.97 * density.sum()


def test_mains_is_fifty_or_sixty_hertz():
    peaks = []
    for seed in range(12):
        hz, density = welch(noise.mains(360 * 60, HZ, rng(seed)), HZ, nperseg=360 * 20)
        peaks.append(round(hz[density.argmax()]))
    assert set(peaks) == {50, 60}


def test_mains_needs_a_sampling_rate_that_can_hold_it():
    with pytest.raises(InputError, match="above 100 Hz, got 90"):
        noise.mains(900, 90.0, rng())


def test_the_power_of_qrs_complexes_is_that_of_a_sine_as_high():
    signal, r_peaks = spikes(400)
    assert qrs_power(signal, r_peaks, HZ) == pytest.approx(400**2 / 8)
    assert qrs_power(signal + 1000, r_peaks, HZ) == pytest.approx(400**2 / 8)


def test_a_sine_of_the_height_of_the_complexes_is_at_zero_decibels():
    signal, r_peaks = spikes(400)
    sine = 200 * np.sin(2 * np.pi * 7 * np.arange(len(signal)) / HZ)
    assert noise_power(sine, HZ) == pytest.approx(qrs_power(signal, r_peaks, HZ), rel=1e-6)


@pytest.mark.parametrize("snr_db", [24, 6, 0, -6])
@pytest.mark.parametrize("name", GENERATORS)
def test_the_ratio_that_is_asked_is_the_ratio_that_results(name, snr_db):
    signal, r_peaks = spikes()
    power = qrs_power(signal, r_peaks, HZ)
    noisy = at_snr(signal, GENERATORS[name](len(signal), HZ, rng()), snr_db, power)
    result_db = 10 * np.log10(power / noise_power(noisy - signal, HZ))
    assert result_db == pytest.approx(snr_db, abs=1e-6)


def test_an_infinite_ratio_gives_the_signal_back():
    signal, r_peaks = spikes()
    made = noise.white(len(signal), HZ, rng())
    assert np.array_equal(at_snr(signal, made, np.inf, 1.0), signal)


@pytest.mark.parametrize("snr_db", [np.nan, -np.inf])
def test_a_ratio_must_be_a_number(snr_db):
    with pytest.raises(InputError, match="decibels expected, got"):
        at_snr(np.zeros(4), np.ones(4), snr_db, 1.0)


def test_recordings_shorter_than_a_second_are_refused():
    with pytest.raises(InputError, match=r"at least 1 s, got 0\.50 s"):
        noise.white(180, HZ, rng())


def test_flat_noise_is_refused():
    with pytest.raises(InputError, match="flat"):
        noise.unit_power(np.ones(720), HZ)


def test_a_recording_without_a_whole_beat_has_no_power():
    with pytest.raises(InputError, match="1 marks and 3,600 samples hold none"):
        qrs_power(np.zeros(3600), np.array([2]), HZ)


def test_without_nstdb_all_noise_is_generated(tmp_path):
    assert {one.origin for one in noise.sources(tmp_path).values()} == {"generated"}


def test_real_noise_is_used_where_it_is(nstdb):
    found = noise.sources(nstdb)
    assert {kind: one.origin for kind, one in found.items()} == {
        "white": "generated",
        "mains": "generated",
        "wander": "recorded (nstdb bw)",
        "muscle": "recorded (nstdb ma)",
    }


@pytest.mark.parametrize("hz", [120.0, 360.0, 500.0])
def test_real_noise_of_any_length_and_rate_has_unit_power(nstdb, hz):
    draw = noise.sources(nstdb)["muscle"].draw
    made = draw(int(45 * hz), hz, rng())  # more than the 20 s that were recorded
    assert len(made) == int(45 * hz)
    assert noise_power(made, hz) == pytest.approx(1)


def test_real_noise_begins_anywhere_on_any_lead(nstdb):
    draw = noise.sources(nstdb)["wander"].draw
    excerpts = [draw(720, HZ, rng(seed)) for seed in range(6)]
    assert len({excerpt.tobytes() for excerpt in excerpts}) == 6


def test_damaged_real_noise_is_told(nstdb):
    (nstdb / "nstdb" / "bw.dat").write_bytes(b"short")
    with pytest.raises(InputError, match=r"bw\.dat has 5 bytes"):
        noise.sources(nstdb)
