"""The report on shifts as one HTML page."""

from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure

from evaluation.shift.findings import findings, worst_for_each_class
from evaluation.shift.measure import Point, curves
from utils.page import Cell, Ranged, footer, heading, note, page, picture, table

CAPTION = (
    "Leftmost point of each panel and dotted line: clean beats. Band: 95 % bootstrap interval. "
    "Between levels lines only guide the eye; levels are not evenly spaced."
)


def build(
    points: Sequence[Point],
    figure: Figure,
    *,
    title: str,
    lead: str,
    notes: Iterable[str],
    warnings: Iterable[str],
) -> str:
    """The page.

    Args:
        points: from `shift.measure`.
        figure: from `shift_figure`.
        title, lead: the test set, and how much of it was measured.
        notes: how it was done, a paragraph each.
        warnings: what must be read before any number.
    """
    return page(
        title,
        lead,
        [
            heading("In words"),
            *(f"<p>{sentence}</p>" for sentence in findings(points)),
            heading("Curves"),
            picture(figure, "shift", CAPTION),
            heading("What harms each class most"),
            _worst_table(points),
            note("Of all levels tried; a wider range of levels would give other answers."),
            heading("Macro-F1"),
            _score_table(points),
            heading("How it was done"),
            *(note(text) for text in notes),
            footer("Made by eval.py of Beatsweep. Research software, not a medical device."),
        ],
        warnings=warnings,
    )


def _worst_table(points: Sequence[Point]) -> str:
    rows: list[list[Cell]] = [
        [
            model,
            class_name,
            worst.change.title,
            worst.label,
            f"{clean:.3f}",
            f"{next(c.f1 for c in worst.scores.classes if c.name == class_name):.3f}",
        ]
        for model, class_name, worst, clean in worst_for_each_class(points)
    ]
    headers = ["model", "class", "change", "level", "F1 clean", "F1 there"]
    return table(headers, rows, text_columns=4)


def _score_table(points: Sequence[Point]) -> str:
    """A row for each level, columns of each model's scores."""
    models = list(dict.fromkeys(point.model for point in points))
    classes = [c.name for c in points[0].scores.classes if c.support]
    by_row: dict[tuple[str, str], list[Cell]] = {}
    for change, _model, own in curves(points):
        for point in own:
            cells = by_row.setdefault((change.title, point.label), [change.title, point.label])
            cells += _cells(point)
    groups = [("", 2), *((model, 1 + len(classes)) for model in models)]
    headers = ["change", "level", *["macro-F1", *classes] * len(models)]
    return table(headers, by_row.values(), text_columns=2, groups=groups)


def _cells(point: Point) -> list[Cell]:
    one = point.macro_f1
    macro = Ranged(f"{one.value:.3f}", f"{one.low:.3f} – {one.high:.3f}")
    return [macro, *(f"{c.f1:.2f}" for c in point.scores.classes if c.support)]
