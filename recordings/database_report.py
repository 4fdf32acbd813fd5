"""The files of a database: the patients' table, their picture, and a page."""

from pathlib import Path

import pandas as pd

from evaluation.report_files import write_figures, write_page, write_table
from recordings.beat_table import rounded
from recordings.database_page import build_database_page
from recordings.pictures.patients import patients_figure

TABLE, PAGE = "patients.csv", "patients.html"


def write(folder: Path, name: str, table: pd.DataFrame, *, linked: bool) -> list[Path]:
    """Write ``patients.csv``, ``patients.png`` and ``patients.html``; their paths.

    Args:
        folder: of the database's results.
        name: of the database.
        table: from `patients.table`.
        linked: whether each recording has a page of its own to link to.
    """
    figure = patients_figure(table)
    return [
        write_page(folder / PAGE, build_database_page(name, table, figure, linked=linked)),
        *write_figures(folder, {"patients": figure}),
        write_table(folder / TABLE, rounded(table)),
    ]
