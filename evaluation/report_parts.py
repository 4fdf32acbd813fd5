"""What all reports on scores share: notices, table cells, where results come from."""

import datetime
import json
from typing import Any

import pandas as pd

from evaluation.metrics import ClassScore
from evaluation.significance import Interval
from utils.page import Cell, Ranged, folded
from utils.versions import commit, versions

SYNTHETIC_NOTICE = (
    "Synthetic beats. These scores show that the programs work; they say nothing about hearts."
)


def made_by(program: str) -> str:
    """The foot of a page; `program` as it is called, e.g. ``eval.py``."""
    return f"Made by {program} of Beatsweep. Research software, not a medical device."


def as_sentence(text: str) -> str:
    """A phrase with a capital letter and a full stop; empty for an empty one."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def interval_cell(score: Interval, form: str = ".3f", range_form: str = ".3f") -> Ranged:
    """A score with its interval in small type."""
    return Ranged(f"{score.value:{form}}", f"{score.low:{range_form}} – {score.high:{range_form}}")


def f1_text(of_class: ClassScore, missing: str = "–") -> str:
    """The F1 of a class; `missing` where there are no such beats."""
    return f"{of_class.f1:.3f}" if of_class.support else missing


def f1_with_support(of_class: ClassScore) -> Cell:
    """The F1 of a class with its number of beats in small type."""
    if not of_class.support:
        return "no beats"
    return Ranged(f1_text(of_class), f"of {of_class.support:,}")


def number_text(value: float | None, decimals: int) -> str | None:
    """A number, or an empty cell where it is not known."""
    return None if value is None or pd.isna(value) else f"{value:.{decimals}f}"


def folded_json(summary: str, content: Any) -> str:
    """Settings or facts that open at a click."""
    return folded(summary, json.dumps(content, indent=2, default=str))


def provenance() -> dict[str, Any]:
    """What a result was made with, and when, for its JSON file."""
    return {
        "commit": commit(),
        "versions": versions(),
        "created": created(),
    }


def created() -> str:
    """Now, in UTC, for a JSON file."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
