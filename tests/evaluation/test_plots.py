"""Figures say what they show, and survive thin data."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from evaluation import plots
from experiments.exploration import plots as beat_plots
from experiments.exploration.beat_statistics import draw, embed, shape_of_class
from heartbeats.beat_set import BeatSet
from tests.evaluation.examples import CLASSES, PREDICTED, TRUE, make_assessment, many
from tests.heartbeats.conftest import make_beats
from utils import picture, style


def texts(figure: Figure) -> list[str]:
    """All that is written on a figure."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
        found += [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [label.get_text() for label in axes.get_yticklabels()]
        if legend := axes.get_legend():
            found += [text.get_text() for text in legend.get_texts()]
    return found


def test_confusion_of_one_model_holds_every_count():
    figure = plots.confusion_figure(np.array(TRUE), np.array(PREDICTED), CLASSES, "cnn on x")
    counts = [text.get_text() for text in figure.axes[0].texts]
    assert counts[:10] == ["5", "1", "0", "0", "0", "1", "1", "0", "0", "0"]
    shares = [text.get_text() for text in figure.axes[1].texts]
    assert shares[:2] == ["83.3", "16.7"]
    assert shares[15:] == ["–"] * 10  # F and Q have no beats
    assert "cnn on x" in texts(figure)


def test_all_models_stand_side_by_side():
    figure = plots.confusion_figures([make_assessment("cnn"), make_assessment("rnn")])
    assert len(figure.axes) == 4
    written = texts(figure)
    assert any("cnn: accuracy 80.00%" in text for text in written)
    assert "MIT-BIH, protocol kaggle, 10 test beats" in written
    assert "S (2)" in written


@pytest.mark.parametrize("draw_it", [plots.confusion_figures, plots.curves_figure])
def test_synthetic_beats_are_called_so(draw_it):
    figure = draw_it([make_assessment(data="synthetic", protocol="patients")])
    assert any("synthetic test beats" in text for text in texts(figure))


def test_rounded_shares_never_read_as_none_or_all():
    labels = np.zeros(10_000, int)
    predicted = labels.copy()
    predicted[0] = 1
    figure = plots.confusion_figure(labels, predicted, ("N", "S"), "")
    assert [text.get_text() for text in figure.axes[1].texts][:2] == [">99.9", "<0.1"]


def test_curves_tell_areas_and_classes_without_beats():
    figure = plots.curves_figure([make_assessment("cnn"), make_assessment("rnn")])
    written = texts(figure)
    assert any(text.startswith("no curve") for text in written)
    assert sum("AUC" in text for text in written[2:]) == 6  # N, S, V of two models
    # A perfect class prints as 1, a nearly perfect one never does.
    assert plots._truncated(1.0) == "1.0000"
    assert plots._truncated(0.99999) == "0.9999"


@pytest.mark.slow
def test_figures_leave_matplotlibs_settings_alone():
    before = dict(matplotlib.rcParams)
    picture.as_svg(plots.curves_figure([many()]), "curves")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.slow
def test_svg_takes_the_inks_of_the_page():
    svg = picture.as_svg(plots.confusion_figures([make_assessment()]), "confusion")
    assert svg.startswith("<svg")
    assert "var(--ink)" in svg and style.INK not in svg
    again = picture.as_svg(plots.confusion_figures([make_assessment()]), "confusion")
    assert svg == again


def test_mean_beat_leaves_padding_out():
    signals = np.zeros((20, 8), np.float32)
    signals[:10, :4] = 0.4  # ten beats of four samples, ten of eight
    signals[10:] = 0.8
    beats = BeatSet("x", signals, np.zeros(20, np.uint8), ("N", "S"), sampling_hz=4.0)
    shape = shape_of_class(beats, 0)
    assert shape.mean.tolist() == pytest.approx([0.6] * 4 + [0.8] * 4)
    assert shape.times_s[:3].tolist() == [0, 0.25, 0.5]
    assert shape_of_class(beats, 1) is None


def test_draw_takes_no_beat_twice_and_all_of_a_rare_class():
    beats = make_beats()
    chosen = draw(beats, 50, seed=3)
    assert len(np.unique(chosen)) == len(chosen) == 250
    assert len(draw(beats, 10**6, seed=3)) == len(beats)
    assert np.array_equal(chosen, draw(beats, 50, seed=3))


@pytest.mark.parametrize("records_known", [True, False])
@pytest.mark.slow
def test_all_figures_of_a_data_set(records_known):
    beats = make_beats(patients=3, each=15)
    thin = np.flatnonzero(beats.labels != 3)  # a class without beats
    beats = beats.select(thin)
    if not records_known:
        beats = BeatSet("synthetic", beats.signals, beats.labels, CLASSES, 120.0)
    figures = [
        beat_plots.counts_figure(beats),
        beat_plots.mean_beats_figure(beats),
        beat_plots.examples_figure(beats, 0),
        beat_plots.lengths_figure(beats),
        beat_plots.embedding_figure(beats, embed(beats), 0),
    ]
    for figure in figures:
        figure.draw_without_rendering()
        assert records_known or any("synthetic" in text for text in texts(figure))
    assert (beat_plots.records_figure(beats) is not None) == records_known
