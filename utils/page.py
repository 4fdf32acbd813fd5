"""One self-contained HTML page: no script, nothing fetched, light or dark as the reader has it."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

STYLE_SHEET = Path(__file__).with_name("page.css")
# Letters of a cell that stay on one line.
LONG_TEXT = 28


@dataclass(frozen=True)
class Bar:
    """A table cell with a bar behind its text, `share` of the cell wide."""

    text: str
    share: float


@dataclass(frozen=True)
class Ranged:
    """A table cell with its interval in small type."""

    text: str
    interval: str


Cell = str | int | Bar | Ranged | None


def page(title: str, lead: str, sections: Iterable[str], *, warnings: Iterable[str] = ()) -> str:
    """The whole page.

    Args:
        title, lead: plain text, the heading and the sentence below it.
        sections: HTML, from the functions below.
        warnings: plain sentences, shown before everything else.
    """
    boxes = "\n".join(f'<p class="warning">{html.escape(text)}</p>' for text in warnings)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n"
        f"<style>\n{STYLE_SHEET.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{html.escape(title)}</h1>\n<p class="lead">{html.escape(lead)}</p>\n'
        + boxes
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def heading(text: str) -> str:
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text: str, *, strong: bool = False) -> str:
    words = html.escape(text)
    return f"<p><strong>{words}</strong></p>" if strong else f"<p>{words}</p>"


def note(text: str) -> str:
    """A paragraph in small grey type: how numbers were made, what they do not say."""
    return f'<p class="note">{html.escape(text)}</p>'


def columns(*parts: Iterable[str]) -> str:
    """Parts side by side where the screen is wide enough, else one below another."""
    inside = "".join(f"<div>{''.join(part)}</div>" for part in parts)
    return f'<div class="columns">{inside}</div>'


def footer(text: str) -> str:
    return f'<footer class="note">{html.escape(text)}</footer>'


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    text_columns: int = 1,
    groups: Iterable[tuple[str, int]] = (),
) -> str:
    """A table; a cell that is None is empty.

    Args:
        headers, rows: the cells.
        text_columns: so many columns from the left hold words, the others numbers.
        groups: names over the headers, each with the number of columns that it spans.
    """
    over = "".join(f'<th colspan="{span}">{html.escape(name)}</th>' for name, span in groups)
    above = f'<tr class="groups">{over}</tr>' if over else ""
    head = "".join(
        f'<th scope="col"{_kind(place, text_columns)}>{html.escape(name)}</th>'
        for place, name in enumerate(headers)
    )
    body = "\n".join(
        "<tr>"
        + "".join(_cell(cell, _kind_of_cell(cell, i, text_columns)) for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table>\n<thead>{above}<tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def folded(summary: str, text: str) -> str:
    """Preformatted text that opens at a click."""
    return (
        f"<details><summary>{html.escape(summary)}</summary>"
        f"<pre>{html.escape(text)}</pre></details>"
    )


def _kind(place: int, text_columns: int) -> str:
    return ' class="text"' if place < text_columns else ""


def _kind_of_cell(cell: Cell, place: int, text_columns: int) -> str:
    """Short words stay on one line; long ones wrap, but not word by word on a narrow screen."""
    is_long = isinstance(cell, str) and len(cell) > LONG_TEXT and place < text_columns
    return ' class="text long"' if is_long else _kind(place, text_columns)


def _cell(cell: Cell, kind: str) -> str:
    if isinstance(cell, Bar):
        style = f'class="bar" style="--share:{100 * cell.share:.1f}%"'
        return f"<td {style}>{html.escape(cell.text)}</td>"
    if isinstance(cell, Ranged):
        interval = html.escape(cell.interval)
        return f"<td{kind}>{html.escape(cell.text)} <small>{interval}</small></td>"
    text = f"{cell:,}" if isinstance(cell, int) else cell or ""
    return f"<td{kind}>{html.escape(text)}</td>"
