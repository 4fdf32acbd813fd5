"""Cross-validated numbers: means, spreads and pooled counts worked out by hand; the files."""

import json
import statistics

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from experiments.cross_validation import report as fold_page
from experiments.cross_validation import report as fold_report
from experiments.cross_validation import report as fold_tables
from experiments.cross_validation.results import CrossValidation, FoldResult, Spread
from experiments.cross_validation.settings import METRICS
from tests.evaluation.examples import CLASSES, certain


def make_fold(number: int, true: list[int], predicted: list[int], **facts) -> FoldResult:
    positions = np.arange(len(true)) + 100 * number
    facts = {
        "seed": number,
        "training_beats": 20,
        "validation_beats": 3,
        "patients": 2,
        "epochs": 4,
        "best_epoch": 3,
        "validation_score": 0.75,
        "seconds": 1.5,
        **facts,
    }
    return FoldResult(number, CLASSES, positions, np.array(true), certain(predicted), facts)


def make_reached(folds=None, **changes) -> CrossValidation:
    """N: 3 of 4 right, then 4 of 4; S: none of 1, then none at all; V: 1 of 1, then 1 of 2."""
    folds = folds or (
        make_fold(1, [0, 0, 0, 0, 1, 2], [0, 0, 0, 1, 0, 2]),
        make_fold(2, [0, 0, 0, 0, 2, 2], [0, 0, 0, 0, 2, 0]),
    )
    values = {
        "architecture": "cnn",
        "data": "mitbih",
        "fingerprint": "abc",
        "by": "patients",
        "protocol": "kaggle",
        "planned": len(folds),
        "settings": {"width": 8},
    }
    return CrossValidation(**values | changes, folds=tuple(folds))


def test_means_deviations_and_pooled_counts_are_those_of_hand_work():
    reached = make_reached()
    assert reached.accuracy == Spread(
        pytest.approx((4 / 6 + 5 / 6) / 2), pytest.approx(1 / 6 / 2**0.5)
    )
    first, second = (6 / 8 + 0 + 1) / 3, (8 / 9 + 2 / 3) / 2
    assert reached.macro_f1.mean == pytest.approx((first + second) / 2)
    assert reached.macro_f1.deviation == pytest.approx(statistics.stdev([first, second]))
    assert reached.pooled.confusion[:3, :3].tolist() == [[7, 1, 0], [1, 0, 0], [1, 0, 2]]
    assert reached.pooled.confusion.sum() == 12
    assert reached.pooled.macro_f1 == pytest.approx((14 / 17 + 0 + 4 / 5) / 3)


def test_a_class_counts_only_in_folds_that_have_it():
    reached = make_reached()
    assert reached.of_class(1) == Spread(0.0, None)  # S: one fold has it
    assert reached.of_class(3) == Spread(None, None)  # F: none
    rows = fold_tables.per_class(reached).set_index("class")
    assert rows["folds_with_beats"].tolist() == [2, 1, 2, 0, 0]
    assert np.isnan(rows.loc["F", "f1_pooled"]) and rows.loc["S", "f1_pooled"] == 0


def test_one_fold_has_no_deviation_and_later_ones_log_all_names():
    reached = make_reached()
    alone = make_reached(reached.folds[:1]).as_metrics()
    assert "cv_macro_f1_deviation" not in alone and alone["cv_folds"] == 1
    assert tuple(sorted(reached.as_metrics())) == METRICS


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="fold 1"):
        FoldResult(1, CLASSES, np.arange(3), np.array([0, 1]), certain([0, 1]))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    reached = make_reached()
    return folder, reached, fold_report.write(folder, reached)


@pytest.mark.slow
def test_every_file_is_there_and_agrees(written):
    folder, reached, paths = written
    names = {
        "report.html",
        "scores.json",
        "confusion.png",
        "folds.png",
        "per_fold.csv",
        "per_class.csv",
    }
    assert {path.name for path in paths} == names == {path.name for path in folder.iterdir()}
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["macro_f1"] == {
        "mean": reached.macro_f1.mean,
        "deviation": reached.macro_f1.deviation,
    }
    assert scores["pooled"]["confusion"] == reached.pooled.confusion.tolist()
    frame = pd.read_csv(folder / "per_fold.csv")
    assert frame["macro_f1"].mean() == pytest.approx(reached.macro_f1.mean)
    assert np.isnan(frame["f1_S"][1]) and frame["beats"].sum() == 12


@pytest.mark.slow
def test_the_page_says_what_its_numbers_mean(written):
    text = (written[0] / "report.html").read_text()
    assert "no standard error" in text and "Grandvalet" in text and "Forman" in text
    assert "nobody is in training and in the held-out fold" in text.lower()
    assert "test set took no part" in text and 'class="warning"' not in text
    assert f"{written[1].macro_f1.mean:.3f} ± {written[1].macro_f1.deviation:.3f}" in text
    assert "no beats" in text and text.count("<figure ") == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"protocol": ""}, "The test set's beats were divided too"),
        ({"data": "synthetic"}, "Synthetic beats."),
        ({"planned": 5}, "3 of 5 folds are missing."),
    ],
)
def test_what_must_be_known_first_is_a_warning(changes, told):
    assert any(told in text for text in fold_page.warnings_of(make_reached(**changes)))


def test_the_terminal_table_fits_80_columns():
    folds = tuple(make_fold(n, [0, 1, 2, 3, 4] * 4000, [0, 1, 2, 3, 3] * 4000) for n in (1, 2))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(fold_tables.terminal_table(make_reached(folds)))
    text = captured.get()
    assert "…" not in text and "40,000" in text and "mean" in text
    assert "cnn, MIT-BIH, 2 folds by patient" in text
