"""A recording on the page: its strip, its beats, its report."""

import numpy as np
import pytest

from ecg.synthetic.record import generate_record
from tests.serving.page.opened_page import BROAD, WAIT_MS, table_of

pytestmark = pytest.mark.slow


def test_a_recording_is_shown_and_its_beats_open(opened):
    page = opened.page
    page.click("#try-recording")
    page.wait_for_selector(".stretch", timeout=WAIT_MS)
    opened.wait_for_results()
    assert drawn_share(page, ".stretch") > 0.01 and drawn_share(page, ".overview") > 0.01
    assert "heart rate" in page.inner_text("#recording")
    where = page.inner_text(".where")
    page.focus(".stretch")
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".where") != where
    page.keyboard.press("Enter")
    assert page.inner_text("#beat-title").startswith("Beat ")
    page.keyboard.press("Escape")
    page.wait_for_selector(".stretch:focus")
    page.click("table.beats tbody tr:nth-child(9)")
    page.get_by_role("button", name="Show in the recording").click()
    assert not page.is_visible("#beat")
    page.wait_for_selector(".stretch:focus")
    page.wait_for_timeout(200)  # in which nothing else may take the focus
    assert page.query_selector(".stretch:focus")
    box = page.locator(".stretch").bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] <= BROAD["height"]
    rows = table_of(opened.downloaded("Download all as CSV"))
    assert np.all(np.diff([float(row["time_s"]) for row in rows]) > 0)
    assert b"<html" in opened.downloaded("Full report")


def test_a_recording_as_csv_needs_its_rate_and_is_read_with_it(opened):
    page = opened.page
    made = generate_record(np.random.default_rng(1), 40, 250, leads=2)
    text = "\n".join(["II,V1", *(f"{a:.4f},{b:.4f}" for a, b in made.signal_mv)])
    opened.upload("leads.csv", text.encode())
    assert len(opened.wait_for_error()) > 20  # and the options for recordings open
    page.fill("#sampling", "250")
    page.select_option("#units", "mV")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".stretch", timeout=WAIT_MS)
    opened.wait_for_results()
    assert "250 samples a second, leads II, V1" in page.inner_text(".recording-head")
    assert page.input_value(".recording-head select") == "II"


def drawn_share(page, selector: str) -> float:
    """The share of a canvas's pixels that something was drawn on."""
    return page.evaluate(
        """selector => {
          const canvas = document.querySelector(selector);
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, i) => i % 4 === 3 && value > 0).length / (data.length / 4);
        }""",
        selector,
    )
