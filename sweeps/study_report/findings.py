"""What a study shows, and what it cannot show: numbers, and the sentences of its report.

Edges of ranges, importances of parameters, noise between seeds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from scipy import stats

from sweeps.study_report.study_table import (
    FAILED,
    FINISHED,
    STOPPED,
    Scale,
    StudyTable,
    shown_value,
)
from sweeps.trial_history import at_full_length
from utils.paths import command

EDGE_SHARE = 0.05
TOP = 5
ENOUGH_TRIALS = 10
# A random sample of this size gives the shares to about 0.02, and takes some seconds.
MOST_TRIALS = 400
RANDOM_PARAMETERS = 8
RANDOM_NAME = "random numbers "  # no YAML name of a setting has a space
SEED = 0
NO_CURVE = np.empty((0, 2))
# With more failures than this share the search itself is in doubt.
FAILED_SHARE = 0.2


@dataclass(frozen=True)
class Edge:
    """A parameter whose best value lies at an end of its range.

    Attributes:
        scale: the parameter.
        value: that of the best trial.
        is_upper: at the upper end or last choice.
        others: how many of the `top` best trials, the best among them, lie at the same end.
        top: how many trials were looked at.
    """

    scale: Scale
    value: Any
    is_upper: bool
    others: int
    top: int

    def phrase(self) -> str:
        """Parameter, value, range, and how many of the best lie there."""
        low, high = self.scale.low, self.scale.high
        if self.scale.choices:
            low, high = self.scale.choices[0], self.scale.choices[-1]
        kind = "list" if self.scale.choices else "log range" if self.scale.is_log else "range"
        return (
            f"{self.scale.name} {shown_value(self.value)} at the "
            f"{'upper' if self.is_upper else 'lower'} end of its {kind} {shown_value(low)} to "
            f"{shown_value(high)} ({self.others} of the best {self.top} trials)"
        )


@dataclass(frozen=True)
class Importance:
    """How much of the spread of scores one parameter explains by itself.

    Attributes:
        name: of the parameter.
        share: of the variance of the scores' ranks, 0 to 1.
        correlation: Spearman's, positive where higher values go with better scores; None for
            unordered choices.
    """

    name: str
    share: float
    correlation: float | None


@dataclass(frozen=True)
class Importances:
    """The importances, or why there are none.

    Attributes:
        found: the most important first; empty where `why_not` says why.
        chance_level: the largest share that a parameter of random numbers reaches; less than
            that cannot be told from chance.
        trials: how many were used.
    """

    found: tuple[Importance, ...]
    chance_level: float = 0.0
    trials: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class SeedNoise:
    """How much scores differ between seeds alone.

    Attributes:
        deviation: the pooled standard deviation within groups of equal settings.
        groups: how many such groups there are.
    """

    deviation: float
    groups: int


def edges(table: StudyTable) -> list[Edge]:
    """The parameters whose best value lies in the outer EDGE_SHARE of the range, or first or last.

    Those where most of the best trials agree come first. Two choices have no inside, so lists of
    two are left out, as are unordered ones.
    """
    found = []
    best = table.ranked.index[:TOP]
    for scale in table.scales:
        sides = [_edge_side(scale, table.values.at[number, scale.name]) for number in best]
        if not sides or not sides[0]:
            continue
        value = table.values.at[best[0], scale.name]
        found.append(Edge(scale, value, sides[0] > 0, sides.count(sides[0]), len(sides)))
    return sorted(found, key=lambda edge: -edge.others)


def _edge_side(scale: Scale, value: Any) -> int:
    """-1 at the lower end, 1 at the upper end, else 0."""
    if not scale.is_ordered or scale.is_seed or scale.steps == 1 or value is None:
        return 0
    position = scale.position(value)
    # Of few values the first and the last count; a twentieth of the way holds no others.
    is_fine = not scale.choices and not 0 < scale.steps <= 1 / EDGE_SHARE
    margin = EDGE_SHARE if is_fine else 1e-9
    return int(position >= 1 - margin) - int(position <= margin)


def importances(table: StudyTable) -> Importances:
    """Functional ANOVA of the scores' ranks over finished and stopped trials.

    Ranks, so that a few diverged trials do not decide; stopped trials count as they would have
    become, since leaving them out would hide the very settings that made them bad. The
    parameters of random numbers that give the chance level follow the shadow features of Kursa and
    Rudnicki, Feature Selection with the Boruta Package (2010); the decomposition is that of
    Hutter, Hoos and Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance
    (2014), as Optuna computes it.
    """
    scored = table.scored[table.scored["has_settings"]]
    if len(scored) > MOST_TRIALS:
        scored = scored.sample(MOST_TRIALS, random_state=SEED)
    finished = int((scored["state"] == FINISHED).sum())
    if not table.scales:
        return Importances((), why_not="No parameter varies.")
    if finished < ENOUGH_TRIALS:
        return Importances(
            (),
            why_not=(f"{_trials(finished)} finished; importances need {ENOUGH_TRIALS} or more."),
        )
    if scored["score"].nunique() < 2:
        return Importances((), why_not="All trials scored the same.")
    return _fanova(table, scored)


def _trials(count: int) -> str:
    return f"{count:,} trial{'' if count == 1 else 's'}"


def _fanova(table: StudyTable, scored: pd.DataFrame) -> Importances:
    sign = -1 if table.is_maximised else 1
    whole = (scored["state"] == FINISHED).to_numpy()
    curves = [sign * table.curves.get(number, NO_CURVE)[:, 1] for number in scored.index]
    losses = at_full_length(sign * scored["score"].to_numpy(float), curves, whole)
    ranks = -pd.Series(losses, index=scored.index).rank()
    columns = {
        scale.name: _column(scale, table.values.loc[scored.index]) for scale in table.scales
    }
    spaces = {scale.name: _space(scale) for scale in table.scales}
    rng = np.random.default_rng(SEED)
    for number in range(RANDOM_PARAMETERS):
        columns[f"{RANDOM_NAME}{number}"] = rng.random(len(scored)).tolist()
        spaces[f"{RANDOM_NAME}{number}"] = FloatDistribution(0, 1)
    shares = _shares(columns, spaces, ranks.tolist())
    found = [
        Importance(scale.name, shares[scale.name], _correlation(scale, columns[scale.name], ranks))
        for scale in table.scales
    ]
    chance_level = max(share for name, share in shares.items() if name.startswith(RANDOM_NAME))
    return Importances(tuple(sorted(found, key=lambda one: -one.share)), chance_level, len(scored))


def _shares(
    columns: dict[str, list], spaces: dict[str, BaseDistribution], ranks: list[float]
) -> dict[str, float]:
    """The main effects, as shares of the variance."""
    study = optuna.create_study()
    study.add_trials(
        optuna.trial.create_trial(
            value=rank,
            distributions=spaces,
            params={name: column[row] for name, column in columns.items()},
        )
        for row, rank in enumerate(ranks)
    )
    return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=SEED))


def _column(scale: Scale, values: pd.DataFrame) -> list:
    """Numbers that a tree can split: positions in a range, or the number of the choice."""
    positions = [scale.position(value) for value in values[scale.name]]
    return (
        [round(one * (len(scale.choices) - 1)) for one in positions]
        if scale.choices
        else positions
    )


def _space(scale: Scale) -> BaseDistribution:
    if not scale.choices:
        return FloatDistribution(0, 1)
    if scale.is_ordered:
        return IntDistribution(0, len(scale.choices) - 1)
    return CategoricalDistribution(range(len(scale.choices)))


def _correlation(scale: Scale, column: list, ranks: pd.Series) -> float | None:
    if not scale.is_ordered or len(set(column)) < 2:
        return None
    return float(stats.spearmanr(column, ranks).statistic)


def seed_noise(table: StudyTable) -> SeedNoise | None:
    """The spread between finished trials that differ in their seeds alone, where there are any."""
    others = [scale.name for scale in table.scales if not scale.is_seed]
    if len(others) == len(table.scales):
        return None
    finished = table.ranked[table.ranked["has_settings"]]
    keys = table.values.loc[finished.index, others].map(repr).agg("|".join, axis=1)
    groups = [one["score"] for _key, one in finished.groupby(keys) if len(one) > 1]
    if not groups:
        return None
    variance = sum(((one - one.mean()) ** 2).sum() for one in groups)
    freedom = sum(len(one) - 1 for one in groups)
    return SeedNoise(float(np.sqrt(variance / freedom)), len(groups))


# --- Sentences ---------------------------------------------------------------------------------


def introduction(study: StudyTable) -> str:
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
        else "One training proves little: its score depends on its seed."
    )
    if noise is not None:
        near = int((study.ranked["score"] - best).abs().le(2 * noise.deviation).sum())
        text += (
            f" Settings that differ in their seed alone ({noise.groups:,} "
            f"group{'' if noise.groups == 1 else 's'}) differ by a standard deviation of "
            f"{noise.deviation:.2g}; {near:,} of the {count:,} trials lie within two of these of "
            "the best."
        )
    again = f"{command('best', 'sweeps.best')} {study.name}"
    return f"{text} `{again}` retrains the top settings with several seeds."


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
        + " Stopped trials count as they would have become, by those that went on."
        * stopped,
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
