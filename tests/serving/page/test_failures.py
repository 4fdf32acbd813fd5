"""What goes wrong is told on the page, and takes nothing away."""

import pytest

from tests.serving.page.service import probabilities_of, stream_of

pytestmark = pytest.mark.slow


def test_an_error_is_shown_and_earlier_results_stay(opened, example):
    opened.upload("good.csv", example)
    opened.wait_for_results()
    rows = example.decode().splitlines()
    rows[2] = rows[2].rsplit(",", 3)[0]
    opened.upload("bad.csv", "\n".join(rows).encode())
    said = opened.wait_for_error()
    assert "bad.csv" in said and "row 3" in said and "187" in said
    assert "/tmp" not in said
    assert opened.page.inner_text("#results-title") == "good.csv"
    assert len(opened.column("shape")) == 50


@pytest.mark.parametrize("status, words", [(413, "too large for this"), (503, "is busy")])
def test_a_refusal_is_told_in_the_services_words(opened, status, words):
    opened.page.route(
        "**/page/analyse*",
        lambda route: route.fulfill(status=status, json={"detail": f"the file {words} service"}),
    )
    opened.upload("beats.csv", b"1,2")
    assert opened.wait_for_error() == f"The file {words} service."


def test_a_service_that_is_gone_is_told_and_can_be_tried_again(opened, example):
    opened.page.route("**/page/analyse*", lambda route: route.abort())
    opened.upload("beats.csv", example)
    assert "Is it still running?" in opened.wait_for_error()
    opened.page.unroute("**/page/analyse*")
    opened.page.get_by_role("button", name="Try again").click()
    opened.wait_for_results()
    assert not opened.page.is_visible("#error")


def test_a_broken_answer_is_told(opened, example):
    whole = stream_of(probabilities_of(5))
    lines = whole.splitlines(keepends=True)
    opened.page.route("**/page/analyse*", lambda route: route.fulfill(body=b"".join(lines[:-1])))
    opened.upload("beats.csv", example)
    assert "stopped before it was done" in opened.wait_for_error()
    assert not opened.page.is_visible("#results")


def test_progress_can_be_cancelled(opened, example):
    waiting = []
    opened.page.route("**/page/analyse*", lambda route: waiting.append(route))
    opened.upload("beats.csv", example)
    opened.page.wait_for_selector("#progress-bar")
    opened.page.click("#cancel")
    opened.page.wait_for_selector("#progress", state="hidden")
    assert not opened.page.is_visible("#error")
    assert len(waiting) == 1
