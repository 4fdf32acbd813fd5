"""A figure on a page: whole where there is room, panel by panel below one another on a phone.

The drawing is in the page once. A narrow screen shows each panel through a window of its own
(`<use>`), as wide as the screen allows, so that letters stay legible; no script decides.
"""

import html
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from utils.style import GRID, INK, MUTED, PAPER, PNG_DPI, SUBTITLE, TITLE

POINTS_AN_INCH = 72
# Widest and narrowest that an inch of a drawing is shown: 9.5 points are 13 and 8 pixels then.
REM_AN_INCH, LEAST_REM_AN_INCH = 6.3, 4.0
# Room around a panel, so that no letter is cut.
MARGIN_POINTS = 4

Stack = Literal["panels", "rows", "columns", "none"]


@dataclass(frozen=True)
class Picture:
    """A figure with what to see in it.

    Attributes:
        name: of its file, without the suffix; unique on the page.
        figure: drawn with the colours of `utils.style`.
        caption: plain text; may be empty.
        stack: what a narrow screen shows below one another: every panel, whole rows or whole
            columns of panels; ``none`` keeps the figure whole and lets it scroll sideways.
    """

    name: str
    figure: Figure
    caption: str = ""
    stack: Stack = "panels"

    def html(self) -> str:
        """The picture as a `<figure>` with its title and its caption as text."""
        title, subtitle = _headings(self.figure)
        drawing, panels = _drawings(self)
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>\n" if self.caption else ""
        return (
            f'<figure class="{"stacked" if panels else "whole"}">\n{_title(title, subtitle)}'
            f'<div class="scroll">{drawing}</div>\n{panels}{caption}</figure>'
        )


def as_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element for a page, in the page's own ink and without a background.

    Args:
        figure: drawn with the colours of `utils.style`; INK, MUTED and GRID become the page's CSS
            variables, so that one picture suits a light and a dark page.
        name: unique on the page; the ids inside the element depend on it.
    """
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", dpi=PNG_DPI, transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for colour, variable in ((INK, "ink"), (MUTED, "muted"), (GRID, "grid"), (PAPER, "paper")):
        svg = svg.replace(colour, f"var(--{variable})")
    return svg


def _headings(figure: Figure) -> tuple[str, str]:
    """Title and subtitle of a figure from `utils.style.new_figure`; else empty."""
    texts = {text.get_gid(): text.get_text() for text in figure.texts}
    return texts.get(TITLE, ""), texts.get(SUBTITLE, "")


def _title(title: str, subtitle: str) -> str:
    if not title:
        return ""
    lines = "<br>".join(html.escape(line) for line in subtitle.splitlines())
    return f'<p class="title"><strong>{html.escape(title)}</strong><br>{lines}</p>\n'


def _drawings(picture: Picture) -> tuple[str, str]:
    """The whole drawing without its title, and its panels; no panels where there is one only."""
    figure, name = picture.figure, picture.name
    label = html.escape(_headings(figure)[0] or name)
    _name_parts(picture)
    svg = _without_title(figure, name)
    parts = _parts(picture)  # after the drawing, which lays the figure out
    boxes = [box for _ids, box in parts]
    whole = Bbox.union(boxes) if boxes else Bbox.from_bounds(0, 0, *figure.bbox.size)
    drawing = re.sub(
        r"<svg [^>]*>",
        f'<svg role="img" aria-label="{label}" {_window(figure, whole)} '
        'xmlns:xlink="http://www.w3.org/1999/xlink">',
        svg,
        count=1,
    )
    if picture.stack == "none" or len(parts) < 2:
        return drawing, ""
    windows = "\n".join(_panel(_window(figure, box), ids) for ids, box in parts)
    return drawing, f'<div class="panels" aria-hidden="true">\n{windows}\n</div>\n'


def _panel(window: str, ids: Iterable[str]) -> str:
    uses = "".join(f'<use href="#{one}"/>' for one in ids)
    return f"<svg {window}>{uses}</svg>"


def _without_title(figure: Figure, name: str) -> str:
    """The figure's SVG; the page says the title in text."""
    titles = [text for text in figure.texts if text.get_gid() in (TITLE, SUBTITLE)]
    for text in titles:
        text.set_visible(False)
    try:
        return as_svg(figure, name)
    finally:
        for text in titles:
            text.set_visible(True)


def _name_parts(picture: Picture) -> None:
    """Give the parts of a figure the ids by which a page can show each of them."""
    for number, artist in enumerate([*picture.figure.legends, *picture.figure.axes]):
        artist.set_gid(f"{picture.name}-part-{number}")


def _parts(picture: Picture) -> list[tuple[list[str], Bbox]]:
    """What can be shown by itself: the ids of its drawings, and the box around them in pixels.

    Legends of the whole figure come first, since all panels need them.
    """
    figure = picture.figure
    parts = [([str(one.get_gid())], one.get_window_extent()) for one in figure.legends]
    for group in _grouped(_drawn(figure.axes), picture.stack):
        boxes = [box for axes in group if (box := axes.get_tightbbox()) is not None]
        parts.append(([str(axes.get_gid()) for axes in group], Bbox.union(boxes)))
    return parts


def _drawn(axes: Iterable[Axes]) -> list[Axes]:
    return [one for one in axes if one.get_visible() and (one.has_data() or one.texts)]


def _grouped(found: list[Axes], stack: Stack) -> list[list[Axes]]:
    """Axes that belong together: on the same row or column, or drawn over one another."""
    groups: dict[object, list[Axes]] = {}
    for axes in found:
        groups.setdefault(_place(axes, stack), []).append(axes)
    merged: list[list[Axes]] = []
    for group in groups.values():
        over = next((other for other in merged if _overlap(group[0], other[0])), None)
        if over is not None and stack in ("panels", "none"):
            over += group
        else:
            merged.append(list(group))
    return merged


def _place(axes: Axes, stack: Stack) -> object:
    spec = axes.get_subplotspec()
    if spec is None or stack in ("panels", "none"):
        return id(axes)
    return spec.rowspan.start if stack == "rows" else spec.colspan.start


def _overlap(one: Axes, other: Axes) -> bool:
    """Whether one lies over the other, as twins and insets do."""
    shared = Bbox.intersection(one.get_window_extent(), other.get_window_extent())
    return shared is not None and min(shared.width, shared.height) > 1


def _window(figure: Figure, box: Bbox) -> str:
    """The attributes of an `<svg>` that shows a box, given in pixels, as large as it may be."""
    points = POINTS_AN_INCH / figure.dpi
    width = box.width * points + 2 * MARGIN_POINTS
    height = box.height * points + 2 * MARGIN_POINTS
    left = box.x0 * points - MARGIN_POINTS
    top = (figure.bbox.height - box.y1) * points - MARGIN_POINTS
    inches = width / POINTS_AN_INCH
    return (
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" '
        f'style="--least:{LEAST_REM_AN_INCH * inches:.1f}rem;--most:{REM_AN_INCH * inches:.1f}rem"'
    )
