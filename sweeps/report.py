"""The report of a study of the local sweep engine: one HTML page, PNG files, Markdown, a table.

python -m sweeps.report cnn-bayes
python -m sweeps.report cnn-bayes --to my_report
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from utils.command_line import Parser
from utils.errors import InputError, exit_plainly
from utils.paths import shown

if TYPE_CHECKING:
    import optuna


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Open the study, write its report, print what it found; the exit status."""
    args = _parse(argv)
    # Imported late: help and mistakes in the command are answered at once.
    import optuna

    from sweeps.storage import open_existing, study_folder

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    stored = open_existing(args.study, args.storage)
    # Later still, since a study that is not there should not wait for matplotlib.
    from sweeps import retraining
    from sweeps.study_report import findings, page, study_table, summary

    study = study_table.read(stored)
    folder = args.to or study_folder(study.name) / "report"
    found = findings.importances(study)
    file = page.write(study, found, folder)
    text = summary.write(study, found, retraining.confirmed(stored), folder)
    table = _write_table(stored, folder)
    for warning in findings.warnings_of(study):
        print(f"note: {warning}")
    print(findings.best_sentence(study))
    print(f"report: {shown(file)}\nas Markdown: {shown(text)}")
    if table:
        print(f"all trials: {shown(table)}")
    return 0


def _write_table(study: "optuna.Study", folder: Path) -> Path | None:
    """All trials as a CSV file, where the study kept a sweep that can be read."""
    from sweeps import results, sweep_file

    try:
        space = sweep_file.of_content(study.user_attrs.get("sweep") or {}, study.study_name).space
    except InputError:  # the report does without it, too
        return None
    results.write(study.get_trials(deepcopy=False), space, folder / "trials.csv")
    return folder / "trials.csv"


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("study", help="name of the study")
    parser.add_argument(
        "--storage", metavar="URL", help="SQLAlchemy URL; default: SQLite in the runs folder"
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="folder of the report; runs/sweeps/STUDY/report by default",
    )
    parser.add_argument("--out", dest="to", type=Path, help=argparse.SUPPRESS)  # its former name
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
