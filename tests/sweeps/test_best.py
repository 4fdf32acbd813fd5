"""The winner by the mean over new seeds, and how much is luck."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from sweeps import retraining, sweep_file
from sweeps.retraining import Candidate
from sweeps.study import SweepStudy
from utils.errors import InputError

TEXT = """\
program: training/train_cnn.py
name: top
method: random
metric: {name: best_val_macro_f1, goal: maximize}
early_terminate: {type: hyperband, min_iter: 1}
run_cap: 9
parameters:
  width: {values: [8, 16, 32, 64]}
  layers: {values: [[1], [1, 2]]}
"""


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_RUNS", str(tmp_path))
    return f"sqlite:///{tmp_path}/sweeps/studies.db"


def study(url: str, scores: list[float], text: str = TEXT) -> SweepStudy:
    made = SweepStudy(sweep_file.parse(text, Path("top.yaml")), url=url)
    for score in scores:
        trial = made.take(None)
        made.finish(trial, TrialState.COMPLETE, score)
    return made


def test_the_mean_decides_and_the_gap_is_judged():
    lucky, solid = Candidate(0, 0.95, (0.90, 0.91, 0.90)), Candidate(3, 0.93, (0.93, 0.93, 0.92))
    ranked = retraining.rank([lucky, solid], maximize=True)
    assert ranked[0] is solid and retraining.rank([lucky, solid], maximize=False)[0] is lucky
    assert "trial 3 leads by" in retraining.verdict(ranked)
    close = [Candidate(0, 1, (0.90, 0.94)), Candidate(1, 1, (0.93, 0.90))]
    assert "within twice the standard error" in retraining.verdict(close)
    single = [Candidate(0, 1, (0.94,)), Candidate(1, 1, (0.90,))]
    assert "more seeds" in retraining.verdict(single)


@pytest.mark.slow
def test_top_settings_differ_in_more_than_their_seed(url):
    text = (
        TEXT.replace("run_cap: 9", "")
        .replace("random", "grid")
        .replace("early_terminate: {type: hyperband, min_iter: 1}\n", "")
    )
    text = text.replace("  layers: {values: [[1], [1, 2]]}", "  seed: {values: [0, 1]}")
    made = study(url, [0.1, 0.2, 0.5, 0.3, 0.4, 0.45, 0.0, 0.0], text)
    top = retraining.top_trials(made.study, 3, "seed")
    assert [trial.number for trial in top] == [2, 5, 1]
    assert retraining.new_seeds(made.study, 3, "seed") == [2, 3, 4]


def test_seeds_that_the_sweep_did_not_use_are_new(url):
    assert retraining.new_seeds(study(url, [0.1]).study, 2, "seed") == [1, 2]


@pytest.mark.slow
def test_the_winner_comes_from_the_retrainings_once_there_are_any(url):
    made = study(url, [0.1, 0.9, 0.8])
    first = retraining.winner("top", url)
    assert first.summary.startswith("trial 1 of study top, the best of 3")
    assert "partly luck" in first.summary
    assert first.settings == made.sweep.space.reals(made.trials()[1].params)
    assert isinstance(first.settings["layers"], list)

    again = SweepStudy(
        retraining._sweep_of_retrainings(made.study, "seed", [1, 2]), "top-best", url
    )
    top = retraining.top_trials(made.study, 2, "seed")
    jobs = retraining._retrainings(again.sweep, top, "seed", [1, 2])
    again.enqueue(jobs)
    again.enqueue(jobs)
    for score in (0.5, 0.7, 0.6, 0.7):
        trial = again.take(0)
        again.finish(trial, TrialState.COMPLETE, score)
    assert again.take(0) is None
    found = retraining.candidates(made.study, again.study)
    assert [(one.number, one.values) for one in found] == [(1, (0.5, 0.6)), (2, (0.7, 0.7))]
    second = retraining.winner("top", url)
    assert second.summary.startswith("trial 2 of study top, the best of 2 settings by the mean")
    assert "seed" not in second.settings


def test_a_study_that_cannot_have_a_winner_is_reported(url):
    study(url, [])
    with pytest.raises(InputError, match="'top' has no finished trial yet"):
        retraining.winner("top", url)
    with pytest.raises(InputError, match="no study 'tpo' in the storage; it has: top"):
        retraining.winner("tpo", url)
    optuna.create_study(study_name="theirs", storage=url)
    with pytest.raises(InputError, match="no sweep with a `metric`"):
        retraining.winner("theirs", url)
