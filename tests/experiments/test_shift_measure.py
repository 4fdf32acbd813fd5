"""Curves of scores over changes, their words, and their figure."""

import numpy as np
import pytest

from ecg import noise
from experiments.shift import measure as shift
from experiments.shift import report as shift_page
from experiments.shift.changes import CutBeats
from experiments.shift.measure import findings, worst_for_each_class
from experiments.shift.report import shift_figure
from tests.evaluation.test_plots import texts
from tests.heartbeats.conftest import make_beats
from utils.errors import InputError

CLASSES = ("N", "S", "V", "F", "Q")


class Fading:
    """A source whose beats carry their label in the first sample, less surely at each level."""

    kinds = ("white", "offset", "inversion")

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels

    def cut(self, kind, levels):
        rng = np.random.default_rng(0)
        order = rng.random(len(self.labels))
        made = np.zeros((len(levels), len(self.labels), 3), np.float32)
        for place, level in enumerate(levels):
            share = (24 - level) / 40 if kind == "white" else abs(level) / 80
            made[place, :, 0] = np.where(order < share, (self.labels + 1) % 5, self.labels)
        return made


def predict(signals: np.ndarray) -> np.ndarray:
    return np.eye(5)[signals[:, 0].astype(int)]


FACTS = {
    "data": "mitbih",
    "protocol": "kaggle",
    "synthetic": False,
    "measured_beats": 500,
    "test_beats": 600,
    "noise_origin": {"wander": "generated"},
    "noise_seed": 0,
    "draw_seed": 0,
    "how": "by hand",
    "bootstrap": {"unit": "beats", "rounds": 10, "seed": 0},
}


def fading_points():
    labels = np.arange(400) % 4  # class Q has no beats
    beats = shift.TestBeats(labels, CLASSES)
    source = Fading(labels)
    clean = source.cut("offset", [0])[0]
    return shift.measure(source, clean, beats, {"cnn": predict, "rnn": predict})


@pytest.fixture
def points():
    return fading_points()


def test_each_curve_begins_with_the_clean_score(points):
    for change, _model, own in shift.curves(points):
        assert own[0].level is None
        assert own[0].scores.accuracy == 1
        assert [point.level for point in own[1:]] == list(change.levels)


def test_only_changes_that_the_source_can_make_are_measured(points):
    assert {point.change.kind for point in points} == {"white", "offset", "inversion"}


def test_the_table_has_a_row_for_each_point(points):
    table = shift.score_table(points)
    assert len(table) == len(points) == 2 * (3 + 6 + 8 + 1)
    first = table.iloc[0]
    assert (first["condition"], first["macro_f1"], first["beats"]) == ("clean", 1.0, 400)
    assert np.isnan(first["level"])
    assert "f1_F" in table
    assert "f1_Q" not in table  # no beats, no score
    for score in ("accuracy", "macro_f1", "f1_N", "f1_F"):
        assert (table[f"{score}_low"] <= table[score]).all()
        assert (table[f"{score}_high"] >= table[score]).all()


def test_the_words_say_where_scores_fall(points):
    said = findings(points)
    assert any(
        s.startswith("White noise, cnn: macro-F1 falls below 0.8 between 18 dB") for s in said
    )
    assert any(
        s.startswith("R mark offset, rnn: macro-F1 stays within 0.02 of clean from 0 ms to 0 ms")
        for s in said
    )
    assert any(s.startswith("Lead inverted, cnn: macro-F1 0.9") for s in said)


def test_noise_that_never_harms_is_said_to():
    change = shift.Change("white", "white noise", "dB", (24.0, -6.0))
    labels = np.arange(40) % 5
    source = Fading(labels)
    beats = shift.TestBeats(labels, CLASSES)
    scored = shift._score(predict, source.cut("offset", [0])[0], beats, "cnn")
    curve = [shift.Point(change, level, "cnn", *scored) for level in (None, 24, -6)]
    found = findings(curve)
    assert found == ["White noise, cnn: macro-F1 is still 1.000 at -6 dB."]


def test_the_worst_point_of_each_class_is_found(points):
    found = worst_for_each_class(points)
    assert [(model, name) for model, name, _point, _clean in found] == [
        (model, name) for model in ("cnn", "rnn") for name in "NSVF"
    ]
    assert {point.label for _model, _name, point, _clean in found} == {"-6 dB"}


def test_a_model_that_predicts_nan_is_told():
    beats = shift.TestBeats(np.arange(10) % 5, CLASSES)
    with pytest.raises(InputError, match="broken predicts NaN"):
        shift.measure(
            Fading(beats.labels),
            np.zeros((10, 3)),
            beats,
            {"broken": lambda signals: np.full((len(signals), 5), np.nan)},
        )


def test_patients_are_drawn_where_they_are_known():
    """All errors are one patient's, so drawing patients moves the score more."""
    labels = np.arange(400) % 5
    patients = np.repeat(np.arange(4), 100)

    def errs(signals):
        return np.eye(5)[np.where(patients == 0, 0, labels)]

    widths = []
    for drawn in (None, patients):
        beats = shift.TestBeats(labels, CLASSES, drawn)
        one = shift._score(errs, np.zeros((400, 3)), beats, "cnn")[2]
        widths.append(one.high - one.low)
    assert widths[1] > 2 * widths[0]


def test_the_figure_has_a_panel_for_each_score_and_change(points):
    figure = shift_figure(points, "a title", "a subtitle")
    assert len(figure.axes) == 3 * 5  # no row for Q
    written = texts(figure)
    assert "white noise" in written
    assert "F1 of F\n(100 beats)" in written
    for axes in figure.axes:
        assert all(np.array(line.get_ydata())[0] == 1 for line in axes.get_lines()[1::3])
    bottom = [label.get_text() for label in figure.axes[-2].get_xticklabels()]
    assert bottom == ["clean", "-40", "-20", "-10", "-5", "0", "5", "10", "20", "40"]


@pytest.mark.slow
def test_the_page_holds_figure_tables_and_warnings(points):
    report = shift_page.build(points, FACTS, ["beware"])
    html = report.html()
    for text in ("<svg", "wander generated", "beware", "-6 dB", "White noise, cnn"):
        assert text in html
    assert report.files == ["shift.json", "shift.png", "shift.csv"]


@pytest.mark.parametrize("kind", ["white", "wander", "mains", "muscle"])
@pytest.mark.slow
def test_more_noise_never_scores_better(kind, tmp_path):
    """Beats that differ by where a small wave is, told apart by the nearest template."""
    beats = make_beats(patients=8)
    templates = np.tile(np.cos(np.pi * np.arange(187) / 93) / 2 + 0.5, (5, 1))
    for place, template in enumerate(templates):
        template[30 + 25 * place : 40 + 25 * place] *= 0.9
    signals = templates[beats.labels].astype(np.float32)
    beats = type(beats)(**{**vars(beats), "signals": signals})
    known = shift.TestBeats(beats.labels.astype(int), beats.class_names)

    def nearest(cut):
        return -np.abs(cut[:, None] - templates).sum(axis=2)

    source = CutBeats(beats, noise.sources(tmp_path), seed=0)
    own = [
        point.scores.macro_f1
        for point in shift.measure(source, signals, known, {"nearest": nearest})
        if point.change.kind == kind
    ]
    assert own[0] == 1
    assert own[-1] < 0.9
    assert all(later <= earlier + 0.02 for earlier, later in zip(own, own[1:], strict=False))
