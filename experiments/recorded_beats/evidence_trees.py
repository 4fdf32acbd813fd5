"""Trees on timing and shape of beats: fitted to DS1 of MIT-BIH, and scored on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import track
from sklearn.ensemble import HistGradientBoostingClassifier

from evaluation.metrics import Scores, score
from experiments.recorded_beats import annotated_beats
from experiments.recorded_beats.annotated_beats import AnnotatedRecord
from heartbeats import mitdb
from heartbeats.beat_set import AAMI_CLASSES
from recordings.kinds import evidence
from recordings.kinds.boosted_trees import BoostedTrees, from_fitted
from recordings.kinds.evidence import Evidence, RecordingView
from utils.files import write_whole
from utils.paths import shown

N, S, V, F, Q = range(len(AAMI_CLASSES))
# Two records in each part that is left out.
PARTS = 11
# Small trees: 22 people are few.
TREES, LEAVES, LEAST_ROWS, RATE, RIDGE, SEED = 80, 8, 40, 0.08, 5.0, 0
# A class weighs as much as one over its share to this power: 0 would be as they come, 1 all alike.
BALANCE = 0.3
# All else equal, an early beat is no less likely to be ectopic, one in an irregular rhythm, where
# early says little, no more likely, and one that differs more in shape no less likely.
RISES = ("qrs_difference", "qrs_width", "qrs_area", "t_difference", "p_difference")
FALLS = (
    "rr_to_median",
    "rr_to_mean",
    "rr_to_recording",
    "rr_to_previous",
    "spread",
    "irregularity",
    "qrs_likeness",
    "t_likeness",
    "p_likeness",
)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Labelled:
    """One record, and its found beats as they look."""

    record: AnnotatedRecord
    seen: RecordingView

    @property
    def labels(self) -> np.ndarray:
        """(beats,) int, the class of each, -1 where nobody marked a beat."""
        return self.record.found_labels


def score_shares(records: Sequence[Labelled]) -> None:
    """Print scores of patients left out in turn, for each share, and for those in use."""
    raw = left_out(records)
    print(f"{len(records)} records of DS1, found beats, patients left out in turn, no network")
    for share in SHARES:
        tell(f"V drawn to cluster {share:.0%}", scores(records, raw, share, 0))
    for share in SHARES:
        tell(f"S drawn to cluster {share:.0%}", scores(records, raw, 0, share))
    chosen = (evidence.CLUSTER_SHARE_V, evidence.CLUSTER_SHARE_S)
    tell(f"both as used, {chosen[0]:.0%} and {chosen[1]:.0%}", scores(records, raw, *chosen))


def fit_and_write(records: Sequence[Labelled]) -> None:
    """Fit both questions to all of the records, and write the trees that the analysis reads."""
    write(*(fit(records, question) for question in QUESTIONS))
    print(f"fitted to all of DS1: {shown(evidence.TREES_FILE)}")


def read(names: Sequence[str]) -> list[Labelled]:
    """Find the beats of the records and look at them."""
    found = []
    for name in track(names, "finding beats"):
        record = annotated_beats.read(annotated_beats.folder() / name)
        seen = evidence.view(record.signal_mv, record.sampling_hz, record.found)
        found.append(Labelled(record, seen))
    return found


def left_out(
    records: Sequence[Labelled], wanted: Collection[str] = mitdb.DS1
) -> dict[str, Evidence]:
    """The evidence on each wanted record by trees that saw neither it nor the rest of its part."""
    raw: dict[str, Evidence] = {}
    for part in track(range(PARTS), "leaving patients out"):
        own = [one for one in records[part::PARTS] if one.record.name in wanted]
        if not own:
            continue
        others = [one for place, one in enumerate(records) if place % PARTS != part]
        ventricular, supraventricular = (fit(others, question) for question in QUESTIONS)
        for one in own:
            raw[one.record.name] = evidence.of_each_beat(one.seen, ventricular, supraventricular)
    return raw


@dataclass(frozen=True)
class Question:
    """What a set of trees is asked: beats of `yes` against those of `no`, others left out."""

    columns: tuple[str, ...]
    yes: tuple[int, ...]
    no: tuple[int, ...]


# Fusion beats (F) are between N and V, and nearly all of one person: they say yes to neither.
VENTRICULAR = Question(evidence.VENTRICULAR, (V,), (N, S, Q))
SUPRAVENTRICULAR = Question(evidence.SUPRAVENTRICULAR, (S,), (N, Q))
QUESTIONS = (VENTRICULAR, SUPRAVENTRICULAR)


def fit(records: Sequence[Labelled], question: Question) -> BoostedTrees:
    """Trees for one question, fitted to the records' marked beats that have a shape."""
    rows = np.concatenate([one.seen.columns(question.columns) for one in records])
    labels = np.concatenate([one.labels for one in records])
    whole = np.concatenate([one.seen.windows.whole for one in records])
    taken = whole & np.isin(labels, (*question.yes, *question.no))
    answers = np.isin(labels[taken], question.yes).astype(int)
    directions = [1 if one in RISES else -1 if one in FALLS else 0 for one in question.columns]
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_ROWS,
        learning_rate=RATE,
        l2_regularization=RIDGE,
        monotonic_cst=directions,
        early_stopping=False,
        random_state=SEED,
    )
    weights = (len(answers) / np.bincount(answers, minlength=2).clip(1)) ** BALANCE
    model.fit(rows[taken], answers, sample_weight=weights[answers])
    return from_fitted(model)


def scores(
    records: Sequence[Labelled], raw: Mapping[str, Evidence], of_v: float, of_s: float
) -> Scores:
    """How the evidence alone classifies, drawn so far towards the clusters' means."""
    labels, predicted = [], []
    for one in records:
        drawn = evidence.shrunk(one.seen.clusters, raw[one.record.name], of_v, of_s)
        marked = one.labels >= 0
        labels.append(one.labels[marked])
        predicted.append(evidence.classes(drawn)[marked])
    return score(np.concatenate(labels), np.concatenate(predicted), AAMI_CLASSES)


def as_used(one: Labelled, raw: Mapping[str, Evidence]) -> Evidence:
    """Its evidence, drawn towards the clusters' means as far as `evidence.of_view` does."""
    shares = (evidence.CLUSTER_SHARE_V, evidence.CLUSTER_SHARE_S)
    return evidence.shrunk(one.seen.clusters, raw[one.record.name], *shares)


def tell(name: str, reached: Scores) -> None:
    """Print one line."""
    f1 = [one.f1 for one in reached.classes]
    print(
        f"{name:28s} accuracy {reached.accuracy:.4f}, F1 of N {f1[N]:.4f}, S {f1[S]:.4f}, "
        f"V {f1[V]:.4f}; macro-F1 of N S V F {np.mean(f1[: F + 1]):.4f}"
    )


def write(ventricular: BoostedTrees, supraventricular: BoostedTrees) -> None:
    """Put the trees where `recordings.kinds.evidence` reads them."""
    arrays = {
        **ventricular.as_arrays("ventricular"),
        **supraventricular.as_arrays("supraventricular"),
    }

    def save(path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    write_whole(evidence.TREES_FILE, save)
