"""The names of data sets, protocols and downloads, as command lines offer them.

No library is imported here, so that a program's help needs none. `heartbeats.catalog` loads the
data sets, `heartbeats.splits` divides them, `heartbeats.sources` fetches the downloads.
"""

import argparse
from dataclasses import dataclass

from utils.command_line import one_of

# MIT-BIH where it is found, else synthetic beats.
AUTO = "auto"
DATA_SETS = ("synthetic", "mitbih", "ptb", "ptbxl", "ecg5000")
# What each protocol asks, in the words that reports print.
PROTOCOLS = {
    "kaggle": "split by beat, Kaggle's test set: every patient is in training and in test",
    "ucr": "the archive's own 500 training and 4,500 test beats, all of one patient",
    "beats": "split by beat, a random fifth: patients are unknown and likely in both parts",
    "patients": "split by patient: nobody is in training and in test",
}


def add_data_flag(group: argparse._ActionsContainer, default: str = AUTO) -> None:
    """Give a parser, or a group of it, the flag `--data`."""
    group.add_argument(
        "--data",
        type=one_of(AUTO, *DATA_SETS),
        default=default,
        metavar="NAME",
        help=f"data set: {AUTO} (MIT-BIH where found) or one of {', '.join(DATA_SETS)}; "
        "default: %(default)s",
    )


def add_protocol_flag(group: argparse._ActionsContainer) -> None:
    """Give a parser, or a group of it, the flag `--protocol`."""
    group.add_argument(
        "--protocol",
        type=one_of(*PROTOCOLS),
        metavar="NAME",
        help=f"which beats are test beats: one of {', '.join(PROTOCOLS)}; default: the data set's",
    )


@dataclass(frozen=True)
class Database:
    """A PhysioNet database: its address, and which of its files the project reads.

    Attributes:
        about: one line for the help.
        path: slug and version, the end of the database's address.
        records: regular expression of the names of the files that belong to records.
        also: files that are fetched with any record.
        licence: of the data.
    """

    about: str
    path: str
    records: str
    also: tuple[str, ...] = ()
    licence: str = "Open Data Commons Attribution License v1.0"

    @property
    def credit(self) -> str:
        page = f"https://physionet.org/content/{self.path}/"
        return f"licence: {self.licence}; whom to cite: {page}"


DATABASES = {
    "mitdb": Database(
        "MIT-BIH Arrhythmia Database, 48 half hours, 94 MB",
        "mitdb/1.0.0",
        r"\d{3}\.(hea|dat|atr)",
    ),
    "nstdb": Database(
        "MIT-BIH noise: baseline wander, electrode motion, muscle",
        "nstdb/1.0.0",
        r"(bw|em|ma)\.(hea|dat)",
    ),
    "ptbdb": Database(
        "PTB Diagnostic ECG Database, 549 records, 1.7 GB",
        "ptbdb/1.0.0",
        r"patient\d{3}/\w+\.(hea|dat|xyz)",
        also=("RECORDS",),
    ),
    "ptbxl": Database(
        "PTB-XL at 100 Hz, 21,799 records",
        "ptb-xl/1.0.3",
        r"records100/\d{5}/\d{5}_lr\.(hea|dat)",
        also=("ptbxl_database.csv", "scp_statements.csv"),
        licence="Creative Commons Attribution 4.0",
    ),
    "ludb": Database(
        "LUDB, 200 records with marked waves",
        "ludb/1.0.1",
        r"data/\d+\.(hea|dat|i|ii|iii|av[rlf]|v[1-6])",
        also=("ludb.csv", "RECORDS"),
    ),
}
# What can be downloaded, with a line for the help.
DOWNLOADABLE = {name: database.about for name, database in DATABASES.items()} | {
    "ecg5000": "ECG5000 of the UCR archive, 5,000 beats",
    "kaggle": "MIT-BIH and PTB beats as Kaggle has them, 580 MB; needs kagglehub",
}
