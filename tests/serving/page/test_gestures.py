"""Moving in a recording's strip by mouse, wheel and fingers."""

import pytest

from tests.serving.page.opened_page import PHONE, WAIT_MS

pytestmark = pytest.mark.slow


@pytest.fixture
def strip(opened):
    """A page with a synthetic recording of three minutes, its strip in sight."""
    opened.page.click("#try-recording")
    opened.page.wait_for_selector(".stretch", timeout=WAIT_MS)
    opened.wait_for_results()
    opened.page.locator(".strip").scroll_into_view_if_needed()
    return opened.page


def test_the_mouse_drags_and_its_wheel_zooms_with_ctrl_alone(strip):
    box = strip.locator(".stretch").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    assert stretch(strip) == (0, 10)
    drag(strip, x, y, -box["width"] / 2)
    assert stretch(strip) == pytest.approx((5, 15), abs=0.11)
    assert not strip.is_visible("#beat"), "a drag is no click"
    before = strip.inner_text(".where")
    strip.mouse.wheel(box["width"] / 10, 0)
    wait_for_other_stretch(strip, before)
    assert stretch(strip) == pytest.approx((6, 16), abs=0.11)
    above = strip.locator(".stretch").bounding_box()["y"]
    strip.mouse.wheel(0, 120)
    while strip.locator(".stretch").bounding_box()["y"] >= above:
        strip.wait_for_timeout(20)  # the test's own limit ends this
    assert stretch(strip) == pytest.approx((6, 16), abs=0.11), "the page scrolls"
    strip.locator(".strip").scroll_into_view_if_needed()
    strip.locator(".stretch").hover()
    before = strip.inner_text(".where")
    strip.keyboard.down("Control")
    strip.mouse.wheel(0, -400)
    wait_for_other_stretch(strip, before)
    strip.keyboard.up("Control")
    from_s, to_s = stretch(strip)
    assert to_s - from_s < 9 and from_s > 6, "it zooms around the pointer"


def test_the_overview_takes_the_stretch_along(strip):
    box = strip.locator(".overview").bounding_box()
    middle = box["y"] + box["height"] / 2
    strip.mouse.click(box["x"] + box["width"] / 2, middle)
    assert stretch(strip) == pytest.approx((85, 95), abs=0.3)
    drag(strip, box["x"] + box["width"] / 2, middle, box["width"] / 6)
    assert stretch(strip) == pytest.approx((115, 125), abs=0.5)
    drag(strip, box["x"] + box["width"] / 2, middle, box["width"])
    assert stretch(strip)[1] == pytest.approx(180, abs=0.1), "not beyond the end"


@pytest.mark.parametrize("look", [{"viewport": PHONE, "has_touch": True}], indirect=True)
def test_fingers_drag_pinch_and_tap(strip):
    box = strip.locator(".stretch").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    length = stretch(strip)[1]
    touch(strip, [[(x + 60 - 12 * i, y)] for i in range(11)])
    moved = stretch(strip)
    assert moved[0] == pytest.approx(length * 120 / box["width"], rel=0.2)
    assert not strip.is_visible("#beat")
    touch(strip, [[(x - 30 - 9 * i, y), (x + 30 + 9 * i, y)] for i in range(11)])
    closer = stretch(strip)
    assert closer[1] - closer[0] == pytest.approx(length * 60 / 240, rel=0.25)
    assert sum(closer) / 2 == pytest.approx(sum(moved) / 2, abs=0.3)
    assert not strip.is_visible("#beat")
    strip.focus(".stretch")
    strip.keyboard.press("Enter")
    time = strip.inner_text("#beat-title").split(" at ")[1].split()[0]
    strip.get_by_role("button", name="Show in the recording").tap()
    strip.locator(".strip").scroll_into_view_if_needed()
    box = strip.locator(".stretch").bounding_box()
    strip.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert f" at {time} " in strip.inner_text("#beat-title")


def stretch(page) -> tuple[float, float]:
    """From which second to which the strip shows the recording."""
    words = page.inner_text(".where").split()
    minutes = [text.split(":") for text in (words[0], words[2])]
    first, last = (60 * int(m) + float(s) for m, s in minutes)
    return first, last


def wait_for_other_stretch(page, before: str) -> None:
    """A wheel's event may come after the call that turned it."""
    page.wait_for_selector(f".where:not(:text-is('{before}'))", timeout=WAIT_MS)


def drag(page, x: float, y: float, by: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=6)
    page.mouse.up()


def touch(page, path: list[list[tuple[float, float]]]) -> None:
    """Fingers that go down, along these places, and up."""
    session = page.context.new_cdp_session(page)
    for kind, fingers in zip(["touchStart", *["touchMove"] * (len(path) - 1)], path, strict=True):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()
