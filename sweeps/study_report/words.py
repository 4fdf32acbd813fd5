"""What the report of a study says in words."""

from sweeps.study_report.findings import ENOUGH_TRIALS, Edge, Importances, SeedNoise, edges
from sweeps.study_report.study_table import FAILED, FINISHED, STOPPED, StudyTable

# From so many failures on, the search itself is in doubt.
FAILED_SHARE = 0.2


def lead(study: StudyTable) -> str:
    """What was searched and how, how far it came, and the best score."""
    method = study.sweep.get("method", "an unknown method")
    program = study.sweep.get("program", "an unknown program")
    varying = f"{len(study.scales)} parameter{'' if len(study.scales) == 1 else 's'}"
    counts = [
        f"{count:,} {state}" for state, count in study.counts.items() if count or state == FINISHED
    ]
    hours = study.trials["seconds"].sum() / 3600
    spent = f"{hours:,.1f} hours" if hours >= 1 else f"{60 * hours:,.1f} minutes"
    return (
        f"{varying} of {program} searched by {method}, to "
        f"{'maximise' if study.is_maximised else 'minimise'} {study.metric}. "
        f"Trials: {', '.join(counts)}; {spent} of training. {best_sentence(study)}"
    )


def best_sentence(study: StudyTable) -> str:
    """The best score and its trial, or that there is none."""
    if study.ranked.empty:
        return "No trial has finished with a score."
    number, score = study.ranked.index[0], study.ranked["score"].iloc[0]
    return f"The best score is {shown_score(score)}, of trial {number}."


def shown_score(score: float) -> str:
    """A score with four decimals, or four digits where it is tiny or huge."""
    return f"{score:.4f}" if 1e-2 <= abs(score) < 1e4 or score == 0 else f"{score:.4g}"


def warnings_of(study: StudyTable) -> list[str]:
    """What must be read before any number."""
    found = _edge_warning(edges(study))
    finished, counts = study.counts[FINISHED], study.counts
    if finished < ENOUGH_TRIALS:
        found.append(
            f"Only {finished} trial{' has' if finished == 1 else 's have'} finished: too few to "
            "tell good settings from lucky ones, and below "
            f"{ENOUGH_TRIALS} no importances are computed."
        )
    tried = sum(counts[state] for state in (FINISHED, STOPPED, FAILED))
    if counts[FAILED] and counts[FAILED] >= FAILED_SHARE * tried:
        found.append(
            f"{counts[FAILED]:,} of {tried:,} trials failed. If the failures lie in one region of "
            "the space, the search has not seen that region; the reasons are listed below."
        )
    return found


def _edge_warning(found: list[Edge]) -> list[str]:
    if not found:
        return []
    return [
        "The best trial lies at the edge of what was searched; wider ranges may hold better "
        f"settings: {'; '.join(edge.phrase() for edge in found)}."
    ]


def luck(study: StudyTable, noise: SeedNoise | None) -> str:
    """That the best of many is partly luck, with a number where seeds were repeated."""
    best, count = study.ranked["score"].iloc[0], len(study.ranked)
    text = (
        f"The best of {count:,} noisy trials is best partly by luck: its score is likely to fall "
        "when it is trained again."
        if count > 1
        else "One training tells little: its score depends on its seed."
    )
    if noise is not None:
        near = int((study.ranked["score"] - best).abs().le(2 * noise.deviation).sum())
        text += (
            f" Settings that differ in their seed alone ({noise.groups:,} "
            f"group{'' if noise.groups == 1 else 's'}) differ by a standard deviation of "
            f"{noise.deviation:.2g}; {near:,} of the {count:,} trials lie within two of these of "
            "the best."
        )
    return (
        f"{text} `python -m sweeps.best {study.name}` retrains the top settings with several "
        "seeds."
    )


def captions(study: StudyTable, importances: Importances) -> dict[str, str]:
    """What to see in each figure, by its name."""
    stopped = study.counts[STOPPED] > 0
    return {
        "history": "Still improving at the right end: the search is not done. Flat for long: more "
        "trials of the same kind will bring little. Elapsed time includes pauses; training time "
        "is the sum over all trials, also those that ran side by side."
        + " A stopped trial is drawn at its last value."
        * stopped,
        "early_stopping": _early_stopping_caption(study),
        "importances": f"Functional ANOVA of the ranks of {importances.trials:,} scores, each "
        "parameter by itself. Grey bars cannot be told from chance. What depends on two "
        "parameters together is not shown, and only the ranges that were searched count."
        + " Stopped trials count with their last value, which is also worse because they ran "
        "for a shorter time." * stopped,
        "parallel": "Where blue lines meet, good settings agree; where they spread over an axis, "
        "the parameter matters little. Lines that share one of a few values are spread a little."
        + " Stopped trials are included with their last value."
        * stopped,
        "slices": "A trend that improves towards an edge asks for a wider range. An adaptive "
        "search tries good regions more often, so dense parts are not better by themselves. "
        "Points that share one of a few values are spread a little sideways."
        + " The medians leave out stopped trials, so a value whose trials were mostly stopped "
        "looks better than it is." * stopped,
        "cost": "Where the line is flat, more time or a larger network bought nothing."
        + " Stopped trials are cheap because they were stopped." * stopped,
    }


def _early_stopping_caption(study: StudyTable) -> str:
    stopped = study.trials.index[study.trials["state"] == STOPPED]
    ended = study.trials.index[study.trials["state"].isin([FINISHED, STOPPED])]
    lengths = {n: study.curves[n][-1, 0] for n in ended if n in study.curves}
    full = max((lengths[n] for n in ended.difference(stopped) if n in lengths), default=0)
    if not len(stopped) or not full:
        return "No trial was stopped early."
    share = sum(lengths.values()) / (full * len(lengths))
    return (
        f"{len(stopped):,} of {len(ended):,} trials were stopped early; all of them together ran "
        f"{share:.0%} of the log calls that they would have run to the end. Where curves cross "
        "after a dotted line, stopping there was too early."
    )
