"""Every kind of report on a phone: the page is no wider than its window, and fetches nothing."""

import re
from collections.abc import Callable

import pytest

from tests.evaluation.test_training_curves import HISTORIES, some_assessments
from utils.report import Report

PHONE, BROAD = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def scores() -> Report:
    from evaluation import score_report, training_curves
    from evaluation.comparison import compare

    assessments = some_assessments()
    return score_report.build(
        compare(assessments), training_curves.trainings_of(assessments, HISTORIES)
    )


def shift() -> Report:
    from experiments.shift import report
    from tests.experiments.test_shift_measure import FACTS, fading_points

    return report.build(fading_points(), FACTS, [])


def cross_validation() -> Report:
    from experiments.cross_validation import report
    from tests.experiments.test_fold_scores import make_reached

    return report.build(make_reached())


def transfer() -> Report:
    from experiments.transfer import report
    from tests.experiments import test_transfer_scores as examples

    return report.build(examples.some_results())


def anomalies() -> Report:
    from experiments.anomaly_detection import report
    from tests.experiments.test_anomaly_detectors import figures_of, results_of

    results = results_of((4, 3))
    return report.build(results, figures_of(results))


def exploration() -> Report:
    from experiments.exploration import report
    from tests.heartbeats.conftest import make_beats

    beats = make_beats(patients=3, each=15)
    return report.build(beats, report.class_rows(beats), report.draw_all(beats, 0))


def recorded_beats() -> Report:
    from experiments.recorded_beats import report
    from tests.experiments.test_recorded_beats_report import FACTS, a_part

    return report.build([a_part()], {}, FACTS, [])


def recording() -> Report:
    from recordings import page
    from recordings.pictures import draw_all
    from tests.recordings.examples import make

    analysis, record = make(seconds=60, irregular=[(5, 25)], notes=("x" * 90,))
    return page.build(analysis, record, draw_all(analysis, record))


def database() -> Report:
    from recordings import database_page
    from tests.recordings.test_pictures import patients

    return database_page.build("mitdb", patients(20), linked=True)


def study() -> Report:
    from sweeps.study_report import page, study_table
    from sweeps.study_report.findings import importances
    from tests.sweeps.test_report import mixed_study

    read = study_table.read(mixed_study())
    found = importances(read)
    return page.build(read, found, page.draw_all(read, found))


KINDS: list[Callable[[], Report]] = [
    scores,
    shift,
    cross_validation,
    transfer,
    anomalies,
    exploration,
    recorded_beats,
    recording,
    database,
    study,
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_page_is_no_wider_than_its_window(kind, browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(kind().html(), encoding="utf-8")
    for window in (PHONE, BROAD):
        context = browser.new_context(viewport=window)
        page = context.new_page()
        fetched: list[str] = []
        page.on("request", lambda asked, fetched=fetched: fetched.append(asked.url))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
        assert fetched == [path.as_uri()]
        assert_drawings_are_seen(page, window)
        context.close()


def assert_drawings_are_seen(page, window: dict[str, int]) -> None:
    """Every figure shows something, and its letters are not smaller than a reader can take."""
    for figure in page.query_selector_all("figure"):
        shown = [
            box
            for svg in figure.query_selector_all(".scroll > svg, .panels > .panel > svg")
            if svg.is_visible() and (box := svg.bounding_box()) and box["width"] > 20
        ]
        assert shown, figure.inner_text()
        for svg in figure.query_selector_all(".panels svg"):
            if svg.is_visible():
                points = float(svg.get_attribute("viewBox").split()[2])
                scale = svg.bounding_box()["width"] / points
                assert scale > PIXELS_A_POINT, figure.inner_text()


# Letters of 9.5 points have at least 8 pixels then.
PIXELS_A_POINT = 8 / 9.5


@pytest.mark.slow
def test_ids_on_a_page_are_unique_where_a_panel_is_shown_by_them():
    html = cross_validation().html()
    targets = re.findall(r'<use href="#([^"]+)"', html)
    assert targets and len(set(targets)) == len(targets)
    assert all(html.count(f'id="{target}"') == 1 for target in targets)
