"""A report's files, each written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from utils.files import write_whole
from utils.style import as_png


def write_page(path: Path, html: str) -> Path:
    """Write a page; its path."""
    write_whole(path, lambda temporary: temporary.write_text(html, encoding="utf-8"))
    return path


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
