"""Fitting the delineator's network."""

import numpy as np
import pytest

from ecg.synthetic.record import generate_record
from ecg.wave_marks import network as wave_network
from ecg.wave_marks.windows import GRID_S
from experiments.delineation import drawn_windows, network
from experiments.delineation.strips import ABSENT, PRESENT, UNKNOWN, Strip, T


def strips(number=3, seconds=10):
    return [_strip(seed, seconds) for seed in range(number)]


def _strip(seed, seconds):
    truth = generate_record(np.random.default_rng(seed), seconds, 360, noise=0)
    marks = np.stack([truth.waves[name] for name in ("P", "QRS", "T")], axis=1).astype(float)
    presence = np.where(marks[:, :, 0] >= 0, PRESENT, UNKNOWN)
    marks[marks < 0] = np.nan
    return Strip(truth.signal_mv[:, 0], 360.0, truth.r_peaks, marks, presence)


@pytest.mark.slow
def test_numpy_computes_what_keras_does():
    model = network.build()
    windows = drawn_windows.unchanged(strips())
    weights = {name: value.astype(np.float32) for name, value in network.weights_of(model).items()}
    expected = model.predict(windows.channels, verbose=0)
    for ours, theirs in zip(
        wave_network.evaluate(windows.channels, weights), expected, strict=True
    ):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() < 0.01 * np.abs(theirs).max()


def test_the_shipped_weights_fit_the_network():
    shipped = wave_network.shipped_weights()
    expected = network.weights_of(network.build())
    assert {name: value.shape for name, value in shipped.items()} == {
        name: value.shape for name, value in expected.items()
    }


def test_marks_move_with_the_signal(monkeypatch):
    monkeypatch.setattr(drawn_windows, "NOISE", {})
    monkeypatch.setattr(drawn_windows, "ERASED_SHARE", 0)
    windows = drawn_windows.draw(strips(8), np.random.default_rng(0))
    near = np.abs(GRID_S - np.nan_to_num(windows.marks_s[:, [4]])) < 0.05
    level = np.abs(windows.channels[..., 0]) * near
    off_s = GRID_S[level.argmax(axis=1)] - windows.marks_s[:, 4]
    assert np.nanmedian(np.abs(off_s)) < 0.01
    stretched = windows.marks_s[:, 8] - windows.marks_s[:, 3]
    plain = drawn_windows.unchanged(strips(8)).marks_s
    assert np.nanstd(stretched) > 1.2 * np.nanstd(plain[:, 8] - plain[:, 3])


def test_robbed_strips_lack_waves_and_say_so(monkeypatch):
    monkeypatch.setattr(drawn_windows, "NOISE", {})
    monkeypatch.setattr(drawn_windows, "ERASED_SHARE", 1)
    (strip,) = strips(1)
    rng = np.random.default_rng(0)
    robbed = [drawn_windows._changed(strip, rng) for _ in range(6)]
    kinds = {wave for one in robbed for wave in (0, T) if (one.presence[:, wave] == ABSENT).any()}
    assert kinds == {0, T}
    for one in robbed:
        assert np.isnan(one.marks[one.presence == ABSENT]).all()
    assert (strip.presence != ABSENT).all()  # the strip itself stays


@pytest.mark.slow
def test_it_learns():
    rng = np.random.default_rng(0)
    model, few = network.build(), strips(12, 20)
    windows = drawn_windows.unchanged(few)
    parts = (windows.channels, windows.marks_s, windows.presence)
    before = float(network.loss(model, *parts))
    network.fit(model, few, 6, rng)
    assert float(network.loss(model, *parts)) < 0.75 * before
