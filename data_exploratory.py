"""Pictures of a data set, as PNG files and one page.

python data_exploratory.py                    # MIT-BIH where it is found, else synthetic beats
python data_exploratory.py --data=synthetic --to pictures
python data_exploratory.py --augmented        # and what augmentation makes of training beats
"""

import argparse
from pathlib import Path

from rich.table import Table

from evaluation.assessment import TITLES
from experiments.exploration import report
from heartbeats import catalog
from heartbeats.beat_set import BeatSet
from utils.console import new_console
from utils.errors import exit_plainly
from utils.paths import runs_folder, shown


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Load, draw, write, print; the exit status."""
    asked = _parse(argv)
    beats = catalog.load(asked.data)
    folder = asked.to or runs_folder() / "explore" / beats.name
    rows = report.class_rows(beats)
    _print_table(beats, rows)
    figures = report.draw_all(beats, asked.seed)
    if asked.augmented:
        augmented, sentences = report.draw_augmented(beats, asked.seed)
        print(*sentences, sep="\n")
        figures |= augmented
    for path in report.write(folder, beats, rows, figures):
        print(shown(path))
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    known = ", ".join(["auto (MIT-BIH where found)", *catalog.DATA_SETS])
    parser.add_argument("--data", default=catalog.AUTO, help=f"one of {known}")
    parser.add_argument("--to", type=Path, help="folder of the pictures and the page")
    parser.add_argument("--seed", type=int, default=0, help="draws examples and points")
    parser.add_argument(
        "--augmented", action="store_true", help="also draw what augmentation makes of them"
    )
    return parser.parse_args(argv)


def _print_table(beats: BeatSet, rows: list[list[str]]) -> None:
    kind = "synthetic beats" if beats.is_synthetic else "beats"
    result = Table(title=f"{TITLES.get(beats.name, beats.name)}: {len(beats):,} {kind}")
    for place, name in enumerate(report.HEADERS):
        result.add_column(name, justify="left" if place < 2 else "right", overflow="fold")
    for row in rows:
        result.add_row(*row)
    console = new_console(120)
    console.print(result)


if __name__ == "__main__":
    raise SystemExit(main())
