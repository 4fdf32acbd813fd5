"""Names that a file or a checkpoint brings along stay text, on the page and in spreadsheets."""

import json

import pytest

from tests.serving.page.opened_page import table_of
from tests.serving.page.service import probabilities_of, stream_of

pytestmark = pytest.mark.slow
MARKUP = "<img src=x onerror=alert(1)>"


def test_names_are_neither_markup_nor_formulas(opened):
    first, *others = stream_of(probabilities_of(400)).splitlines()
    names = ['=HYPERLINK("http://x")', "@SUM(A1)", MARKUP, "+1", "-2"]
    start = {
        **json.loads(first),
        "name": f"{MARKUP}.csv",
        "class_names": names,
        "class_meanings": {names[0]: MARKUP},
    }
    body = b"\n".join([json.dumps(start).encode(), *others])
    opened.page.route("**/page/analyse*", lambda route: route.fulfill(body=body))
    opened.page.on("dialog", lambda dialog: opened.problems.append(dialog.message))
    opened.upload("a.csv", b"1")
    opened.wait_for_results()
    assert opened.page.inner_text("#results-title") == f"{MARKUP}.csv"
    opened.page.click("table.beats tbody tr:first-child")
    assert MARKUP in opened.page.inner_text("#beat")
    assert opened.page.locator("main img, dialog img").count() == 0
    opened.page.keyboard.press("Escape")
    rows = table_of(opened.downloaded("Download all as CSV"))
    written = {row["predicted"] for row in rows}
    assert f"'{names[0]}" in written
    assert written <= {f"'{name}" if name[0] in "=@+-" else name for name in names}
