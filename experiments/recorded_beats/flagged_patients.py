"""Flagged patients beside the annotators': all records analysed, and compared with annotations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from experiments.recorded_beats import annotated_beats
from experiments.recorded_beats.methods import chosen_checkpoint
from heartbeats import mitdb
from heartbeats.beat_set import AAMI_CLASSES
from recordings import database, patients
from recordings.summary import ECTOPIC
from recordings.terminal import watched
from utils.console import new_console
from utils.errors import InputError
from utils.files import write_json
from utils.paths import runs_folder, shown
from utils.report import write_table

IRREGULAR_RHYTHMS = ("AFIB", "AFL")
# What is looked at: the column found, the true one, and the reason whose threshold flags.
BURDENS = {
    "ectopic beats": ("ectopic_share", "true_ectopic_share"),
    "irregular minutes": ("irregular_minutes", "true_irregular_minutes"),
}
GROUPS = {"DS1": mitdb.DS1, "DS2": mitdb.DS2}


def run_and_report(checkpoint: Path | None, jobs: int) -> None:
    """Analyse what is not analysed yet, compare, print and write.

    Args:
        checkpoint: JSON file of a CNN, None for the best.
        jobs: count of processes.

    Raises:
        InputError: the records or the network are not there, or a record failed.
    """
    console = new_console(130)
    folder = annotated_beats.folder()
    to = runs_folder() / "experiments" / "patients"
    found = analyse_all(folder, to, checkpoint, jobs, console)
    table = found.merge(truths(folder, found["record"].tolist()), on="record")
    write_table(to / "patients.csv", table)
    scores = [compare(name, table[table["record"].isin(own)]) for name, own in GROUPS.items()]
    write_json(to / "scores.json", scores)
    console.print(scores_table(scores))
    print(f"see {shown(to / 'patients.csv')}")


def analyse_all(
    folder: Path, to: Path, checkpoint: Path | None, jobs: int, console: Console
) -> pd.DataFrame:
    """The patients' table of all records.

    Raises:
        InputError: a record failed, or there is no network that was trained on DS1 alone.
    """
    chosen = chosen_checkpoint(checkpoint)
    job = database.Job(checkpoint=chosen.path, pictures=False)
    paths = [folder / record for record in (*mitdb.DS1, *mitdb.DS2)]
    outcomes = database.run(paths, folder, to, job, jobs)
    rows = [one.row for one in watched(outcomes, len(paths), console)]
    table = patients.table(rows).astype({"record": str})
    if table["error"].astype(bool).any():
        raise InputError(f"{table['error'].iloc[-1]} (record {table['record'].iloc[-1]})")
    return table


def truths(folder: Path, records: Sequence[str]) -> pd.DataFrame:
    """`true_ectopic_share` and `true_irregular_minutes` by the annotators."""
    rows = []
    for record in records:
        recording = mitdb.read_recording(folder / record)
        kinds = np.array(AAMI_CLASSES)[recording.labels[recording.labels >= 0]]
        seconds = sum(
            end_s - start_s
            for name, start_s, end_s in recording.rhythms()
            if name in IRREGULAR_RHYTHMS
        )
        rows.append((record, float(np.isin(kinds, ECTOPIC).mean()), seconds / 60))
    return pd.DataFrame(rows, columns=["record", "true_ectopic_share", "true_irregular_minutes"])


def compare(group: str, table: pd.DataFrame) -> dict:
    """How well burdens and flags agree with the annotations in some records."""
    thresholds = {reason.column: reason.flagged_from for reason in patients.REASONS}
    scores: dict = {"group": group, "records": len(table)}
    any_truth = np.zeros(len(table), bool)
    for name, (column, true_column) in BURDENS.items():
        found, true = table[column].to_numpy(float), table[true_column].to_numpy(float)
        ill, flagged = true >= thresholds[column], found >= thresholds[column]
        any_truth |= ill
        scores[name] = {
            "ill": int(ill.sum()),
            "sensitivity": _share(flagged[ill]),
            "specificity": _share(~flagged[~ill]),
            "spearman": _rank_correlation(found, true),
            "median_error": round(float(np.median(np.abs(found - true))), 4),
        }
    scores["score_auc"] = round(float(roc_auc_score(any_truth, table["score"])), 3)
    return scores


def scores_table(scores: Sequence[dict]) -> Table:
    """A row for each group of records and burden."""
    table = Table(
        title="Flagged patients against the annotators'",
        title_justify="left",
        title_style="bold",
        caption="AUC: of the score, for records with a true burden of either kind above its "
        "threshold",
        caption_justify="left",
    )
    for name in ("records", "burden"):
        table.add_column(name, no_wrap=True)
    for name in ("truly so", "sensitivity", "specificity", "rank correlation", "AUC"):
        table.add_column(name, justify="right")
    for one in scores:
        for name in BURDENS:
            own = one[name]
            table.add_row(
                f"{one['group']} ({one['records']})",
                name,
                str(own["ill"]),
                _percent(own["sensitivity"]),
                _percent(own["specificity"]),
                "–" if own["spearman"] is None else f"{own['spearman']:.2f}",
                f"{one['score_auc']:.2f}",
            )
    return table


def _rank_correlation(found: np.ndarray, true: np.ndarray) -> float | None:
    """Spearman's, None where all records have the same."""
    if np.ptp(found) == 0 or np.ptp(true) == 0:
        return None
    return round(float(spearmanr(found, true).statistic), 3)


def _share(hits: np.ndarray) -> float | None:
    return round(float(hits.mean()), 4) if hits.size else None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
