"""The report: complete, true to its numbers, plain about what it is."""

import json
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib.figure import Figure

from evaluation import plots, score_report, training_curves
from evaluation.comparison import compare
from tests.evaluation.examples import make_assessment, many
from utils.page import Bar, folded, page, table

pytestmark = pytest.mark.slow  # the report that all of these read takes seconds to draw

FILES = {
    "report.html",
    "scores.json",
    "confusion.png",
    "curves.png",
    "per_class.csv",
    "predictions.csv",
}


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and not value.startswith(("#", "data:")):
                self.fetched.append((tag, value))


@pytest.fixture
def plain_figures(monkeypatch):
    """Empty figures: drawing takes longer than all the rest of a report."""
    for name in ("confusion_figures", "curves_figure"):
        monkeypatch.setattr(plots, name, lambda assessments: Figure(figsize=(1, 1)))
    monkeypatch.setattr(training_curves, "figure", lambda *shown: Figure(figsize=(1, 1)))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new" / "folder"
    runs = [many(architecture="cnn"), many(architecture="rnn", seed=1)]
    return folder, runs, score_report.write(folder, compare(runs))


def test_every_file_is_there(written):
    folder, _runs, paths = written
    assert {path.name for path in paths} == FILES | {"per_patient.csv"}
    assert {path.name for path in folder.iterdir()} == {path.name for path in paths}
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_json_holds_the_scores(written):
    folder, runs, _paths = written
    content = json.loads((folder / "scores.json").read_text())
    assert content["test_beats"] == 600 and content["synthetic"] is False
    for model, one in zip(content["models"], runs, strict=True):
        assert model["accuracy"] == one.scores.accuracy
        assert model["accuracy_interval"]["value"] == one.scores.accuracy
        assert model["confusion"] == one.scores.confusion.tolist()
        assert model["facts"]["settings"] == {"width": 8}
    assert content["differences"][0]["first"] == "cnn"
    assert content["bootstrap"]["unit"] == "beats"


def test_csv_files_agree_with_the_scores(written):
    folder, runs, _paths = written
    per_class = pd.read_csv(folder / "per_class.csv")
    assert len(per_class) == 10
    predictions = pd.read_csv(folder / "predictions.csv")
    assert (predictions["true"] == predictions["cnn"]).mean() == runs[0].scores.accuracy
    per_patient = pd.read_csv(folder / "per_patient.csv")
    assert per_patient.groupby("model")["beats"].sum().tolist() == [600, 600]


def test_the_page_needs_nothing_else_and_shows_the_numbers(written):
    folder, runs, _paths = written
    text = (folder / "report.html").read_text()
    links = Links()
    links.feed(text)
    assert links.fetched == []
    assert "<script" not in text and "@import" not in text
    assert f"{runs[0].scores.macro_f1:.4f}" in text
    assert "MIT-BIH, protocol kaggle, 600 test beats" in text
    assert text.count("<figure ") == 2
    assert "synthetic" not in text.lower()


def test_synthetic_is_said_first_of_all(tmp_path, plain_figures):
    score_report.write(tmp_path, compare([make_assessment(data="synthetic", protocol="patients")]))
    text = (tmp_path / "report.html").read_text()
    assert text.index("Synthetic beats. These scores") < text.index("<table")
    assert "10 synthetic test beats" in text
    content = json.loads((tmp_path / "scores.json").read_text())
    assert content["synthetic"] is True
    assert "Synthetic beats" in content["warnings"][0]


def test_warnings_are_shown_once_and_escaped(tmp_path, plain_figures):
    runs = [
        make_assessment(name, warnings=("trained on <other> data",)) for name in ("cnn", "rnn")
    ]
    score_report.write(tmp_path, compare(runs))
    assert (tmp_path / "report.html").read_text().count("trained on &lt;other&gt; data") == 1


def test_unknown_records_leave_no_old_table_behind(tmp_path, plain_figures):
    score_report.write(tmp_path, compare([make_assessment()]))
    assert (tmp_path / "per_patient.csv").exists()
    score_report.write(tmp_path, compare([make_assessment(records=None)]))
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert "do not say which record" in (tmp_path / "report.html").read_text()


def test_a_class_without_beats_has_no_score_in_the_table(tmp_path, plain_figures):
    score_report.write(tmp_path, compare([make_assessment()]))
    assert "no beats" in (tmp_path / "report.html").read_text()
    areas = json.loads((tmp_path / "scores.json").read_text())["models"][0]["curves"]
    assert areas["Q"] is None and 0 < areas["N"]["roc_auc"] <= 1


def test_page_parts_escape_what_they_are_given():
    html = page("<a>", "<b>", [table(["<c>"], [["<d>"], [Bar("<e>", 0.5)]]), folded("<f>", "<g>")])
    for letter in "abcdefg":
        assert f"&lt;{letter}&gt;" in html
    assert "--share:50.0%" in html
