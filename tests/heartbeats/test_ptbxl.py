"""PTB-XL records become beats of their superclass, in the publishers' folds."""

import numpy as np
import pytest

from heartbeats import catalog, ptbxl, splits
from tests.heartbeats.twelve_leads import write_record
from utils.errors import InputError
from utils.paths import data_folder

STATEMENTS = """,description,diagnostic,diagnostic_class
NORM,normal ECG,1.0,NORM
IMI,inferior myocardial infarction,1.0,MI
LVH,left ventricular hypertrophy,1.0,HYP
SR,sinus rhythm,,
"""
CODES = (
    "{'NORM': 100.0, 'SR': 0.0}",
    "{'IMI': 35.0}",
    "{'NORM': 80.0, 'LVH': 0.0}",
    "{'SR': 0.0}",
    "{'LVH': 50.0, 'IMI': 0.0}",
    "{'NORM': 100.0}",
)
FOLDS = (1, 2, 3, 4, 9, 10)


@pytest.fixture
def folder(tmp_path):
    """Six records of four patients; the table knows a seventh that was not downloaded."""
    folder = tmp_path / "ptbxl"
    rows = ["ecg_id,patient_id,scp_codes,strat_fold,filename_lr"]
    for number, (codes, fold) in enumerate(zip(CODES, FOLDS, strict=True), start=1):
        name = f"{number:05d}_lr"
        write_record(
            folder / "records100" / "00000", name, 100, seed=number, leads=UPPER_CASE_LEADS
        )
        rows.append(f'{number},{100 + number}.0,"{codes}",{fold},records100/00000/{name}')
    rows.append("7,107.0,\"{'IMI': 9.0}\",5,records100/00000/00007_lr")
    (folder / "ptbxl_database.csv").write_text("\n".join(rows) + "\n")
    (folder / "scp_statements.csv").write_text(STATEMENTS)
    return folder


UPPER_CASE_LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")


def test_both_and_none_are_left_out_and_counted(folder, capsys):
    beats = ptbxl.load(folder)
    assert sorted(set(beats.records)) == ["00001_lr", "00002_lr", "00005_lr", "00006_lr"]
    printed = capsys.readouterr().out
    assert "6 of 7 records are there; 4 are normal or abnormal, 2 are both or neither" in printed


def test_beats_bear_label_patient_and_fold(folder):
    beats = ptbxl.load(folder)
    of_record = {
        name: (set(beats.labels[own]), set(beats.patients[own]), set(beats.folds[own]))
        for name in ("00001_lr", "00005_lr")
        for own in [beats.records == name]
    }
    assert of_record == {"00001_lr": ({0}, {"101"}, {1}), "00005_lr": ({1}, {"105"}, {9})}
    assert beats.folds.dtype == np.uint8


def test_the_publishers_folds_are_the_split(folder):
    beats = ptbxl.load(folder)
    for seed in (0, 1):
        train, validation = splits.development(beats, "patients", seed=seed)
        assert set(beats.folds[train]) == {1, 2}
        assert set(beats.folds[validation]) == {9}
    assert set(beats.folds[splits.held_out(beats, "patients")]) == {10}


def test_folds_come_back_from_the_cache(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path / "runs"))
    first, second = (catalog.load("ptbxl", tmp_path) for _ in range(2))
    assert np.array_equal(first.folds, second.folds)
    assert isinstance(second.signals, np.memmap)


def test_a_fold_that_was_not_downloaded_is_told(folder):
    (folder / "records100" / "00000" / "00006_lr.dat").unlink()
    beats = ptbxl.load(folder)
    with pytest.raises(InputError, match="no beat of 'ptbxl' is in the publishers' fold 10"):
        splits.held_out(beats, "patients")


def test_missing_tables_and_columns_are_told(folder):
    table = folder / "ptbxl_database.csv"
    table.write_text(table.read_text().replace("strat_fold", "fold"))
    with pytest.raises(InputError, match="has no column strat_fold"):
        ptbxl.load(folder)
    table.unlink()
    with pytest.raises(InputError, match=r"ptbxl_database\.csv is missing.*download ptbxl"):
        ptbxl.load(folder)


def test_no_usable_record_is_told(folder):
    for file in (folder / "records100" / "00000").glob("*.dat"):
        file.unlink()
    with pytest.raises(InputError, match="holds no PTB-XL record that is normal or abnormal"):
        ptbxl.load(folder)


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_records():
    if (found := ptbxl.find_folder(data_folder())) is None:
        pytest.skip("no PTB-XL records under $ECG_DATA")
    table = ptbxl._read_table(found / ptbxl.DATABASE, ptbxl.DATABASE_COLUMNS)
    assert (table.groupby("patient_id")["strat_fold"].nunique() == 1).all()
    statements = ptbxl._read_table(found / ptbxl.STATEMENTS, ptbxl.STATEMENT_COLUMNS)
    classes = set(ptbxl.superclasses(statements).values())
    assert classes == {"NORM", "MI", "STTC", "CD", "HYP"}
