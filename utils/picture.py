"""A figure on a page: whole where there is room, panel by panel below one another on a phone.

The drawing of several panels is in the page once. A narrow screen shows each panel through a
window of its own (`<use>`), as wide as the screen allows, so that letters stay legible. A wide
figure of one panel is drawn a second time, narrower. No script decides.
"""

import html
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from utils.style import GRID, INK, MUTED, PAPER, PNG_DPI, SUBTITLE, TITLE

POINTS_AN_INCH = 72
# How wide an inch of a drawing is shown: 9.5 points are 13 pixels on a broad screen and 8 to 11
# on a phone.
WIDEST_REM, NARROWEST_REM = 6.3, 3.9
WIDEST_PANEL_REM = 5.2
# What a phone of 390 pixels has room for.
PHONE_INCHES = 5.7
# Room around a panel, so that no letter is cut.
MARGIN_POINTS = 4

# The ids of drawings, and the box around them in pixels.
Part = tuple[list[str], Bbox]
Stack = Literal["panels", "columns", "narrow", "none"]


@dataclass(frozen=True)
class Picture:
    """A figure with what to see in it.

    Attributes:
        name: of its file, without the suffix; unique on the page.
        figure: drawn with the colours of `utils.style`.
        caption: plain text; may be empty.
        stack: what a narrow screen shows below one another: every panel, or whole columns of
            panels; ``narrow`` is the whole figure, drawn again as wide as a phone, as figures of
            one panel always are; ``none`` keeps the figure as it is and lets it scroll sideways.
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
    """The whole drawing without its title, and what a narrow screen shows in place of it."""
    figure, name = picture.figure, picture.name
    drawing, panels = _drawing(picture, name)
    if picture.stack == "none" or not panels:
        return drawing, ""
    keys = "".join(_panel(figure, *key) for key in _keys(figure))
    windows = [f'<div class="keys">{keys}</div>'] if keys else []
    if len(panels) > 1 and picture.stack != "narrow":
        windows += [_panel(figure, *panel) for panel in panels]
    elif figure.get_figwidth() > PHONE_INCHES:
        windows.append(_narrow(picture))
    else:
        return drawing, ""
    shown = "\n".join(windows)
    return drawing, f'<div class="panels" aria-hidden="true">\n{shown}\n</div>\n'


def _drawing(picture: Picture, name: str) -> tuple[str, list[Part]]:
    """The figure as it is now without its title, and its panels; `name` begins all ids."""
    figure = picture.figure
    for number, artist in enumerate([*figure.legends, *figure.axes]):
        artist.set_gid(f"{name}-part-{number}")
    svg = _without_title(figure, name)
    panels = _panels(figure, picture.stack)  # after the drawing, which lays the figure out
    legends = [one for one in figure.legends if one.get_visible()]
    boxes = [*(box for _ids, box in panels), *(one.get_window_extent() for one in legends)]
    whole = Bbox.union(boxes) if boxes else Bbox.from_bounds(0, 0, *figure.bbox.size)
    label = html.escape(_headings(figure)[0] or name)
    head = f'<svg role="img" aria-label="{label}" {" ".join(_window(figure, whole))}>'
    return re.sub(r"<svg [^>]*>", lambda _found: head, svg, count=1), panels


def _narrow(picture: Picture) -> str:
    """The figure drawn again, as wide as a phone has room for, without legends around it."""
    figure = picture.figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(PHONE_INCHES, height)
    try:
        with _hidden(figure.legends):
            drawing, _panels_of_it = _drawing(picture, f"{picture.name}-narrow")
            return f'<div class="scroll">{drawing}</div>'
    finally:
        figure.set_size_inches(width, height)


def _panel(figure: Figure, ids: Iterable[str], box: Bbox) -> str:
    view, sizes = _window(figure, box)
    uses = "".join(f'<use href="#{one}"/>' for one in ids)
    return f'<div class="panel" {sizes}><svg {view}>{uses}</svg></div>'


def _without_title(figure: Figure, name: str) -> str:
    """The figure's SVG; the page says the title in text."""
    with _hidden([text for text in figure.texts if text.get_gid() in (TITLE, SUBTITLE)]):
        return as_svg(figure, name)


@contextmanager
def _hidden(artists: Sequence[Artist]) -> Iterator[None]:
    for one in artists:
        one.set_visible(False)
    try:
        yield
    finally:
        for one in artists:
            one.set_visible(True)


def _panels(figure: Figure, stack: Stack) -> list[Part]:
    """What can be shown by itself."""
    panels: list[Part] = []
    for group in _grouped(_drawn(figure.axes), stack):
        boxes = [box for axes in group if (box := axes.get_tightbbox()) is not None]
        panels.append(([str(axes.get_gid()) for axes in group], Bbox.union(boxes)))
    return panels


def _keys(figure: Figure) -> list[Part]:
    """Each entry of the legends of the whole figure, so that they flow as words do."""
    return [
        ([str(legend.get_gid())], _entry(figure, legend, text))
        for legend in figure.legends
        for text in legend.get_texts()
    ]


def _entry(figure: Figure, legend: Legend, text: Text) -> Bbox:
    """The box around a legend's text and the mark on its left, which not every mark knows."""
    letter = float(text.get_fontsize()) * figure.dpi / POINTS_AN_INCH
    box = text.get_window_extent()
    mark = (legend.handlelength + legend.handletextpad) * letter
    return Bbox.from_extents(box.x0 - mark, box.y0, box.x1, box.y1)


def _drawn(axes: Iterable[Axes]) -> list[Axes]:
    return [one for one in axes if one.get_visible() and (one.has_data() or one.texts)]


def _grouped(found: list[Axes], stack: Stack) -> list[list[Axes]]:
    """Axes that belong together: of one column, or drawn over one another."""
    groups: list[list[Axes]] = []
    for axes in found:
        own = next((group for group in groups if _belong(axes, group[0], stack)), None)
        if own is None:
            groups.append([axes])
        else:
            own.append(axes)
    return groups


def _belong(one: Axes, other: Axes, stack: Stack) -> bool:
    first, second = one.get_subplotspec(), other.get_subplotspec()
    if stack == "columns" and first and second:
        return first.colspan.start == second.colspan.start
    return _overlap(one, other)


def _overlap(one: Axes, other: Axes) -> bool:
    """Whether one lies over the other, as twins and insets do."""
    shared = Bbox.intersection(one.get_window_extent(), other.get_window_extent())
    return shared is not None and min(shared.width, shared.height) > 1


def _window(figure: Figure, box: Bbox) -> tuple[str, str]:
    """The attributes by which an `<svg>` shows a box, given in pixels, and how wide it may be."""
    points = POINTS_AN_INCH / figure.dpi
    width = box.width * points + 2 * MARGIN_POINTS
    height = box.height * points + 2 * MARGIN_POINTS
    left = box.x0 * points - MARGIN_POINTS
    top = (figure.bbox.height - box.y1) * points - MARGIN_POINTS
    inches = width / POINTS_AN_INCH
    sizes = {
        "least": NARROWEST_REM * inches,
        "panel": WIDEST_PANEL_REM * inches,
        "most": WIDEST_REM * inches,
    }
    style = ";".join(f"--{name}:{rem:.1f}rem" for name, rem in sizes.items())
    return f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}"', f'style="{style}"'
