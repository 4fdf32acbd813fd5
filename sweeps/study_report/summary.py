"""A study in Markdown, short enough for a README or a pull request."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from sweeps.confirmation import Candidate, verdict
from sweeps.study_report.findings import Importances, introduction, shown_score, warnings_of
from sweeps.study_report.page import by_importance
from sweeps.study_report.study_table import StudyTable, shown_value
from utils.files import write_whole

TOP = 5
MOST_IMPORTANT = 8


def write(
    study: StudyTable, found: Importances, confirmed: Sequence[Candidate], folder: Path
) -> Path:
    """Write `summary.md` beside the report's figures, which it shows; its path.

    Args:
        study: all trials.
        found: the importances of the parameters.
        confirmed: the settings that were trained again, best first; none where none were.
        folder: of the report.
    """
    path = folder / "summary.md"
    text = markdown(study, found, confirmed, [one.name for one in folder.glob("*.png")])
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))
    return path


def markdown(
    study: StudyTable,
    found: Importances,
    confirmed: Sequence[Candidate],
    pictures: Sequence[str] = (),
) -> str:
    """The text; arguments as for `write`, `pictures` are the files that lie beside it."""
    parts = [f"# {study.name}", introduction(study)]
    if pitfalls := warnings_of(study):
        parts.append("\n".join(f"- {one}" for one in pitfalls))
    if "history.png" in pictures:
        parts.append("![How the search went](history.png)")
    parts += _confirmed(study, confirmed)
    parts += _top(study, found)
    parts += _importances(study, found)
    return "\n\n".join(parts) + "\n"


def _confirmed(study: StudyTable, confirmed: Sequence[Candidate]) -> list[str]:
    if not confirmed:
        return []
    rows = [
        [one.number, f"{one.value:.4f}", one.shown, len(one.values), _seconds(one.seconds)]
        for one in confirmed
    ]
    headers = ["trial", "in the sweep", f"{study.metric} again", "repetitions", "seconds"]
    return [
        "## Trained again, on new seeds and new draws",
        _table(headers, rows),
        "\n".join(f"- {one}" for one in verdict(confirmed)),
    ]


def _top(study: StudyTable, found: Importances) -> list[str]:
    if study.ranked.empty:
        return []
    names = by_importance(study, found)
    rows = []
    for number, row in study.ranked.head(TOP).iterrows():
        settings = ", ".join(
            f"{name} {shown_value(study.values.at[number, name])}" for name in names
        )
        rows.append([number, shown_score(row["score"]), _seconds(row["seconds"]), settings])
    return [
        f"## The best {len(rows)} of {len(study.ranked):,} finished trials",
        _table(["trial", study.metric, "seconds", "settings, the most important first"], rows),
    ]


def _importances(study: StudyTable, found: Importances) -> list[str]:
    known = [one for one in found.found if one.share > found.chance_level][:MOST_IMPORTANT]
    if not known:
        return [f"No parameter stands out: {found.why_not}"] if found.why_not else []
    rows = [
        [
            one.name,
            f"{one.share:.0%}",
            "" if one.correlation is None else f"{one.correlation:+.2f}",
        ]
        for one in known
    ]
    return [
        "## What mattered",
        _table(["parameter", "share of the variance", "rank correlation with the score"], rows),
        f"Functional ANOVA over {found.trials:,} trials; what lies below {found.chance_level:.0%} "
        "cannot be told from chance and is left out.",
    ]


def _table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f}" if seconds == seconds else ""
