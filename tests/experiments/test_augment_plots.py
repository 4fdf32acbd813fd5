"""The figures show every class and every change that they speak of."""

import numpy as np
import pytest

from experiments.exploration import plots
from heartbeats.beat_set import BeatSet
from heartbeats.mixture import fit_all
from tests.heartbeats.invented_beats import HZ, invented_beats

CLASSES = ("N", "V", "Q")


@pytest.fixture(scope="module")
def beats() -> BeatSet:
    signals = np.concatenate([invented_beats(60, 0), invented_beats(30, 1, wide=True)])
    labels = np.repeat([0, 1], [60, 30]).astype(np.uint8)
    return BeatSet("invented", signals, labels, CLASSES, sampling_hz=HZ)


@pytest.mark.slow
def test_augmentation_has_a_row_for_each_change_and_a_column_for_each_class(beats):
    figure = plots.augmentation_figure(beats, seed=0)
    figure.draw_without_rendering()
    kinds = plots.changes(HZ)
    assert len(figure.axes) == 2 * len(kinds)  # no beat of Q
    assert [axes.get_title("left") for axes in figure.axes[:2]] == ["N", "V"]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == list(kinds)


def test_mixture_figure_shows_real_beats_above_drawn_ones(beats):
    mixtures = fit_all(beats.signals, beats.labels, CLASSES, ("V",), sampling_hz=HZ, seed=0)
    figure = plots.mixture_figure(beats, mixtures, seed=0)
    figure.draw_without_rendering()
    assert [axes.get_ylabel() for axes in figure.axes[::5]] == ["V, real", "V, drawn"]
    shown = figure.axes[0].lines[-1].get_ydata()
    assert any(np.array_equal(shown, beat[: len(shown)]) for beat in beats.signals)
