"""Write a data set as the CSV files that Kaggle publishes it in.

    python -m heartbeats.export mitbih data/kaggle

No header; 187 values and the label a row; `mitbih_test.csv` in the order of Kaggle's rows.
"""

from pathlib import Path

from heartbeats.names import DATA_SETS
from utils.command_line import Parser, one_of
from utils.errors import InputError, exit_plainly
from utils.paths import shown


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Load, split by the official test set, write; the exit status."""
    parser = Parser(__doc__)
    parser.add_argument(
        "data", type=one_of(*DATA_SETS), metavar="DATA", help="data set, e.g. mitbih"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the CSV files go")
    asked = parser.parse_args(argv)
    import numpy as np

    from heartbeats import catalog, kaggle_csv

    beats = catalog.load(asked.data)
    if beats.official_test is None:
        raise InputError(
            f"'{beats.name}' has no official test set, so there is no train and test file to "
            "write; mitbih has one"
        )
    for part, chosen in (("train", ~beats.official_test), ("test", beats.official_test)):
        rows = np.flatnonzero(chosen)
        path = asked.folder / f"{beats.name}_{part}.csv"
        kaggle_csv.write(path, beats.signals[rows], beats.labels[rows])
        print(f"{shown(path)}: {len(rows):,} beats")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
