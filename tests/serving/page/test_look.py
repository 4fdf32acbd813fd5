"""The page in light and dark, on a screen and on a phone."""

import numpy as np
import pytest

from tests.serving.page.opened_page import PHONE

pytestmark = pytest.mark.slow


DARK = {"color_scheme": "dark"}
TEXT_ON_PAPER = (
    ("ink", "paper"),
    ("muted", "paper"),
    ("muted", "panel"),
    ("accent", "paper"),
    ("warn", "warn-paper"),
    ("bad", "bad-paper"),
    ("accent-ink", "accent"),
)


@pytest.mark.parametrize(
    "look",
    [{"viewport": PHONE}, {"viewport": PHONE, **DARK}, DARK, {}],
    indirect=True,
    ids=["phone", "dark phone", "dark", "light"],
)
def test_it_is_readable_and_fits(opened, look):
    page = opened.page
    assert not opened.scrolls_sideways()
    page.click("#try-beats")
    opened.wait_for_results()
    assert not opened.scrolls_sideways()
    page.click("table.beats tbody tr:nth-child(2)")
    box = page.locator("#beat").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= look["viewport"]["width"]
    page.keyboard.press("Escape")
    for text, paper in TEXT_ON_PAPER:
        assert contrast(colour(page, text), colour(page, paper)) >= 4.5, (text, paper)
    # Lines and dots: the five AAMI classes, none of which is told by its colour alone.
    for label in range(5):
        assert contrast(colour(page, f"class-{label}"), colour(page, "paper")) >= 2.95, label
    is_dark = luminance(colour(page, "paper")) < 0.1
    assert is_dark == (look.get("color_scheme") == "dark")


def colour(page, name: str) -> tuple[float, ...]:
    """A colour of the style sheet as red, green and blue from 0 to 1."""
    found = page.evaluate(
        "name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)", name
    ).strip()
    return tuple(int(found[i : i + 2], 16) / 255 for i in (1, 3, 5))


def luminance(rgb: tuple[float, ...]) -> float:
    """As WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
