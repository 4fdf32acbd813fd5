"""The report of a study of the local sweep engine, as one HTML page and PNG files.

python -m sweeps.report cnn-bayes
python -m sweeps.report cnn-bayes --out my_report
"""

import argparse
from pathlib import Path

import optuna
from matplotlib.figure import Figure

from sweeps.storage import open_existing, study_folder
from sweeps.study_report import findings, plots, space_plots, study_table
from sweeps.study_report import page as report_page
from sweeps.study_report.findings import Importances, importances
from sweeps.study_report.study_table import StudyTable
from utils.errors import exit_plainly
from utils.paths import shown


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Open, read, draw, write, tell; the exit status."""
    asked = _parse(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = study_table.read(open_existing(asked.study, asked.storage))
    folder = asked.out or study_folder(study.name) / "report"
    page = write(study, folder)
    for warning in findings.warnings_of(study):
        print(f"note: {warning}")
    print(findings.best_sentence(study))
    print(f"report: {shown(page)}")
    return 0


def write(study: StudyTable, folder: Path) -> Path:
    """Write the page and a PNG of each figure into `folder`; the path of the page."""
    found = importances(study)
    return report_page.build(study, found, draw_all(study, found)).write(folder)[0]


def draw_all(study: StudyTable, found: Importances) -> dict[str, Figure]:
    """All figures that the study has the trials for, by the name of their file."""
    if study.scored.empty:
        return {}
    order = report_page.by_importance(study, found)
    figures: dict[str, Figure | None] = {
        "history": plots.history_figure(study),
        "early_stopping": plots.early_stopping_figure(study),
        "importances": plots.importances_figure(found) if found.found else None,
        "parallel": space_plots.parallel_figure(study, order),
        "slices": space_plots.slices_figure(study, order),
        "cost": plots.cost_figure(study),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("study", help="name of the study")
    parser.add_argument("--storage", metavar="URL", help="where it is kept; see sweeps/storage.py")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder of the report; runs/sweeps/STUDY/report by default",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
