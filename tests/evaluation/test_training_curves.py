"""Training curves: every epoch is in the table, the kept epoch is marked, thin histories live."""

import numpy as np
import pandas as pd
import pytest

from evaluation import score_report, training_curves
from evaluation.comparison import compare
from tests.evaluation.examples import make_assessment


def epochs(count: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": epoch,
            "loss": 1 / epoch,
            "val_loss": 1.1 / epoch,
            "val_macro_f1": 1 - 0.5 / epoch,
            "learning_rate": 0.001,
        }
        for epoch in range(1, count + 1)
    ]


HISTORIES = {("cnn", 0): epochs(4), ("cnn", 1): epochs(3), ("rnn", 0): epochs(1)}


def some_assessments():
    return [
        make_assessment("cnn", facts={"seed": 0, "epoch": 3}),
        make_assessment("cnn", facts={"seed": 1, "epoch": 2}),
        make_assessment("rnn", facts={"seed": 0, "epoch": 1}),
    ]


def test_the_table_has_every_epoch_and_says_which_one_was_kept():
    frame = training_curves.table(training_curves.trainings_of(some_assessments(), HISTORIES))
    assert frame.groupby("model", sort=False).size().to_dict() == {
        "cnn seed 0": 4,
        "cnn seed 1": 3,
        "rnn": 1,
    }
    assert frame.loc[frame["kept"], "epoch"].tolist() == [3, 2, 1]
    assert frame["learning_rate"].eq(0.001).all()


def test_the_figure_has_a_row_for_each_network_and_marks_the_kept_epoch():
    trainings = training_curves.trainings_of(some_assessments(), HISTORIES)
    figure = training_curves.figure(trainings, "somewhere")
    figure.draw_without_rendering()
    losses, scores = figure.axes[:2]
    assert len(figure.axes) == 4
    assert losses.get_title("left") == "cnn: loss"
    labels = [text.get_text() for text in scores.get_legend().get_texts()]
    assert labels[0] == f"cnn seed 0: {1 - 0.5 / 3:.4f} in epoch 3"
    dots = [line for line in scores.lines if line.get_marker() == "o"]
    assert [list(dot.get_xdata()) for dot in dots] == [[3], [2]]


@pytest.mark.parametrize("lost", ["val_loss", "val_macro_f1"])
def test_a_metric_that_is_missing_is_a_gap(lost):
    history = [{key: value for key, value in row.items() if key != lost} for row in epochs(3)]
    trainings = training_curves.trainings_of([make_assessment()], {("cnn", 0): history})
    figure = training_curves.figure(trainings, "")
    figure.draw_without_rendering()
    assert any(np.isnan(line.get_ydata()).all() for axes in figure.axes for line in axes.lines)


@pytest.mark.slow
def test_the_report_shows_them_where_they_are_known(tmp_path):
    paths = score_report.write(tmp_path, compare(some_assessments()), HISTORIES)
    assert {"training_curves.png", "training_curves.csv"} <= {path.name for path in paths}
    assert len(pd.read_csv(tmp_path / "training_curves.csv")) == 8
    assert "<h2>Training</h2>" in paths[0].read_text()


def test_other_trainings_histories_are_left_out():
    assert training_curves.trainings_of(some_assessments(), {("cnn_lstm", 0): epochs(2)}) == []
