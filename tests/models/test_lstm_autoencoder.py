"""The autoencoder's shapes, its scaling, and that its nets stand apart."""

import keras
import numpy as np
import pytest

from models.lstm_autoencoder import LstmAutoencoderArchitecture, build, reconstruct, scaled


@pytest.mark.parametrize(
    "shape",
    [
        LstmAutoencoderArchitecture(units=3, patch=7, folds=2),
        LstmAutoencoderArchitecture(units=3, patch=9, folds=3, bidirectional=True),
    ],
)
@pytest.mark.slow
def test_every_net_gives_back_a_beat_of_the_same_length(shape, tmp_path):
    model = build(shape, 30)
    beats = np.random.default_rng(0).standard_normal((4, 30)).astype(np.float32)
    made = reconstruct(model, beats)
    assert made.shape == (4, shape.folds, 30)
    assert np.abs(made[:, 0] - made[:, 1]).max() > 0
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras", compile=False)
    assert np.allclose(reconstruct(again, beats), made, atol=1e-6)


def test_the_code_is_all_that_reaches_the_decoder():
    model = build(LstmAutoencoderArchitecture(units=3, latent_size=2, patch=7, folds=2), 28)
    assert model.get_layer("fold_0_code").output.shape == (None, 2)


def test_scaling_standard_undoes_what_minmax_did():
    beats = np.random.default_rng(0).standard_normal((5, 140))
    z = (beats - beats.mean(1, keepdims=True)) / beats.std(1, keepdims=True)
    low, high = z.min(1, keepdims=True), z.max(1, keepdims=True)
    minmax = (z - low) / (high - low)
    assert np.allclose(scaled(minmax, "standard"), z, atol=1e-5)
    assert scaled(minmax, "minmax").min() == -2 and scaled(minmax, "minmax").max() == 2


def test_a_flat_beat_stays_finite():
    assert (scaled(np.zeros((1, 20), np.float32), "standard") == 0).all()
