"""The winner by the mean over new seeds, and how much is luck."""

import argparse
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from scipy import stats

from sweeps import best, confirmation, results, retraining, sweep_file
from sweeps.confirmation import Candidate
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
    ranked = confirmation.rank([lucky, solid], maximize=True)
    assert ranked[0] is solid and confirmation.rank([lucky, solid], maximize=False)[0] is lucky
    assert "trial 3 leads trial 0 by 0.0233" in confirmation.verdict(ranked)[0]
    close = [Candidate(0, 1, (0.90, 0.94, 0.91)), Candidate(1, 1, (0.93, 0.90, 0.91))]
    assert "cannot be told apart" in confirmation.verdict(close)[0]
    # Draws move both alike: the pairs see a small gap through it, means and deviations do not.
    steady = [Candidate(0, 1, (0.80, 0.91, 0.99)), Candidate(1, 1, (0.79, 0.90, 0.979))]
    assert "trial 0 leads trial 1 by 0.0103" in confirmation.verdict(steady)[0]
    single = [Candidate(0, 1, (0.94,)), Candidate(1, 1, (0.90,))]
    assert "more seeds" in confirmation.verdict(single)[0]
    assert confirmation.verdict(single[:1]) == []


def test_repetitions_are_paired_by_their_number():
    one = Candidate(0, 1, (0.9, 0.8, 0.7), (2, 0, 5))
    other = Candidate(1, 1, (0.5, 0.6), (0, 2))
    assert one.paired(other) == pytest.approx([0.3, 0.3])


def test_what_repetitions_can_show():
    """By simulation: a paired t test finds the gap in four cases of five."""
    rng = np.random.default_rng(0)
    for count in (3, 5, 18):
        gap = confirmation.detectable(0.0075, count)
        drawn = gap + 0.0075 * rng.standard_normal((4000, count))
        found = stats.ttest_1samp(drawn, 0, axis=1).pvalue < confirmation.LEVEL
        assert found.mean() == pytest.approx(confirmation.POWER, abs=0.06)
    assert 17 <= confirmation.repetitions_for(0.0075, 0.005) <= 21
    assert 5 <= confirmation.repetitions_for(0.0075, 0.01) <= 7


def test_the_cheapest_of_those_that_are_as_good_is_named():
    best = Candidate(0, 1, (0.90, 0.92, 0.91), seconds=300)
    cheap = Candidate(1, 1, (0.905, 0.915, 0.905), seconds=40)
    bad = Candidate(2, 1, (0.80, 0.81, 0.80), seconds=4)
    assert confirmation.cheapest([best, cheap, bad]) is cheap
    assert "trial 1" in confirmation.verdict([best, cheap, bad])[-1]
    assert "13% of the time" in confirmation.verdict([best, cheap, bad])[-1]
    assert confirmation.cheapest([best, bad]) is best


def options(**changes):
    asked = {"seeds": 2, "seed_parameter": "seed", "draw_parameter": None, "set": []}
    return argparse.Namespace(**{**asked, **changes})


def test_draws_are_new_where_the_program_says_how_they_are_called(url):
    made = study(url, [0.1])
    assert retraining.repetitions(made.study, options()).varied == {"seed": [1, 2]}
    made.keep_facts({"draw_parameter": "split_seed", "repeated_with": {"draws": 1}})
    found = retraining.repetitions(made.study, options(set=[("epochs", 30)]))
    assert found.varied == {"seed": [1, 2], "split_seed": [1, 2]}
    assert found.fixed == {"draws": 1, "epochs": 30}
    sweep = retraining._sweep_of_retrainings(made.study, found)
    top = retraining.top_trials(made.study, 1, "seed")
    (first, attributes), _second = retraining._retrainings(sweep, top, found)
    assert (first["seed"], first["split_seed"], first["draws"], first["epochs"]) == (1, 1, 1, 30)
    assert attributes == {"candidate": 0, "repetition": 0}
    # A trial of several draws has used the seeds that follow its own.
    assert retraining.new_seeds(made.study, 2, "seed", used_at_once=3) == [3, 4]


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

    repeated = retraining.repetitions(made.study, options())
    again = SweepStudy(retraining._sweep_of_retrainings(made.study, repeated), "top-best", url)
    top = retraining.top_trials(made.study, 2, "seed")
    jobs = retraining._retrainings(again.sweep, top, repeated)
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


def test_trainings_of_a_table_are_taken_over_and_not_run_again(url, tmp_path, capsys):
    first = study(url, [0.90, 0.93, 0.91])
    args = best._parse(["top", "--top=2", "--seeds=2", f"--storage={url}"])
    again = retraining._sweep_of_retrainings(
        first.study, retraining.repetitions(first.study, args)
    )
    trained = [
        create_trial(
            state=TrialState.COMPLETE,
            value=score,
            params=params,
            distributions=again.space.stored,
            user_attrs={**attributes, "seconds": 60.0},
        )
        for score, (params, attributes) in zip(
            (0.91, 0.88, 0.92, 0.89),
            retraining._retrainings(
                again,
                retraining.top_trials(first.study, 2, "seed"),
                retraining.repetitions(first.study, args),
            ),
            strict=True,
        )
    ]
    results.write(trained, again.space, tmp_path / "best.csv")
    args = best._parse(
        ["top", "--top=2", "--seeds=2", f"--storage={url}", f"--begin-with={tmp_path}/best.csv"]
    )
    assert retraining.run(args) == 0
    printed = capsys.readouterr().out
    assert "trial 1 leads trial 2 by 0.0300" in printed
    tables = (tmp_path / "best.csv", tmp_path / "sweeps" / "top" / "best.csv")
    given, written = (path.read_text().splitlines() for path in tables)
    assert len(given) == 5
    assert [line.split(",", 1)[1] for line in written] == [line.split(",", 1)[1] for line in given]
