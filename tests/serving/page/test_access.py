"""The page without a mouse, without colours of its own, on a narrow screen and on paper."""

import json

import httpx
import pytest

from tests.serving.page.opened_page import PHONE, WAIT_MS, table_of

pytestmark = pytest.mark.slow
A_DAY_S = 86_000


def test_keys_alone_lead_from_the_first_tab_to_the_download(opened):
    page = opened.page
    tab_to(page, "Try synthetic beats")
    page.keyboard.press("Enter")
    opened.wait_for_results()
    assert page.evaluate("document.activeElement.id") == "results-title"
    tab_to(page, "uncertain ")
    page.keyboard.press("Space")
    chosen = int(opened.shown().split(" of ")[1].split()[0])
    with page.expect_download(timeout=WAIT_MS) as waiting:
        tab_to(page, "Download those shown")
        page.keyboard.press("Enter")
    assert len(table_of(waiting.value.path().read_bytes())) == chosen > 0
    tab_to(page, "Open beat")
    page.keyboard.press("Enter")
    assert page.is_visible("#beat")


def test_everything_that_can_be_operated_has_a_name(opened):
    opened.page.click("#try-recording")
    opened.wait_for_results()
    tree = opened.page.locator("body").aria_snapshot().splitlines()
    operated = [
        line.strip()
        for line in tree
        if line.strip().startswith(("- button", "- combobox", "- spinbutton", "- textbox"))
    ]
    assert len(operated) > 50
    assert [line for line in operated if '"' not in line] == []
    assert any('table "Beats"' in line for line in tree)


@pytest.mark.parametrize("look", [{"viewport": PHONE}], indirect=True)
def test_beats_of_a_long_recording_with_all_remarks_fit_a_phone(opened):
    page = opened.page
    body = with_all_remarks(opened.address)
    page.route("**/page/analyse*", lambda route: route.fulfill(body=body))
    opened.upload("long.csv", b"1")
    opened.wait_for_results()
    assert "23:5" in opened.column("number")[1]
    marks = page.locator("table.beats tbody tr:first-child .mark").all_inner_texts()
    assert marks == ["unusable", "uncertain", "OOD", "unknown"]
    spare = "found => found.map(one => one.scrollWidth - one.clientWidth)"
    assert set(page.locator(".scroll").evaluate_all(spare)) == {0}
    assert not opened.scrolls_sideways()


@pytest.mark.parametrize("look", [{"forced_colors": "active"}], indirect=True)
def test_bars_and_pressed_buttons_show_in_forced_colours(opened):
    page = opened.page
    page.click("#try-beats")
    opened.wait_for_results()
    paper = background(page, "body")
    assert background(page, ".bar") != paper
    toggle = ".filters .toggle >> nth=0"
    before = background(page, toggle)
    page.click(toggle)
    assert background(page, toggle) != before


@pytest.mark.parametrize("look", [{"color_scheme": "dark"}], indirect=True)
def test_paper_shows_results_without_controls_and_is_white(opened):
    page = opened.page
    page.click("#try-beats")
    opened.wait_for_results()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 980})  # A4 less its margins
    for shown in ("#results-sentence", "#results-meanings", ".chart", "table.beats", ".shown"):
        assert page.locator(shown).first.is_visible(), shown
    for hidden in (".start", "#filters", ".turner"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert not opened.scrolls_sideways()
    assert background(page, "body") == "rgb(255, 255, 255)"


def tab_to(page, name: str) -> None:
    """Press Tab until the focus is on what is named so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "[document.activeElement.ariaLabel, document.activeElement.textContent]"
        )
        if any(text and text.startswith(name) for text in focused):
            return
    raise AssertionError(f"{name!r} was not reached")


def background(page, selector: str) -> str:
    return page.locator(selector).first.evaluate("one => getComputedStyle(one).backgroundColor")


def with_all_remarks(address: str) -> bytes:
    """The service's answer to its example of a recording, as if it were the end of a bad day."""
    example = httpx.get(f"{address}/examples/recording.zip", timeout=60).content
    answer = httpx.post(
        f"{address}/page/analyse", files={"files": ("long.zip", example)}, timeout=60
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    for line in lines:
        if line["type"] == "recording":
            line["record"]["duration_s"] += A_DAY_S
            for beat in line["record"]["beats"]:
                beat["time_s"] += A_DAY_S
                beat["unknown"], beat["usable"] = True, False
        if line["type"] == "beats":
            line["uncertain"] = "AQEB" * (line["count"] // 3 + 1)  # three bytes of 1
            line["ood_score"] = "AABAQAAAQEAAAEBA" * (line["count"] // 3 + 1)  # three times 3.0
        if line["type"] == "start":
            line["uncertain_below"] = 0.9
    return b"\n".join(json.dumps(line).encode() for line in lines)
