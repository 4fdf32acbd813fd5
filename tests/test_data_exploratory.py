"""The pictures of a data set: files, page, words."""

import dataclasses

import pytest

import data_exploratory
from experiments.exploration import plots, report
from heartbeats import catalog
from tests.heartbeats.conftest import make_beats
from utils import report as report_kit
from utils.errors import InputError


@pytest.fixture
def explored(tmp_path, monkeypatch, capsys):
    beats = dataclasses.replace(make_beats(), name="synthetic")
    monkeypatch.setattr(catalog, "load", lambda name: beats)
    monkeypatch.setattr(report_kit, "as_png", lambda figure: b"drawn by other tests")
    status = data_exploratory.main(["--data=synthetic", "--to", str(tmp_path / "out")])
    return status, tmp_path / "out", capsys.readouterr().out


@pytest.mark.slow
def test_pictures_page_and_table(explored):
    status, folder, printed = explored
    assert status == 0
    names = {path.stem for path in folder.glob("*.png")}
    assert names == {"counts", "mean_beats", "examples", "lengths", "embedding", "records"}
    assert "explore.html" in printed
    page = (folder / "explore.html").read_text()
    assert page.count("<figure ") == len(names)
    for text in (page, printed):
        assert "480 synthetic beats" in text
    assert "test beats included" in page  # it describes the whole set


@pytest.mark.slow
def test_augmented_beats_are_drawn_and_measured_on_training_beats(monkeypatch):
    beats = make_beats()
    seen = []
    monkeypatch.setattr(plots, "augmentation_figure", lambda train, seed: seen.append(train))
    monkeypatch.setattr(report.mixture, "FEWEST_BEATS", 5)
    figures, sentences = report.draw_augmented(beats, 0)
    assert set(figures) == {"augmentation", "mixture"}
    assert any("near-copies" in sentence for sentence in sentences)
    assert len(seen[0]) < len(beats) and not seen[0].official_test.any()


def test_no_class_is_large_enough_for_a_mixture(monkeypatch):
    monkeypatch.setattr(report.mixture, "FEWEST_BEATS", 10_000)
    with pytest.raises(InputError, match="leave --augmented out"):
        report.draw_augmented(make_beats(), 0)


def test_rows_add_up():
    beats = make_beats()
    rows = report.class_rows(beats)
    assert [row[0] for row in rows] == list(beats.class_names)
    assert sum(int(row[2]) for row in rows) == len(beats)
    assert sum(int(row[4]) for row in rows) == beats.official_test.sum()
    assert {row[5] for row in rows} == {"12"}
    assert {row[6] for row in rows} == {"6 records"}  # all patients have equally many


def test_what_the_source_does_not_know_is_a_dash():
    beats = dataclasses.replace(make_beats(), records=None, official_test=None)
    assert {tuple(row[4:7]) for row in report.class_rows(beats)} == {("–", "–", "–")}


def test_only_figures_that_mean_something_are_drawn():
    """No seconds where beats were stretched; no mix of classes where a record has one label."""
    beats = dataclasses.replace(make_beats(), name="ecg5000")
    assert plots.lengths_figure(beats) is None
    assert {row[7] for row in report.class_rows(beats)} == {"–"}
    whole = dataclasses.replace(beats, records=beats.labels.astype(str))
    assert plots.records_figure(whole) is None


def test_a_misspelt_data_set_is_told(capsys):
    with pytest.raises(SystemExit):
        data_exploratory.main(["--data=mitbhi"])
    assert "unknown 'mitbhi' (did you mean mitbih?)" in capsys.readouterr().err


def test_a_data_set_that_is_not_there_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECG_DATA", str(tmp_path))
    assert data_exploratory.main(["--data=ptb"]) == 2
    assert "python -m heartbeats.download ptbdb" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.real_data
def test_mitbih_is_explored(tmp_path, monkeypatch):
    from heartbeats import mitdb
    from utils.paths import data_folder

    if mitdb.find_folder(data_folder()) is None:
        pytest.skip("no MIT-BIH records under $ECG_DATA")
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    assert data_exploratory.main(["--data=mitbih"]) == 0
    assert "109,446 beats" in (tmp_path / "explore" / "mitbih" / "explore.html").read_text()
