"""A report: one page that needs nothing else, and beside it its figures, tables and numbers.

    report = Report(
        "Stamps", "Counted by hand.",
        [heading("Colours"), table(["colour", "stamps"], rows), Picture("colours", figure)],
        tables={"colours.csv": frame},
        numbers={"colours.json": counts},
    )
    paths = report.write(folder)

Sections are HTML from `utils.page`, and pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from utils.files import write_json, write_whole
from utils.page import footer, page
from utils.picture import Picture
from utils.style import as_png

Section = str | Picture


@dataclass(frozen=True)
class Report:
    """What a report says, and which files it leaves.

    Attributes:
        title, lead: plain text, the heading of the page and the sentence below it.
        sections: HTML from `utils.page`, and pictures, each of which is also left as NAME.png.
        made_by: a sentence for the foot of the page.
        warnings: plain sentences, shown before everything else.
        tables: file name -> the content of that CSV file; None where there is none:
            a file of that name from an older report would mislead, so it is removed.
        numbers: file name -> the content of that JSON file.
        page: the file name of the page.
        pngs: whether each picture is left as a file too.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    made_by: str = ""
    warnings: Sequence[str] = ()
    tables: Mapping[str, pd.DataFrame | None] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    page: str = "report.html"
    pngs: bool = True

    @property
    def figures(self) -> dict[str, Figure]:
        """Name -> figure of those that become files, in the order of the page."""
        pictures = [one for one in self.sections if isinstance(one, Picture)]
        return {one.name: one.figure for one in pictures if self.pngs}

    @property
    def files(self) -> list[str]:
        """The names of the files beside the page."""
        tables = [name for name, table in self.tables.items() if table is not None]
        return [*self.numbers, *(f"{name}.png" for name in self.figures), *tables]

    def html(self) -> str:
        """The page."""
        parts = [one.html() if isinstance(one, Picture) else one for one in self.sections]
        beside = f"Beside this page: {', '.join(self.files)}." if self.files else ""
        return page(
            self.title,
            self.lead,
            [*parts, footer(f"{self.made_by} {beside}".strip())],
            warnings=self.warnings,
        )

    def write(self, folder: Path) -> list[Path]:
        """Write all files, each whole or not at all, the page last.

        Files of an older report in the same folder are replaced.

        Args:
            folder: made where it is missing.

        Returns:
            the files, the page first.
        """
        html = self.html()
        for name, content in self.numbers.items():
            write_json(folder / name, content)
        write_figures(folder, self.figures)
        for name, table in self.tables.items():
            if table is None:
                (folder / name).unlink(missing_ok=True)
            else:
                write_table(folder / name, table)
        path = folder / self.page
        write_whole(path, lambda temporary: temporary.write_text(html, encoding="utf-8"))
        return [path, *(folder / name for name in self.files)]


def write_figures(folder: Path, figures: Mapping[str, Figure]) -> list[Path]:
    """Write each figure as ``NAME.png``; their paths."""
    return [_write_png(folder / f"{name}.png", figure) for name, figure in figures.items()]


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as CSV; its path."""
    write_whole(path, lambda temporary: table.to_csv(temporary, index=False))
    return path


def _write_png(path: Path, figure: Figure) -> Path:
    png = as_png(figure)
    write_whole(path, lambda temporary: temporary.write_bytes(png))
    return path
