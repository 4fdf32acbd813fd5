"""Fetch public ECG data into the folder of downloads.

    python -m heartbeats.download mitdb                     the MIT-BIH Arrhythmia Database
    python -m heartbeats.download mitdb --records 100 101   two of its records
    python -m heartbeats.download kaggle                    Kaggle's CSV files (needs kagglehub)

Files that are there already are verified and kept; an interrupted command continues where it
stopped.
"""

import argparse
import re
import sys
from pathlib import Path

from heartbeats.names import DATABASES, DOWNLOADABLE
from utils.command_line import Parser, one_of
from utils.errors import exit_plainly
from utils.paths import data_folder, shown

# PhysioNet's own copy of its open databases, with the same folders.
MIRROR = "https://physionet-open.s3.amazonaws.com"


@exit_plainly
def main(argv: list[str] | None = None) -> int:
    """Fetch one data set; the exit status."""
    asked = _parse(argv)
    from heartbeats.fetching import KEPT
    from heartbeats.sources import Wanted, fetch

    folder = (asked.to or data_folder()).expanduser() / asked.data
    try:
        done = fetch(Wanted(asked.data, folder, asked.records, asked.base_url))
    except KeyboardInterrupt:
        print(KEPT, file=sys.stderr)
        raise
    print(f"{asked.data}: {done}; in {shown(folder)}")
    if (database := DATABASES.get(asked.data)) is not None:
        print(database.credit)
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    listed = "\n".join(f"    {name:10}{about}" for name, about in DOWNLOADABLE.items())
    parser = Parser(f"{__doc__}\nData sets:\n\n{listed}")
    parser.add_argument(
        "data", type=one_of(*DOWNLOADABLE), metavar="DATA", help="the data set to fetch"
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="folder of downloads; a folder DATA is made in it (default: $ECG_DATA, else data/)",
    )
    parser.add_argument(
        "--records", nargs="+", metavar="NAME", help="only these records (PhysioNet)"
    )
    parser.add_argument(
        "--from",
        dest="base_url",
        metavar="URL",
        help=f"a mirror; for PhysioNet's databases e.g. {MIRROR}",
    )
    asked = parser.parse_args(argv)
    if asked.records and asked.data not in DATABASES:
        parser.error(f"{asked.data} has no records to choose from")
    if asked.base_url and not re.match(r"https?://\S", asked.base_url):
        parser.error(f"--from takes an address such as {MIRROR}, not {asked.base_url}")
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
