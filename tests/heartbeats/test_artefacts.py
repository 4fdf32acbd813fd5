import numpy as np
import pytest

from heartbeats import augment
from heartbeats.augment import own_samples
from tests.heartbeats.invented_beats import HZ, invented_beats
from utils.errors import InputError

KINDS = tuple(augment.ARTEFACTS)
ADD = {
    "wander": augment.add_wander,
    "muscle": augment.add_muscle,
    "mains": augment.add_mains,
}


@pytest.fixture
def cut_beats() -> np.ndarray:
    return invented_beats(40, seed=0)


def drawn_noise(kind: str, beats: int = 60, samples: int = 1200) -> np.ndarray:
    rng = np.random.default_rng(0)
    return augment.ARTEFACTS[kind]((beats, samples), HZ, rng)


def peak_hz(noise: np.ndarray) -> np.ndarray:
    spectrum = np.abs(np.fft.rfft(noise, axis=1))
    return np.fft.rfftfreq(noise.shape[1], 1 / HZ)[spectrum.argmax(axis=1)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("snr_db", [-3.0, 12.0])
def test_the_ratio_asked_is_the_ratio_got(cut_beats, kind, snr_db):
    noise = augment.at_snr(cut_beats, drawn_noise(kind, len(cut_beats), 187), snr_db)
    for beat, added, own in zip(cut_beats, noise, own_samples(cut_beats), strict=True):
        ratio_db = 10 * np.log10(beat[own].var() / added[own].var())
        assert ratio_db == pytest.approx(snr_db, abs=0.01)
        assert not added[~own].any()


@pytest.mark.parametrize("kind", KINDS)
def test_beats_keep_their_range_and_their_padding(cut_beats, kind):
    noisy = ADD[kind](cut_beats, 6.0, HZ, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert not noisy[~own_samples(cut_beats)].any()
    assert noisy.min() == 0
    assert np.allclose(noisy.max(axis=1), cut_beats.max(axis=1))
    assert not np.allclose(noisy, cut_beats, atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_much_signal_leaves_the_beat_as_it_was(cut_beats, kind):
    noisy = ADD[kind](cut_beats, 120.0, HZ, np.random.default_rng(0))
    assert np.allclose(noisy, cut_beats, atol=1e-4)


def test_each_kind_sounds_in_its_own_band():
    assert peak_hz(drawn_noise("wander")).max() <= 0.55
    assert set(peak_hz(drawn_noise("mains")).round()) == {50, 60}
    muscle = np.abs(np.fft.rfft(drawn_noise("muscle"), axis=1)) ** 2
    low = np.fft.rfftfreq(1200, 1 / HZ) < 10
    assert muscle[:, low].mean() < 0.1 * muscle[:, ~low].mean()


def test_one_beat_gets_one_of_the_kinds_within_the_span(cut_beats):
    beats = np.repeat(cut_beats, 20, axis=0)
    rng = np.random.default_rng(0)
    changed = augment.add_artefacts(beats, ("wander", "mains"), 0.0, HZ, rng)
    strength = np.abs(changed - beats).mean(axis=1)
    weak = augment.add_artefacts(beats, ("wander", "mains"), 30.0, HZ, rng)
    assert np.abs(weak - beats).mean() < 0.2 * strength.mean()
    assert strength.max() > 3 * strength.min()
    # Wander moves neighbours alike, the hum moves them apart: both kinds were drawn.
    own = own_samples(beats)[:, 1:]
    roughness = (np.abs(np.diff(changed - beats, axis=1)) * own).mean(axis=1) / strength
    assert np.quantile(roughness, 0.9) > 5 * np.quantile(roughness, 0.1)


def test_a_seed_repeats_and_the_source_stays(cut_beats):
    before = cut_beats.copy()
    first, again, other = (
        augment.add_artefacts(cut_beats, KINDS, 6.0, HZ, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.array_equal(cut_beats, before)


def test_beats_of_nothing_stay_so():
    beats = np.zeros((3, 187), np.float32)
    beats[1, 0] = 1
    noisy = augment.add_artefacts(beats, KINDS, 0.0, HZ, np.random.default_rng(0))
    assert np.array_equal(noisy, beats)


@pytest.mark.parametrize("kinds", [(), ("wander", "thunder")])
def test_unknown_kinds_are_told(cut_beats, kinds):
    with pytest.raises(InputError, match="wander, muscle, mains"):
        augment.add_artefacts(cut_beats, kinds, 6.0, HZ, np.random.default_rng(0))
