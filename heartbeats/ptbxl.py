"""PTB-XL at 100 Hz: 10 s records of twelve leads, cut into beats: normal against abnormal.

A record is normal where its only diagnostic superclass is NORM, and abnormal where it has others
and not NORM. The publishers' ten folds keep patients apart; they recommend fold 10
for the test and fold 9 for validation, whose labels were checked most closely.

Source: Wagner P et al. PTB-XL, a large publicly available electrocardiography dataset. Scientific
Data 7:154 (2020), https://doi.org/10.13026/kfzx-aw45.
"""

import ast
from pathlib import Path

import pandas as pd

from heartbeats.beat_set import BeatSet
from heartbeats.labelled_records import ABNORMAL, NORMAL, LabelledRecord, is_there, load_beats
from utils.errors import InputError
from utils.paths import shown

TEST_FOLD, VALIDATION_FOLD = 10, 9
DATABASE, STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"
DATABASE_COLUMNS = ("patient_id", "scp_codes", "strat_fold", "filename_lr")
STATEMENT_COLUMNS = ("diagnostic", "diagnostic_class")
CLASS_MEANINGS = {"normal": "superclass NORM alone", "abnormal": "other superclasses, no NORM"}
FETCH = "fetch it with `python -m heartbeats.download ptbxl`"


def find_folder(data_folder: Path) -> Path | None:
    """The folder with the table of records, or None where there is no record."""
    folder = data_folder / "ptbxl"
    return folder if any(folder.glob("records100/*/*.hea")) else None


def source_files(folder: Path) -> list[Path]:
    """The tables and the folders of records, for a cache to watch.

    A folder's time changes when a record comes or goes, and there are 22 of them for 43,598 files.
    """
    return [folder / DATABASE, folder / STATEMENTS, *sorted(folder.glob("records100/*"))]


def load(folder: Path) -> BeatSet:
    """Cut the records that are there into beats, in the order of the table.

    Records with NORM and another superclass, or with none, are left out.

    Raises:
        InputError: a table is missing or lacks a column, no record is usable, one is damaged or
            lacks a lead, or all are of one class.
    """
    database = _read_table(folder / DATABASE, DATABASE_COLUMNS)
    superclass_of = superclasses(_read_table(folder / STATEMENTS, STATEMENT_COLUMNS))
    there = [row for row in database.itertuples() if is_there(folder / row.filename_lr)]
    labels = [label_of(row.scp_codes, superclass_of) for row in there]
    records = [
        _record(folder, row, label)
        for row, label in zip(there, labels, strict=True)
        if label is not None
    ]
    if not records:
        raise InputError(
            f"{shown(folder)} holds no PTB-XL record that is normal or abnormal, with its .hea "
            f"and .dat files; {FETCH}"
        )
    print(
        f"ptbxl: {len(there):,} of {len(database):,} records are there; {len(records):,} are "
        f"normal or abnormal, {len(there) - len(records):,} are both or neither and left out; "
        "finding their beats, once; later loads use the cache"
    )
    return load_beats("ptbxl", records)


def superclasses(statements: pd.DataFrame) -> dict[str, str]:
    """SCP code -> diagnostic superclass, for the codes that are diagnoses."""
    diagnoses = statements[statements["diagnostic"] == 1]
    return dict(zip(diagnoses.index, diagnoses["diagnostic_class"], strict=True))


def label_of(scp_codes: str, superclass_of: dict[str, str]) -> int | None:
    """The label of a record with these statements; None for both, or for no diagnosis.

    Args:
        scp_codes: a Python dictionary, as the table has it: code -> likelihood in per cent, which
            is 0 where it is not known, and does not count here.
    """
    found = {superclass_of[code] for code in ast.literal_eval(scp_codes) if code in superclass_of}
    if not found or ("NORM" in found and len(found) > 1):
        return None
    return NORMAL if "NORM" in found else ABNORMAL


def _record(folder: Path, row, label: int) -> LabelledRecord:
    path = folder / row.filename_lr
    return LabelledRecord(path, path.name, str(int(row.patient_id)), label, int(row.strat_fold))


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{shown(path)} is missing, and with it the diagnoses; {FETCH}")
    table = pd.read_csv(path, index_col=0)
    if lacking := [name for name in columns if name not in table]:
        raise InputError(
            f"{shown(path)} has no column {', '.join(lacking)}; it is not PTB-XL's table: {FETCH}"
        )
    return table
