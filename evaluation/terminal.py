"""The table of results for the terminal."""

from rich.table import Table

from evaluation.comparison import Comparison
from evaluation.metrics import ClassScore
from evaluation.significance import Interval


def results_table(comparison: Comparison) -> Table:
    """One row for each model: accuracy and macro-F1 with 95 % intervals, F1 of each class."""
    first = comparison.results[0].assessment
    table = Table(
        title=first.test_title,
        caption=first.protocol_meaning,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
    )
    table.add_column("model", no_wrap=True)
    for name in ("accuracy", "macro-F1", *(f"F1 {name}" for name in first.class_names)):
        table.add_column(name, justify="right", no_wrap=True)
    for one in comparison.results:
        table.add_row(
            one.name,
            _with_interval(one.accuracy, ".2%"),
            _with_interval(one.macro_f1, ".4f"),
            *map(_f1, one.assessment.scores.classes),
        )
    return table


def _with_interval(score: Interval, form: str) -> str:
    return f"{score.value:{form}}\n[dim]{score.low:{form}} – {score.high:{form}}[/dim]"


def _f1(of_class: ClassScore) -> str:
    return f"{of_class.f1:.3f}\n[dim]of {of_class.support:,}[/dim]" if of_class.support else "–"
