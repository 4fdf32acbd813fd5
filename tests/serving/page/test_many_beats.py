"""A hundred thousand beats on the page, which the service need not predict for that."""

import numpy as np
import pytest

from tests.serving.page.opened_page import table_of
from tests.serving.page.service import probabilities_of, stream_of

pytestmark = pytest.mark.slow
MANY = 100_000
# On two busy cores; alone they take a fifth of it.
SORT_MS, TURN_MS = 500, 250


def test_a_hundred_thousand_beats_stay_smooth(opened):
    probabilities = probabilities_of(MANY)
    body = stream_of(probabilities)
    opened.page.route("**/page/analyse*", lambda route: route.fulfill(body=body))
    opened.upload("many.csv", b"1")
    opened.wait_for_results()
    page = opened.page
    top = probabilities.max(axis=1)
    ascending = np.argsort(top, kind="stable")
    assert median_ms(page, "th.probability button") < SORT_MS
    page.click("th[aria-sort] button")  # by row, from the first
    page.click("th.probability button")
    rows = [int(text.replace(",", "")) for text in opened.column("number")[::2]]
    assert rows == (ascending[:50] + 1).tolist()
    assert median_ms(page, ".pager.above [aria-label='Next page']") < TURN_MS
    page.click("th[aria-sort] button")
    page.click(".filters .toggle:has-text('uncertain')")
    unsure = int((top < np.float32(0.6)).sum())
    assert f"of {unsure:,} beats, chosen from 100,000" in opened.shown()
    page.click(".pager.above [aria-label='Last page']")
    last = int(np.flatnonzero(top < np.float32(0.6))[-1]) + 1
    assert opened.column("number")[-2] == f"{last:,}"
    page.get_by_role("button", name="Show all").click()
    rows = table_of(opened.downloaded("Download all as CSV"))
    assert len(rows) == MANY
    assert float(rows[-1]["probability"]) == pytest.approx(top[-1], abs=1e-6)


def median_ms(page, selector: str) -> float:
    """How long the page works at a click."""
    timed = """selector => {
      const started = performance.now();
      document.querySelector(selector).click();
      document.body.getBoundingClientRect();
      return performance.now() - started;
    }"""
    return float(np.median([page.evaluate(timed, selector) for _ in range(5)]))
